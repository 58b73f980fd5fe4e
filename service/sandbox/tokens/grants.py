"""What OAuth hands out: codes, access tokens and refresh tokens, and how long each of them holds."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from service.sandbox import refusals
from service.sandbox.kept import KeptCode, KeptGrant, KeptGrants, KeptRefresh
from service.sandbox.tokens.credentials import Credential, Credentials
from service.sandbox.world.records import Client, Location
from service.sandbox.world.world import World

CODE_HOLDS = timedelta(minutes=10)
REFRESHES_FOR = timedelta(days=365)
SAME_ANSWER_FOR = timedelta(seconds=30)
"""How long a refresh token that has been used still gives the answer it gave (HighLevel's change log)."""
LASTS = 86_399
"""Seconds that an access token holds by default, as HighLevel says in `expires_in`."""


AT_LOCATION = frozenset({"access_token", "token_type", "expires_in", "refresh_token", "scope", "locationId", "userId"})
"""What the answer to an agency's asking for a location's token has of a token's answer (the published schema)."""


class GrantRefused(Exception):
    """Nothing is handed out: the status, OAuth's word for why, and a sentence."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(status, error, description)
        self.status = status
        self.error = error
        self.description = description

    def body(self) -> dict[str, Any]:
        return {"error": self.error, "error_description": self.description, "statusCode": self.status}


@dataclass(frozen=True)
class Grant:
    """What somebody has allowed an app: `location` is None where it is a whole agency."""

    client: Client
    scopes: tuple[str, ...]
    location: Location | None


@dataclass(frozen=True)
class Code:
    grant: Grant
    redirect_uri: str
    until: datetime


@dataclass
class Refresh:
    grant: Grant
    until: datetime
    used: datetime | None = None
    gave: dict[str, Any] | None = None


class Grants:
    def __init__(self, world: World, credentials: Credentials) -> None:
        self._world = world
        self._credentials = credentials
        self._codes: dict[str, Code] = {}
        self._refreshes: dict[str, Refresh] = {}
        self.expires_in = LASTS
        """Seconds, of tokens issued from now on."""

    def client(self, client_id: str, secret: str) -> Client:
        client = self._world.clients.get(client_id)
        if client is None or client.secret != secret:
            raise GrantRefused(401, "invalid_client", "Invalid client: client credentials are invalid")
        return client

    def authorize(self, grant: Grant, redirect_uri: str) -> str:
        """A code, for one exchange."""
        code = self._world.new_secret("code")
        self._world.touch()
        self._codes[code] = Code(grant, redirect_uri, self._world.now() + CODE_HOLDS)
        return code

    def redeem(self, client: Client, code: str, redirect_uri: str | None, *, agency: bool) -> dict[str, Any]:
        """For a code, once; for the whole agency, or for the location that was chosen."""
        known = self._codes.get(code)
        if known is None or known.grant.client != client or self._world.now() >= known.until:
            raise GrantRefused(400, "invalid_grant", "Invalid grant: authorization code is invalid")
        if redirect_uri not in (None, known.redirect_uri):
            raise GrantRefused(400, "invalid_grant", "Invalid grant: `redirect_uri` is not the one of the code")
        del self._codes[code]
        self._world.touch()
        grant = known.grant
        return self._issue(Grant(client, grant.scopes, None) if agency else grant)

    def refresh(self, client: Client, token: str) -> dict[str, Any]:
        """For a refresh token, once; within thirty seconds it gives the same again."""
        known, now = self._refreshes.get(token), self._world.now()
        if known is None or known.grant.client != client or now >= known.until:
            raise GrantRefused(400, "invalid_grant", "Invalid grant: refresh token is invalid")
        if known.used is None or known.gave is None:
            known.used, known.gave = now, self._issue(known.grant)
        elif abs(now - known.used) > SAME_ANSWER_FOR:  # the clock may have been set back
            raise GrantRefused(400, "invalid_grant", "Invalid grant: refresh token is invalid")
        return known.gave

    def at_location(self, agency: Credential, company_id: str, location_id: str) -> dict[str, Any]:
        """A location's token for an agency's. Raises Refusal."""
        client, location = self._world.clients.get(agency.app), self._world.locations.get(location_id)
        if client is None or agency.location is not None:
            raise refusals.wrong_user_type()
        if company_id != agency.company_id or location is None:
            raise refusals.bad_request("Location is not active")
        whole = self._issue(Grant(client, tuple(sorted(agency.scopes or ())), location))
        app, _, version = client.id.partition("-")
        more = {"planId": self._world.new_id(), "appId": app, "versionId": version or app}
        return {name: value for name, value in whole.items() if name in AT_LOCATION} | more

    def void(self, location_id: str) -> None:
        """Somebody has taken the app away from a location: what it holds there is worth nothing any more."""
        self._credentials.void(location_id)
        self._refreshes = {
            token: kept
            for token, kept in self._refreshes.items()
            if kept.grant.location is None or kept.grant.location.id != location_id
        }

    def dump(self) -> KeptGrants:
        """What is good for a token."""
        return KeptGrants(
            codes=tuple(
                KeptCode(code=code, redirect_uri=kept.redirect_uri, until=kept.until, **_dumped(kept.grant))
                for code, kept in self._codes.items()
            ),
            refreshes=tuple(
                KeptRefresh(token=token, until=kept.until, used=kept.used, gave=kept.gave, **_dumped(kept.grant))
                for token, kept in self._refreshes.items()
            ),
        )

    def load(self, kept: KeptGrants) -> None:
        """The inverse of `dump`. Raises ValueError."""
        for number, code in enumerate(kept.codes):
            grant = self._loaded(code, f"oauth.codes[{number}]")
            self._codes[code.code] = Code(grant, code.redirect_uri, code.until)
        for number, refresh in enumerate(kept.refreshes):
            grant = self._loaded(refresh, f"oauth.refreshes[{number}]")
            self._refreshes[refresh.token] = Refresh(grant, refresh.until, refresh.used, refresh.gave)

    def _loaded(self, kept: KeptGrant, place: str) -> Grant:
        client = self._world.clients.get(kept.client)
        if client is None:
            raise ValueError(f"{place}.client: there is no such client")
        return Grant(client, kept.scopes, self._world.kept_location(kept.location, f"{place}.location"))

    def _issue(self, grant: Grant) -> dict[str, Any]:
        world, now = self._world, self._world.now()
        access, refresh = world.new_secret("access"), world.new_secret("refresh")
        company_id = grant.client.company_id
        credential = Credential(grant.client.id, company_id, grant.location, frozenset(grant.scopes))
        self._credentials.issue(access, credential, now + timedelta(seconds=self.expires_in))
        self._refreshes[refresh] = Refresh(grant, now + REFRESHES_FOR)
        answer: dict[str, Any] = {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": self.expires_in,
            "refresh_token": refresh,
            "refreshTokenId": world.new_id(),
            "scope": " ".join(grant.scopes),
            "userType": "Company" if grant.location is None else "Location",
            "companyId": company_id,
            "isBulkInstallation": False,
        }
        if grant.location is not None:
            answer["locationId"] = grant.location.id
            for user in world.users.of(grant.location.id)[:1]:
                answer["userId"] = user.id
        return answer


def _dumped(grant: Grant) -> dict[str, Any]:
    location = None if grant.location is None else grant.location.id
    return {"client": grant.client.id, "location": location, "scopes": grant.scopes}
