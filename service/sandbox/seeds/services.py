"""Services, where they are done, and what is needed for them, as a seed writes them."""

import re
from typing import Any

from pydantic import Field

from service.highlevel.resources import Resource, ResourceType
from service.highlevel.service_locations import ServiceLocation, ServiceLocationType
from service.highlevel.services import Service
from service.sandbox.seeds.document import Place
from service.sandbox.seeds.names import Faults, Id, Names
from service.sandbox.world.records import Record


class SeededResource(Record):
    """Rooms or equipment of service calendars."""

    id: Id
    name: str
    type: ResourceType = "rooms"
    description: str = ""
    quantity: int = Field(default=1, ge=0)
    out_of_service: int = Field(default=0, ge=0)
    capacity: int = Field(default=1, ge=0)
    calendars: tuple[str, ...] = ()

    def at(self, location_id: str, calendars: Names, place: Place, faults: Faults) -> Resource:
        if self.type == "equipments" and len(self.calendars) > 1:
            faults.add((*place, "calendars"), "equipment goes with one calendar at most")
        return Resource.model_validate(
            {
                "id": self.id,
                "locationId": location_id,
                "name": self.name,
                "resourceType": self.type,
                "isActive": True,
                "description": self.description,
                "quantity": self.quantity,
                "outOfService": self.out_of_service,
                "capacity": self.capacity,
                "calendarIds": calendars.ids_of(self.calendars, (*place, "calendars"), faults),
            }
        )


class SeededServiceLocation(Record):
    id: Id
    name: str
    slug: str | None = None
    type: ServiceLocationType = "offline"
    address: str | None = None
    phone: str | None = None

    def at(self, location_id: str) -> ServiceLocation:
        optional = {"address": self.address, "phone": self.phone}
        return ServiceLocation.model_validate(
            {
                "id": self.id,
                "locationId": location_id,
                "name": self.name,
                "slug": self.slug or slug_of(self.name),
                "isActive": True,
                "isPrivate": False,
                "locationType": self.type,
                **{name: value for name, value in optional.items() if value is not None},
            }
        )


class SeededTerms(Record):
    """What a service and a variation of it have in common."""

    id: Id
    name: str
    minutes: int = Field(gt=0)
    minutes_before: int = Field(default=0, ge=0)
    minutes_after: int = Field(default=0, ge=0)
    """Kept free of other bookings."""
    price: float | None = Field(default=None, ge=0)

    @property
    def on_the_wire(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "name": self.name,
            "serviceDuration": self.minutes,
            "serviceDurationUnit": "mins",
            "preBuffer": self.minutes_before,
            "preBufferUnit": "mins",
            "postBuffer": self.minutes_after,
            "postBufferUnit": "mins",
            **({} if self.price is None else {"payment": {"amount": self.price}}),
        }


class SeededService(SeededTerms):
    slug: str | None = None
    description: str | None = None
    staff: tuple[str, ...] = Field(min_length=1)
    variations: tuple[SeededTerms, ...] = ()
    is_private: bool = False

    def at(self, location_id: str, users: Names, place: Place, faults: Faults) -> Service:
        optional: dict[str, Any] = {
            "description": self.description,
            "variations": [variation.on_the_wire for variation in self.variations] or None,
        }
        return Service.model_validate(
            {
                **self.on_the_wire,
                "locationId": location_id,
                "slug": self.slug or slug_of(self.name),
                "isPrivate": self.is_private,
                "staff": [{"id": user_id} for user_id in users.ids_of(self.staff, (*place, "staff"), faults)],
                **{name: value for name, value in optional.items() if value is not None},
            }
        )


def slug_of(name: str) -> str:
    """`Cut & colour` as `cut-colour`."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "service"
