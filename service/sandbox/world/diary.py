"""Appointments and blocks, found by whom and when they concern."""

from collections import Counter
from collections.abc import Iterator

from service.availability.intervals import Interval
from service.sandbox.world.agenda import Agenda, Subject
from service.sandbox.world.records import Appointment, Block
from service.sandbox.world.table import Table


class Diary:
    """Deleted and cancelled appointments stand in it too."""

    def __init__(self) -> None:
        self.appointments = Table(Appointment)
        self.blocks = Table(Block)
        self._places: dict[str, str] = {}
        """The location of each appointment."""
        self._appointment_agenda = Agenda()
        self._block_agenda = Agenda()
        self._bookings: Counter[tuple[str, str]] = Counter()

    def appointment(self, appointment_id: str) -> Appointment | None:
        return self.appointments.find(self._places.get(appointment_id, ""), appointment_id)

    def keep(self, appointment: Appointment) -> None:
        """Add it, or put it in the place of what had its id."""
        before = self.appointment(appointment.id)
        if before is not None:
            self._leave(before)
            if before.location_id != appointment.location_id:
                self.appointments.remove(before.location_id, before.id)
        self._places[appointment.id] = appointment.location_id
        self.appointments.put(appointment.location_id, appointment.id, appointment)
        self._enter(appointment)

    def remove(self, appointment: Appointment) -> None:
        """As if it had never been."""
        self._leave(appointment)
        self.appointments.remove(appointment.location_id, appointment.id)
        del self._places[appointment.id]

    def keep_block(self, block: Block) -> None:
        before = self.blocks.find(block.location_id, block.id)
        if before is not None:
            self.remove_block(before)
        self.blocks.put(block.location_id, block.id, block)
        self._enter_block(block)

    def remove_block(self, block: Block) -> None:
        self.blocks.remove(block.location_id, block.id)
        for subject in _subjects_of_block(block):
            self._block_agenda.leave(subject, block.id, block.interval)

    def bookings(self, calendar_id: str, person: str) -> int:
        """How many this person has on this calendar."""
        return self._bookings[calendar_id, person]

    def appointments_of(self, subject: Subject, window: Interval) -> Iterator[Appointment]:
        """All that touch the window; a series by its single ones."""
        for appointment_id in self._appointment_agenda.candidates(subject, window):
            appointment = self.appointment(appointment_id)
            if appointment is not None and touches(appointment.interval, window):
                yield appointment

    def blocks_of(self, subject: Subject, location_id: str, window: Interval) -> Iterator[Block]:
        for block_id in self._block_agenda.candidates(subject, window):
            block = self.blocks.find(location_id, block_id)
            if block is not None and touches(block.interval, window):
                yield block

    def index(self) -> None:
        """Find anew where everything stands, after the tables were loaded."""
        self._places.clear()
        self._bookings.clear()
        self._appointment_agenda, self._block_agenda = Agenda(), Agenda()
        for appointment in self.appointments:
            self._places[appointment.id] = appointment.location_id
            self._enter(appointment)
        for block in self.blocks:
            self._enter_block(block)

    def _enter(self, appointment: Appointment) -> None:
        for subject in _subjects(appointment):
            self._appointment_agenda.enter(subject, appointment.id, appointment.interval)
        self._count(appointment, 1)

    def _leave(self, appointment: Appointment) -> None:
        for subject in _subjects(appointment):
            self._appointment_agenda.leave(subject, appointment.id, appointment.interval)
        self._count(appointment, -1)

    def _enter_block(self, block: Block) -> None:
        for subject in _subjects_of_block(block):
            self._block_agenda.enter(subject, block.id, block.interval)

    def _count(self, appointment: Appointment, by: int) -> None:
        if appointment.takes_time:
            for person in appointment.people:
                self._bookings[appointment.calendar_id, person] += by


def touches(interval: Interval, window: Interval) -> bool:
    """Overlap, with an interval of no length counted where it stands."""
    if interval.starts >= window.ends or window.starts >= window.ends:
        return False
    return interval.ends > window.starts or interval.starts >= window.starts


def _subjects(appointment: Appointment) -> Iterator[Subject]:
    if appointment.is_series:
        return
    yield "calendar", appointment.calendar_id
    for person in appointment.people:
        yield "person", person
    if appointment.group_id:
        yield "group", appointment.group_id
    yield "contact", appointment.contact_id


def _subjects_of_block(block: Block) -> Iterator[Subject]:
    if block.assigned_user_id is not None:
        yield "person", block.assigned_user_id
    else:
        yield "calendar", block.calendar_id or ""
    yield "location", block.location_id
