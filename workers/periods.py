"""Periods over which bookings are counted and shared out: the day, week or month that holds a moment."""

from datetime import datetime, timedelta
from typing import Literal, assert_never

Period = Literal["day", "week", "month"]


def bounds(moment: datetime, period: Period) -> tuple[datetime, datetime]:
    """The first moment of the period that holds `moment`, and of the one after it, in its zone; weeks from Monday."""
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    match period:
        case "day":
            return day, day + timedelta(days=1)
        case "week":
            monday = day - timedelta(days=day.weekday())
            return monday, monday + timedelta(days=7)
        case "month":
            first = day.replace(day=1)
            return first, (first + timedelta(days=32)).replace(day=1)
        case _:
            assert_never(period)
