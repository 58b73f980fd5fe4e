"""A rule in shadow: what it would write, kept beside its verdict and never sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from service.highlevel.errors import HighLevelError
from service.store.steps import Step
from service.trigger import Booking
from workers.actions import Action
from workers.actions.action import CannotAct, LeftAlone, SoAlready, numbered
from workers.changes import after
from workers.decision import planned
from workers.dry_run import DryRun
from workers.rulebook import Entry
from workers.situation import Situation
from workers.templates import TextError


async def rehearse(situation: Situation, entry: Entry, written: Mapping[str, str]) -> None:
    """Plan each action on the booking as the ones before it would leave it; all of them are kept at once.

    `written`: which rule wrote what in this delivery, as for a rule that is live.
    """
    known = situation.record.steps_of(entry.rule.name)
    if any(step.state == "shadow" for step in known):
        return
    # One that was overridden only after it was judged may have found of some steps that they have nothing to do.
    decided = {step.place for step in known}
    rehearsal = await Rehearsal.of(situation, entry, written)
    await situation.keep([row for row in rehearsal.rows if row.place not in decided])


@dataclass
class Rehearsal:
    """Of one rule: the booking as its steps so far would leave it, what they would do, and what they would change of
    it."""

    situation: Situation
    entry: Entry
    written: Mapping[str, str]
    booking: Booking | None
    rows: list[Step] = field(default_factory=list)
    wrote: set[str] = field(default_factory=set)

    @classmethod
    async def of(cls, situation: Situation, entry: Entry, written: Mapping[str, str]) -> Self:
        """Of all its steps."""
        seen = situation.context(entry).last_seen
        rehearsal = cls(situation, entry, written, seen.booking if seen else None)
        await rehearsal.steps(entry.rule.then, 0)
        return rehearsal

    async def steps(self, actions: Sequence[Action], first: int) -> bool:
        """False where one would fail, and the rule end."""
        for place, action in numbered(actions, first):
            if not await self._step(place, action):
                return False
        return True

    async def _step(self, place: int, action: Action) -> bool:
        situation, rule, booking = self.situation, self.entry.rule.name, self.booking
        row = situation.drafts.row
        context = situation.context(self.entry)
        if booking:
            context = situation.on(self.entry, context.seen.written(booking))
        context = replace(context, api=DryRun(context.api, booking))
        try:
            decided = await planned(situation, context, self.entry, place, action, self.written)
        except (CannotAct, TextError, HighLevelError) as error:
            self.rows.append(row(rule, place, 0, action.do, "shadow", booking, reason=f"would fail: {error}"))
            return action.on_error == "continue"
        if isinstance(decided, LeftAlone):
            reason = f"would leave it: {decided.reason}" if booking else decided.reason
            left = row(rule, place, 0, action.do, "shadow", booking, reason=reason)
            self.rows.append(replace(left, meant=decided.meant))
            if isinstance(decided, SoAlready):
                self.wrote |= action.writes() - {"blocks"}
            return not decided.otherwise or await self.steps(action.otherwise, place + 1)
        self.wrote |= action.writes() - {"blocks"}
        for part, write in enumerate(decided.writes):
            self.rows.append(row(rule, place, part, action.do, "shadow", booking, write))
            self.booking = after(write.operation, self.booking, write.meant) if self.booking else None
        return True
