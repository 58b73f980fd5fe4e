"""Service locations: where a booked service is done."""

from typing import Literal

from service.highlevel.operation import Operation
from service.highlevel.reply import Reply
from service.highlevel.services import ServiceDeleted

ServiceLocationType = Literal["offline", "ask_booker"]
"""A fixed address, or one that whoever books is asked for (its `address` is then only what the place is called)."""


class ServiceLocation(Reply):
    """A service location as read; unlike services and groups it comes without a wrapper."""

    id: str
    location_id: str
    name: str
    slug: str
    is_active: bool = True
    is_private: bool = False
    cover_image: str | None = None
    location_type: str | None = None
    address: str | None = None
    phone: str | None = None


class ServiceLocationsReply(Reply):
    service_locations: tuple[ServiceLocation, ...]


class _ServiceLocationFields(Operation[ServiceLocation]):
    """What may be said of a service location, new or not."""

    phone: str | None = None
    address: str | None = None
    cover_image: str | None = None
    location_type: ServiceLocationType | None = None


class ListServiceLocations(
    Operation[ServiceLocationsReply], method="GET", path="/calendars/services/locations", version="v3"
):
    """Every service location of a location; there are no pages."""

    location_id: str


class CreateServiceLocation(
    _ServiceLocationFields, method="POST", path="/calendars/services/locations", version="v3", success=201
):
    location_id: str
    name: str
    slug: str


class GetServiceLocation(
    Operation[ServiceLocation],
    method="GET",
    path="/calendars/services/locations/{service_location_id}",
    version="v3",
):
    service_location_id: str


class EditServiceLocation(
    _ServiceLocationFields, method="PUT", path="/calendars/services/locations/{service_location_id}", version="v3"
):
    """Change what is said. Whether it is active or private can be read, but not written."""

    service_location_id: str
    name: str | None = None
    slug: str | None = None


class DeleteServiceLocation(
    Operation[ServiceDeleted],
    method="DELETE",
    path="/calendars/services/locations/{service_location_id}",
    version="v3",
):
    service_location_id: str
