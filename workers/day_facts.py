"""Facts of a booking's place in its person's day: what overlaps it, what lies around it, how full the day is."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from pydantic import TypeAdapter

from service.trigger import TAKES_NO_TIME, Booking
from workers.calendar_facts import seats
from workers.contact_facts import area_of_contact
from workers.facts import MISSING, Answer, Fact, Sight, looked_up
from workers.kinds import Kind
from workers.lookups import Lookup
from workers.lookups.calendars import CalendarLookup
from workers.lookups.contacts import ContactLookup
from workers.lookups.diaries import DiaryLookup, Engagement
from workers.names import Named, Person
from workers.periods import bounds
from workers.values import elapsed, in_zone

Over = Literal["day", "week"]

INSTANT: Final = timedelta(microseconds=1)


def _bounds(on: Sight, over: Over = "day") -> tuple[datetime, datetime]:
    """Of the booking's start; of the event where that is about no booking."""
    starts, ends = bounds(in_zone(on.booking.starts if on.booking else on.at, on.zone), over)
    return starts.astimezone(UTC), ends.astimezone(UTC)


def _diary(on: Sight, person: str | None, over: Over = "day") -> DiaryLookup | None:
    """What is asked about a day is one lookup, whichever fact asks: also a booking over midnight is whole in it."""
    if not person:
        return None
    starts, ends = _bounds(on, over)
    if on.booking:
        starts, ends = min(starts, on.booking.starts), max(ends, on.booking.ends)
    return DiaryLookup(person, starts.astimezone(UTC), ends.astimezone(UTC))


def _own_day(on: Sight) -> DiaryLookup | None:
    return _diary(on, on.now.assignee)


def _clashes(on: Sight, listed: tuple[Engagement, ...]) -> Answer | Lookup:
    added = on.now.added or next((each.added for each in listed if each.id == on.now.id), None)
    if added is None:
        return MISSING
    found = [each for each in _others(on, listed) if _overlaps(on.now, each) and _made_before(each, added, on.now.id)]
    if any(_same_slot(on.now, each) for each in found):
        wanted = CalendarLookup(on.now.calendar_id)
        if wanted not in on.looked:
            return wanted
        calendar = on.looked[wanted]
        if calendar is not None and seats(calendar) > 1:
            found = [each for each in found if not _same_slot(on.now, each)]
    return float(len(found))


def _others(on: Sight, listed: Iterable[Engagement]) -> list[Engagement]:
    return [each for each in listed if each.id != on.now.id]


def _overlaps(booking: Booking, other: Engagement) -> bool:
    return other.starts < max(booking.ends, booking.starts + INSTANT) and other.ends > booking.starts


def _made_before(other: Engagement, added: datetime, booking_id: str) -> bool:
    """Of two made at once only one is the later; what was decided and does not show yet came before."""
    return other.added is None or (other.added, other.id) < (added, booking_id)


def _same_slot(booking: Booking, other: Engagement) -> bool:
    """As guests of one class are."""
    return (other.calendar_id, other.starts, other.ends) == (booking.calendar_id, booking.starts, booking.ends)


def _previous(on: Sight, listed: tuple[Engagement, ...]) -> Engagement | None:
    """Of those that start before this one, the one that ends last."""
    first, _ = _bounds(on)
    before = (each for each in _others(on, listed) if each.starts < on.now.starts and each.ends > first)
    return max(before, key=lambda each: (each.ends, each.id), default=None)


def _next(on: Sight, listed: tuple[Engagement, ...]) -> Engagement | None:
    _, end = _bounds(on)
    after = (each for each in _others(on, listed) if on.now.starts < each.starts < end)
    return min(after, key=lambda each: (each.starts, each.id), default=None)


Choose = Callable[[Sight, tuple[Engagement, ...]], Engagement | None]


def _around(
    name: str, kind: Kind, meaning: str, choose: Choose, tell: Callable[[Sight, Engagement], Answer | Lookup]
) -> Fact:
    def told(on: Sight, listed: tuple[Engagement, ...]) -> Answer | Lookup:
        chosen = choose(on, listed)
        return MISSING if chosen is None else tell(on, chosen)

    personal = name.endswith(".area")
    return Fact(name, kind, meaning, looked_up(_own_day, told), is_looked_up=True, personal=personal)


def _calendar(on: Sight, other: Engagement) -> Answer:
    return on.names.calendar_with(other.calendar_id) if other.calendar_id else MISSING


def _area(on: Sight, other: Engagement) -> Answer | Lookup:
    if other.contact_id is None or not on.names.areas:
        return MISSING
    wanted = ContactLookup(other.contact_id)
    if wanted not in on.looked:
        return wanted
    contact = on.looked[wanted]
    return area_of_contact(contact, on.names) if contact else MISSING


def _whose(on: Sight, of: Named | None) -> str | None:
    return (of.id or None) if of else on.booking.assignee if on.booking else None


def _load_of(on: Sight, of: Named | None = None, over: Over = "day") -> DiaryLookup | None:
    return _diary(on, _whose(on, of), over)


def _load(on: Sight, listed: tuple[Engagement, ...], of: Named | None = None, over: Over = "day") -> Answer:
    starts, ends = _bounds(on, over)
    own = on.booking
    found = sum(starts <= each.starts < ends and not (own and each.id == own.id) for each in listed)
    # This booking is counted as it is now, which may not show yet.
    stands = own and not own.deleted and own.status not in TAKES_NO_TIME and own.assignee == _whose(on, of)
    return float(found + bool(stands))


LOAD_WORDS: Final[dict[str, TypeAdapter[Any]]] = {"of": TypeAdapter(Person), "over": TypeAdapter(Over)}

DAY_FACTS: Final = (
    Fact(
        "clashes",
        Kind.NUMBER,
        "how many bookings of the same person, on any calendar, overlap this one and were made before it; who sits in "
        "the same class does not count",
        looked_up(_own_day, _clashes),
        is_looked_up=True,
    ),
    _around(
        "previous.starts",
        Kind.MOMENT,
        "the start of what the assignee has before it that day, on any calendar",
        _previous,
        lambda on, other: on.clock(other.starts),
    ),
    _around(
        "previous.ends",
        Kind.MOMENT,
        "and its end: of all before it the last",
        _previous,
        lambda on, other: on.clock(other.ends),
    ),
    _around(
        "previous.gap",
        Kind.DURATION,
        "from that end to this start; negative where they overlap",
        _previous,
        lambda on, other: elapsed(other.ends, on.now.starts),
    ),
    _around("previous.calendar", Kind.CALENDAR, "the calendar it is on", _previous, _calendar),
    _around("previous.area", Kind.TEXT, "the area of its contact's postcode", _previous, _area),
    _around(
        "next.starts",
        Kind.MOMENT,
        "the start of what the assignee has after it that day, on any calendar",
        _next,
        lambda on, other: on.clock(other.starts),
    ),
    _around("next.ends", Kind.MOMENT, "and its end", _next, lambda on, other: on.clock(other.ends)),
    _around(
        "next.gap",
        Kind.DURATION,
        "from this end to that start; negative where they overlap",
        _next,
        lambda on, other: elapsed(on.now.ends, other.starts),
    ),
    _around("next.calendar", Kind.CALENDAR, "the calendar it is on", _next, _calendar),
    _around("next.area", Kind.TEXT, "the area of its contact's postcode", _next, _area),
    Fact(
        "load",
        Kind.NUMBER,
        "how many bookings somebody has that day, on all calendars, this one included if it is theirs; `of: kim` for "
        "another than the assignee, `over: week` for the week from Monday",
        looked_up(_load_of, _load),
        of_booking=False,
        is_looked_up=True,
        words=LOAD_WORDS,
    ),
)
