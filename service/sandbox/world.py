"""Everything the sandbox remembers, in memory."""

import string
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from random import Random

from service.availability.intervals import Interval
from service.sandbox.agenda import Agenda, Subject
from service.sandbox.moments import whole_milliseconds
from service.sandbox.records import Appointment, Block, Calendar, Client, Contact, Location, Note, User

LETTERS = string.ascii_letters + string.digits
LENGTH_OF_AN_ID = 20
"""HighLevel's ids are twenty letters and digits (recorded answers)."""
LENGTH_OF_A_SECRET = 40


class World:
    """Locations with their people and calendars, and what has been booked, blocked and noted there.

    In a world that is not `strict`, users and contacts that nobody declared exist all the same.
    """

    def __init__(
        self,
        locations: Iterable[Location],
        *,
        clients: Iterable[Client] = (),
        clock: Callable[[], datetime],
        random: Random,
        strict: bool = True,
    ) -> None:
        self.strict = strict
        self.random = random
        self._clock = clock
        self.locations = {location.id: location for location in locations}
        self.clients = {client.id: client for client in clients}
        self._calendars = {
            (location.id, calendar.id): calendar
            for location in self.locations.values()
            for calendar in location.calendars
        }
        self._users = {(location.id, user.id): user for location in self.locations.values() for user in location.users}
        self._contacts = {
            (location.id, contact.id): contact for location in self.locations.values() for contact in location.contacts
        }
        self._appointments: dict[str, Appointment] = {}
        self._blocks: dict[str, Block] = {}
        self._notes: dict[str, list[Note]] = {}
        self._appointment_agenda = Agenda()
        self._block_agenda = Agenda()
        self._bookings: Counter[tuple[str, str]] = Counter()

    def now(self) -> datetime:
        """In whole milliseconds, as HighLevel keeps moments."""
        return whole_milliseconds(self._clock())

    def new_id(self) -> str:
        return "".join(self.random.choices(LETTERS, k=LENGTH_OF_AN_ID))

    def new_secret(self, kind: str) -> str:
        """Nobody's to guess, as long as `random` is nobody's."""
        return f"{kind}-" + "".join(self.random.choices(LETTERS, k=LENGTH_OF_A_SECRET))

    def new_uuid(self) -> str:
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def calendar(self, location: Location, calendar_id: str) -> Calendar | None:
        return self._calendars.get((location.id, calendar_id))

    def user(self, location: Location, user_id: str) -> User | None:
        declared = self._users.get((location.id, user_id))
        return declared if declared or self.strict else User(id=user_id, name="")

    def contact(self, location: Location, contact_id: str) -> Contact | None:
        declared = self._contacts.get((location.id, contact_id))
        return declared if declared or self.strict else Contact(id=contact_id, name="")

    def appointment(self, location: Location, appointment_id: str) -> Appointment | None:
        """Deleted ones too."""
        found = self._appointments.get(appointment_id)
        return found if found and found.location_id == location.id else None

    def keep(self, appointment: Appointment) -> None:
        """Add it, or put it in the place of what had its id."""
        before = self._appointments.get(appointment.id)
        if before is not None:
            for subject in _subjects(before):
                self._appointment_agenda.leave(subject, before.id, before.interval)
            self._count(before, -1)
        self._appointments[appointment.id] = appointment
        for subject in _subjects(appointment):
            self._appointment_agenda.enter(subject, appointment.id, appointment.interval)
        self._count(appointment, 1)

    def _count(self, appointment: Appointment, by: int) -> None:
        if appointment.assigned_user_id and appointment.takes_time:
            self._bookings[appointment.calendar_id, appointment.assigned_user_id] += by

    def bookings(self, calendar: Calendar, person: str) -> int:
        """How many this person has on this calendar."""
        return self._bookings[calendar.id, person]

    def appointments(self, subject: Subject, window: Interval) -> Iterator[Appointment]:
        """All that touch the window, deleted and cancelled ones too."""
        for appointment_id in self._appointment_agenda.candidates(subject, window):
            appointment = self._appointments[appointment_id]
            if touches(appointment.interval, window):
                yield appointment

    def block(self, location: Location, block_id: str) -> Block | None:
        found = self._blocks.get(block_id)
        return found if found and found.location_id == location.id else None

    def keep_block(self, block: Block) -> None:
        self.remove_block(block.id)
        self._blocks[block.id] = block
        self._block_agenda.enter(_blocked(block), block.id, block.interval)
        self._block_agenda.enter(("location", block.location_id), block.id, block.interval)

    def remove_block(self, block_id: str) -> None:
        before = self._blocks.pop(block_id, None)
        if before is not None:
            self._block_agenda.leave(_blocked(before), before.id, before.interval)
            self._block_agenda.leave(("location", before.location_id), before.id, before.interval)

    def blocks(self, subject: Subject, window: Interval) -> Iterator[Block]:
        for block_id in self._block_agenda.candidates(subject, window):
            block = self._blocks[block_id]
            if touches(block.interval, window):
                yield block

    def taken(self, subject: Subject, window: Interval, *, but: str | None = None) -> list[Interval]:
        """Bookings and blocks of a subject; `but` is an appointment that does not stand in its own way."""
        return [
            *(
                appointment.interval
                for appointment in self.appointments(subject, window)
                if appointment.takes_time and appointment.id != but
            ),
            *(block.interval for block in self.blocks(subject, window)),
        ]

    def add_note(self, note: Note) -> None:
        self._notes.setdefault(note.appointment_id, []).append(note)

    def notes(self, appointment_id: str) -> tuple[Note, ...]:
        """Newest last."""
        return tuple(self._notes.get(appointment_id, ()))


def touches(interval: Interval, window: Interval) -> bool:
    """Overlap, with an interval of no length counted where it stands."""
    return interval.overlaps(window) or window.starts <= interval.starts < window.ends


def _subjects(appointment: Appointment) -> Iterator[Subject]:
    yield "calendar", appointment.calendar_id
    if appointment.assigned_user_id:
        yield "person", appointment.assigned_user_id
    if appointment.group_id:
        yield "group", appointment.group_id


def _blocked(block: Block) -> Subject:
    if block.assigned_user_id is not None:
        return "person", block.assigned_user_id
    return "calendar", block.calendar_id or ""
