"""Restraints, above every action: what is over or too late stays alone, people win, the first rule wins, no rings."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from service.highlevel.appointments import EditAppointment
from service.highlevel.operation import Operation
from service.outgoing.posting import Posting
from service.store.alerts import Alarm
from service.trigger import Booking, Subject
from workers.actions import Action
from workers.actions.action import ActionContext, LeftAlone
from workers.conduct_words import Group
from workers.facts import write
from workers.record import TOO_LATE
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
    context: ActionContext, entry: Entry, place: int, action: Action, written: Mapping[str, str], at: datetime
) -> LeftAlone | None:
    """`written`: which rule wrote what in this delivery; `at`: when that happened which it tells of."""
    if context.last_seen is None:
        return LeftAlone("the event is about no appointment") if action.needs_booking else None
    if context.booking.subject is Subject.SERVICE_BOOKING:
        return LeftAlone("the event is about a service booking") if action.needs_booking else None
    fields = action.writes()
    booking = context.booking
    ahead = entry.rule.at_latest(place)
    if ahead is not None and context.now >= booking.starts - ahead:
        return TooLate(
            f"{TOO_LATE}it was to be done {write_duration(ahead)} before the start at the latest", otherwise=True
        )
    if fields and at < booking.starts <= context.now:
        at_the_clock = write_time(in_zone(booking.starts, context.zone))
        return TooLate(f"{TOO_LATE}the booking started at {at_the_clock}", otherwise=True)
    if fields and booking.over(context.now) and not entry.rule.asks_about & {"status", "ends"}:
        what = "deleted" if booking.deleted else "past" if booking.ends <= context.now else booking.status
        return LeftAlone(f"the booking is {what}, and the rule does not ask for that")
    if not entry.rule.override_people and (others := sorted(fields & context.seen.others)):
        return LeftAlone(f"somebody else changed its {' and '.join(others)} after we had", otherwise=True)
    for name in sorted(fields & written.keys()):
        if written[name] != entry.rule.name:
            return LeftAlone(f"a conflict: the rule {written[name]} wrote its {name} already", otherwise=True)
    return None


def changes(operation: Operation[Any] | Posting | Alarm, booking: Booking) -> Change | None:
    """What of a booking it would change that may go round in a ring."""
    if not isinstance(operation, EditAppointment):
        return None
    if operation.start_time is not None and datetime.fromisoformat(operation.start_time) != booking.starts:
        return "move"
    if operation.calendar_id not in (None, booking.calendar_id):
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
            return _one(context)
        case "contact":
            # Those that belong to nobody have nobody in common.
            return f"contact {context.contact_id}" if context.contact_id else _one(context)
        case "series":
            return f"series {booking and (booking.series_id or booking.id)}"
        case "day":
            return f"day {in_zone(booking.starts if booking else context.now, context.zone).date()}"
        case facts:
            return json.dumps([write(context.facts.told(name)) for name in facts])


def _one(context: ActionContext) -> str:
    """The booking, or what there is of an event that is about none: itself."""
    return f"appointment {context.booking.id}" if context.last_seen else f"event {context.delivery_id}"
