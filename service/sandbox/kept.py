"""What a state's file holds."""

from typing import Any, Final, Literal

from pydantic import AwareDatetime

from service.sandbox.world.records import Client, Location, Record

PROGRAM: Final = "slotwright sandbox"
VERSION: Final = 1


class KeptChange(Record):
    at: AwareDatetime
    text: str
    by: str
    location_id: str
    booking_id: str = ""


class KeptWorld(Record):
    strict: bool
    ahead: float
    """Seconds by which the clock has been moved."""
    locations: tuple[Location, ...]
    clients: tuple[Client, ...]
    tables: dict[str, dict[str, dict[str, Any]]]
    """By their names, then by owner and id."""
    changes: tuple[KeptChange, ...]


class KeptToken(Record):
    """One that OAuth issued."""

    token: str
    app: str
    company_id: str
    location: str | None
    scopes: tuple[str, ...] | None
    until: AwareDatetime


class KeptGrant(Record):
    client: str
    location: str | None
    scopes: tuple[str, ...]


class KeptCode(KeptGrant):
    code: str
    redirect_uri: str
    until: AwareDatetime


class KeptRefresh(KeptGrant):
    token: str
    until: AwareDatetime
    used: AwareDatetime | None
    gave: dict[str, Any] | None


class KeptGrants(Record):
    codes: tuple[KeptCode, ...]
    refreshes: tuple[KeptRefresh, ...]


class Kept(Record):
    program: Literal["slotwright sandbox"] = PROGRAM
    version: Literal[1] = VERSION
    signing_key: str
    """The private one, in base64."""
    world: KeptWorld
    tokens: tuple[KeptToken, ...]
    oauth: KeptGrants
    webhooks: tuple[dict[str, Any], ...]
    """Those that wait."""
