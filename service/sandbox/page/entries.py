"""Entries: what is on in a week, whoever's time it takes, as it is written on the page."""

from collections.abc import Iterator
from dataclasses import dataclass

from service.availability.intervals import Interval
from service.sandbox.booking.engagements import engagements
from service.sandbox.page.view import View, people_of
from service.sandbox.page.words import clock, name_of, status_words
from service.sandbox.world.agenda import Subject
from service.sandbox.world.records import Appointment, Block
from service.sandbox.world.world import World

TONES = 8
"""Colours; whoever comes after has one of them again."""


@dataclass(frozen=True)
class Entry:
    """`kind` is booking, block or service."""

    kind: str
    interval: Interval
    starts: str
    ends: str
    name: str
    about: str
    id: str = ""
    """Of a booking."""
    status: str = ""
    status_words: str = ""
    tone: int = 0

    @property
    def time(self) -> str:
        return f"{self.starts}–{self.ends}"

    @property
    def told(self) -> str:
        """All of it in one line."""
        return f"{self.time} {self.name}, {self.about}, {self.status_words}"


def entries_of(world: World, view: View) -> list[Entry]:
    """Deleted bookings are none."""
    names = _Names(world, view)
    found = [names.booking(each) for each in _appointments(world, view)]
    found += [names.block(each) for each in _blocks(world, view)]
    if view.person is not None:
        found += [
            Entry(
                "service",
                booking.interval,
                *names.times(booking.interval),
                "Service booking",
                name_of(view.person),
                status_words="booked",
            )
            for person, booking in engagements(world, view.location, view.window)
            if person == view.person.id
        ]
    return sorted(found, key=lambda entry: (entry.interval, entry.kind, entry.id))


class _Names:
    """Each looked up once, however many bookings there are."""

    def __init__(self, world: World, view: View) -> None:
        self._world = world
        self._view = view
        self._calendars = {each.id: each for each in world.calendars.of(view.location.id)}
        self._people = {each.id: name_of(each) for each in people_of(world, view.location)}
        colours = self._people if view.calendar is not None else self._calendars
        self._tones = {each: number % TONES for number, each in enumerate(colours)}

    def booking(self, appointment: Appointment) -> Entry:
        calendar = self._calendars.get(appointment.calendar_id)
        people = [self._people.get(person, person) for person in appointment.people]
        contact = self._world.contact(self._view.location, appointment.contact_id)
        coloured_by = appointment.calendar_id if self._view.calendar is None else appointment.assigned_user_id or ""
        return Entry(
            "booking",
            appointment.interval,
            *self.times(appointment.interval),
            name_of(contact, appointment.contact_id) or appointment.title or "Nobody",
            " · ".join([*people, (calendar.name if calendar else "") or appointment.calendar_id]),
            appointment.id,
            appointment.appointment_status,
            status_words(appointment.appointment_status),
            self._tones.get(coloured_by, 0),
        )

    def block(self, block: Block) -> Entry:
        calendar = self._calendars.get(block.calendar_id or "")
        whose = block.assigned_user_id or ""
        return Entry(
            "block",
            block.interval,
            *self.times(block.interval),
            block.title or "Blocked",
            self._people.get(whose, whose) or (calendar.name if calendar else block.calendar_id or ""),
            status_words="blocked",
        )

    def service(self, interval: Interval, whose: str) -> Entry:
        return Entry("service", interval, *self.times(interval), "Service booking", whose, status_words="booked")

    def times(self, interval: Interval) -> tuple[str, str]:
        return clock(interval.starts, self._view.zone), clock(interval.ends, self._view.zone)


def _appointments(world: World, view: View) -> Iterator[Appointment]:
    for subject in _subjects(view)[:1]:
        for appointment in world.diary.appointments_of(subject, view.window):
            if appointment.location_id == view.location.id and not appointment.deleted:
                yield appointment


def _blocks(world: World, view: View) -> Iterator[Block]:
    for subject in _subjects(view):
        yield from world.diary.blocks_of(subject, view.location.id, view.window)


def _subjects(view: View) -> list[Subject]:
    """Whose bookings are drawn, and after it whose blocks are in their way."""
    if view.calendar is not None:
        return [("calendar", view.calendar.id), *(("person", member) for member in dict.fromkeys(view.calendar.team))]
    return [] if view.person is None else [("person", view.person.id)]
