"""What was done, as sentences for people."""

from datetime import datetime

from service.highlevel.calendars import Calendar
from service.sandbox.world.records import Appointment, Block, Location
from service.sandbox.world.world import World


def booked(world: World, location: Location, calendar: Calendar, appointment: Appointment) -> str:
    series = " and again by its rule" if appointment.is_series else ""
    return (
        f"{_contact(world, location, appointment)} booked {calendar.name}{_with(world, location, appointment)}"
        f" for {_when(location, appointment.start_time)}{series}"
    )


def changed(world: World, location: Location, before: Appointment, after: Appointment) -> str:
    """Each thing that is another now."""
    things = []
    moves = after.start_time != before.start_time
    if moves:
        things.append(f"moved from {_when(location, before.start_time)} to {_when(location, after.start_time)}")
    if after.end_time - after.start_time != before.end_time - before.start_time:
        things.append(f"until {_until(location, after.start_time, after.end_time)} now")
    if after.calendar_id != before.calendar_id:
        calendar = world.calendar(location, after.calendar_id)
        things.append(f"moved to {calendar.name if calendar else after.calendar_id}")
    if after.assigned_user_id != before.assigned_user_id:
        things.append(f"given to {_user(world, location, after.assigned_user_id)}")
    if after.appointment_status != before.appointment_status:
        things.append(f"set to {after.appointment_status}")
    if after.title != before.title:
        things.append(f"called {after.title!r}")
    things += [name for name in ("address", "description", "rrule") if getattr(after, name) != getattr(before, name)]
    # From when it was moved says already which one it is.
    named = _contact(world, location, before) if moves else _named(world, location, before)
    return f"{named}: {', '.join(things) or 'written again as it was'}"


def deleted(world: World, location: Location, appointment: Appointment) -> str:
    return f"{_named(world, location, appointment)}: deleted"


def blocked(world: World, location: Location, block: Block) -> str:
    return f"Blocked {_whose(world, location, block)} {_span(location, block)}{_titled(block)}"


def block_changed(world: World, location: Location, block: Block) -> str:
    return f"Block of {_whose(world, location, block)} is {_span(location, block)} now{_titled(block)}"


def block_removed(world: World, location: Location, block: Block) -> str:
    return f"Block of {_whose(world, location, block)} {_span(location, block)} removed"


def noted(world: World, location: Location, appointment: Appointment, body: str) -> str:
    return f"{_named(world, location, appointment)}: note {body!r}"


def note_changed(world: World, location: Location, appointment: Appointment, body: str) -> str:
    return f"{_named(world, location, appointment)}: note is {body!r} now"


def note_removed(world: World, location: Location, appointment: Appointment) -> str:
    """Without its text: who removes a note wants it gone."""
    return f"{_named(world, location, appointment)}: a note removed"


def _named(world: World, location: Location, appointment: Appointment) -> str:
    return f"{_contact(world, location, appointment)} on {_when(location, appointment.start_time)}"


def _contact(world: World, location: Location, appointment: Appointment) -> str:
    contact = world.contact(location, appointment.contact_id)
    return (contact.name if contact else None) or appointment.contact_id or "Nobody"


def _with(world: World, location: Location, appointment: Appointment) -> str:
    return f" with {_user(world, location, appointment.assigned_user_id)}" if appointment.assigned_user_id else ""


def _user(world: World, location: Location, user_id: str | None) -> str:
    user = world.user(location, user_id) if user_id else None
    return (user.name if user else None) or user_id or "nobody"


def _whose(world: World, location: Location, block: Block) -> str:
    if block.assigned_user_id:
        return _user(world, location, block.assigned_user_id)
    calendar = world.calendar(location, block.calendar_id or "")
    return (calendar.name if calendar else None) or block.calendar_id or "nobody"


def _titled(block: Block) -> str:
    return f" ({block.title})" if block.title else ""


def _when(location: Location, moment: datetime) -> str:
    return f"{moment.astimezone(location.timezone):%a %d %b %H:%M}"


def _span(location: Location, block: Block) -> str:
    return f"{_when(location, block.start_time)} to {_until(location, block.start_time, block.end_time)}"


def _until(location: Location, starts: datetime, ends: datetime) -> str:
    """With the day where it is another."""
    zone = location.timezone
    if starts.astimezone(zone).date() == ends.astimezone(zone).date():
        return f"{ends.astimezone(zone):%H:%M}"
    return _when(location, ends)
