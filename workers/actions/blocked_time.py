"""Time to be blocked: what of it still has to be, seen against what stands, what was once blocked, and bookings."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from service.availability.intervals import Interval, merged
from service.highlevel.appointments import events_between
from service.highlevel.blocked_slots import CreateBlockSlot, blocks_between
from service.highlevel.operation import Api
from service.store.alerts import Alarm
from service.store.blocks import Blocked, Known
from service.trigger import TAKES_NO_TIME
from workers.actions.action import ActionContext, LeftAlone, Plan, Write
from workers.actions.blocked_whom import Whose
from workers.blocking.shares import without
from workers.values import in_zone, write_moment, write_time

MOST_BLOCKS: Final = 100
"""That one step writes; the rest is for the next time."""

MOST_NAMED: Final = 3

IfTaken = Literal["skip", "alert", "block"]


@dataclass(frozen=True)
class Wanted:
    """Time of somebody's that should be blocked. `words`: what it is called in a step's sentence, for one that is told
    otherwise than by its times. `bound`: the write that binds it to its booking; such blocks share out their time
    among themselves once they stand."""

    whose: Whose
    time: Interval
    title: str
    words: str = ""
    bound: Write | None = None


@dataclass(frozen=True)
class Found:
    """What was found at somebody's: `covered` is blocked, `taken` has a booking in it."""

    covered: Sequence[Interval] = ()
    taken: Sequence[Interval] = ()


async def plan(
    wanted: Sequence[Wanted], context: ActionContext, if_taken: IfTaken, *, repeated: bool = False, look: bool = True
) -> Plan | LeftAlone:
    """The blocks that are missing. `repeated`: what the rule has blocked before is not missing, though somebody removed
    it. `look`: also for what others have blocked; else only for what rules have. Raises HighLevelError."""
    writes, taken = list[Write](), list[Wanted]()
    found = {whose: await _found(whose, wanted, context, if_taken, repeated, look) for whose in _people(wanted)}
    for each in sorted(wanted, key=lambda each: (each.time, each.whose.name)):
        there = found[each.whose]
        missing = [each.time] if each.bound else without(each.time, there.covered)
        if any(booked.overlaps(piece) for booked in there.taken for piece in missing):
            taken.append(each)
        else:
            writes.extend(each.bound or _write(each, piece, context, repeated) for piece in missing)
    later = len(writes) - MOST_BLOCKS
    writes = writes[:MOST_BLOCKS]
    if later > 0:
        last = writes[-1]
        writes[-1] = Write(last.operation, f"{last.sentence}; {later} more are for the next time", last.meant)
    if taken and if_taken == "alert":
        text = f"not blocked, for somebody has booked it: {_told(taken, context)}"
        writes.append(Write(Alarm(text=text), f"alert: “{text}”"))
    if writes:
        return Plan(tuple(writes))
    if taken:
        return LeftAlone(f"somebody has booked it: {_told(taken, context)}", otherwise=True)
    return LeftAlone("nothing is missing: what should be blocked is, or was and somebody removed it")


async def _found(
    whose: Whose, wanted: Sequence[Wanted], context: ActionContext, if_taken: IfTaken, repeated: bool, look: bool
) -> Found:
    theirs = [each for each in wanted if each.whose == whose]
    starts, ends = min(each.time.starts for each in theirs), max(each.time.ends for each in theirs)
    covered = [] if any(each.bound for each in theirs) else await _covered(whose, starts, ends, context, repeated, look)
    if if_taken == "block":
        return Found(merged(covered))
    own = context.last_seen.booking.id if context.last_seen else None
    events = events_between(
        context.api, context.location_id, starts, ends, user_id=whose.user_id, calendar_id=whose.calendar_id
    )
    booked = [
        Interval(event.start_time, event.end_time)
        async for event in events
        if not event.deleted and event.appointment_status not in TAKES_NO_TIME and event.id != own
    ]
    return Found(merged(covered), booked)


async def _covered(
    whose: Whose, starts: datetime, ends: datetime, context: ActionContext, repeated: bool, look: bool
) -> list[Interval]:
    # Before what HighLevel shows: what comes true in between is then in one of both.
    known = await context.blocked([whose.id], starts, ends)
    covered = [
        Interval(each.starts, each.ends)
        for each in known.fixed
        if each.open or (repeated and each.repeated and each.rule == context.rule)
    ]
    if look or known.fixed:
        covered += await shown(
            context.api, context.location_id, Interval(starts, ends), whose.user_id, whose.calendar_id, known
        )
    return covered


async def shown(
    api: Api, location_id: str, time: Interval, user_id: str | None, calendar_id: str | None, known: Known
) -> list[Interval]:
    """What HighLevel shows as blocked within this time; but what follows a booking leaves with it. Raises
    HighLevelError."""
    blocks = blocks_between(api, location_id, time.starts, time.ends, user_id=user_id, calendar_id=calendar_id)
    return [
        Interval(block.start_time, block.end_time)
        async for block in blocks
        if not block.deleted and block.id not in known.following
    ]


def _write(wanted: Wanted, piece: Interval, context: ActionContext, repeated: bool) -> Write:
    operation = CreateBlockSlot(
        location_id=context.location_id,
        start_time=piece.starts.isoformat(),
        end_time=piece.ends.isoformat(),
        title=wanted.title,
        assigned_user_id=wanted.whose.user_id,
        calendar_id=wanted.whose.calendar_id,
    )
    blocked = Blocked(context.rule, wanted.whose.id, piece.starts, piece.ends, repeated)
    starts, ends = in_zone(piece.starts, context.zone), in_zone(piece.ends, context.zone)
    if wanted.words:
        sentence = f"block {wanted.words}, {write_time(starts)} to {write_time(ends)}"
    else:
        sentence = f"block {_when(piece, context)} for {wanted.whose.name}"
    shared = "" if piece == wanted.time else "; the rest is blocked already"
    return Write(operation, sentence + shared, blocked.meant())


def _people(wanted: Sequence[Wanted]) -> list[Whose]:
    return list(dict.fromkeys(each.whose for each in wanted))


def _told(wanted: Sequence[Wanted], context: ActionContext) -> str:
    named = [f"{each.whose.name}, {_when(each.time, context)}" for each in wanted[:MOST_NAMED]]
    more = len(wanted) - MOST_NAMED
    return "; ".join([*named, f"{more} more"] if more > 0 else named)


def _when(time: Interval, context: ActionContext) -> str:
    starts, ends = in_zone(time.starts, context.zone), in_zone(time.ends, context.zone)
    end = write_time(ends) if (ends - starts).total_seconds() <= 86_400 else write_moment(ends)
    return f"{write_moment(starts)} to {end}"
