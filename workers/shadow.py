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
from workers.restraints import reason_to_leave
from workers.rulebook import Entry
from workers.run import Run
from workers.templates import TextError


async def rehearse(run: Run, entry: Entry, written: Mapping[str, str]) -> None:
    """Plan each action on the booking as the ones before it would leave it; all of them are kept at once.

    `written`: which rule wrote what in this delivery, as for a rule that is live.
    """
    if run.record.steps_of(entry.rule.name):
        return
    context = run.context(entry)
    booking = context.last_seen.booking if context.last_seen else None
    rows: list[Step] = []
    for place, action in enumerate(entry.rule.then):
        context = run.on(entry, context.seen.written(booking) if booking else None)
        if booking:
            context = replace(context, api=DryRun(context.api, booking))
        planned, booking, failed = await _rehearse(run, entry, place, action, context, written)
        rows.extend(planned)
        if failed:
            break
    await run.keep(rows)


async def _rehearse(
    run: Run, entry: Entry, place: int, action: Action, context: ActionContext, written: Mapping[str, str]
) -> tuple[list[Step], Booking | None, bool]:
    """The steps of one action, the booking as they would leave it, and whether it would fail, and its rule end."""
    booking, rule = context.last_seen.booking if context.last_seen else None, entry.rule.name
    row = run.drafts.row
    try:
        decided = reason_to_leave(context, entry, action, written, run.at) or await action.plan(context)
    except (CannotAct, TextError, HighLevelError) as error:
        return [row(rule, place, 0, action.do, "shadow", booking, reason=f"would fail: {error}")], booking, True
    if isinstance(decided, LeftAlone):
        reason = f"would leave it: {decided.reason}" if booking else decided.reason
        return [row(rule, place, 0, action.do, "shadow", booking, reason=reason)], booking, False
    rows = [row(rule, place, part, action.do, "shadow", booking, write) for part, write in enumerate(decided.writes)]
    for write in decided.writes:
        booking = after(write.operation, booking) if booking else None
    return rows, booking, False
