"""Entries: what is on in a week, whoever's time it takes, as it is written on the page."""

from collections.abc import Iterator
from dataclasses import dataclass

from service.availability.intervals import Interval
from service.highlevel.service_bookings import ServiceBooking
from service.sandbox.page.view import View, people_of
from service.sandbox.page.words import name_of, status_words, times_words
from service.sandbox.world.agenda import Subject
from service.sandbox.world.diary import touches
from service.sandbox.world.records import FREEING, Appointment, Block
from service.sandbox.world.world import World

TONES = 8
"""Colours; whoever comes after has one of them again."""


@dataclass(frozen=True)
class Entry:
    """`kind` is booking, block or service."""

    kind: str
    interval: Interval
    time: str
    name: str
    about: str
    address: str = ""
    """Of its own page, if it has one."""
    id: str = ""
    """Of a booking."""
    status: str = ""
    status_words: str = ""
    tone: int = 0

    @property
    def told(self) -> str:
        """All of it in one line."""
        return f"{self.time} {self.name}, {self.about}, {self.status_words}"

    @property
    def takes_place(self) -> bool:
        return self.kind != "block" and self.status not in FREEING


def entries_of(world: World, view: View) -> list[Entry]:
    """Deleted bookings are none."""
    names = _Names(world, view)
    found = [*_bookings(world, view, names, view.window), *(names.block(each) for each in _blocks(world, view))]
    return sorted(found, key=lambda entry: (entry.interval, entry.kind, entry.id))


def first_after(world: World, view: View, window: Interval) -> Entry | None:
    """The earliest that begins in the window and takes place."""
    names = _Names(world, view)
    found = (
        entry
        for entry in _bookings(world, view, names, window)
        if entry.takes_place and entry.interval.starts >= window.starts
    )
    return min(found, key=lambda entry: (entry.interval, entry.id), default=None)


class _Names:
    """Each looked up once, however many bookings there are."""

    def __init__(self, world: World, view: View) -> None:
        self._world = world
        self._view = view
        self._calendars = {each.id: each for each in world.calendars.of(view.location.id)}
        self._people = {each.id: name_of(each) for each in people_of(world, view.location)}
        colours = self._people if view.calendar is not None else self._calendars
        self._tones = {each: number % TONES for number, each in enumerate(colours)}
        self._contacts: dict[str, str] = {}

    def booking(self, appointment: Appointment) -> Entry:
        calendar = self._calendars.get(appointment.calendar_id)
        people = [self._people.get(person, person) for person in appointment.people]
        coloured_by = appointment.calendar_id if self._view.calendar is None else appointment.assigned_user_id or ""
        return Entry(
            "booking",
            appointment.interval,
            self.times(appointment.interval),
            self._contact(appointment.contact_id) or appointment.title or "Nobody",
            " · ".join([*people, (calendar.name if calendar else "") or appointment.calendar_id]),
            self._view.drawn_link(appointment.id),
            appointment.id,
            appointment.appointment_status,
            status_words(appointment.appointment_status),
            self._tones.get(coloured_by, 0),
        )

    def services(self, booking: ServiceBooking, window: Interval) -> Iterator[Entry]:
        """Each that is done in the window; where a person is looked at, by that person."""
        anchor = booking.booking_id
        status = "noshow" if booking.status == "no_show" else booking.status or "confirmed"
        for booked in booking.services:
            staff = booked.service_staff_id or ""
            if self._view.person is not None and staff != self._view.person.id:
                continue
            starts = booked.service_start_time or booking.start_time
            interval = Interval(starts, max(starts, booked.service_end_time or booking.end_time))
            if not touches(interval, window):
                continue
            service = self._world.services.find(self._view.location.id, booked.id)
            yield Entry(
                "service",
                interval,
                self.times(interval),
                self._contact(booking.contact_id or "") or booking.title or "Nobody",
                " · ".join(filter(None, (self._people.get(staff, staff), service.name if service else booked.id))),
                self._view.service_link(booking.booking_id),
                anchor,
                status,
                status_words(status),
                self._tones.get(staff, len(self._tones) % TONES),
            )
            anchor = ""  # an id stands on a page once

    def block(self, block: Block) -> Entry:
        calendar = self._calendars.get(block.calendar_id or "")
        whose = block.assigned_user_id or ""
        return Entry(
            "block",
            block.interval,
            self.times(block.interval),
            block.title or "Blocked",
            self._people.get(whose, whose) or (calendar.name if calendar else block.calendar_id or ""),
            status_words="blocked",
        )

    def times(self, interval: Interval) -> str:
        return times_words(interval.starts, interval.ends, self._view.zone)

    def _contact(self, contact_id: str) -> str:
        if contact_id not in self._contacts:
            contact = self._world.contact(self._view.location, contact_id)
            self._contacts[contact_id] = name_of(contact, contact_id)
        return self._contacts[contact_id]


def _bookings(world: World, view: View, names: _Names, window: Interval) -> Iterator[Entry]:
    for subject in _subjects(view)[:1]:
        for appointment in world.diary.appointments_of(subject, window):
            if appointment.location_id == view.location.id and not appointment.deleted:
                yield names.booking(appointment)
    # No calendar and no service says which belong together.
    if view.person is not None or (view.calendar is not None and view.calendar.calendar_type == "service_booking"):
        for booking in world.service_bookings.of(view.location.id):
            if not booking.deleted:
                yield from names.services(booking, window)


def _blocks(world: World, view: View) -> Iterator[Block]:
    for subject in _subjects(view):
        yield from world.diary.blocks_of(subject, view.location.id, view.window)


def _subjects(view: View) -> list[Subject]:
    """Whose bookings are drawn, and after it whose blocks are in their way."""
    if view.calendar is not None:
        return [("calendar", view.calendar.id), *(("person", member) for member in dict.fromkeys(view.calendar.team))]
    return [] if view.person is None else [("person", view.person.id)]
