"""Placement: where and when a booking may be, as `reschedule` and `book` say it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal, Self, get_args

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from workers.actions.action import Action, ActionContext, CannotAct
from workers.names import Calendar
from workers.references import Reference
from workers.rescheduling.target import NEXT_FREE, Length, Shift, Target, shifted
from workers.rescheduling.within import Within
from workers.values import SomeDuration, in_zone, one_or_many, write_duration
from workers.words import fault, faults, wrong

LOOKS_AHEAD = timedelta(days=31)
"""The longest range that HighLevel tells free slots of in one call."""

FURTHEST = timedelta(days=180)

ONE_MINUTE, LONGEST = timedelta(minutes=1), timedelta(days=31)

Kept = Literal["person", "time_of_day"]

_KEPT: Final[dict[str, Any]] = {"enum": list(get_args(Kept))}

SomeKept = Annotated[
    tuple[Kept, ...],
    BeforeValidator(one_or_many),
    Field(min_length=1),
    WithJsonSchema({"anyOf": [_KEPT, {"type": "array", "items": _KEPT, "minItems": 1}]}),
]


class Placement(Action):
    """Where and when a booking may be."""

    to: Target
    """When: `next_free`, `{shift: 1d}` (so much later than the booking, on the clock on the wall), a moment, or a fact
    that is one. A time that is not on offer is not taken."""

    after: SomeDuration | None = None
    """With `next_free`: not before so long after the start of the booking."""

    ahead: SomeDuration | None = None
    """With `next_free`: how far it looks from the earliest time that would do: 31d where nothing is said, 180d at
    most."""

    within: Within | None = None
    """The days and hours that the time may have."""

    same: SomeKept = ()
    """What must stay as it is: `person`, `time_of_day`."""

    prefer: SomeKept = ()
    """What had better stay as it is: `person`, or somebody else of the team where they have no time; `time_of_day`,
    the nearest to it on the first day that has a time."""

    lasts: Length | None = None
    """How long it is to be. A length that is not the calendar's own must be free as a whole."""

    calendar: Calendar | None = None
    """The calendar that it is to be on."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        found = list(self._faults())
        if found:
            raise faults(self.do, (fault(wrong(message, key=True), (word,)) for word, message in found))
        return self

    def _faults(self) -> Iterator[tuple[str, str]]:
        if self.to != NEXT_FREE:
            for word, means in (("after", "from when next_free looks"), ("ahead", "how far next_free looks")):
                if getattr(self, word) is not None:
                    yield word, f"{word} is {means}, and to is a time of its own"
            for word in ("same", "prefer"):
                if "time_of_day" in getattr(self, word):
                    yield word, "the time of day is what next_free is to keep, and to is a time of its own"
        if isinstance(self.lasts, timedelta) and self.lasts > LONGEST:
            yield "lasts", f"a booking lasts {write_duration(LONGEST)} at most"
        if self.ahead is not None and self.ahead > FURTHEST:
            yield "ahead", f"{write_duration(FURTHEST)} is the furthest that is looked"
        for word in sorted({*self.same} & {*self.prefer}):
            yield "prefer", f"{word} is under same already, where it must stay as it is"

    def at(self, context: ActionContext) -> datetime | None:
        """The time that is meant; None for the next free one. Raises TextError for a fact that is missing."""
        match self.to:
            case "next_free":
                return None
            case Shift(shift=by):
                return shifted(context.booking.starts, by, context.zone)
            case datetime() | Reference():
                return in_zone(context.known(self.to), context.zone)

    def length(self, context: ActionContext, usual: timedelta) -> timedelta:
        """In whole minutes. Raises TextError for a fact that is missing, CannotAct for one that is no length."""
        if self.lasts is None:
            return usual
        said = context.known(self.lasts)
        if not ONE_MINUTE <= said <= LONGEST:
            raise CannotAct(f"a booking lasts from 1m to {write_duration(LONGEST)}, and not {write_duration(said)}")
        return said - said % ONE_MINUTE
