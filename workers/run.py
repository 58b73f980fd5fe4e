"""The steps of one delivery: each rule that held, in order, each step on the booking as the steps before left it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final

from service.store.steps import OPEN, Step
from service.telemetry import working_on
from workers.actions import Action
from workers.actions.action import numbered
from workers.conduct import count_again, give_back, hold_back, is_counted_again
from workers.decision import decide
from workers.obstacles import Watched
from workers.rule import Rule
from workers.rulebook import Entry
from workers.settle import Settler
from workers.situation import Situation
from workers.waits import Waits

LEFT: Final[Mapping[str, Any]] = MappingProxyType({})

NOT_REACHED: Final[Mapping[str, Any]] = MappingProxyType({"not_reached": True})
"""What tells a step that was not run from one that had nothing to do: it is run when the one before is tried again."""

ENDED_BADLY = frozenset({"failed", "unknown"})
"""States that end the rest of a rule, unless the step says that it goes on."""


@dataclass(frozen=True)
class Run(Situation):
    """The steps of one delivery."""

    held_rules: Mapping[tuple[str, str], str]
    """Which rules are held back, by location ('' for all) and name, and why."""

    stopping: Callable[[], bool]

    async def rule(self, entry: Entry, written: dict[str, str]) -> None:
        """Bring the steps of a rule that held to their end; `written` tells which rule wrote what in this delivery."""
        with working_on(rule=entry.rule.name), self.work.tracer.span("rule", rule=entry.rule.name):
            if await self._held(entry):
                return
            await self._steps(entry, entry.rule.then, 0, written)
            give_back(self.record, entry.rule)

    async def leave(
        self, rule: Rule, steps: Iterable[tuple[int, Action]], reason: str, meant: Mapping[str, Any] = LEFT
    ) -> None:
        """Say of those of a rule's steps of which nothing was decided that they are not done, so that nobody looks for
        them."""
        row, booking = self.drafts.row, self.drafts.booking
        await self.keep(
            [
                replace(row(rule.name, place, 0, action.do, "unchanged", booking, reason=reason), meant=meant)
                for place, action in steps
                if not self.record.steps_of(rule.name, place)
            ]
        )

    async def _steps(self, entry: Entry, actions: Sequence[Action], first: int, written: dict[str, str]) -> bool:
        """One after the other; False where the rest of the rule is not to be done."""
        for index, (place, action) in enumerate(numbered(actions, first)):
            states = await self._action(entry, place, action, written)
            if "done" in states or self._found(entry, place, "so_already"):
                written.update(dict.fromkeys(action.writes() - {"blocks"}, entry.rule.name))
            goes_on = "parked" not in states and not (states & ENDED_BADLY and action.on_error == "stop")
            if goes_on and action.otherwise and self._found(entry, place, "otherwise"):
                goes_on = await self._steps(entry, action.otherwise, place + 1, written)
            if not goes_on:
                if "parked" not in {step.state for step in self.record.steps_of(entry.rule.name)}:
                    await self._not_reached(entry, actions[index + 1 :], place + action.width)
                return False
        return True

    def _found(self, entry: Entry, place: int, word: str) -> bool:
        """Whether that is what a step came to where it had nothing to write."""
        return any(step.meant.get(word) for step in self.record.steps_of(entry.rule.name, place))

    async def _held(self, entry: Entry) -> bool:
        """Whether the rule is held back: what it has to do is parked until it is let go. What it began it ends."""
        rule, location_id = entry.rule.name, self.location.location_id
        why = self.held_rules.get((location_id, rule)) or self.held_rules.get(("", rule))
        if why is None or self.record.steps_of(rule):
            return False
        parked = self.drafts.parked(entry, 0, entry.rule.then[0], f"the rule is held: {why}")
        return await hold_back(self.record, entry.rule, parked)

    async def _not_reached(self, entry: Entry, rest: Sequence[Action], first: int) -> None:
        reason = "not reached: a step before it failed"
        await self.leave(entry.rule, numbered(rest, first), reason, NOT_REACHED)

    async def _action(self, entry: Entry, place: int, action: Action, written: dict[str, str]) -> set[str]:
        """Plan an action unless that was done, settle its steps, and tell how they ended."""
        planned = self.record.steps_of(entry.rule.name, place)
        if not planned:
            if self.stopping():
                raise Waits(timedelta(), "the worker stops")
            if self.record.acted:
                # Before somebody is asked anew, which may take its time.
                await self.record.commit()
            with self.work.tracer.span(f"plan {action.do}", rule=entry.rule.name):
                alone = (
                    self.work.deciding.at(self.location.location_id, self.stopping)
                    if action.decides_alone
                    else nullcontext()
                )
                async with alone:
                    if self.stopping():
                        raise Waits(timedelta(), "the worker stops")
                    await decide(self, entry, place, action, written)
        elif is_counted_again(entry.rule, planned):
            await count_again(self.record, entry.rule, self.judged(entry), planned)
        planned = self.record.steps_of(entry.rule.name, place)
        await self.settle([step for step in planned if step.state in OPEN])
        return {step.state for step in self.record.steps_of(entry.rule.name, place)}

    async def settle(self, planned: Sequence[Step]) -> None:
        """Bring steps to their end, one after the other. Raises Waits where one cannot end now."""
        for step in planned:
            if self.stopping():
                raise Waits(timedelta(), "the worker stops")
            api = Watched(self.work.client(self.location, self.record, step.step_id), self.record)
            settler = Settler(
                self.work.pool,
                self.record,
                api,
                self.work.settings.write_timeout,
                self.work.settle_after,
                self.work.clock,
                self.work.poster(self.location, self.record, step.step_id),
            )
            step_id = str(step.step_id)
            with (
                working_on(rule=step.rule, step=step_id),
                self.work.tracer.span(f"settle {step.action}", rule=step.rule, step=step_id) as span,
            ):
                wait = await settler.settle(step)
                span.tell(ended=wait is None)
            if wait is not None:
                why = next((each.reason for each in self.record.steps if each.step_id == step.step_id), None)
                raise Waits(wait, f"a step waits: {why}" if why else "a step waits")
