"""Follows: every block that is bound to a booking, brought along on each change of it, whoever made the change."""

from service.store import appointments, follows
from service.store.steps import OPEN
from workers.actions.following import next_write
from workers.run import Run

FOLLOW = "follow"
PLACE = 1_000
"""Where steps of follows stand among a delivery's: after those of every rule."""


async def bring_along(run: Run) -> None:
    """Settle each block once per delivery, ours or somebody else's. Raises what steps raise."""
    if run.delivery.appointment_id is None:
        return
    mine = [step for step in await run.steps_of() if step.action == FOLLOW]
    await run.settle([step for step in mine if step.state in OPEN])
    location_id, appointment_id = run.location.location_id, run.delivery.appointment_id
    async with run.work.pool.acquire() as connection:
        seen = await appointments.find(connection, location_id, appointment_id)
        bound = await follows.of_appointment(connection, location_id, appointment_id)
    handled = {step.meant["follow"]["follow_id"] for step in mine}
    for follow in bound:
        if seen is None or str(follow.follow_id) in handled:
            continue
        write = next_write(follow, seen.booking)
        if write is None:
            continue
        step = run.row(follow.rule, PLACE, len(handled), FOLLOW, "planned", seen.booking, write)
        handled.add(str(follow.follow_id))
        await run.keep([step])
        await run.settle([kept for kept in await run.steps_of() if kept.step_id == step.step_id])
