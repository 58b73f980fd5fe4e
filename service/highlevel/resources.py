"""Rooms and equipment that the service calendars of a location share."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from service.highlevel.operation import Number, Operation
from service.highlevel.reply import Done, Reply

ResourceType = Literal["equipments", "rooms"]

CalendarIds = Annotated[tuple[str, ...], Field(max_length=100)]


class Resource(Reply):
    """A room or a piece of equipment.

    The specification has no id in it though three calls want one, and nobody has published a recorded answer; read as
    `id` or, as HighLevel's notifications have it, `_id`. `calendar_ids` is None where they were left out, as in the
    answer to an edit.
    """

    id: str | None = Field(default=None, validation_alias="_id", serialization_alias="_id")
    location_id: str
    name: str
    resource_type: str
    is_active: bool | None = None
    description: str | None = None
    quantity: Number | None = None
    out_of_service: Number | None = None
    capacity: Number | None = None
    calendar_ids: tuple[str, ...] | None = None


class ResourcesReply(Reply):
    array = "resources"

    resources: tuple[Resource, ...]


class ResourceDeleted(Done):
    success: bool = True


class _OfCalendars(Operation[Resource]):
    @model_validator(mode="after")
    def one_calendar_for_equipment(self) -> Self:
        calendars = getattr(self, "calendar_ids", None) or ()
        if getattr(self, "resource_type", None) == "equipments" and len(calendars) > 1:
            raise ValueError("equipment goes with one service calendar: calendar_ids may name one at most")
        return self


class ListResources(Operation[ResourcesReply], method="GET", path="/calendars/resources/{resource_type}"):
    """One page. The answer does not say whether there are more: a page that is not full is the last."""

    resource_type: ResourceType
    location_id: str
    limit: int
    skip: int


class CreateResource(_OfCalendars, method="POST", path="/calendars/resources/{resource_type}", success=201):
    """Add a room or equipment. HighLevel wants every field of both kinds: a room has a quantity, equipment a capacity.

    `out_of_service` is how many of the quantity cannot be used; `calendar_ids` are of service calendars.
    """

    resource_type: ResourceType
    location_id: str
    name: str
    description: str
    quantity: Number
    out_of_service: Number
    capacity: Number
    calendar_ids: CalendarIds


class GetResource(Operation[Resource], method="GET", path="/calendars/resources/{resource_type}/{resource_id}"):
    resource_type: ResourceType
    resource_id: str


class EditResource(_OfCalendars, method="PUT", path="/calendars/resources/{resource_type}/{resource_id}"):
    """Change what is said."""

    resource_type: ResourceType
    resource_id: str
    location_id: str | None = None
    name: str | None = None
    description: str | None = None
    quantity: Number | None = None
    out_of_service: Number | None = None
    capacity: Number | None = None
    calendar_ids: CalendarIds | None = None
    is_active: bool | None = None


class DeleteResource(
    Operation[ResourceDeleted], method="DELETE", path="/calendars/resources/{resource_type}/{resource_id}"
):
    resource_type: ResourceType
    resource_id: str
