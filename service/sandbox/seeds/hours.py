"""Times of day and hours, as a seed writes them."""

import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from service.availability.hours import DAY, WEEKDAYS
from service.sandbox.seeds.words import quoted
from service.sandbox.world.records import Record

DAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
"""As HighLevel counts them."""


def _minutes(value: object) -> object:
    """`09:30` as minutes after midnight; numbers pass."""
    if not isinstance(value, str):
        return value
    read = re.fullmatch(r"(\d{1,2}):(\d{2})", value)
    if read is None:
        raise ValueError(f"{quoted(value)} is no time of day: it is written as in 09:30")
    minutes = int(read[1]) * 60 + int(read[2])
    if int(read[2]) > 59 or minutes > DAY:
        raise ValueError(f"{quoted(value)} is no time of day: they go from 00:00 to 24:00")
    return minutes


ClockTime = Annotated[int, BeforeValidator(_minutes), Field(ge=0, le=DAY)]
"""Minutes after midnight by the location's clock, written `09:30` in a seed."""


class Hours(Record):
    opens: ClockTime
    closes: ClockTime

    @model_validator(mode="after")
    def of_some_length(self) -> "Hours":
        if self.opens >= self.closes:
            raise ValueError(f"{clock(self.opens)} to {clock(self.closes)}: it has to open before it closes")
        return self

    @property
    def on_the_wire(self) -> dict[str, int]:
        """As a calendar has them."""
        return {
            "openHour": self.opens // 60,
            "openMinute": self.opens % 60,
            "closeHour": self.closes // 60,
            "closeMinute": self.closes % 60,
        }

    @property
    def interval(self) -> dict[str, str]:
        """As a schedule has them: to the day's end is to 00:00."""
        return {"from": clock(self.opens), "to": clock(self.closes % DAY)}


class Opening(Hours):
    days: tuple[Literal["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"], ...]

    @property
    def weekdays(self) -> list[int]:
        """0 is Sunday."""
        return sorted(DAYS.index(day) for day in self.days)


def rules_of(openings: Iterable[Opening]) -> list[dict[str, Any]]:
    """As a schedule has them: one for each day of the week that is open at all."""
    intervals: dict[int, list[dict[str, str]]] = {}
    for opening in openings:
        for day in opening.weekdays:
            intervals.setdefault(day, []).append(opening.interval)
    return [
        {"type": "wday", "day": WEEKDAYS[(day - 1) % 7], "intervals": found} for day, found in sorted(intervals.items())
    ]


def clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
