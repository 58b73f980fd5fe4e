"""Follows: every block that is bound to a booking, brought along on each change of it, whoever made the change.

Of several that want the same time of a person each covers its share: the longer goes before the shorter, the older
before the younger. A booking's lane writes its own blocks only. It reads how the others stand after it has kept how its
own do, so of two that change at once one sees the other; and those that have to cover less or more for it are called,
each in its own lane, as by a webhook that tells nothing new.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from service.availability.intervals import Interval
from service.highlevel.blocked_slots import blocks_between
from service.highlevel.errors import HighLevelError
from service.store import follows
from service.store.database import GAVE_WAY
from service.store.follows import Follow, Stretch
from service.store.steps import OPEN, Step
from workers.actions.following import next_write, stands, stretch, wanted_block, whose
from workers.drafts import FOLLOW
from workers.pauses import policy
from workers.run import Run
from workers.waits import Waits, given_up

PLACE = 1_000
"""Where steps of follows stand among a delivery's: after those of every rule."""

MOST_WRITES = 3
"""Of one block in one delivery: others may change as often while it is written."""

SOON = timedelta(seconds=1)


@dataclass(frozen=True)
class Around:
    """What others want the time that is, or was, wanted here: as we know them, and as their blocks are `standing`. One
    that somebody removed covers nothing, though nobody told us yet, and one on its way covers where it is."""

    others: Sequence[Follow] = ()
    standing: Sequence[Follow] = ()


async def bring_along(run: Run) -> None:
    """Settle each block, ours or somebody else's, and call those that share its time. Raises what steps raise."""
    await run.settle([step for step in _steps(run) if step.state in OPEN])
    around = await _around(run, changed=bool(_changed(run)))
    while await _settled(run, around):
        around = await _around(run, changed=True)
    await _call(run, _called(run, around))


def _called(run: Run, around: Around) -> list[Follow]:
    """Those that have to cover less or more, or that we were not done with."""
    bound = {str(each.follow_id) for each in run.record.follows}
    # Where nothing came of it nobody is called, or two that somebody moved by hand would call each other for ever.
    if not any(step.state == "done" or step.meant["follow"]["follow_id"] not in bound for step in _changed(run)):
        return []
    unfinished = [each for each in run.record.follows if len(_done(run, each)) == MOST_WRITES]
    standing = [*around.standing, *run.record.follows]
    return [each for each in (*around.others, *unfinished) if not stands(each, standing)]


async def _settled(run: Run, around: Around) -> bool:
    """Whether something had to be changed, which others must see before it is known that it stays so."""
    record, changed = run.record, False
    for follow in list(record.follows):
        done = _done(run, follow)
        if record.seen is None or len(done) == MOST_WRITES or any(step.state != "done" for step in done):
            continue
        booking = record.seen.booking
        own = (each for each in record.follows if each.follow_id != follow.follow_id)
        write = next_write(follow, booking, [*around.standing, *own])
        if write is None:
            wanted = wanted_block(follow, booking)
            if wanted != follow.wanted:
                record.bind(replace(follow, wanted=wanted))
                changed = True
            continue
        step = run.drafts.row(follow.rule, PLACE, len(_steps(run)), FOLLOW, "planned", booking, write)
        await run.keep([step])
        await run.settle([step])
        changed = True
    return changed


async def _around(run: Run, *, changed: bool) -> Around:
    """As it stands after ours was kept, where that has changed."""
    record = run.record
    booking = record.seen.booking if record.seen else None
    wanted = [block for each in record.follows if booking and (block := wanted_block(each, booking))]
    before = [block for step in _changed(run) if (block := step.meant.get("block"))]
    if not wanted and not before:
        return Around()
    if changed:
        await record.commit()
    asked = [_stretch(each) for each in (*wanted, *before)]
    async with run.work.pool.acquire() as connection:
        own = run.delivery.appointment_id or ""
        others = await follows.around(connection, run.location.location_id, asked, but=own)
    return Around(others, await _standing(run, others, wanted))


async def _standing(run: Run, others: Sequence[Follow], wanted: Sequence[Mapping[str, Any]]) -> Sequence[Follow]:
    """With the blocks that are in the way as HighLevel shows them."""
    doubted = {each.follow_id: each for each in others if each.block and _in_the_way(each.block, wanted)}
    shown: dict[str, Interval] = {}
    api = run.work.client(run.location, run.record)
    try:
        for calendar, person in {_whose(each) for each in doubted.values()}:
            theirs = [
                stretch(each.block) for each in doubted.values() if each.block and _whose(each) == (calendar, person)
            ]
            starts, ends = min(each.starts for each in theirs), max(each.ends for each in theirs)
            blocks = blocks_between(api, run.location.location_id, starts, ends, user_id=person, calendar_id=calendar)
            shown |= {each.id: Interval(each.start_time, each.end_time) async for each in blocks if not each.deleted}
    except HighLevelError as error:
        kept = policy(error)
        if kept is None or given_up(kept, run.delivery):
            return others
        raise Waits.after(error, run.record, "reading the blocks beside") from None
    return [_as_shown(each, shown) if each.follow_id in doubted else each for each in others]


def _as_shown(follow: Follow, shown: Mapping[str, Interval]) -> Follow:
    assert follow.block is not None
    time = shown.get(follow.block["id"])
    times = time and {"starts": time.starts.isoformat(), "ends": time.ends.isoformat()}
    return replace(follow, block={**follow.block, **times} if times else None)


async def _call(run: Run, called: Sequence[Follow]) -> None:
    if not called:
        return
    cause = f"{run.delivery.delivery_id} {len(_changed(run))}"
    try:
        async with run.work.pool.acquire() as connection, connection.transaction():
            kept = run.work.settings.ignored_kept
            await follows.call(connection, called, cause, run.work.clock(), ignored_kept=kept)
    except GAVE_WAY:
        raise Waits(SOON, "the lane of a booking beside it is busy") from None


def _steps(run: Run) -> list[Step]:
    return [step for step in run.record.steps if step.action == FOLLOW]


def _done(run: Run, follow: Follow) -> list[Step]:
    return [step for step in _steps(run) if step.meant["follow"]["follow_id"] == str(follow.follow_id)]


def _changed(run: Run) -> list[Step]:
    """What was done about blocks that follow, by rules or for them."""
    return [step for step in run.record.steps if "follow" in step.meant]


def _in_the_way(block: Mapping[str, Any], wanted: Sequence[Mapping[str, Any]]) -> bool:
    return any(whose(each) == whose(block) and stretch(each).overlaps(stretch(block)) for each in wanted)


def _whose(follow: Follow) -> tuple[str | None, str | None]:
    """The calendar, or the person, that its block is of."""
    block = follow.block or {}
    return block.get("calendar"), block.get("assignee")


def _stretch(block: Mapping[str, Any]) -> Stretch:
    time = stretch(block)
    return Stretch(whose(block), time.starts, time.ends)
