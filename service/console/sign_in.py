"""Sign-in and sign-out, and the gate before every page."""

import math
from collections.abc import Callable
from datetime import datetime
from urllib.parse import parse_qs, urlencode

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from service.access.app import CALLBACK
from service.console.errors import Refused
from service.console.pages import page, wants_json
from service.console.passwords import Password
from service.console.sessions import Sessions
from service.console.throttle import Throttle
from service.console.visitors import PROBES, comes_from_elsewhere, own_path

log = structlog.get_logger()

OPEN = PROBES | {"/metrics", "/sign-in", CALLBACK}
"""What needs no sign-in, beside the files that pages link to. Who comes to the callback proves it by what they bring:
their browser is sent by HighLevel's site, and leaves the session's cookie at home."""

MOST_FIELDS = 10


class SignIn:
    def __init__(self, password_hash: str, clock: Callable[[], datetime]) -> None:
        self._password = Password(password_hash)
        self.sessions = Sessions(password_hash, clock)
        self._throttle = Throttle(lambda: clock().timestamp())

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/sign-in", self.ask),
            web.post("/sign-in", self.answer),
            web.post("/sign-out", self.end),
        ]

    def gate(self) -> Middleware:
        """The middleware that lets nobody past who is not signed in."""

        @web.middleware
        async def only_who_is_signed_in(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.path in OPEN or request.path.startswith("/static/"):
                return await handler(request)
            if not self.sessions.is_signed_in(request):
                return _turned_away(request)
            return await handler(request)

        return only_who_is_signed_in

    async def ask(self, request: web.Request) -> web.Response:
        target = own_path(request.query.get("next", "/"))
        if self.sessions.is_signed_in(request):
            raise web.HTTPSeeOther(target)
        return page(request, "sign-in.html", target=target, fault=None)

    async def answer(self, request: web.Request) -> web.Response:
        fields = await _form(request)
        target = own_path(fields.get("next", "/"))
        address = request.remote or ""
        if wait := self._throttle.admit(address, known=self.sessions.is_known(request)):
            return self._wait(request, target, math.ceil(wait))
        if not await self._password.is_right(fields.get("password", "")):
            log.warning("a wrong password")
            return page(request, "sign-in.html", status=401, target=target, fault="That is not the password.")
        self._throttle.forgive(address)
        answer = web.Response(status=303, headers={"Location": target})
        self.sessions.begin(request, answer)
        return answer

    async def end(self, request: web.Request) -> web.Response:
        answer = web.Response(status=303, headers={"Location": "/sign-in"})
        self.sessions.end(request, answer)
        return answer

    def _wait(self, request: web.Request, target: str, seconds: int) -> web.Response:
        title = "Too many tries"
        detail = f"Try again in {seconds} s. What was sent just now was not looked at."
        if wants_json(request):
            raise Refused(429, title, detail, retry_after=seconds)
        answer = page(request, "sign-in.html", status=429, target=target, fault=f"{title}. {detail}")
        answer.headers["Retry-After"] = str(seconds)
        return answer


def _turned_away(request: web.Request) -> web.Response:
    if wants_json(request):
        raise Refused(401, "Not signed in", "Sign in with a browser first: the session is a cookie.")
    if request.method not in ("GET", "HEAD"):
        raise Refused(401, "Not signed in", "Your session has ended. Nothing was done.")
    if comes_from_elsewhere(request):
        # Somebody followed a link from a chat: asked for by a page of ours, the same comes with their session.
        return page(request, "onward.html", target=own_path(request.path_qs))
    return web.Response(status=303, headers={"Location": f"/sign-in?{urlencode({'next': request.path_qs})}"})


async def _form(request: web.Request) -> dict[str, str]:
    """The fields of a form; bytes that are no text become characters that are in no password."""
    try:
        body = await request.read()
    except (web.RequestPayloadError, ConnectionError):
        # What else comes on this connection cannot be told from the body.
        detail = "The form broke off, or is not encoded as its headers say."
        raise Refused(400, "Not understood", detail, closes=True) from None
    try:
        fields = parse_qs(body.decode(errors="replace"), max_num_fields=MOST_FIELDS)
    except ValueError:
        raise Refused(400, "Not understood", "This is no form of ours.") from None
    return {name: values[0] for name, values in fields.items()}
