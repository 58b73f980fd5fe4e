"""Proof that a time is free which no slot stands for: a booking that lasts longer than the calendar's slots do."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from service.availability.hours import hours_of_calendar
from service.availability.intervals import Interval, merged
from service.availability.slots import Booking as Taken
from service.availability.slots import Person, Terms, is_free
from service.highlevel.appointments import Appointment, ListEvents
from service.highlevel.blocked_slots import ListBlockedSlots
from service.highlevel.calendars import Calendar
from service.highlevel.operation import milliseconds
from service.trigger import TAKES_NO_TIME
from workers.actions.action import ActionContext, CannotAct
from workers.names import Named

AROUND = timedelta(days=1)
"""Further than this no buffer reaches."""


@dataclass(frozen=True)
class SpareTime:
    """What a person has on over a stretch, or a calendar without a team; the booking that is moved is not among it."""

    person: Person
    open_times: tuple[Interval, ...]
    """When the calendar is open, in as few intervals as possible."""

    before: timedelta
    after: timedelta

    def why_not(self, wanted: Interval) -> str | None:
        """What is in the way of a booking then, in words that go behind a number of slots."""
        if not is_free(self.person, wanted, before=self.before, after=self.after):
            return "too short before the next booking or block"
        if not any(opening.contains(wanted) for opening in self.open_times):
            return "too late to end while the calendar is open"
        return None


async def spare_time(
    context: ActionContext, calendar: Calendar, person: Named | None, between: Interval, *, moved: str | None
) -> SpareTime:
    """`moved` is the booking whose own time counts as free. What others decided meanwhile counts though HighLevel may
    not show it yet. Raises HighLevelError or CannotAct."""
    first, end = between.starts - AROUND, between.ends + AROUND
    # Before HighLevel's own lists: what comes true in between is then in one of both.
    reserved = await context.reserved(first, end)
    listing = ListEvents(
        location_id=context.location_id,
        user_id=person.id if person else None,
        calendar_id=None if person else calendar.id,
        start_time=milliseconds(first),
        end_time=milliseconds(end),
    )
    events = (await context.api(listing)).events
    blocks = (await context.api(ListBlockedSlots(**listing.model_dump(exclude_none=True)))).events
    shown = {event.id for event in events}
    times = [(event.start_time, event.end_time) for event in events if _takes_time(event) and event.id != moved]
    times += [
        (each.starts, each.ends)
        for each in reserved
        if person and each.user_id == person.id and each.appointment_id not in {*shown, moved}
    ]
    try:
        terms, hours = Terms.of(calendar), hours_of_calendar(calendar, context.zone)
    except ValueError as error:
        raise CannotAct(f"the calendar's settings cannot be read: {error}") from None
    buffer = context.names.profile(person).buffer if person else timedelta()
    return SpareTime(
        Person(
            person.id if person else "",
            (),
            [Taken(stretch) for stretch in _stretches(times)],
            _stretches([(block.start_time, block.end_time) for block in blocks if not block.deleted]),
        ),
        tuple(merged(hours.openings(Interval(first, end)))),
        max(terms.before, buffer),
        max(terms.after, buffer),
    )


def _takes_time(event: Appointment) -> bool:
    return not event.deleted and event.appointment_status not in TAKES_NO_TIME


def _stretches(times: list[tuple[datetime, datetime]]) -> list[Interval]:
    """Those of some length; HighLevel's own samples have some that end when they start."""
    return [Interval(starts, ends) for starts, ends in times if starts < ends]
