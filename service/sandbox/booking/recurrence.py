"""What a series of appointments is in the sandbox: one that stands for all, and its single ones."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from service.sandbox import refusals
from service.sandbox.booking.checks import next_moment
from service.sandbox.booking.series import instances, moved, moved_moment, single_id, with_exception
from service.sandbox.world.records import Appointment, Location
from service.sandbox.world.world import World

SHARED = (
    "calendar_id",
    "group_id",
    "title",
    "appointment_status",
    "assigned_user_id",
    "users",
    "address",
    "description",
    "meeting_location_type",
    "meeting_location_id",
    "rrule",
)
"""What a single one has of its series, until somebody gives it something else."""


@dataclass(frozen=True)
class SeriesChange:
    """What becomes of a series: the one that stands for it, and its single ones by what they were; None is a new one,
    or one that goes."""

    master: Appointment
    singles: tuple[tuple[Appointment | None, Appointment | None], ...]

    @property
    def elsewhere(self) -> list[Appointment]:
        """Those that are to be at another time or on another calendar."""
        return [
            after
            for before, after in self.singles
            if after is not None
            and (before is None or (before.interval, before.calendar_id) != (after.interval, after.calendar_id))
        ]

    def keep(self, world: World) -> None:
        for before, _ in self.singles:
            if before is not None:
                world.diary.remove(before)
        world.diary.keep(self.master)
        for before, after in self.singles:
            if after is not None:
                world.diary.keep(after)
            if before is not None and after is not None and before.id != after.id:
                _take_notes_along(world, before.id, after.id)


def lay(world: World, location: Location, appointment: Appointment) -> None:
    """Keep it, and of a series the single ones too."""
    for single in _read_instances(appointment, location) if appointment.is_series else ():
        world.diary.keep(single)
    world.diary.keep(appointment)


def with_rule(before: Appointment, after: Appointment, rule: str | None, location: Location) -> Appointment:
    """A rule that was said, else the one that was there, for the new time."""
    if rule is not None:
        return after.changed(rrule=rule, is_recurring=True)
    if not before.is_series or before.rrule is None:
        return after
    try:
        return after.changed(rrule=moved(before.rrule, before.start_time, after.start_time, location.timezone))
    except ValueError as error:  # one that was placed, which nobody has looked at
        raise refusals.no_rule() from error


def planned(
    world: World, location: Location, before: Appointment, after: Appointment, *, rule: str | None
) -> SeriesChange:
    """What is said of a series goes for each that is still ahead, but for what somebody has given one of its own. Those
    that were not moved by themselves move with it; a rule that is said lays what it has more and takes what it has
    not. Raises Refusal."""
    ahead = [single for single in singles(world, before) if single.end_time > world.now()]
    changed = {name: getattr(after, name) for name in SHARED if getattr(after, name) != getattr(before, name)}
    found: list[tuple[Appointment | None, Appointment | None]] = []
    laid = {} if rule is None else {single.start_time: single for single in _read_instances(after, location)}
    for single in ahead:
        target = _moved(single, before, after, location).changed(
            **{name: value for name, value in changed.items() if getattr(single, name) == getattr(before, name)}
        )
        if rule is not None and not single.apart and laid.pop(target.start_time, None) is None:
            found.append((single, None))
        else:
            found.append((single, target))
    new = [single for single in laid.values() if not before.is_series or single.end_time > world.now()]
    taken = {each.id for each in singles(world, before)} - {single.id for single in ahead}
    return SeriesChange(after, tuple(_named([*found, *((None, single) for single in new)], taken, world)))


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
    if master is None or master.rrule is None:
        return
    rule = with_exception(master.rrule, single.start_time)
    for each in singles(world, master):
        world.diary.keep(each.changed(rrule=rule))
    world.diary.keep(master.changed(rrule=rule, date_updated=next_moment(world.now(), master)))


def _read_instances(master: Appointment, location: Location) -> list[Appointment]:
    """One at least. Raises Refusal."""
    try:
        found = list(instances(master, location.timezone))
    except ValueError as error:
        raise refusals.no_rule() from error
    if not found:
        raise refusals.no_rule()
    return found


def _moved(single: Appointment, before: Appointment, after: Appointment, location: Location) -> Appointment:
    """As its series is moved, by the clock on the wall; one that was moved by itself stays."""
    if single.apart or before.interval == after.interval:
        return single
    start: datetime = moved_moment(single.start_time, before.start_time, after.start_time, location.timezone)
    length = single.end_time - single.start_time
    if length == before.end_time - before.start_time:
        length = after.end_time - after.start_time
    return single.changed(start_time=start, end_time=start + length)


def _named(
    pairs: Iterable[tuple[Appointment | None, Appointment | None]], taken: set[str], world: World
) -> list[tuple[Appointment | None, Appointment | None]]:
    """With the ids and dates that they then have. An id that one has who stays is not given again."""
    pairs = list(pairs)
    taken = taken | {before.id for before, after in pairs if before and after and before.interval == after.interval}
    named: list[tuple[Appointment | None, Appointment | None]] = []
    for before, after in pairs:
        if after is not None and (before is None or before.interval != after.interval):
            name = single_id(after, taken)
            taken.add(name)
            after = after.changed(id=name)
        if before is not None and after is not None and after != before:
            after = after.changed(date_updated=next_moment(world.now(), before))
        named.append((before, after))
    return named


def _take_notes_along(world: World, before: str, after: str) -> None:
    for note in world.notes.of(before):
        world.notes.remove(before, note.id)
        world.notes.put(after, note.id, note.model_copy(update={"appointment_id": after}))
