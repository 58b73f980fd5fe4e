"""`block_slot`: time that nobody can book, beside the appointment or at a time of its own."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any, ClassVar, Final, Literal, Self

from pydantic import Field, StrictBool, model_validator
from pydantic_core import InitErrorDetails

from service.availability.intervals import Interval
from service.store.follows import LONGEST
from service.store.turns import Turn, Turns
from service.trigger import TAKES_NO_TIME
from workers.actions import blocked_time
from workers.actions.action import Action, ActionContext, CannotAct, LeftAlone, Plan
from workers.actions.block_words import ASSIGNEE, BlockEnd, BlockStart, Targets
from workers.actions.blocked_time import MOST_BLOCKS, Wanted
from workers.actions.blocked_whom import Whose, about_booking, fewest, meant
from workers.actions.following import Side, rule_write, window
from workers.actions.present import present
from workers.blocking.days import ONE_DAY, Daily, by_day
from workers.operands import DayList
from workers.templates import Text
from workers.values import SomeDuration, in_zone, write_duration
from workers.words import fault, faults, wrong

MOST_AHEAD: Final = timedelta(days=366)

MOST_DAYS: Final = 31
"""From one moment to another; a block for each of them is written."""

OF_CLOCK: Final = ("on", "except", "ahead")
"""Words that only mean something beside clock times."""


class BlockSlot(Action):
    """Block time beside the booking, before it, after it or both; or people's time at hours of its own, once or for so
    many days ahead. What is blocked already is not blocked again."""

    called: ClassVar[str] = "block_slot"
    example: ClassVar[str] = "{do: block_slot, after: 15m, follow: true}"

    do: Literal["block_slot"]
    before: SomeDuration | None = None
    """How long to block right before the booking."""
    after: SomeDuration | None = None
    """How long to block right after the booking."""
    follow: StrictBool = False
    """Whether the block goes along with its booking: wherever that moves, whoever has it, until it is cancelled."""
    start: BlockStart | None = Field(default=None, validation_alias="from", serialization_alias="from")
    """From when: a clock time, a moment, or a fact that is one."""
    end: BlockEnd | None = Field(default=None, validation_alias="until", serialization_alias="until")
    """Until when; a clock time no later than `from` is one of the next day, 24:00 the end of the same."""
    on: DayList | None = None
    """On which days a clock time is meant: weekdays, dates, names under `holidays`. Every day where it is not said."""
    excluded: DayList | None = Field(default=None, validation_alias="except", serialization_alias="except")
    """On which of these days not."""
    ahead: SomeDuration | None = None
    """Keep so many days blocked, today's the first; what somebody removed by hand stays removed."""
    people: Targets = Field(default=(), validation_alias="for", serialization_alias="for")
    """Whose time: people, a team, or a calendar; whoever has the booking where it is not said. Of a calendar that is
    not of type `event` each of its team is meant, for HighLevel blocks people there."""
    if_taken: blocked_time.IfTaken = "block"
    """What to do where somebody has booked that time: leave it (`skip`), leave it and alert (`alert`), or block it all
    the same, which leaves the booking as it is and keeps further ones out (`block`)."""
    title: Text | None = None
    """What the block is called at HighLevel."""

    @model_validator(mode="after")
    def _says_when(self) -> Self:
        found = list(self._faults_beside() if self.start is None and self.end is None else self._faults_of_its_own())
        if found:
            raise faults("block_slot", found)
        return self

    def _faults_beside(self) -> Iterator[InitErrorDetails]:
        if self.before is None and self.after is None:
            message = "block_slot must say before or after: how long, as in after: 15m; or from and until"
            yield fault(wrong(message))
        for word in ("before", "after"):
            if (length := getattr(self, word)) and length > LONGEST:
                message = f"{write_duration(length)} is too long: a block beside a booking is 1d at most"
                yield fault(wrong(message), (word,))
        for word in OF_CLOCK:
            if self._said(word):
                message = f"{word} is for blocks with from and until, and this one has a booking to lie beside"
                yield fault(wrong(message, key=True), (word,))
        if self.follow and self.people:
            yield fault(wrong("a block that follows is of whoever has the booking", key=True), ("for",))

    def _faults_of_its_own(self) -> Iterator[InitErrorDetails]:
        said, other = ("until", "from") if self.start is None else ("from", "until")
        if self.start is None or self.end is None:
            yield fault(wrong(f"{said} without {other}: a block has a beginning and an end", key=True), (said,))
        for word in ("before", "after"):
            if self._said(word):
                message = f"{word} cannot stand beside {said}: a block is beside the booking or at a time of its own"
                yield fault(wrong(message, key=True), (word,))
        if self.follow:
            message = f"follow cannot stand beside {said}: only a block beside the booking goes along with it"
            yield fault(wrong(message, key=True), ("follow",))
        if self.excluded is not None and self.on is None:
            yield fault(wrong("except takes days out of `on`, which is not said", key=True), ("except",))
        if self.start is None or self.end is None:
            return
        if isinstance(self.start, time) != isinstance(self.end, time):
            yield fault(wrong("from and until are both clock times, or both moments"), ("until",))
        elif not isinstance(self.start, time):
            yield from self._faults_of_moments()
        else:
            if self.start == self.end:
                message = "until is the same as from: nothing lies between them; a whole day is 00:00 until 24:00"
                yield fault(wrong(message), ("until",))
            yield from self._faults_of_ahead()

    def _faults_of_moments(self) -> Iterator[InitErrorDetails]:
        for word in OF_CLOCK:
            if self._said(word):
                yield fault(wrong(f"{word} is for clock times, and from is a moment", key=True), (word,))
        if not isinstance(self.start, datetime) or not isinstance(self.end, datetime):
            return
        if bool(self.start.tzinfo) != bool(self.end.tzinfo):
            message = "from and until must both have an offset, or neither: then they are on the location's clock"
            yield fault(wrong(message), ("until",))
        elif self.end <= self.start:
            yield fault(wrong("until is not after from: nothing lies between them"), ("until",))
        elif self.end - self.start > MOST_DAYS * ONE_DAY:
            yield fault(wrong(f"more than {MOST_DAYS} days are too long for a block"), ("until",))

    def _faults_of_ahead(self) -> Iterator[InitErrorDetails]:
        if self.ahead is None:
            return
        if self.ahead % ONE_DAY or self.ahead > MOST_AHEAD:
            message = f"a number of days such as 30d expected, {MOST_AHEAD.days}d at most"
            yield fault(wrong(message), ("ahead",))
            return
        weekly = len(self.on.weekdays) if self.on else 7
        people = max(fewest(self.people), 1)
        blocks = self.ahead // timedelta(weeks=1) * weekly * people
        if blocks > MOST_BLOCKS:
            message = f"these are {blocks} blocks at once, and {MOST_BLOCKS} is the most: fewer days or people expected"
            yield fault(wrong(message), ("ahead",))

    def _said(self, word: str) -> bool:
        return getattr(self, "excluded" if word == "except" else word) is not None

    @property
    def needs_booking(self) -> bool:
        return self.start is None or about_booking(self.people)

    @property
    def decides_alone(self) -> bool:
        """Two that want the same time must see each other."""
        return not self.follow

    def writes(self) -> frozenset[str]:
        # What is not beside the booking is no matter of its being past, or anybody's.
        return frozenset({"blocks"}) if self.needs_booking else frozenset()

    async def plan(self, context: ActionContext) -> Plan | LeftAlone:
        if self.needs_booking:
            if context.booking.deleted or context.booking.status in TAKES_NO_TIME:
                return LeftAlone("the booking takes no time any more")
            if isinstance(left := await present(context), LeftAlone):
                return left
        return await (self._beside(context) if self.start is None else self._of_its_own(context))

    async def _beside(self, context: ActionContext) -> Plan | LeftAlone:
        turns = None if self.follow else await context.turns(())
        whose = await meant(self.people or (ASSIGNEE,), context)
        if isinstance(whose, LeftAlone):
            return whose
        lengths: tuple[tuple[Side, timedelta | None], ...] = (("before", self.before), ("after", self.after))
        title = self._title(context)
        asked = [(each, side, length) for side, length in lengths if length is not None for each in whose]
        wanted = [await self._wanted(context, *each, title) for each in asked]
        missing = [each for each in wanted if each]
        return _in_turn(await blocked_time.plan(missing, context, self.if_taken, look=False), turns)

    async def _wanted(
        self, context: ActionContext, whose: Whose, side: Side, length: timedelta, title: str
    ) -> Wanted | None:
        """None where it has been bound to the booking before."""
        title = title or f"Blocked {side} a booking"
        words = f"{write_duration(length)} {side} the booking" + (f" for {whose.name}" if self.people else "")
        bound = None
        if self.follow:
            bound = await rule_write(context, side, length, title=title, calendar_id=whose.calendar_id)
            if bound is None:
                return None
        return Wanted(whose, Interval(*window(side, length, context.booking)), title, words, bound)

    async def _of_its_own(self, context: ActionContext) -> Plan | LeftAlone:
        turns = await context.turns(())
        whose = await meant(self.people or (ASSIGNEE,), context)
        if isinstance(whose, LeftAlone):
            return whose
        times = [time for time in self._times(context) if time.ends > context.now]
        if not times:
            return LeftAlone("no time ahead is meant: it is past, or none of these days")
        title = self._title(context) or "Blocked"
        wanted = [Wanted(each, time, title) for time in times for each in whose]
        return _in_turn(await blocked_time.plan(wanted, context, self.if_taken, repeated=self.ahead is not None), turns)

    def _times(self, context: ActionContext) -> list[Interval]:
        """Raises MissingFact, or CannotAct for moments of which one is not after the other."""
        start: Any = context.known(self.start)
        end: Any = context.known(self.end)
        if isinstance(start, time):
            first = in_zone(self._day(context), context.zone).date()
            days = self.ahead // ONE_DAY if self.ahead else 1
            return list(Daily(start, end, self.on, self.excluded).stretches(first, days, context.zone))
        start, end = (in_zone(each, context.zone).astimezone(UTC) for each in (start, end))
        if end <= start:
            raise CannotAct(f"until ({end.isoformat()}) is not after from ({start.isoformat()})")
        if end - start > MOST_DAYS * ONE_DAY:
            raise CannotAct(f"more than {MOST_DAYS} days from {start.isoformat()} are too long for a block")
        return list(by_day(start, end, context.zone))

    def _day(self, context: ActionContext) -> datetime:
        """The first that a clock time may be of: the booking's, but where the days ahead are kept blocked."""
        return context.now if self.ahead or context.last_seen is None else context.booking.starts

    def _title(self, context: ActionContext) -> str:
        return self.title.render(context.facts).strip() if self.title else ""


def _in_turn(decided: Plan | LeftAlone, turns: Turns | None) -> Plan | LeftAlone:
    """Stored as one decision of its location: another that was made beside it would not have seen these blocks."""
    return Plan(decided.writes, Turn(turns.decided)) if turns and isinstance(decided, Plan) else decided
