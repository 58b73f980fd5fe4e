"""Which rules listen: found by what happened, where and on which calendar, without a look at each of them."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from pydantic import ValidationError

from service.store.locations import Location
from workers.comparisons import COMPARISONS
from workers.conditions import Conditions, Question
from workers.kinds import Kind
from workers.names import NAMES, Named, Names
from workers.rule import Heading

EXPLAINED: Final = 50
"""As many as that are asked, whatever their calendar, so that each says why it did not hold."""


class RuleIndex:
    """The places of rules in their rulebook, by what they listen to, their location, and the calendars they ask for."""

    def __init__(self, rules: Iterable[tuple[Heading, str | None, frozenset[str] | None]]) -> None:
        """Each with the location that it is for, None for every one, and the calendars, None for any."""
        self._places: dict[tuple[str, str | None], dict[str | None, list[int]]] = {}
        self._waiting: dict[str | None, list[int]] = {}
        for place, (rule, location, calendars) in enumerate(rules):
            for word in rule.listens_to:
                by_calendar = self._places.setdefault((word, location), {})
                for calendar in calendars or (None,):
                    by_calendar.setdefault(calendar, []).append(place)
            if rule.moments:
                self._waiting.setdefault(location, []).append(place)

    def listening(self, words: Iterable[str], location: Location, calendar_id: str | None) -> list[int]:
        """Those that listen to any of these words, in order. Where they are many, only those that may be about this
        calendar; which rules of others there are, their first test would tell."""
        found = list(self._of(words, location))
        many = sum(len(places) for by_calendar in found for places in by_calendar.values()) > EXPLAINED
        keys = (calendar_id, None) if many and calendar_id else None
        return sorted(
            {
                place
                for by_calendar in found
                for key in (by_calendar if keys is None else keys)
                for place in by_calendar.get(key, ())
            }
        )

    def waiting(self, location: Location) -> list[int]:
        """Those that wait for moments there, in order."""
        return sorted({place for where in _names_of(location) for place in self._waiting.get(where, ())})

    def _of(self, words: Iterable[str], location: Location) -> Iterator[dict[str | None, list[int]]]:
        for word in words:
            for where in _names_of(location):
                if by_calendar := self._places.get((word, where)):
                    yield by_calendar


def _names_of(location: Location) -> set[str | None]:
    """How a rule may say that it is for this one."""
    return {None, location.location_id, location.name}


def calendars_said(conditions: Any, names: Names) -> frozenset[str] | None:
    """The same as `calendars_of`, of conditions as they stand in a file; None as well where that would take reading
    them, or cannot be told."""
    said = conditions.get("calendar") if isinstance(conditions, dict) else None
    if said is None:
        return None
    tests = said if isinstance(said, dict) else {"is": said}
    found: frozenset[str] | None = None
    for word in tests.keys() & {"is", "in"}:
        try:
            operand = COMPARISONS[Kind.CALENDAR][word].operand.validate_python(tests[word], context={NAMES: names})
        except ValidationError:
            return None  # It is told when the rule is read.
        if (mine := _ids(word, operand)) is not None:
            found = mine if found is None else found & mine
    return found


def calendars_of(conditions: Conditions) -> frozenset[str] | None:
    """The ids of the calendars of which a booking must be for these to hold; None where it may be any."""
    found: frozenset[str] | None = None
    for part in conditions.parts:
        mine = calendars_of(part) if isinstance(part, Conditions) else None
        if isinstance(part, Question) and part.fact.name == "calendar" and not part.referring:
            mine = _ids(part.test, part.operand)
        if mine is not None:
            found = mine if found is None else found & mine
    return found


def _ids(test: str, operand: Any) -> frozenset[str] | None:
    """None for a test that others than these calendars may pass."""
    several = (operand,) if test == "is" else tuple(operand) if test == "in" else ()
    calendars = frozenset(each.id for each in several if isinstance(each, Named))
    return calendars if several and all(isinstance(each, Named) for each in several) else None
