"""OAuth's endpoints: a page that asks nobody, and tokens for what it gave."""

import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from service.sandbox import refusals
from service.sandbox.door.edge import Carried, Edge, Respond, answered, refused
from service.sandbox.door.oauth_wire import Form, is_v3, named, read_form, refusal_v3
from service.sandbox.refusals import Refusal
from service.sandbox.tokens.credentials import Credentials, authorized
from service.sandbox.tokens.grants import Grant, GrantRefused, Grants
from service.sandbox.world.records import Client, Location
from service.sandbox.world.world import World

SCOPE: Final = re.compile(r"[\w-]+(/[\w-]+)*(\.[\w-]+)?\.(readonly|write)")
GRANT_TYPES: Final = frozenset({"authorization_code", "refresh_token"})
FOR_LOCATION_TOKENS: Final = "oauth.write"
SINCE_V3: Final = frozenset({"/oauth/location-token"})
"""Paths that no older version knows (measured by others); the old path of the same call goes on under v3."""


class OAuth:
    """Errors have OAuth's shape: HighLevel lists the codes of none (its issue 249)."""

    def __init__(self, world: World, credentials: Credentials, grants: Grants, edge: Edge) -> None:
        self._world = world
        self._credentials = credentials
        self._grants = grants
        self._edge = edge

    CALLS: Final = (
        ("ChooseLocation", "GET", "/oauth/chooselocation"),
        ("AccessToken", "POST", "/oauth/token"),
        ("LocationToken", "POST", "/oauth/locationToken"),
        ("LocationToken", "POST", "/oauth/location-token"),
    )
    """Name, method and path: as faults and the log of calls know them."""

    def add_routes(self, router: web.UrlDispatcher) -> None:
        handlers = {
            "ChooseLocation": self._choose_location,
            "AccessToken": self._access_token,
            "LocationToken": self._location_token,
        }
        for name, method, path in self.CALLS:
            router.add_route(method, path, self._responder(name, handlers[name]))

    def _responder(self, name: str, handler: Callable[[web.Request, Form], web.Response]) -> Respond:
        async def respond(request: web.Request) -> web.StreamResponse:
            raw = await request.read()
            v3 = is_v3(request)
            if not v3 and request.path in SINCE_V3:
                raise web.HTTPNotFound

            def carry_out() -> Carried:
                try:
                    return Carried(handler(request, read_form(request, raw)), True)
                except (GrantRefused, Refusal) as refusal:
                    if v3:
                        return Carried(answered(refusal_v3(refusal), refusal.status), False)
                    if isinstance(refusal, GrantRefused):
                        return Carried(answered(refusal.body(), refusal.status), False)
                    return Carried(refused(refusal, self._world.new_uuid()), False)

            return await self._edge.serve(request, name, carry_out)

        return respond

    def _choose_location(self, request: web.Request, form: Form) -> web.Response:
        """Whoever opens this page has chosen already: the query's `location`, else the first."""
        query = request.query
        client = self._world.clients.get(query.get("client_id", ""))
        if client is None:
            raise GrantRefused(400, "invalid_client", "Invalid client: `client_id` is unknown")
        redirect_uri = query.get("redirect_uri", "")
        if not _may_return_to(client, redirect_uri):
            raise GrantRefused(400, "invalid_request", "Invalid request: `redirect_uri` is not registered")
        if query.get("response_type") != "code":
            raise GrantRefused(400, "unsupported_response_type", "Invalid request: `response_type` must be `code`")
        scopes = tuple(query.get("scope", "").split())
        if not scopes or not all(SCOPE.fullmatch(scope) for scope in scopes):
            raise GrantRefused(400, "invalid_scope", "Invalid scope: `scope` lists scopes with spaces between them")
        code = self._grants.authorize(Grant(client, scopes, self._chosen(query.get("location"))), redirect_uri)
        back = {"code": code} | ({"state": query["state"]} if "state" in query else {})
        joint = "&" if urlsplit(redirect_uri).query else "?"
        return web.Response(status=302, headers={"Location": redirect_uri + joint + urlencode(back)})

    def _chosen(self, location_id: str | None) -> Location:
        locations = self._world.locations
        if location_id is None:
            return next(iter(locations.values()))
        if location_id not in locations:
            raise GrantRefused(400, "invalid_request", "Invalid request: `location` is unknown")
        return locations[location_id]

    def _access_token(self, request: web.Request, form: Form) -> web.Response:
        grant_type = form.get("grant_type", "")
        holds = {"authorization_code": "code", "refresh_token": "refresh_token"}.get(grant_type)
        _ask_for(form, "client_id", "client_secret", "grant_type", *([holds] if holds else []))
        if holds is None:
            raise GrantRefused(400, "unsupported_grant_type", "Unsupported grant type: `grant_type` is invalid")
        client = self._grants.client(form["client_id"], form["client_secret"])
        if grant_type == "refresh_token":
            return self._given(request, self._grants.refresh(client, form["refresh_token"]))
        if form.get("user_type", "Location") not in ("Location", "Company"):
            raise refusals.unprocessable("user_type must be a valid enum value")
        agency = form.get("user_type") == "Company"
        given = self._grants.redeem(client, form["code"], form.get("redirect_uri"), agency=agency)
        return self._given(request, given)

    def _location_token(self, request: web.Request, form: Form) -> web.Response:
        caller = self._credentials.of(request.headers)
        agency = authorized(caller, request.headers.get("Version"), FOR_LOCATION_TOKENS)
        _ask_for(form, "companyId", "locationId")
        return self._given(request, self._grants.at_location(agency, form["companyId"], form["locationId"]))

    def _given(self, request: web.Request, body: dict[str, Any]) -> web.Response:
        return answered(named({**body, "traceId": self._world.new_uuid()}, v3=is_v3(request)), 200)


def _ask_for(form: Form, *names: str) -> None:
    missing = [f"{name} should not be empty" for name in names if not form.get(name)]
    if missing:
        raise refusals.unprocessable(*missing)


def _may_return_to(client: Client, uri: str) -> bool:
    if client.redirect_uris:
        return uri in client.redirect_uris
    try:
        parts = urlsplit(uri)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.fragment
