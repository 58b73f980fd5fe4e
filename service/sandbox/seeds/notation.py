"""What a seed may say of a location, and what it becomes."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from service.highlevel.contacts import Contact
from service.highlevel.groups import Group
from service.highlevel.locations import CustomFieldDeclared
from service.highlevel.users import User
from service.sandbox.seeds.bookings import SeededBlock, SeededBooking
from service.sandbox.seeds.calendars import SeededCalendar, SeededSchedule
from service.sandbox.seeds.document import Place
from service.sandbox.seeds.names import Faults, Id, Names
from service.sandbox.seeds.services import SeededResource, SeededService, SeededServiceLocation
from service.sandbox.world.records import Location, Record


class SeededUser(Record):
    id: Id
    name: str
    email: str | None = None

    def at(self, location_id: str) -> User:
        first, _, last = self.name.partition(" ")
        return User.model_validate(
            {
                "id": self.id,
                "name": self.name,
                "firstName": first,
                "lastName": last,
                "email": self.email or f"{first.lower()}@example.com",
                "roles": {"type": "account", "role": "user", "locationIds": [location_id]},
            }
        )


class SeededCustomField(Record):
    """`type` in HighLevel's words, such as TEXT, NUMERICAL or MULTIPLE_OPTIONS."""

    id: Id
    name: str
    type: str = "TEXT"

    def at(self, location_id: str) -> CustomFieldDeclared:
        return CustomFieldDeclared.model_validate(
            {
                "id": self.id,
                "name": self.name,
                "fieldKey": f"contact.{self.name.lower().replace(' ', '_')}",
                "dataType": self.type,
                "model": "contact",
                "locationId": location_id,
            }
        )


class SeededContact(Record):
    """`fields`: what its custom fields say, by their names or ids."""

    id: Id
    name: str
    email: str | None = None
    phone: str | None = None
    owner: str | None = None
    tags: tuple[str, ...] = ()
    city: str | None = None
    postal_code: str | None = None
    country: str | None = None
    timezone: ZoneInfo | None = None
    fields: Mapping[str, str | tuple[str, ...]] = {}

    def at(
        self, location_id: str, added: str, users: Names, custom_fields: Names, place: Place, faults: Faults
    ) -> Contact:
        first, _, last = self.name.partition(" ")
        of_fields = [
            {"id": custom_fields.id_of(called, (*place, "fields", called), faults), "value": value}
            for called, value in self.fields.items()
        ]
        said: dict[str, Any] = {
            "id": self.id,
            "locationId": location_id,
            "firstName": first,
            "lastName": last,
            "name": self.name,
            "email": self.email,
            "phone": self.phone,
            "assignedTo": None if self.owner is None else users.id_of(self.owner, (*place, "owner"), faults),
            "tags": self.tags,
            "city": self.city,
            "postalCode": self.postal_code,
            "country": self.country,
            "timezone": self.timezone.key if self.timezone else None,
            "customFields": of_fields or None,
            "dateAdded": added,
            "dateUpdated": added,
        }
        return Contact.model_validate({name: value for name, value in said.items() if value is not None})


class SeededGroup(Record):
    id: Id
    name: str
    slug: str
    description: str = ""

    def at(self, location_id: str) -> Group:
        return Group.model_validate({**self.model_dump(), "locationId": location_id, "isActive": True})


class SeededLocation(Record):
    """Who is meant may be said by name or id."""

    id: Id
    name: str = ""
    timezone: ZoneInfo
    tokens: tuple[str, ...] = ()
    scopes: tuple[str, ...] | None = None
    users: tuple[SeededUser, ...] = ()
    custom_fields: tuple[SeededCustomField, ...] = ()
    contacts: tuple[SeededContact, ...] = ()
    groups: tuple[SeededGroup, ...] = ()
    calendars: tuple[SeededCalendar, ...] = ()
    schedules: tuple[SeededSchedule, ...] = ()
    resources: tuple[SeededResource, ...] = ()
    services: tuple[SeededService, ...] = ()
    service_locations: tuple[SeededServiceLocation, ...] = ()
    blocks: tuple[SeededBlock, ...] = ()
    bookings: tuple[SeededBooking, ...] = ()

    @property
    def location(self) -> Location:
        return Location(id=self.id, name=self.name, timezone=self.timezone, tokens=self.tokens, scopes=self.scopes)
