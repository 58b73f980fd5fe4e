"""Before and after: what a write makes of a booking, and what became of one, as sentences."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from service.highlevel.appointments import EditAppointment
from service.highlevel.operation import Operation
from service.outgoing.posting import Posting
from service.trigger import Booking, differences

WORDS = {
    "calendar_id": "calendar",
    "starts": "start",
    "ends": "end",
    "contact_id": "contact",
    "group_id": "group",
    "deleted": "deletion",
}


def after(operation: Operation[Any] | Posting, booking: Booking) -> Booking:
    """The booking once the write is done."""
    if not isinstance(operation, EditAppointment):
        return booking
    return booking.changed(
        status=operation.appointment_status,
        starts=datetime.fromisoformat(operation.start_time) if operation.start_time else booking.starts,
        ends=datetime.fromisoformat(operation.end_time) if operation.end_time else booking.ends,
        assignee=operation.assigned_user_id or booking.assignee,
        title=operation.title or booking.title,
        calendar_id=operation.calendar_id or booking.calendar_id,
    )


def changed_words(was: Booking, now: Booking) -> str:
    """What differs, in a rule author's words: `start and assignee`; empty when nothing does."""
    return words_for(differences(was, now))


def words_for(fields: Iterable[str]) -> str:
    """Fields of a booking in a rule author's words."""
    names = sorted(WORDS.get(name, name) for name in fields)
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
