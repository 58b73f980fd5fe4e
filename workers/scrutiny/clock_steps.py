"""Moments and actions by the clock, and what becomes of them in a night in which the clocks change."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta

from workers.actions import Action, BlockSlot, CreateTask
from workers.actions.placement import Placement
from workers.blocking.days import MIDNIGHT
from workers.moments import AnyMoment, ClockMoment, at
from workers.rescheduling.within import Within
from workers.scrutiny.clock_changes import A_DAY, Change
from workers.scrutiny.clock_times import Zones, bounds, moments, odd, of_exact
from workers.week_hours import WeekHours
from workers.words import Place


def of_moment(moment: AnyMoment, ahead: Iterable[Change]) -> str | None:
    if moment.clock is None:
        return None
    for change in ahead:
        shown = change.at(moment.clock)
        if shown and (not isinstance(moment, ClockMoment) or shown.weekday() in moment.days):
            comes = at(shown.date(), shown.time(), change.zone).astimezone(change.zone)
            if warning := odd(change, shown, comes):
                return f"{moment.words}: {warning}"
    return None


def of_action(action: Action, where: Zones) -> Iterator[tuple[Place, str]]:
    """What is warned of, each with the words that it stands under."""
    match action:
        case BlockSlot(start=start, end=end):
            yield from _exactly("from", start, where)
            yield from _exactly("until", end, where)
            if isinstance(start, time) and isinstance(end, time):
                yield from _of_block(action, start, end, where.ahead)
        case Placement(to=to, within=within):
            yield from _exactly("to", to, where)
            if within and within.hours and (warning := _of_within(within, within.hours.week, where.ahead)):
                yield ("within", "hours"), f"{within}: {warning}"
        case CreateTask(due=due):
            yield from _exactly("due", due, where)
            if isinstance(due, time):
                every_day = ClockMoment(f"due {due:%H:%M}", frozenset(range(7)), due)
                if warning := of_moment(every_day, where.ahead):
                    yield ("due",), warning


def _exactly(word: str, value: object, where: Zones) -> Iterator[tuple[Place, str]]:
    for moment in moments(value):
        if warning := of_exact(moment, where.zones):
            yield (word,), f"{word} {moment:%Y-%m-%d %H:%M}: {warning}"


def _of_block(block: BlockSlot, start: time, end: time, ahead: Iterable[Change]) -> Iterator[tuple[Place, str]]:
    over = timedelta() if end == MIDNIGHT or end > start else A_DAY
    told: set[str] = set()
    for change in ahead:
        for word, clock, later in (("from", start, timedelta()), ("until", end, over)):
            shown = change.at(clock) if clock != MIDNIGHT and word not in told else None
            if shown and _blocks(block, shown.date() - later) and (warning := _bound(change, shown)):
                told.add(word)
                yield (word,), f"{word} {clock:%H:%M}: {warning}"


def _blocks(block: BlockSlot, day: date) -> bool:
    return (block.on is None or day in block.on) and (block.excluded is None or day not in block.excluded)


def _of_within(within: Within, week: WeekHours, ahead: Iterable[Change]) -> str | None:
    def means(day: date) -> bool:
        left_out = any(day in each.days for each in within.left_out)
        return not left_out and (within.days is None or day.weekday() in within.days)

    for change in ahead:
        for shown in bounds(week, change, means):
            if shown in change and (warning := _bound(change, shown)):
                return warning
    return None


def _bound(change: Change, shown: datetime) -> str | None:
    """Of a stretch of time: one that is left out is the change itself."""
    return odd(change, shown, change.last)
