"""Random worlds for the arithmetic of slots: hours, people, bookings; mostly about a night when the clocks change."""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from tests.availability_oracle import Conditions, Somebody, Source, Taken, World, minute_of, moment_of, openings

Drawn = TypeVar("Drawn")
Spans = list[tuple[int, int]]

CHANGES = {
    "Europe/London": (date(2026, 3, 29), date(2026, 10, 25)),
    "America/New_York": (date(2026, 3, 8), date(2026, 11, 1)),
    "Australia/Lord_Howe": (date(2026, 4, 5), date(2026, 10, 4)),  # half an hour back and forward
    "Australia/Sydney": (date(2026, 4, 5), date(2026, 10, 4)),
    "America/Havana": (date(2026, 3, 8), date(2026, 11, 1)),  # midnight does not come, or an hour after it twice
    "Asia/Beirut": (date(2026, 3, 29), date(2026, 10, 25)),  # midnight does not come, or the hour before it twice
    "Pacific/Chatham": (date(2026, 4, 5), date(2026, 9, 27)),  # at a quarter to three and a quarter to four
    "America/St_Johns": (date(2010, 3, 14), date(2010, 11, 7)),  # at a minute past midnight: a day comes back
    "Pacific/Apia": (date(2011, 12, 30), date(2011, 9, 24)),  # a whole day does not come
    "Etc/UTC": (),
}
"""Zones, and days on which or about which their clocks change."""

WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
WHOLE_WEEK = frozenset(range(7))
BUFFERS = st.sampled_from((0, 0, 0, 5, 10, 15, 30, 45))
BLOCKS = st.sampled_from((60, 15, 240, 61, 0))
"""How long."""
ZONES = st.sampled_from(tuple(CHANGES))
SPANS = st.tuples(
    st.one_of(st.integers(0, 95).map(lambda quarter: quarter * 15), st.integers(0, 1439)),
    st.sampled_from((480, 240, 481, 720, 1440, 1440, 90, 0)),
)
"""Opens, and for how long, at most to the day's end."""
PLAIN = (date(2026, 1, 14), date(2027, 2, 28))


def some(each: st.SearchStrategy[Drawn], *counts: int) -> st.SearchStrategy[list[Drawn]]:
    """Lists as long as one of the counts: left to itself a list is mostly short."""
    return st.sampled_from(counts).flatmap(lambda count: st.lists(each, min_size=count, max_size=count))


def clock(minutes: int) -> str:
    return f"{minutes // 60 % 24:02}:{minutes % 60:02}"


def hours_json(spans: Spans) -> list[dict[str, int]]:
    """The day's end as 24:00 after an odd minute, else as 0:00."""
    found = []
    for opens, length in spans:
        closes = min(opens + length, 1440)
        end = 0 if closes == 1440 and opens % 2 == 0 else closes
        found.append(
            {"openHour": opens // 60, "openMinute": opens % 60, "closeHour": end // 60, "closeMinute": end % 60}
        )
    return found


@st.composite
def sources(draw: st.DrawFn, zone: str, middle: date) -> Source:
    weekly = draw(some(SPANS, 1, 1, 2, 3))
    days = draw(
        st.sampled_from((WHOLE_WEEK, WHOLE_WEEK, WHOLE_WEEK, WHOLE_WEEK - {middle.isoweekday() % 7}, frozenset({0})))
    )
    dated = draw(some(st.tuples(st.integers(-1, 2), some(SPANS, 0, 1, 2), st.integers(0, 3)), 0, 0, 1, 2))
    dates = [(middle + timedelta(days=offset), spans, chance == 0) for offset, spans, chance in dated]
    if draw(st.booleans()):
        return Source(
            "schedule", draw(st.one_of(st.just(zone), st.just(zone), ZONES)), {"rules": _rules(weekly, days, dates)}
        )
    json: dict[str, Any] = {
        "openHours": [{"daysOfTheWeek": sorted(days), "hours": hours_json(weekly)}],
        "availabilities": [
            {"date": f"{day}T00:00:00.000Z", "hours": hours_json(spans), "deleted": deleted}
            for day, spans, deleted in dates
        ],
        "availabilityType": draw(st.sampled_from((None, 0, 1) if dates else (None, None, 0))),
    }
    return Source("calendar", zone, json)


def _rules(
    weekly: list[tuple[int, int]], days: frozenset[int], dates: list[tuple[date, list[tuple[int, int]], bool]]
) -> Any:
    def intervals(spans: list[tuple[int, int]]) -> list[dict[str, str]]:
        return [{"from": clock(opens), "to": clock(min(opens + length, 1440))} for opens, length in spans]

    rules: list[dict[str, Any]] = [
        {"type": "wday", "day": WEEKDAYS[day], "intervals": intervals(weekly)} for day in sorted(days)
    ]
    return rules + [{"type": "date", "date": str(day), "intervals": intervals(spans)} for day, spans, _ in dates]


def middles(zone: str) -> st.SearchStrategy[date]:
    return st.sampled_from((*CHANGES[zone] * 3, *PLAIN))


@st.composite
def worlds(draw: st.DrawFn, together: bool) -> World:
    zone = draw(ZONES)
    middle = draw(middles(zone))
    terms = Conditions(
        duration=draw(st.sampled_from((30, 60, 15, 20, 45, 7, 90, 300))),
        interval=draw(st.sampled_from((30, 60, 15, 20, 45, 7, 90))),
        before=draw(BUFFERS),
        after=draw(BUFFERS),
        per_slot=draw(st.sampled_from((1, 1, 2, 3))),
        per_day=draw(st.sampled_from((None, None, 2, 3))),
        together=together,
    )
    turn = turn_of_clocks(zone, middle)
    known = draw(some(sources(zone, middle), 1, 1, 2))
    near = [opening[0] for opening in openings(known[0], middle) if abs(opening[0] - turn) <= 900] or [turn]
    earliest = draw(st.sampled_from(near)) + draw(st.sampled_from((0, 0, -30, -300, -600, 1, 45)))
    window = range(earliest, earliest + draw(st.sampled_from((1440, 1440, 1440, 1440, 600, 600, 60, 1))))
    people = []
    for name in "abc"[: draw(st.sampled_from((2, 1, 3, 2, 3)))]:
        hours = draw(st.sampled_from(known))
        taken = tuple(draw(bookings(openings(hours, middle), window, terms)))
        blocked = tuple(draw(some(st.tuples(st.sampled_from(window), BLOCKS), 0, 1, 2)))
        people.append(Somebody(name, hours, taken, blocked))
    return World(
        zone=zone,
        middle=middle,
        conditions=terms,
        people=tuple(people),
        earliest=window[0],
        latest=window[-1] + 1,
        booked={
            middle + timedelta(days=offset): count
            for offset, count in enumerate(draw(st.tuples(*[st.integers(0, 3)] * 3)), -1)
        },
    )


@st.composite
def bookings(draw: st.DrawFn, opened: list[range], window: range, terms: Conditions) -> list[Taken]:
    """Mostly such as slots make them, or such as only just leave room for one, or just do not."""
    slots = [
        slot
        for opening in opened
        for slot in opening[:: terms.interval]
        if window[0] - 120 <= slot < window[-1] + 120 and slot + terms.duration <= opening[-1] + 1
    ] or [window[0]]
    found: list[Taken] = []
    for _ in range(draw(st.sampled_from((2, 3, 1, 5, 0)))):
        before, after = draw(BUFFERS), draw(BUFFERS)
        length = draw(st.sampled_from((terms.duration, terms.duration, 30, 50, 0)))
        behind = terms.duration + max(terms.after, before)
        ahead = -length - max(terms.before, after)
        beside = draw(st.sampled_from((0, 0, 0, 0, behind, behind - 1, ahead, ahead + 1, 5)))
        here = draw(st.sampled_from((True, True, False)))
        one = Taken(draw(st.sampled_from(slots)) + beside, length, before, after, here)
        found += [one] * draw(st.sampled_from((1, 1, 2, 3)))
    return found


@cache
def turn_of_clocks(zone: str, middle: date) -> int:
    """When they change about that day, to the quarter of an hour; its midnight if they do not."""
    midnight = minute_of(datetime(middle.year, middle.month, middle.day, tzinfo=UTC))
    for minute in range(midnight - 1440, midnight + 2880, 15):
        if offset_at(minute, zone) != offset_at(minute + 15, zone):
            return minute + 15
    return midnight


def offset_at(minute: int, zone: str) -> timedelta | None:
    return moment_of(minute).astimezone(ZoneInfo(zone)).utcoffset()


def changes_clocks(world: World) -> bool:
    """Within its window, by the zone of its calendar."""
    return offset_at(world.earliest, world.zone) != offset_at(world.latest, world.zone)
