"""What the app's webhooks say: published events within the keys, and their order, that real deliveries have."""

import json
from dataclasses import dataclass
from typing import Any

from service.highlevel.contacts import Contact
from service.sandbox.api.answers import shown
from service.sandbox.api.appointment_answers import announced
from service.sandbox.outcome import Announcement, ContactChanged
from service.sandbox.world.moments import stamp_text
from service.sandbox.world.world import World

OF_A_CONTACT = (
    *("address1", "city", "state", "companyName", "country", "source", "dateAdded", "dateOfBirth", "dnd", "email"),
    *("name", "firstName", "lastName", "phone", "postalCode", "tags", "website", "attachments", "assignedTo"),
    "customFields",
)
"""The published keys, in the published order."""
NO_TEXT: dict[str, Any] = {"dnd": False, "tags": [], "attachments": [], "customFields": []}


@dataclass(frozen=True)
class App:
    """The marketplace app that webhooks name."""

    id: str
    version_id: str


def compact(body: Any) -> bytes:
    """Half a surrogate pair, which has no bytes, stays the escape that JSON writes it as."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(errors="backslashreplace")


def of_appointment(world: World, announcement: Announcement, app: App) -> bytes:
    appointment = announcement.appointment
    said = announced(appointment, world.locations[appointment.location_id])
    return _enveloped(world, announcement.type, appointment.location_id, app, {"appointment": said})


def of_contact(world: World, changed: ContactChanged, app: App) -> bytes:
    """What is empty as an empty text, as with appointments."""
    return _enveloped(world, changed.type, changed.location_id, app, _flat(changed.contact))


def _flat(contact: Contact) -> dict[str, Any]:
    said = shown(contact)
    return {"id": contact.id, **{name: said.get(name) or NO_TEXT.get(name, "") for name in OF_A_CONTACT}}


def _enveloped(world: World, kind: str, location_id: str, app: App, said: dict[str, Any]) -> bytes:
    return compact(
        {
            "type": kind,
            "locationId": location_id,
            "versionId": app.version_id,
            "appId": app.id,
            **said,
            "timestamp": stamp_text(world.now()),
            "webhookId": world.new_uuid(),
        }
    )
