"""Follows: every block that is bound to a booking, brought along on each change of it, whoever made the change."""

from service.store.steps import OPEN
from workers.actions.following import next_write
from workers.drafts import FOLLOW
from workers.run import Run

PLACE = 1_000
"""Where steps of follows stand among a delivery's: after those of every rule."""


async def bring_along(run: Run) -> None:
    """Settle each block once per delivery, ours or somebody else's. Raises what steps raise."""
    record = run.record
    mine = [step for step in record.steps if step.action == FOLLOW]
    await run.settle([step for step in mine if step.state in OPEN])
    handled = {step.meant["follow"]["follow_id"] for step in mine}
    for follow in list(record.follows):
        if record.seen is None or str(follow.follow_id) in handled:
            continue
        write = next_write(follow, record.seen.booking)
        if write is None:
            continue
        step = run.drafts.row(follow.rule, PLACE, len(handled), FOLLOW, "planned", record.seen.booking, write)
        handled.add(str(follow.follow_id))
        await run.keep([step])
        await run.settle([step])
