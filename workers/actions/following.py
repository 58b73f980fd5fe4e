"""A block beside a booking: where it should be now, and the write that brings it there."""

from datetime import UTC, datetime, timedelta
from typing import Any, Literal, assert_never

from service.highlevel.appointments import DeleteEvent
from service.highlevel.blocked_slots import CreateBlockSlot, EditBlockSlot
from service.store.follows import Follow
from service.store.identifiers import new_id
from service.trigger import TAKES_NO_TIME, Booking
from workers.actions.action import ActionContext, Write
from workers.values import write_duration, write_time

Side = Literal["before", "after"]


def first_write(
    context: ActionContext, side: Side, length: timedelta, *, title: str, calendar_id: str | None, follow: bool
) -> Write:
    """The block as it begins; with `follow` it is kept beside its booking from then on."""
    bound = Follow(
        follow_id=new_id(),
        location_id=context.location_id,
        appointment_id=context.booking.id,
        rule=context.rule,
        side=side,
        length=length,
        title=title or f"Blocked {side} a booking",
        calendar_id=calendar_id,
        block=None,
    )
    wanted = wanted_block(bound, context.booking)
    assert wanted is not None, "a booking that is over, or nobody's, was refused before"
    write = _create(bound, wanted)
    starts, ends = (moment.astimezone(context.zone) for moment in _window(bound, context.booking))
    sentence = f"block {write_duration(length)} {side} the booking, {write_time(starts)} to {write_time(ends)}"
    meant = write.meant if follow else {name: value for name, value in write.meant.items() if name != "follow"}
    return Write(write.operation, sentence + (", and keep it there" if follow else ""), meant)


def next_write(follow: Follow, booking: Booking) -> Write | None:
    """What must be written so that the block is where its booking is now; None when it is."""
    wanted, block = wanted_block(follow, booking), follow.block
    if wanted is None:
        if block is None:
            return None
        sentence = f"remove the block {follow.side} the booking: {_why_none(booking)}"
        meant = {"follow": _kept(follow, None), "block": dict(block), "location_id": follow.location_id}
        return Write(DeleteEvent(event_id=block["id"]), sentence, meant)
    if block is None:
        return _create(follow, wanted)
    if all(wanted[name] == block[name] for name in wanted):
        return None
    operation = EditBlockSlot(
        event_id=block["id"],
        location_id=follow.location_id,
        start_time=wanted["starts"],
        end_time=wanted["ends"],
        title=follow.title,
        **_whom(wanted),
    )
    return Write(
        operation,
        f"take the block {follow.side} the booking along with it",
        {"follow": _kept(follow, {**wanted, "id": block["id"]}), "block": dict(block)},
    )


def wanted_block(follow: Follow, booking: Booking) -> dict[str, Any] | None:
    """The block that should stand, as a follow keeps it (without its id); None when none should.

    In UTC: the same instant comes with one offset from a webhook and with another from the API.
    """
    if booking.deleted or booking.status in TAKES_NO_TIME:
        return None
    if follow.calendar_id is None and booking.assignee is None:
        return None
    starts, ends = _window(follow, booking)
    return {
        "starts": starts.astimezone(UTC).isoformat(),
        "ends": ends.astimezone(UTC).isoformat(),
        "assignee": None if follow.calendar_id else booking.assignee,
        "calendar": follow.calendar_id,
    }


def _window(follow: Follow, booking: Booking) -> tuple[datetime, datetime]:
    match follow.side:
        case "before":
            return booking.starts - follow.length, booking.starts
        case "after":
            return booking.ends, booking.ends + follow.length
        case _:
            assert_never(follow.side)


def _create(follow: Follow, wanted: dict[str, Any]) -> Write:
    operation = CreateBlockSlot(
        location_id=follow.location_id,
        start_time=wanted["starts"],
        end_time=wanted["ends"],
        title=follow.title,
        **_whom(wanted),
    )
    return Write(operation, f"block time {follow.side} the booking again", {"follow": _kept(follow, wanted)})


def _whom(wanted: dict[str, Any]) -> dict[str, str]:
    return {"calendar_id": wanted["calendar"]} if wanted["calendar"] else {"assigned_user_id": wanted["assignee"]}


def _kept(follow: Follow, block: dict[str, Any] | None) -> dict[str, Any]:
    """The follow as it will be once the write is done."""
    return {
        "follow_id": str(follow.follow_id),
        "rule": follow.rule,
        "side": follow.side,
        "seconds": follow.length.total_seconds(),
        "title": follow.title,
        "calendar_id": follow.calendar_id,
        "block": block,
    }


def _why_none(booking: Booking) -> str:
    if booking.deleted:
        return "it was deleted"
    return f"it is {booking.status}" if booking.status in TAKES_NO_TIME else "nobody has it"
