"""Lookups of contacts: one itself, its bookings, and what the location's custom fields of contacts are called."""

from collections.abc import Mapping
from dataclasses import dataclass

from service.highlevel.contacts import Contact, ContactAppointment, GetContact, ListContactAppointments
from service.highlevel.errors import NotFound
from service.highlevel.locations import ListCustomFields
from workers.lookups import Lookup, Reading


@dataclass(frozen=True)
class ContactLookup(Lookup):
    """A contact, as HighLevel shows it."""

    contact_id: str

    async def read(self, reading: Reading) -> Contact | None:
        try:
            return (await reading.api(GetContact(contact_id=self.contact_id))).contact
        except NotFound:
            return None


@dataclass(frozen=True)
class ContactBookingsLookup(Lookup):
    """Every booking of a contact, whatever became of it."""

    contact_id: str

    async def read(self, reading: Reading) -> tuple[ContactAppointment, ...] | None:
        try:
            return (await reading.api(ListContactAppointments(contact_id=self.contact_id))).events
        except NotFound:
            return None


@dataclass(frozen=True)
class CustomFieldsLookup(Lookup):
    """What the custom fields of contacts are called, by their ids."""

    async def read(self, reading: Reading) -> Mapping[str, str]:
        asked = ListCustomFields(location_id=reading.location_id, model="contact")
        return {field.id: field.name for field in (await reading.api(asked)).custom_fields}
