"""A block beside a booking: where it should be now, and the write that brings it there."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, assert_never
from uuid import UUID

from service.availability.intervals import Interval
from service.highlevel.appointments import DeleteEvent
from service.highlevel.blocked_slots import CreateBlockSlot, EditBlockSlot
from service.store.follows import Follow
from service.store.identifiers import new_id
from service.trigger import TAKES_NO_TIME, Booking
from workers.actions.action import ActionContext, Write
from workers.blocking.shares import rank, share
from workers.values import write_duration, write_time

Side = Literal["before", "after"]


async def rule_write(
    context: ActionContext, side: Side, length: timedelta, *, title: str, calendar_id: str | None
) -> Write | None:
    """What a rule that hears of the booking must write so that there is a block on this side. None where it has bound
    one before, which goes along by itself, or somebody has removed it. One of another length, as the rule was then, is
    made as long as this; but not what another step of the rule has just bound."""
    bound = await context.bound()
    kept = [each for each in bound.kept if each.side == side]
    if any(each.length == length for each in kept) or (side, length) in bound.gone:
        return None
    others = [each for each in kept if each.follow_id not in bound.here]
    if others:
        nearest = min(others, key=lambda each: abs(each.length - length))
        return _lengthened(context, replace(nearest, length=length, title=title))
    if any(side == gone for gone, _ in bound.gone):
        return None
    return _first_write(context, side, length, title, calendar_id)


def _first_write(context: ActionContext, side: Side, length: timedelta, title: str, calendar_id: str | None) -> Write:
    """The block as it begins; it is kept beside its booking from then on."""
    bound = Follow(
        follow_id=new_id(),
        location_id=context.location_id,
        appointment_id=context.booking.id,
        rule=context.rule,
        side=side,
        length=length,
        title=title,
        calendar_id=calendar_id,
        block=None,
    )
    wanted = wanted_block(bound, context.booking)
    assert wanted is not None, "a booking that is over, or nobody's, was refused before"
    write = _create(replace(bound, wanted=wanted), wanted)
    sentence = f"block {write_duration(length)} {side} the booking, {_times(context, bound)}, and keep it there"
    return Write(write.operation, sentence, write.meant)


def _lengthened(context: ActionContext, follow: Follow) -> Write | None:
    """The block as long as it is to be from now on; what others cover of it is left out when it is brought along."""
    wanted = wanted_block(follow, context.booking)
    if wanted is None:
        return None
    follow = replace(follow, wanted=wanted)
    write = _edit(follow, wanted, follow.block) if follow.block else _create(follow, wanted)
    sentence = f"make the block {follow.side} the booking {write_duration(follow.length)}, {_times(context, follow)}"
    return Write(write.operation, sentence, write.meant)


def next_write(follow: Follow, booking: Booking, others: Iterable[Follow] = ()) -> Write | None:
    """What must be written so that the block is where its booking is now, beside `others` that cover some of its time;
    None when it is."""
    wanted, block = wanted_block(follow, booking), follow.block
    follow = replace(follow, wanted=wanted)
    to_cover = part(follow, others)
    if to_cover is None:
        if block is None:
            return None
        why = _why_none(booking) if wanted is None else "others cover all of its time"
        meant = {"follow": _kept(follow, None), "block": dict(block), "location_id": follow.location_id}
        return Write(DeleteEvent(event_id=block["id"]), f"remove the block {follow.side} the booking: {why}", meant)
    if block is None:
        return _create(follow, to_cover)
    if all(to_cover[name] == block[name] for name in to_cover):
        return None
    write = _edit(follow, to_cover, block)
    shared = "" if to_cover == wanted else ", as far as no other covers its time"
    return Write(write.operation, f"{write.sentence}{shared}", write.meant)


def part(follow: Follow, others: Iterable[Follow]) -> Mapping[str, Any] | None:
    """What a block has to cover of the time that is wanted, beside others that go before it, as they stand; None for
    nothing."""
    if follow.wanted is None:
        return None
    standing = [
        stretch(other.block)
        for other in others
        if other.block and whose(other.block) == whose(follow.wanted) and _place(other) < _place(follow)
    ]
    left = share(stretch(follow.wanted), standing)
    return left if left is None else {**follow.wanted, "starts": left.starts.isoformat(), "ends": left.ends.isoformat()}


def stands(follow: Follow, others: Iterable[Follow]) -> bool:
    """Whether the block covers what it has to, as far as we know."""
    to_cover, block = part(follow, others), follow.block
    if to_cover is None or block is None:
        return to_cover is block is None
    return all(to_cover[name] == block[name] for name in to_cover)


def stretch(block: Mapping[str, Any]) -> Interval:
    return Interval(datetime.fromisoformat(block["starts"]), datetime.fromisoformat(block["ends"]))


def whose(block: Mapping[str, Any]) -> str:
    """The person, or the calendar, whose time it is."""
    return str(block["calendar"] or block["assignee"])


def followed(location_id: str, appointment_id: str, kept: Mapping[str, Any], written_id: str | None) -> Follow:
    """The follow that a step's `meant` has kept, once the step is done; `written_id`: of the block it made."""
    block = kept["block"]
    if block is not None and written_id:
        block = {**block, "id": written_id}
    return Follow(
        follow_id=UUID(kept["follow_id"]),
        location_id=location_id,
        appointment_id=appointment_id,
        rule=kept["rule"],
        side=kept["side"],
        length=timedelta(seconds=kept["seconds"]),
        title=kept["title"],
        calendar_id=kept["calendar_id"],
        block=block,
        wanted=kept.get("wanted"),
    )


def wanted_block(follow: Follow, booking: Booking) -> dict[str, Any] | None:
    """The block that should stand, as a follow keeps it (without its id); None when none should.

    In UTC: the same instant comes with one offset from a webhook and with another from the API.
    """
    if booking.deleted or booking.status in TAKES_NO_TIME:
        return None
    if follow.calendar_id is None and booking.assignee is None:
        return None
    starts, ends = window(follow.side, follow.length, booking)
    return {
        "starts": starts.astimezone(UTC).isoformat(),
        "ends": ends.astimezone(UTC).isoformat(),
        "assignee": None if follow.calendar_id else booking.assignee,
        "calendar": follow.calendar_id,
    }


def window(side: Side, length: timedelta, booking: Booking) -> tuple[datetime, datetime]:
    """The time beside a booking."""
    match side:
        case "before":
            return booking.starts - length, booking.starts
        case "after":
            return booking.ends, booking.ends + length
        case _:
            assert_never(side)


def _create(follow: Follow, wanted: Mapping[str, Any]) -> Write:
    operation = CreateBlockSlot(
        location_id=follow.location_id,
        start_time=wanted["starts"],
        end_time=wanted["ends"],
        title=follow.title,
        **_whom(wanted),
    )
    return Write(operation, f"block time {follow.side} the booking again", {"follow": _kept(follow, wanted)})


def _edit(follow: Follow, wanted: Mapping[str, Any], block: Mapping[str, Any]) -> Write:
    operation = EditBlockSlot(
        event_id=block["id"],
        location_id=follow.location_id,
        start_time=wanted["starts"],
        end_time=wanted["ends"],
        title=follow.title,
        **_whom(wanted),
    )
    meant = {"follow": _kept(follow, {**wanted, "id": block["id"]}), "block": dict(block)}
    return Write(operation, f"take the block {follow.side} the booking along with it", meant)


def _times(context: ActionContext, follow: Follow) -> str:
    starts, ends = (moment.astimezone(context.zone) for moment in window(follow.side, follow.length, context.booking))
    return f"{write_time(starts)} to {write_time(ends)}"


def _whom(wanted: Mapping[str, Any]) -> dict[str, str]:
    return {"calendar_id": wanted["calendar"]} if wanted["calendar"] else {"assigned_user_id": wanted["assignee"]}


def _place(follow: Follow) -> tuple[timedelta, int]:
    """Which goes before which: their ids tell how old they are."""
    return rank(follow.length, follow.follow_id.int)


def _kept(follow: Follow, block: Mapping[str, Any] | None) -> dict[str, Any]:
    """The follow as it will be once the write is done."""
    return {
        "follow_id": str(follow.follow_id),
        "rule": follow.rule,
        "side": follow.side,
        "seconds": follow.length.total_seconds(),
        "title": follow.title,
        "calendar_id": follow.calendar_id,
        "block": block,
        "wanted": follow.wanted,
    }


def _why_none(booking: Booking) -> str:
    if booking.deleted:
        return "it was deleted"
    return f"it is {booking.status}" if booking.status in TAKES_NO_TIME else "nobody has it"
