"""Facts of a contact, the booking's or the event's own: read from HighLevel when they are asked for."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, timedelta
from functools import partial
from typing import Any, Final

from pydantic import TypeAdapter

from service.highlevel.contacts import Contact, ContactAppointment
from service.instants import bounded
from service.trigger import storable
from workers.areas import area_of
from workers.facts import MISSING, Answer, Fact, Missing, Sight, looked_up, status_word, write
from workers.kinds import Kind
from workers.lookups import Lookup
from workers.lookups.contacts import ContactBookingsLookup, ContactLookup, CustomFieldsLookup
from workers.names import Names
from workers.values import SomeDuration
from workers.words import shown

CONTACT: Final = "contact."
FIELDS: Final = f"{CONTACT}fields."
"""Before the name that a file gives a custom field: `contact.fields.language`."""

WITHIN: Final[Mapping[str, TypeAdapter[Any]]] = {"within": TypeAdapter(SomeDuration)}
"""How far back bookings are counted."""

NEVER_CAME: Final = frozenset({"cancelled", "invalid"})
"""Statuses of what is counted as no booking."""


def _text(value: str | None) -> Answer:
    return storable(value).strip() if value and value.strip() else MISSING


def _name(contact: Contact) -> Answer:
    parts = (contact.first_name or "", contact.last_name or "")
    return _text(contact.name or " ".join(part.strip() for part in parts))


def area_of_contact(contact: Contact, names: Names) -> Answer:
    """Missing where no area of the file has the postcode."""
    return area_of(contact.postal_code or "", names.areas) or MISSING


def _of(contact_id: str | None) -> ContactLookup | None:
    return ContactLookup(contact_id) if contact_id else None


def _told(name: str, kind: Kind, meaning: str, tell: Callable[[Sight, Contact], Answer]) -> Fact:
    read = looked_up(lambda on: _of(on.contact_id), tell)
    return Fact(CONTACT + name, kind, meaning, read, of_booking=False, is_looked_up=True, personal=True)


def _bookings(on: Sight, **words: Any) -> ContactBookingsLookup | None:
    return ContactBookingsLookup(on.contact_id) if on.contact_id else None


def _earlier(
    on: Sight, listed: tuple[ContactAppointment, ...], within: timedelta | None
) -> Iterator[ContactAppointment]:
    """Those that start before this booking, or before the event where that is about none."""
    until = (on.booking.starts if on.booking else on.at).astimezone(UTC)
    since = until - within if within else None
    for each in listed:
        starts = bounded(each.start_time.at(on.zone)).astimezone(UTC)
        if starts < until and (since is None or starts >= since) and not (on.booking and each.id == on.booking.id):
            yield each


def _booked(on: Sight, listed: tuple[ContactAppointment, ...], within: timedelta | None = None) -> Answer:
    earlier = _earlier(on, listed, within)
    return float(sum(not each.deleted and _status(each) not in NEVER_CAME for each in earlier))


def _missed(on: Sight, listed: tuple[ContactAppointment, ...], within: timedelta | None = None) -> Answer:
    earlier = _earlier(on, listed, within)
    return float(sum(not each.deleted and _status(each) == "noshow" for each in earlier))


def _status(listed: ContactAppointment) -> str:
    return status_word(listed.appointment_status or "")


def _counted(name: str, meaning: str, tell: Callable[..., Answer]) -> Fact:
    read = looked_up(_bookings, tell)
    return Fact(
        CONTACT + name, Kind.NUMBER, meaning, read, of_booking=False, is_looked_up=True, personal=True, words=WITHIN
    )


CONTACT_FACTS: Final = (
    _told("first_name", Kind.TEXT, "the contact's first name", lambda on, contact: _text(contact.first_name)),
    _told("name", Kind.TEXT, "the contact's whole name", lambda on, contact: _name(contact)),
    _told("email", Kind.TEXT, "their mail address", lambda on, contact: _text(contact.email)),
    _told("phone", Kind.TEXT, "their telephone number", lambda on, contact: _text(contact.phone)),
    _told("tags", Kind.LIST, "their tags", lambda on, contact: tuple(map(storable, contact.tags or ()))),
    _told("country", Kind.TEXT, "their country, two letters such as GB", lambda on, contact: _text(contact.country)),
    _told("postcode", Kind.TEXT, "their postcode", lambda on, contact: _text(contact.postal_code)),
    _told(
        "area",
        Kind.TEXT,
        "the area, under `areas`, that has their postcode",
        lambda on, contact: area_of_contact(contact, on.names),
    ),
    _told(
        "time_zone",
        Kind.TEXT,
        "their own time zone, such as Europe/Paris",
        lambda on, contact: _text(contact.timezone),
    ),
    _told("owner", Kind.PERSON, "the person they belong to", lambda on, contact: on.user(contact.assigned_to)),
    _counted(
        "bookings",
        "how many bookings they have had before this one, without those that were cancelled; `within: 90d` counts back "
        "from its start",
        _booked,
    ),
    _counted("no_shows", "to how many of them they did not come; `within` as of `contact.bookings`", _missed),
)


def field_fact(name: str, names: Names) -> Fact:
    """By the name that a file gives it. Raises KeyError."""
    called = names.fields[name]
    meaning = f"the contact's custom field {shown(called)}"
    read = looked_up(lambda on: _of(on.contact_id), partial(_field, called))
    return Fact(FIELDS + name, Kind.TEXT, meaning, read, of_booking=False, is_looked_up=True, personal=True)


def _field(called: str, on: Sight, contact: Contact) -> Answer | Lookup:
    """Told by name, or by id; where the contact has none at all, nobody asks what they are called."""
    values = {
        field.id: value for field in contact.custom_fields or () if (value := _written(field.value)) is not MISSING
    }
    if called in values or not values:
        return values.get(called, MISSING)
    if CustomFieldsLookup() not in on.looked:
        return CustomFieldsLookup()
    declared: Mapping[str, str] = on.looked[CustomFieldsLookup()]
    meant = [id_ for id_, name in declared.items() if name.strip().casefold() == called.strip().casefold()]
    if not meant and called not in declared:
        return Missing(f"missing: the location has no custom field {shown(called)}")
    return next((values[id_] for id_ in meant if id_ in values), MISSING)


def _written(value: Any) -> Answer:
    """Text, whatever the field is: several choices with commas between; a file says nothing."""
    match value:
        case str():
            return _text(value)
        case bool() | int():
            return str(value).lower()
        case float():
            return write(value)
        case list():
            parts = [part for each in value if isinstance(part := _written(each), str)]
            return ", ".join(parts) or MISSING
        case _:
            return MISSING
