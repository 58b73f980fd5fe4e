"""The week: what is drawn of it and where, as plain data."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from service.availability.intervals import Interval, merged
from service.availability.slots import Offer
from service.highlevel.calendars import Calendar
from service.sandbox.booking.offers import Offers
from service.sandbox.page.entries import Entry, entries_of
from service.sandbox.page.lanes import Lane, More, Span, side_by_side
from service.sandbox.page.placement import STEP
from service.sandbox.page.seats import seats_of
from service.sandbox.page.view import View
from service.sandbox.page.words import clock, clock_on, comes_twice, local
from service.sandbox.world.records import FREEING
from service.sandbox.world.world import World

HOUR = 60
DAY = 24 * HOUR
SHORTEST = 15
"""Minutes; what is shorter is drawn so long, to have room for its words."""
SMALL = 6
"""Steps; less has room for one line only."""
STATUSES = frozenset({"new", "confirmed", "showed", *FREEING})
"""Those that have a look of their own."""
USUAL = (8 * HOUR, 18 * HOUR)
"""The hours that are shown of a week with nothing in it."""


@dataclass(frozen=True)
class Box:
    entry: Entry
    span: Span
    lane: Lane
    starts: str
    """By the clock, with the day where that is another; or `all day`."""
    ends: str
    goes_on: bool = False
    """It began the day before."""

    @property
    def time(self) -> str:
        return "–".join(filter(None, (self.starts, self.ends)))

    @property
    def kinds(self) -> str:
        """What it is to be drawn as, in a word each."""
        words = ["box", self.entry.kind, f"tone{self.entry.tone}"]
        if self.entry.status in STATUSES:
            words.append(self.entry.status)
        if self.entry.status in FREEING:
            words.append("gone")
        if self.span.height < SMALL:
            words.append("small")
        if self.lane.of > 1 or self.lane.full:
            words.append("narrow")
        return " ".join(words)


@dataclass(frozen=True)
class Place:
    """Free, to be booked by clicking; drawn up to where the next one begins."""

    start: datetime
    time: str
    span: Span
    beside: bool = False
    """Something else is on meanwhile."""
    seats: str = ""
    """How many are left, where there is more than one."""
    half: str = ""
    """`first` or `second`, of an hour that comes twice: they stand side by side."""

    @property
    def told(self) -> str:
        return f"Book {self.time} {self.seats}".strip()


@dataclass(frozen=True)
class Day:
    day: date
    today: bool
    boxes: tuple[Box, ...]
    more: tuple[More, ...]
    free: tuple[Place, ...]
    shades: tuple[Span, ...]
    """Outside opening hours."""
    now: int | None
    """Where the line is drawn, of today only."""

    @property
    def twice(self) -> bool:
        """Of an hour that comes twice there are places beside something else."""
        return any(place.half and place.beside for place in self.free)


@dataclass(frozen=True)
class Week:
    """Spans are counted in steps of five minutes from the first hour shown."""

    days: tuple[Day, ...]
    first_hour: int
    last_hour: int

    @property
    def height(self) -> int:
        return (self.last_hour - self.first_hour) * HOUR // STEP

    @property
    def hours(self) -> list[tuple[int, str]]:
        """Where each hour begins, and how it is written."""
        shown = range(self.first_hour, self.last_hour)
        return [((hour - self.first_hour) * HOUR // STEP, f"{hour:02}:00") for hour in shown]


@dataclass(frozen=True)
class _Stretch:
    """Minutes of one day, as the clock on the wall shows them: where it goes back, the end may be before the start."""

    day: date
    starts: int
    ends: int
    goes_on: bool = False


def week_of(world: World, view: View) -> Week:
    placed = [(stretch, entry) for entry in entries_of(world, view) for stretch in _stretches(entry.interval, view)]
    open_times = [stretch for interval in openings(world, view) for stretch in _stretches(interval, view)]
    offered = [] if view.calendar is None else places(world, view, view.calendar, view.window)
    free = [] if view.calendar is None else list(_places(offered, view, view.calendar))
    seats = {} if view.calendar is None else seats_of(world, view.calendar, offered)
    shown = _shown([stretch for stretch, _ in placed] + open_times + [stretch for stretch, _ in free])
    now = world.now().astimezone(view.zone)
    days = []
    for day in view.days:
        spans = [(_span(stretch, shown), stretch, entry) for stretch, entry in placed if stretch.day == day]
        here = [(start, _span(stretch, shown)) for stretch, start in free if stretch.day == day]
        busy = {step for span, _, _ in spans for step in span.steps}
        lanes, more = side_by_side([span for span, _, _ in spans], [span for _, span in here])
        minute = now.hour * HOUR + now.minute
        days.append(
            Day(
                day=day,
                today=day == now.date(),
                boxes=tuple(
                    Box(entry, span, lane, *_times(stretch, entry, view), stretch.goes_on)
                    for (span, stretch, entry), lane in zip(spans, lanes, strict=True)
                ),
                more=tuple(more),
                free=tuple(
                    _place(start, each, view, beside=not busy.isdisjoint(each.steps), seats=seats.get(start, ""))
                    for start, each in here
                ),
                shades=tuple(_shades([stretch for stretch in open_times if stretch.day == day], shown)),
                now=(minute - shown[0]) // STEP if day == now.date() and shown[0] <= minute < shown[1] else None,
            )
        )
    return Week(tuple(days), shown[0] // HOUR, shown[1] // HOUR)


def openings(world: World, view: View) -> list[Interval]:
    """When the calendar, or the person on any calendar, can be booked at all."""
    found: list[Interval] = []
    for calendar in world.calendars.of(view.location.id):
        person = None if view.person is None else view.person.id
        if calendar == view.calendar or person in calendar.team:
            try:
                found += Offers(world, view.location, calendar).openings(view.window, person=person)
            except ValueError:
                continue  # hours or slots that cannot be: it offers nothing either
    return merged(found)


def places(world: World, view: View, calendar: Calendar, window: Interval) -> list[Offer]:
    """What the API would say is free."""
    try:
        return Offers(world, view.location, calendar).shown(window)
    except ValueError:
        return []


def _places(offers: Sequence[Offer], view: View, calendar: Calendar) -> Iterator[tuple[_Stretch, datetime]]:
    length = timedelta(minutes=calendar.slot_minutes)
    for number, offer in enumerate(offers):
        ends = offer.start + length
        if number + 1 < len(offers):
            ends = min(ends, offers[number + 1].start)
        first = next(_stretches(Interval(offer.start, ends), view), None)
        if first is not None:
            yield first, offer.start


def _place(start: datetime, span: Span, view: View, *, beside: bool, seats: str) -> Place:
    at = local(start, view.zone)
    half = ("first", "second")[at.fold] if comes_twice(at) else ""
    return Place(start, clock(start, view.zone), span, beside, seats, half)


def _times(stretch: _Stretch, entry: Entry, view: View) -> tuple[str, str]:
    if (stretch.starts, stretch.ends) == (0, DAY):
        return "all day", ""
    interval = entry.interval
    return clock_on(stretch.day, interval.starts, view.zone), clock_on(stretch.day, interval.ends, view.zone)


def _stretches(interval: Interval, view: View) -> Iterator[_Stretch]:
    """Its part of each day of the week."""
    starts, ends = local(interval.starts, view.zone), local(interval.ends, view.zone)
    day, last = max(starts.date(), view.days[0]), min(ends.date(), view.days[-1])
    while day <= last:
        goes_on = day > starts.date()
        first = 0 if goes_on else _minute(starts)
        end = DAY if day < ends.date() else _minute(ends)
        if not goes_on and end <= first and interval.ends > interval.starts:
            # Clocks go back meanwhile, at a whole hour: it is drawn up to there.
            end = min(first + int((interval.ends - interval.starts).total_seconds()) // 60, first // HOUR * HOUR + HOUR)
        if not goes_on or end > 0:
            yield _Stretch(day, first, end, goes_on)
        day += timedelta(days=1)


def _minute(local: datetime) -> int:
    return local.hour * HOUR + local.minute


def _shown(stretches: Iterable[_Stretch]) -> tuple[int, int]:
    """From and to which minute the days are drawn: whole hours, one more before and after what there is."""
    held = list(stretches)
    first = min((stretch.starts for stretch in held), default=USUAL[0] + HOUR) // HOUR - 1
    last = -(-max((stretch.ends for stretch in held), default=USUAL[1] - HOUR) // HOUR) + 1
    return max(first, 0) * HOUR, min(last * HOUR, DAY)


def _span(stretch: _Stretch, shown: tuple[int, int]) -> Span:
    ends = min(max(stretch.ends, stretch.starts + SHORTEST), shown[1])
    top = (min(stretch.starts, shown[1] - SHORTEST) - shown[0]) // STEP
    return Span(top, max(-(-(ends - shown[0]) // STEP) - top, SHORTEST // STEP))


def _shades(open_times: list[_Stretch], shown: tuple[int, int]) -> Iterator[Span]:
    at = shown[0]
    for stretch in sorted(open_times, key=lambda stretch: stretch.starts):
        if stretch.starts > at:
            yield Span((at - shown[0]) // STEP, (stretch.starts - at) // STEP)
        at = max(at, stretch.ends)
    if at < shown[1]:
        yield Span((at - shown[0]) // STEP, (shown[1] - at) // STEP)
