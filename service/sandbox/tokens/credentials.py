"""Whom a bearer token speaks for: tokens of the seed, which never expire, and those that were issued, which do."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from service.sandbox import refusals
from service.sandbox.kept import KeptToken
from service.sandbox.limits import Spender
from service.sandbox.world.records import Location
from service.sandbox.world.world import World

VERSIONS = frozenset({"2021-04-15", "2021-07-28", "2023-02-21", "v3"})


@dataclass(frozen=True)
class Credential:
    """A token's powers. `app` is what its calls are counted for: a new token of an app brings no new budget."""

    app: str
    company_id: str = ""
    location: Location | None = None
    """None for an agency's token."""
    scopes: frozenset[str] | None = None
    """None for all."""

    @property
    def spender(self) -> Spender:
        return self.app, self.location.id if self.location is not None else self.company_id

    def may(self, scope: str) -> bool:
        return self.scopes is None or scope in self.scopes


class Credentials:
    def __init__(self, world: World) -> None:
        self._world = world
        self._lasting = {
            token: Credential(
                token, location=location, scopes=None if location.scopes is None else frozenset(location.scopes)
            )
            for location in world.locations.values()
            for token in location.tokens
        }
        self._issued: dict[str, tuple[Credential, datetime]] = {}

    def of(self, headers: Mapping[str, str]) -> Credential | None:
        """What a request says in its Authorization; None when that is nothing that counts now."""
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        return self.of_token(token.strip()) if scheme.lower() == "bearer" else None

    def of_token(self, token: str) -> Credential | None:
        if token in self._lasting:
            return self._lasting[token]
        credential, until = self._issued.get(token, (None, None))
        return credential if until is not None and self._world.now() < until else None

    def issue(self, token: str, credential: Credential, until: datetime) -> None:
        now = self._world.now()
        self._issued = {known: kept for known, kept in self._issued.items() if now < kept[1]}
        self._issued[token] = credential, until
        self._world.touch()

    def void(self, location_id: str) -> None:
        """Take back what was issued for a location."""
        self._issued = {
            token: kept
            for token, kept in self._issued.items()
            if kept[0].location is None or kept[0].location.id != location_id
        }
        self._world.touch()

    def dump(self) -> tuple[KeptToken, ...]:
        """What was issued."""
        return tuple(
            KeptToken(
                token=token,
                app=credential.app,
                company_id=credential.company_id,
                location=None if credential.location is None else credential.location.id,
                scopes=None if credential.scopes is None else tuple(sorted(credential.scopes)),
                until=until,
            )
            for token, (credential, until) in self._issued.items()
        )

    def load(self, tokens: Iterable[KeptToken]) -> None:
        """The inverse of `dump`. Raises ValueError."""
        for number, kept in enumerate(tokens):
            location = self._world.kept_location(kept.location, f"tokens[{number}].location")
            scopes = None if kept.scopes is None else frozenset(kept.scopes)
            self._issued[kept.token] = Credential(kept.app, kept.company_id, location, scopes), kept.until


def spender_of(caller: Credential | None) -> Spender | None:
    return None if caller is None else caller.spender


def authorized(caller: Credential | None, version: str | None, scope: str) -> Credential:
    """The caller, when it may do what asks for this scope. Raises Refusal."""
    if caller is None:
        raise refusals.invalid_token()
    if version is None:
        raise refusals.unauthorized("version header was not found.")
    if version not in VERSIONS:
        raise refusals.unauthorized("version header is invalid")
    if not caller.may(scope):
        raise refusals.missing_scope()
    return caller
