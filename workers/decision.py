"""A decision: what an action comes to, once, kept before anything of it is sent."""

from collections.abc import Mapping
from dataclasses import replace

from service.highlevel.errors import HighLevelError
from service.store import steps
from service.store.conduct import DoneBefore, LimitReached
from service.store.turns import TurnMoved
from workers.actions import Action
from workers.actions.action import ActionContext, CannotAct, LeftAlone, Plan
from workers.conditions import unmet
from workers.conduct import done_before, limit_reached, stop
from workers.inquiry import judged, look_up
from workers.pauses import policy
from workers.restraints import MOST_CHANGES, RING_WITHIN, TooLate, changes, reason_to_leave, ring_of
from workers.rulebook import Entry
from workers.situation import Situation
from workers.templates import TextError
from workers.waits import Waits, given_up


async def decide(situation: Situation, entry: Entry, place: int, action: Action, written: Mapping[str, str]) -> None:
    """`written` tells which rule wrote what in this delivery. Raises Waits where that cannot be decided now."""
    record, drafts = situation.record, situation.drafts
    while True:
        context = situation.context(entry)
        decided: Plan | LeftAlone | CannotAct
        try:
            decided = await planned(situation, context, entry, place, action, written)
            if isinstance(decided, TooLate):
                record.late(action.do, entry.rule.name)
            elif isinstance(decided, Plan) and (ring := await _ring(situation, decided, context)):
                return _keep_ring(situation, entry, place, action, decided, ring)
        except (CannotAct, TextError) as error:
            decided = CannotAct(str(error))
        except HighLevelError as error:
            kept = policy(error)
            if kept is not None and given_up(kept, situation.delivery):
                return record.close(drafts.parked(entry, place, action, f"planning it failed: {error}"))
            if kept is not None:
                raise Waits.after(error, record, f"planning {action.do}") from None
            decided = CannotAct(str(error))
        try:
            turn = None if isinstance(decided, CannotAct) else decided.turn
            rows = drafts.rows(entry, place, action.do, decided, drafts.booking)
            return await situation.keep(rows, turn, entry if isinstance(decided, Plan) else None)
        except TurnMoved:
            continue
        except DoneBefore as before:
            left = LeftAlone(done_before(entry.rule, before))
            return await situation.keep(drafts.rows(entry, place, action.do, left, drafts.booking))
        except LimitReached:
            parked = drafts.parked(entry, place, action, limit_reached(entry.rule))
            return await stop(record, entry.rule, [parked])


async def planned(
    situation: Situation, context: ActionContext, entry: Entry, place: int, action: Action, written: Mapping[str, str]
) -> Plan | LeftAlone:
    """What it would do on the booking of this context. Raises what `Action.plan` raises."""
    judgement = await judged(action.conditions, context.facts, situation.reading, situation.looked)
    if not judgement.held:
        failed = "; ".join(map(str, unmet(action.conditions, context.facts)))
        return LeftAlone(f"its `if` does not hold: {failed}")
    left = reason_to_leave(context, entry, place, action, written, situation.at)
    if left:
        return left
    await look_up(context.facts, action.mentioned, situation.reading, situation.looked)
    return await action.plan(context)


async def _ring(situation: Situation, plan: Plan, context: ActionContext) -> str | None:
    """Whether rules move the booking, or hand it on, from one to the other and back: who does, in words."""
    if context.last_seen is None:
        return None
    kinds = [kind for write in plan.writes if (kind := changes(write.operation, context.booking))]
    for kind in kinds:
        async with situation.work.pool.acquire() as connection:
            done = await steps.rules_that_changed(
                connection, situation.location.location_id, context.booking.id, kind, within=RING_WITHIN
            )
        if len(done) >= MOST_CHANGES[kind]:
            return ring_of(kind, done, context.rule)
    return None


def _keep_ring(situation: Situation, entry: Entry, place: int, action: Action, plan: Plan, ring: str) -> None:
    """As decided, for somebody to let through; no turn is taken by it."""
    for row in situation.drafts.rows(entry, place, action.do, plan, situation.drafts.booking):
        situation.record.close(replace(row, state="parked", reason=ring))
