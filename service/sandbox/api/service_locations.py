"""Service locations in the sandbox."""

from typing import Any

from service.highlevel.service_locations import (
    CreateServiceLocation,
    DeleteServiceLocation,
    EditServiceLocation,
    GetServiceLocation,
    ListServiceLocations,
    ServiceLocation,
)
from service.sandbox import refusals
from service.sandbox.api.answers import filled, shown
from service.sandbox.api.appointments import here
from service.sandbox.outcome import Handler, Outcome
from service.sandbox.world.records import Location
from service.sandbox.world.world import World

UNSAID: dict[str, Any] = {"isActive": True, "isPrivate": False, "locationType": "offline"}
"""What a new one is (specification; the type is our reading)."""


def list_places(world: World, location: Location, operation: ListServiceLocations) -> Outcome:
    here(location, operation.location_id)
    return Outcome({"serviceLocations": [_shown(place) for place in world.service_locations.of(location.id)]})


def create(world: World, location: Location, operation: CreateServiceLocation) -> Outcome:
    here(location, operation.location_id)
    return _kept(world, location, {"id": world.new_id(), **UNSAID, **filled(operation)}, "added")


def answer(world: World, location: Location, operation: GetServiceLocation) -> Outcome:
    return Outcome(_shown(known_place(world, location, operation.service_location_id)))


def edit(world: World, location: Location, operation: EditServiceLocation) -> Outcome:
    before = known_place(world, location, operation.service_location_id)
    return _kept(world, location, {**shown(before), **filled(operation, "service_location_id")}, "changed")


def delete(world: World, location: Location, operation: DeleteServiceLocation) -> Outcome:
    """For good. What is booked there stays booked."""
    place = known_place(world, location, operation.service_location_id)
    world.service_locations.remove(location.id, place.id)
    return Outcome(
        {"success": True, "message": "Service location deleted successfully"},
        told=f"Service location {place.name}: deleted",
    )


HANDLERS: dict[type[Any], Handler] = {
    ListServiceLocations: list_places,
    CreateServiceLocation: create,
    GetServiceLocation: answer,
    EditServiceLocation: edit,
    DeleteServiceLocation: delete,
}


def known_place(world: World, location: Location, place_id: str) -> ServiceLocation:
    place = world.service_locations.find(location.id, place_id)
    if place is None:
        raise refusals.not_found("The service location is not found.")
    return place


def _kept(world: World, location: Location, fields: dict[str, Any], what: str) -> Outcome:
    if empty := [name for name in ("name", "slug") if not fields[name]]:
        raise refusals.unprocessable(*(f"{name} should not be empty" for name in empty))
    place = ServiceLocation.model_validate(fields)
    others = (each for each in world.service_locations.of(location.id) if each.id != place.id)
    if any(each.slug == place.slug for each in others):
        raise refusals.bad_request("The slug is already taken.")
    world.service_locations.put(location.id, place.id, place)
    return Outcome(_shown(place), told=f"Service location {place.name}: {what}")


def _shown(place: ServiceLocation) -> dict[str, Any]:
    return {**UNSAID, **shown(place)}
