"""What is held back, for whoever is on call: what it is, why, until when, and how it is let go on."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.store.database import Connection
from service.store.holds import COLUMNS, Hold, Kind, Scope

NOW = "(h.until IS NULL OR h.until > now())"

# A budget comes back by itself, and each location has one: what needs somebody is told first, and of that everything
# (`all`) before a location, and that before a rule.
SHOWN = f"""
    SELECT {", ".join(f"h.{name}" for name in COLUMNS.split(", "))}, l.name AS location_name, l.time_zone
    FROM holds h LEFT JOIN locations l USING (location_id)
    WHERE {NOW} ORDER BY h.kind = 'budget', h.scope, h.since, h.location_id, h.rule LIMIT $1
"""  # noqa: S608 (no value in it)

NUMBER = f"SELECT count(*) FROM (SELECT FROM holds h WHERE {NOW} LIMIT $1) AS held"  # noqa: S608

LANE_IS_NOT = f"""
    NOT EXISTS (
        SELECT FROM holds h
        WHERE {NOW} AND (h.scope = 'all' OR (h.scope = 'location' AND h.location_id = lanes.location_id))
    )
"""
"""A condition: for what is held back no worker comes, and none is missed."""

OF_DELIVERY = f"""
    CASE WHEN d.state IN ('waiting', 'judged') THEN (
        SELECT h.scope || ' ' || h.kind FROM holds h
        WHERE {NOW} AND (h.scope = 'all' OR (h.scope = 'location' AND h.location_id = d.location_id))
        ORDER BY h.scope, h.kind = 'budget', h.kind LIMIT 1
    ) END
"""  # noqa: S608
"""An expression for what keeps the delivery `d` back; `waits` puts it into words."""

WAITS: Mapping[str, str] = {
    "all paused": "everything is paused",
    "all breaker": "HighLevel does not answer, or fails",
    "location paused": "its location is paused",
    "location breaker": "HighLevel fails for its location",
    "location token": "its location's token is refused",
    "location budget": "no call is left to its location",
}

KINDS: Mapping[Kind, str] = {
    "paused": "paused",
    "breaker": "stopped by itself",
    "token": "token refused",
    "budget": "no calls left",
}
"""Each kind of hold, in words."""


@dataclass(frozen=True)
class Held:
    """A hold, with what its location is called."""

    hold: Hold
    location_name: str | None
    time_zone: str | None

    @property
    def what(self) -> str:
        return called(self.hold.scope, self.location_name or self.hold.location_id, self.hold.rule)

    @property
    def kind(self) -> str:
        return KINDS[self.hold.kind]

    @property
    def why(self) -> str:
        """What the kind does not say: who, and the reason."""
        hold = self.hold
        if hold.kind == "budget":
            return ""
        reason = hold.reason.removeprefix(f"paused by {hold.who}: ").removeprefix(f"paused by {hold.who}")
        return ": ".join(words for words in (f"by {hold.who}" if hold.who else "", reason) if words)

    @property
    def ends(self) -> str:
        """What it is held until, where that is no moment: `until` has one."""
        if self.hold.until is not None:
            return ""
        return "a probe finds it well" if self.hold.probe_at else "somebody lets it go on"

    @property
    def command(self) -> str:
        """What lets it go on; empty where nothing has to be done."""
        hold = self.hold
        match hold.kind:
            case "budget":
                return ""
            case "token":
                return f"slotwright locations check {shlex.quote(hold.location_id)}"
            case "paused" | "breaker":
                return f"slotwright resume {options(hold.scope, hold.location_id, hold.rule)}"


def called(scope: Scope, location: str, rule: str) -> str:
    """What is held, or may be; `location` as it is to be called."""
    match scope:
        case "all":
            return "everything"
        case "location":
            return f"the location {location}"
        case "rule":
            return f"the rule {rule} in {location or 'all locations'}"


def options(scope: Scope, location_id: str, rule: str) -> str:
    """What names it to `slotwright pause` and `slotwright resume`."""
    if scope == "all":
        return "--all"
    named = {"--rule": rule, "--location": location_id}
    return " ".join(f"{option} {shlex.quote(value)}" for option, value in named.items() if value)


def waits(held_by: str | None) -> str | None:
    """In words what OF_DELIVERY found; None for a delivery that nothing keeps back."""
    return None if held_by is None else WAITS.get(held_by, held_by)


async def shown(connection: Connection, limit: int) -> list[Held]:
    """What is held now: what somebody must let go before what goes on by itself, the widest and the oldest first."""
    return [_held(dict(row)) for row in await connection.fetch(SHOWN, limit)]


async def number(connection: Connection, limit: int) -> int:
    """How many holds there are now, `limit` at most."""
    return int(await connection.fetchval(NUMBER, limit))


def _held(row: dict[str, Any]) -> Held:
    name, time_zone = row.pop("location_name"), row.pop("time_zone")
    return Held(Hold(**row), name, time_zone)
