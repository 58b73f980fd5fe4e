"""A rule in shadow: what it would write, kept beside its verdict and never sent."""

from collections.abc import Mapping
from dataclasses import replace

from service.highlevel.errors import HighLevelError
from service.store.steps import Step
from service.trigger import Booking
from workers.actions import Action
from workers.actions.action import ActionContext, CannotAct, LeftAlone
from workers.changes import after
from workers.dry_run import DryRun
from workers.rulebook import Entry
from workers.run import Run, reason_to_leave
from workers.templates import TextError


async def rehearse(run: Run, entry: Entry, written: Mapping[str, str]) -> None:
    """Plan each action on the booking as the ones before it would leave it; all of them are kept at once.

    `written`: which rule wrote what in this delivery, as for a rule that is live.
    """
    if await run.steps_of(entry.rule.name):
        return
    context = await run.context(entry)
    booking = context.booking
    rows: list[Step] = []
    for place, action in enumerate(entry.rule.then):
        context = run.on(entry, context.seen.written(booking))
        context = replace(context, api=DryRun(context.api, booking))
        planned, left = await _rehearse(run, entry, place, action, context, written)
        rows.extend(planned)
        if left is None:
            break
        booking = left
    await run.keep(rows)


async def _rehearse(
    run: Run, entry: Entry, place: int, action: Action, context: ActionContext, written: Mapping[str, str]
) -> tuple[list[Step], Booking | None]:
    """The steps of one action, and the booking as they would leave it; None where it would fail, and its rule end."""
    booking, rule = context.booking, entry.rule.name
    try:
        decided = reason_to_leave(context, entry, action, written) or await action.plan(context)
    except (CannotAct, TextError, HighLevelError) as error:
        return [run.row(rule, place, 0, action.do, "shadow", booking, reason=f"would fail: {error}")], None
    if isinstance(decided, LeftAlone):
        reason = f"would leave it: {decided.reason}"
        return [run.row(rule, place, 0, action.do, "shadow", booking, reason=reason)], booking
    rows = [
        run.row(rule, place, part, action.do, "shadow", booking, write) for part, write in enumerate(decided.writes)
    ]
    for write in decided.writes:
        booking = after(write.operation, booking)
    return rows, booking
