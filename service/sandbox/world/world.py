"""Everything the sandbox remembers, in memory."""

import string
import uuid
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from service.highlevel.calendars import Calendar
from service.highlevel.contacts import Contact, Task
from service.highlevel.event_calendar_schedules import EventCalendarSchedule
from service.highlevel.groups import Group
from service.highlevel.locations import CustomFieldDeclared
from service.highlevel.notifications import Notification
from service.highlevel.resources import Resource
from service.highlevel.schedules import Schedule
from service.highlevel.service_bookings import ServiceBooking
from service.highlevel.service_locations import ServiceLocation
from service.highlevel.services import Service
from service.highlevel.users import User
from service.sandbox.world.diary import Diary
from service.sandbox.world.moments import whole_milliseconds
from service.sandbox.world.records import Appointment, Block, Client, Enrolment, Location, Note
from service.sandbox.world.table import Table

LETTERS = string.ascii_letters + string.digits
LENGTH_OF_AN_ID = 20
"""HighLevel's ids are twenty letters and digits (recorded answers)."""
LENGTH_OF_A_SECRET = 40
REMEMBERED = 200
"""So many changes are told of on the page."""


@dataclass(frozen=True)
class Change:
    """What was done, for people."""

    at: datetime
    text: str
    by: str
    """Where it came from: `API` or `page`."""
    location_id: str
    booking_id: str = ""
    """Of the appointment or service booking that it was done to, if to one."""


class World:
    """Locations with their people and calendars, and what has been booked, blocked and noted there.

    What the API shows as it is kept is kept in the API's own shapes. In a world that is not `strict`, users and
    contacts that nobody declared exist all the same.
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
        self.ahead = timedelta()
        """How far the clock has been moved."""
        self.version = 0
        """Another one after each change, for whoever saves it."""
        self.locations = {location.id: location for location in locations}
        self.clients = {client.id: client for client in clients}
        self.users = Table(User)
        self.contacts = Table(Contact)
        self.custom_fields = Table(CustomFieldDeclared)
        self.calendars = Table(Calendar)
        self.groups = Table(Group)
        self.resources = Table(Resource)
        self.notifications = Table(Notification)
        """By calendar."""
        self.schedules = Table(Schedule)
        self.event_schedules = Table(EventCalendarSchedule)
        """By location and calendar."""
        self.services = Table(Service)
        self.service_locations = Table(ServiceLocation)
        self.service_bookings = Table(ServiceBooking)
        self.notes = Table(Note)
        """By appointment."""
        self.tasks = Table(Task)
        """By contact."""
        self.enrolments = Table(Enrolment)
        """By contact and workflow."""
        self.diary = Diary()
        self.changes: deque[Change] = deque(maxlen=REMEMBERED)

    def now(self) -> datetime:
        """In whole milliseconds, as HighLevel keeps moments."""
        return whole_milliseconds(self._clock() + self.ahead)

    def touch(self) -> None:
        """Something has been changed."""
        self.version += 1

    def new_id(self) -> str:
        return "".join(self.random.choices(LETTERS, k=LENGTH_OF_AN_ID))

    def new_secret(self, kind: str) -> str:
        """Nobody's to guess, as long as `random` is nobody's."""
        return f"{kind}-" + "".join(self.random.choices(LETTERS, k=LENGTH_OF_A_SECRET))

    def new_uuid(self) -> str:
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    @property
    def company_id(self) -> str:
        """The agency's, to which all locations belong; empty where no app is declared."""
        return next((client.company_id for client in self.clients.values()), "")

    def kept_location(self, location_id: str | None, place: str) -> Location | None:
        """One that a state's file names at this place. Raises ValueError."""
        if location_id is not None and location_id not in self.locations:
            raise ValueError(f"{place}: there is no such location")
        return None if location_id is None else self.locations[location_id]

    def calendar(self, location: Location, calendar_id: str) -> Calendar | None:
        return self.calendars.find(location.id, calendar_id)

    def user(self, location: Location, user_id: str) -> User | None:
        declared = self.users.find(location.id, user_id)
        return declared if declared or self.strict else User(id=user_id, name="")

    def contact(self, location: Location, contact_id: str) -> Contact | None:
        declared = self.contacts.find(location.id, contact_id)
        return declared if declared or self.strict else Contact(id=contact_id, location_id=location.id, name="")

    def appointment(self, location: Location, appointment_id: str) -> Appointment | None:
        """Deleted ones too."""
        return self.diary.appointments.find(location.id, appointment_id)

    def block(self, location: Location, block_id: str) -> Block | None:
        return self.diary.blocks.find(location.id, block_id)

    @property
    def tables(self) -> dict[str, Table[Any]]:
        """All that is remembered of the locations, by name."""
        kept = {name: value for name, value in vars(self).items() if isinstance(value, Table)}
        return {**kept, "appointments": self.diary.appointments, "blocks": self.diary.blocks}
