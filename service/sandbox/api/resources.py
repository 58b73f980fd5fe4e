"""Rooms and equipment in the sandbox."""

from typing import Any

from service.highlevel.resources import (
    CreateResource,
    DeleteResource,
    EditResource,
    GetResource,
    ListResources,
    Resource,
)
from service.sandbox import refusals
from service.sandbox.api.answers import filled, said, shown
from service.sandbox.api.appointments import here
from service.sandbox.outcome import Handler, Outcome
from service.sandbox.world.records import Location
from service.sandbox.world.world import World

COUNTS = ("quantity", "outOfService", "capacity")


def list_resources(world: World, location: Location, operation: ListResources) -> Outcome:
    here(location, operation.location_id)
    if operation.limit < 1:
        raise refusals.unprocessable("limit must not be less than 1")
    if operation.skip < 0:
        raise refusals.unprocessable("skip must not be less than 0")
    kept = [each for each in world.resources.of(location.id) if each.resource_type == operation.resource_type]
    return Outcome([_shown(resource) for resource in kept[operation.skip : operation.skip + operation.limit]])


def create(world: World, location: Location, operation: CreateResource) -> Outcome:
    here(location, operation.location_id)
    asked = said(operation)
    _check(world, location, asked)
    resource = _kept(world, location, {"_id": world.new_id(), "isActive": True, **asked})
    return Outcome(_shown(resource), told=f"{_named(resource)} added")


def answer(world: World, location: Location, operation: GetResource) -> Outcome:
    return Outcome(_shown(_known(world, location, operation)))


def edit(world: World, location: Location, operation: EditResource) -> Outcome:
    """Null says nothing. The answer lacks `calendarIds`, as the specification has it."""
    before = _known(world, location, operation)
    here(location, operation.location_id or location.id)
    asked = filled(operation, "resource_id")
    _check(world, location, asked)
    resource = _kept(world, location, {**shown(before), **asked, "locationId": location.id})
    body = {name: value for name, value in _shown(resource).items() if name != "calendarIds"}
    return Outcome(body, told=f"{_named(before)} changed")


def delete(world: World, location: Location, operation: DeleteResource) -> Outcome:
    resource = _known(world, location, operation)
    world.resources.remove(location.id, operation.resource_id)
    return Outcome({"success": True}, told=f"{_named(resource)} deleted")


HANDLERS: dict[type[Any], Handler] = {
    ListResources: list_resources,
    CreateResource: create,
    GetResource: answer,
    EditResource: edit,
    DeleteResource: delete,
}


def _known(world: World, location: Location, operation: GetResource | EditResource | DeleteResource) -> Resource:
    resource = world.resources.find(location.id, operation.resource_id)
    if resource is None or resource.resource_type != operation.resource_type:
        raise refusals.not_found("The resource is not found.")
    return resource


def _check(world: World, location: Location, asked: dict[str, Any]) -> None:
    wrong = [f"{name} must not be less than 0" for name in COUNTS if asked.get(name, 0) < 0]
    if asked.get("name") == "":
        wrong.append("name should not be empty")
    if wrong:
        raise refusals.unprocessable(*wrong)
    for calendar_id in asked.get("calendarIds", ()):
        calendar = world.calendar(location, calendar_id)
        if calendar is None:
            raise refusals.bad_request("The calendar id is not valid.")
        if calendar.calendar_type != "service_booking":
            raise refusals.bad_request("The calendar is not a service calendar.")


def _kept(world: World, location: Location, settings: dict[str, Any]) -> Resource:
    settings["calendarIds"] = list(dict.fromkeys(settings.get("calendarIds", ())))
    resource = Resource.model_validate(settings)
    world.resources.put(location.id, settings["_id"], resource)
    return resource


def _shown(resource: Resource) -> dict[str, Any]:
    """How HighLevel calls the id nobody has published, so it is there by both of its usual names."""
    return shown(resource, id=resource.id)


def _named(resource: Resource) -> str:
    return f"{'Room' if resource.resource_type == 'rooms' else 'Equipment'} {resource.name}"
