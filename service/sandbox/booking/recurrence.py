"""What a series of appointments is in the sandbox: one that stands for all, and its single ones."""

from zoneinfo import ZoneInfo

from service.sandbox import refusals
from service.sandbox.booking.series import instances, moved, with_exception
from service.sandbox.world.records import Appointment, Location
from service.sandbox.world.world import World


def lay(world: World, location: Location, appointment: Appointment) -> None:
    """Keep it, and of a series the single ones too."""
    singles = _read_instances(appointment, location.timezone) if appointment.is_series else []
    world.diary.keep(appointment)
    for single in singles:
        known = world.appointment(location, single.id)
        if known is None:
            world.diary.keep(single)


def _read_instances(master: Appointment, zone: ZoneInfo) -> list[Appointment]:
    """One at least."""
    try:
        found = list(instances(master, zone))
    except ValueError as error:
        raise refusals.unprocessable("rrule must be a valid RRULE") from error
    if not found:
        raise refusals.unprocessable("rrule must be a valid RRULE")
    return found


def with_rule(before: Appointment, after: Appointment, rule: str | None, location: Location) -> Appointment:
    """A rule that was said, else the one that was there, for the new time."""
    if rule is not None:
        return after.changed(rrule=rule, is_recurring=True)
    if before.is_series and before.rrule is not None:
        return after.changed(rrule=moved(before.rrule, before.start_time, after.start_time, location.timezone))
    return after


def change_series(world: World, location: Location, before: Appointment, after: Appointment) -> None:
    """What is said of a series goes for each that is left of it. A new time or rule lays them anew, but for those that
    somebody has moved by themselves or deleted."""
    laid_anew = (before.interval, before.rrule) != (after.interval, after.rrule)
    if laid_anew:
        _read_instances(after, location.timezone)  # refused before anything is changed
    own = {name: getattr(after, name) for name in after.model_fields_set - {"id", "start_time", "end_time", "apart"}}
    for single in singles(world, before):
        if laid_anew and not single.apart:
            world.diary.remove(single)
        else:
            world.diary.keep(single.changed(**own, master_event_id=after.id))
    lay(world, location, after)


def singles(world: World, master: Appointment) -> list[Appointment]:
    """Those of a series that are not deleted."""
    return [
        each
        for each in world.diary.appointments.of(master.location_id)
        if each.master_event_id == master.id and not each.deleted
    ]


def leave_out(world: World, location: Location, single: Appointment) -> None:
    """The series knows which of its own are not any more."""
    master = world.appointment(location, single.master_event_id or "")
    if master is not None and master.rrule is not None:
        world.diary.keep(master.changed(rrule=with_exception(master.rrule, single.start_time)))
