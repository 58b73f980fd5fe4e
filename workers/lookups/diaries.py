"""Lookups of what is booked over a stretch of time: with a person, or on a calendar."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from service.highlevel.appointments import Appointment, ListEvents
from service.highlevel.operation import milliseconds
from service.trigger import TAKES_NO_TIME
from workers.lookups import Lookup, Reading


@dataclass(frozen=True)
class Engagement:
    """A booking that stands. Of one that was decided by us, and does not show yet, nothing is known but its time and
    whose it is."""

    id: str
    starts: datetime
    ends: datetime
    assignee: str | None = None
    calendar_id: str | None = None
    contact_id: str | None = None
    added: datetime | None = None


@dataclass(frozen=True)
class DiaryLookup(Lookup):
    """What a person has on between these, over all calendars; what overlaps the bounds too."""

    user_id: str
    starts: datetime
    ends: datetime

    async def read(self, reading: Reading) -> tuple[Engagement, ...]:
        # Before HighLevel's list: what comes true in between is then in one of both.
        reserved = await reading.reserved(self.starts, self.ends)
        listing = ListEvents(
            location_id=reading.location_id,
            user_id=self.user_id,
            start_time=milliseconds(self.starts),
            end_time=milliseconds(self.ends),
        )
        events = (await reading.api(listing)).events
        shown = {event.id for event in events}
        decided = [
            Engagement(each.appointment_id, each.starts, each.ends, self.user_id)
            for each in reserved
            if each.user_id == self.user_id and each.appointment_id not in shown
        ]
        return (*standing(events), *decided)


@dataclass(frozen=True)
class SlotLookup(Lookup):
    """What stands on a calendar between these; what overlaps the bounds too."""

    calendar_id: str
    starts: datetime
    ends: datetime

    async def read(self, reading: Reading) -> tuple[Engagement, ...]:
        listing = ListEvents(
            location_id=reading.location_id,
            calendar_id=self.calendar_id,
            start_time=milliseconds(self.starts),
            end_time=milliseconds(self.ends),
        )
        return tuple(standing((await reading.api(listing)).events))


def standing(events: Iterable[Appointment]) -> list[Engagement]:
    """Those that take somebody's time."""
    return [
        Engagement(
            event.id,
            event.start_time,
            event.end_time,
            event.assigned_user_id,
            event.calendar_id,
            event.contact_id,
            event.date_added,
        )
        for event in events
        if not event.deleted and event.appointment_status not in TAKES_NO_TIME
    ]
