"""Restraints, above every action: what is over or too late stays alone, people win, the first rule wins, no rings."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from service.highlevel.appointments import EditAppointment
from service.highlevel.operation import Operation
from service.outgoing.posting import Posting
from service.trigger import Booking
from workers.actions import Action
from workers.actions.action import ActionContext, LeftAlone
from workers.conduct_words import Group
from workers.facts import write
from workers.rulebook import Entry
from workers.values import in_zone, write_duration, write_time

Change = Literal["move", "assign"]

MOST_CHANGES: Mapping[Change, int] = {"move": 2, "assign": 3}
"""So often one booking is moved, and given to somebody, by rules within RING_WITHIN; the next time is parked."""

RING_WITHIN = timedelta(hours=24)

DONE: Mapping[Change, str] = {"move": "moved", "assign": "given to somebody"}


class TooLate(LeftAlone):
    """What it was set off by came before the start, and the start is past."""


def reason_to_leave(
    context: ActionContext, entry: Entry, action: Action, written: Mapping[str, str], at: datetime
) -> LeftAlone | None:
    """`written`: which rule wrote what in this delivery; `at`: when that happened which it tells of."""
    if context.last_seen is None:
        return LeftAlone("the event is about no appointment") if action.needs_booking else None
    fields = action.writes()
    booking = context.booking
    ahead = entry.rule.not_after
    if ahead is not None and context.now >= booking.starts - ahead:
        return TooLate(f"too late: it was to be done {write_duration(ahead)} before the start at the latest")
    if fields and at < booking.starts <= context.now:
        return TooLate(f"too late: the booking started at {write_time(in_zone(booking.starts, context.zone))}")
    if fields and booking.over(context.now) and not entry.rule.asks_about & {"status", "ends"}:
        what = "deleted" if booking.deleted else "past" if booking.ends <= context.now else booking.status
        return LeftAlone(f"the booking is {what}, and the rule does not ask for that")
    if not entry.rule.override_people and (others := sorted(fields & context.seen.others)):
        return LeftAlone(f"somebody else changed its {' and '.join(others)} after we had")
    for name in sorted(fields & written.keys()):
        if written[name] != entry.rule.name:
            return LeftAlone(f"a conflict: the rule {written[name]} wrote its {name} already")
    return None


def changes(operation: Operation[Any] | Posting, booking: Booking) -> Change | None:
    """What of a booking it would change that may go round in a ring."""
    if not isinstance(operation, EditAppointment):
        return None
    if operation.start_time is not None and datetime.fromisoformat(operation.start_time) != booking.starts:
        return "move"
    given = operation.assigned_user_id
    return "assign" if given is not None and given != booking.assignee else None


def ring_of(change: Change, rules: Sequence[str], rule: str) -> str:
    """In words: `a ring: moved by earlier, then by later, within 24 h; earlier would be next`."""
    return (
        f"a ring: {DONE[change]} {len(rules)} times within {RING_WITHIN // timedelta(hours=1)} h, "
        f"by {', then by '.join(rules)}; {rule} would be next"
    )


def mark_of(once_per: Group | tuple[str, ...], context: ActionContext) -> str:
    """What there is only one of for a rule that acts once for each: a text that tells one from the other."""
    booking = context.last_seen.booking if context.last_seen else None
    match once_per:
        case "appointment":
            return f"appointment {booking and booking.id}"
        case "contact":
            # Those that belong to nobody have nobody in common.
            whose = booking and booking.contact_id
            return f"contact {whose}" if whose else f"appointment {booking and booking.id}"
        case "series":
            return f"series {booking and (booking.series_id or booking.id)}"
        case "day":
            return f"day {in_zone(booking.starts if booking else context.now, context.zone).date()}"
        case facts:
            return json.dumps([write(context.facts.values[name]) for name in facts])
