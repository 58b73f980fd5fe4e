"""What was given before, as far as a way of choosing goes by it: turns taken, or bookings given and shares due."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from workers.assignment.ways import RoundRobin, Way, Weighted
from workers.periods import bounds


@dataclass(frozen=True)
class State:
    """By a person's id. `turns`: the number of the last turn they took. `given`: bookings they were given; `due`: the
    sum of their shares of the bookings that they could have taken. `back`: turns that came back to them."""

    turns: Mapping[str, int] = field(default_factory=dict)
    given: Mapping[str, int] = field(default_factory=dict)
    due: Mapping[str, float] = field(default_factory=dict)
    back: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, way: Way, kept: Mapping[str, Any]) -> "State":
        """As it was kept."""
        if isinstance(way, RoundRobin):
            return cls(turns=kept)
        return cls(given=kept.get("given", {}), due=kept.get("due", {}))

    def kept(self, way: Way) -> Mapping[str, Any]:
        """As it is to be kept; turns that came back are kept as the shares that they are (`service.store.turns`)."""
        if isinstance(way, RoundRobin):
            return dict(self.turns)
        return {"given": dict(self.given), "due": dict(self.due)}


@dataclass(frozen=True)
class Share:
    """What one booking did to the state: who was given it, and what of it was due to whom."""

    given: str
    due: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> "Share":
        return cls(kept["given"], kept.get("due", {}))

    def kept(self) -> Mapping[str, Any]:
        return {"given": self.given, "due": dict(self.due)} if self.due else {"given": self.given}


def account_of(way: Way, calendar_id: str, starts: datetime) -> tuple[str, datetime | None] | None:
    """Under which name a way's state is kept, and until when it matters; None for a way that has none.

    `starts` is the booking's, on the location's clock. Rules that go round the same team share its turns, and rules
    that weigh the same people share what each of them is due.
    """
    match way:
        case RoundRobin(round_robin=team):
            # The calendar's own team is another one on each calendar.
            return (str(team) if team.members else f"calendar {calendar_id}"), None
        case Weighted(weighted=weights, over=period):
            first, end = bounds(starts, period)
            people = sha256(" ".join(sorted(person.id for person, _ in weights)).encode()).hexdigest()[:24]
            return f"weighted {people} {period} {first:%Y-%m-%d}", end
        case _:
            return None
