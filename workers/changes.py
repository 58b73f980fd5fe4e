"""Before and after: what a write makes of a booking, and what became of one, as sentences."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from service.highlevel.appointments import EditAppointment
from service.highlevel.operation import Operation
from service.outgoing.posting import Posting
from service.store.alerts import Alarm
from service.trigger import Booking, differences

NOTHING_MORE: Final[Mapping[str, Any]] = MappingProxyType({})

WORDS = {
    "calendar_id": "calendar",
    "starts": "start",
    "ends": "end",
    "contact_id": "contact",
    "group_id": "group",
    "deleted": "deletion",
    "add_ons": "add-ons",
}


BRINGS = "brings"
"""The word under which `meant` of a step says what of a booking changes with it besides, which its call does not say:
the group of another calendar."""


SERIES = "series"
"""The word under which `meant` of a step says that it changes a whole series, and `of` which booking of it the step is:
its `before`, and whether what stands for the series can be read (`shown`), so that the step's `before` is of that."""


def after(
    operation: Operation[Any] | Posting | Alarm, booking: Booking, meant: Mapping[str, Any] = NOTHING_MORE
) -> Booking:
    """The booking once the write is done; `meant` is that of its step."""
    if not isinstance(operation, EditAppointment):
        return booking
    return booking.changed(
        status=as_stored(operation.appointment_status),
        starts=datetime.fromisoformat(operation.start_time) if operation.start_time else booking.starts,
        ends=datetime.fromisoformat(operation.end_time) if operation.end_time else booking.ends,
        assignee=operation.assigned_user_id or booking.assignee,
        title=operation.title or booking.title,
        calendar_id=operation.calendar_id or booking.calendar_id,
    ).changed(**meant.get(BRINGS, {}))


def as_stored(status: str) -> str:
    """As HighLevel keeps a status that is written: `completed` becomes `showed` (its reference)."""
    return "showed" if status == "completed" else status


def changed_words(was: Booking, now: Booking) -> str:
    """What differs, in a rule author's words: `start and assignee`; empty when nothing does."""
    return words_for(differences(was, now))


def words_for(fields: Iterable[str]) -> str:
    """Fields of a booking in a rule author's words."""
    names = sorted(WORDS.get(name, name) for name in fields)
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
