"""Conduct of a rule at work: counted, held back or stopped with what it would have done, given back what came to
nothing."""

from collections.abc import Sequence
from dataclasses import replace

from service.store import conduct, holds, ledger, steps
from service.store.conduct import DoneBefore, LimitReached
from service.store.database import Connection
from service.store.steps import Step
from workers.actions.action import ActionContext
from workers.breakers import stop_rule
from workers.conduct_words import write_limit, write_once_per
from workers.record import Record
from workers.restraints import mark_of
from workers.rule import Rule


def is_counted(rule: Rule) -> bool:
    return rule.once_per is not None or rule.most is not None


async def count(connection: Connection, rule: Rule, context: ActionContext) -> None:
    """That a rule acts on a delivery, once for each; `context` is the booking as it was judged, for what the rule makes
    of it is no other group. Raises DoneBefore and LimitReached."""
    if rule.once_per is not None:
        mark = mark_of(rule.once_per, context)
        await conduct.mark(connection, context.location_id, rule.name, mark, context.delivery_id)
    if rule.most is not None:
        await conduct.use(connection, context.location_id, rule.name, rule.most, context.delivery_id)


def is_counted_again(rule: Rule, planned: Sequence[Step]) -> bool:
    """Whether somebody had tried again what had ended: it may have been given back."""
    return is_counted(rule) and any(_reopened(step) for step in planned)


async def count_again(record: Record, rule: Rule, context: ActionContext, planned: Sequence[Step]) -> None:
    """Count it as if it were decided now."""
    try:
        async with record.lease.transaction() as connection:
            await count(connection, rule, context)
    except DoneBefore as before:
        for step in filter(_reopened, planned):
            record.close(step.ended("unchanged", done_before(rule, before)))
    except LimitReached:
        reason = limit_reached(rule)
        await stop(record, rule, [replace(step, state="parked", reason=reason) for step in filter(_reopened, planned)])


def give_back(record: Record, rule: Rule) -> None:
    """What it was counted for, where its steps have ended and none of them was sent."""
    if is_counted(rule):
        record.lease.note(*conduct.given_back(record.steps_of(rule.name)))


async def hold_back(record: Record, rule: Rule, parked: Step) -> bool:
    """Park what a rule that is held has to do; False where it was let go meanwhile."""
    async with record.lease.transaction() as connection:
        # Whoever lets it go looks for what is parked after that.
        if not await holds.still_held(connection, record.delivery.location_id, rule.name):
            return False
        await ledger.write_down(connection, [steps.kept(parked)])
    record.close(parked)
    return True


async def stop(record: Record, rule: Rule, parked: Sequence[Step]) -> None:
    """Hold back a rule that has reached its limit, and park what it would have done next."""
    async with record.lease.transaction() as connection:
        await stop_rule(connection, record.delivery.location_id, rule.name, limit_reached(rule))
        await ledger.write_down(connection, [steps.kept(step) for step in parked])
    for step in parked:
        record.close(step)


def done_before(rule: Rule, error: DoneBefore) -> str:
    return f"once per {write_once_per(rule.once_per)}: it was taken up for delivery {error.delivery_id}"


def limit_reached(rule: Rule) -> str:
    return f"the rule has reached its limit, {write_limit(rule.most)}, and is stopped"


def _reopened(step: Step) -> bool:
    """Not decided just now, and not tried since."""
    return step.state == "waiting" and not (step.attempts or step.looks)
