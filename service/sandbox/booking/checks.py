"""Whether an appointment may be booked or moved, when it ends, and who gets it."""

from datetime import datetime, timedelta

from service.availability.intervals import Interval
from service.availability.slots import Offer
from service.highlevel.appointments import CreateAppointment, EditAppointment
from service.highlevel.calendars import Calendar
from service.sandbox import refusals
from service.sandbox.booking.offers import Offers
from service.sandbox.world.moments import instant
from service.sandbox.world.records import Appointment, Location
from service.sandbox.world.world import World


def length_of(calendar: Calendar) -> timedelta:
    return timedelta(minutes=calendar.slot_minutes)


def asked_times(start: str, end: str) -> Interval:
    starts, ends = instant(start), instant(end)
    if ends <= starts:
        raise refusals.unprocessable("endTime must be after startTime")
    return Interval(starts, ends)


def asked_interval(calendar: Calendar, start: str, end: str | None) -> Interval:
    """Without an end the calendar's duration applies."""
    if end is not None:
        return asked_times(start, end)
    starts = instant(start)
    return Interval(starts, starts + length_of(calendar))


def moved_interval(before: Appointment, calendar: Calendar | None, operation: EditAppointment) -> Interval:
    if operation.start_time is not None and operation.end_time is None and calendar is not None:
        return asked_interval(calendar, operation.start_time, None)
    if operation.start_time is None and operation.end_time is None:
        return before.interval
    start = operation.start_time or before.start_time.isoformat()
    length = before.end_time - before.start_time
    return asked_times(start, operation.end_time or (instant(start) + length).isoformat())


def offered(
    world: World,
    location: Location,
    calendar: Calendar,
    interval: Interval,
    operation: CreateAppointment | EditAppointment,
    *,
    person: str | None,
    but: str | None = None,
) -> Offer:
    """The slot of exactly this time, or the refusal HighLevel has for it."""
    if interval.ends - interval.starts != length_of(calendar):
        raise refusals.wrong_duration()
    offer = Offers(world, location, calendar).at(
        interval.starts,
        people=None if person is None else (person,),
        but=but,
        any_date=bool(operation.ignore_date_range),
    )
    if offer is None:
        raise refusals.slot_taken()
    return offer


def people_on(
    world: World, calendar: Calendar, *, asked: str | None, kept: str | None, offer: Offer | None
) -> tuple[str | None, tuple[str, ...]]:
    """Whom an appointment is assigned to, and who else is on it: `asked` is who was named, `kept` who had it.

    A collective calendar takes everybody, its primary member first. Otherwise, when there is neither, who has the next
    turn of those to whom the slot was offered.
    """
    if calendar.calendar_type == "collective":
        primary = next((member.user_id for member in calendar.team_members if member.is_primary), calendar.team[0])
        first = asked or kept or primary
        return first, tuple(person for person in calendar.team if person != first)
    if asked or kept or offer is None or not offer.people:
        return asked or kept, ()
    return _next_in_turn(world, calendar, offer), ()


def _next_in_turn(world: World, calendar: Calendar, offer: Offer) -> str:
    """A round robin for equal distribution takes who of the free has the fewest bookings on this calendar, one for
    availability whose priority is highest; each falls back on the other, then on the team's order."""
    priorities = {member.user_id: -member.priority for member in calendar.team_members}
    equal = calendar.event_type == "RoundRobin_OptimizeForEqualDistribution"

    def turn(person: str) -> tuple[float, float]:
        bookings = world.diary.bookings(calendar.id, person)
        return (bookings, priorities[person]) if equal else (priorities[person], bookings)

    return min(offer.people, key=turn)


def stored_status(status: str) -> str:
    """`completed` is kept as `showed` (reference, section 10)."""
    return "showed" if status == "completed" else status


def next_moment(now: datetime, before: Appointment) -> datetime:
    """Now, yet always later than the last change: dateUpdated is the only mark of one."""
    return max(now, before.date_updated + timedelta(milliseconds=1))
