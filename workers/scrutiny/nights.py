"""Nights: whether conditions leave them out."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from workers.conditions import HELD, Conditions, judge, questions
from workers.facts import Answer, Fact, Facts, Sight
from workers.known_facts import fact_named
from workers.lookups import Lookup
from workers.names import Names
from workers.operands import Span
from workers.values import Days

NOW: Final = "now"

CLOCK: Final = tuple(time(hour, minute) for hour in range(6) for minute in (0, 15, 30, 45))
"""Some moments of a night. Whoever leaves these out has not meant to disturb."""

A_WEEK: Final = tuple(date(2027, 3, 1) + timedelta(days=day) for day in range(7))
"""One without a holiday, so that each weekday comes up."""

AROUND: Final = (timedelta(days=-1), timedelta(), timedelta(days=1))

ANYTHING: Final = Lookup()
"""The value of whatever else is asked for: it may be so, or not."""


class Night(Facts):
    """Nothing is known but the time."""

    def __init__(self, moment: datetime) -> None:
        super().__init__(Sight(None, None, moment, ZoneInfo("UTC"), Names()), fact_named)
        self.moment = moment

    def answer(self, fact: Fact) -> Answer | Lookup:
        return self.moment if fact.name == NOW else ANYTHING


def left_out(conditions: Conditions) -> bool:
    """Whether they never hold at night, as far as that hangs on the time."""
    if NOW not in conditions.facts:
        return False
    asked = (question.operand for question in questions(conditions) if question.fact.name == NOW)
    named = {day + by for operand in asked for day in _dates(operand) for by in AROUND}
    nights = (datetime.combine(day, clock, UTC) for day in {*A_WEEK, *named} for clock in CLOCK)
    return not any(judge(conditions, Night(moment)).outcome & HELD for moment in nights)


def _dates(operand: object) -> Iterator[date]:
    """Those that a test names: what it says of them it may say of no other day."""
    match operand:
        case datetime():
            yield operand.date()
        case Days(dates=dates):
            yield from dates
        case Span(start, end):
            yield from (*_dates(start), *_dates(end))
        case tuple():
            for each in operand:
                yield from _dates(each)
