"""The catalogue of services in the sandbox."""

import hashlib
from collections.abc import Sequence
from typing import Any

from service.highlevel.services import (
    CreateService,
    DeleteService,
    EditService,
    GetService,
    ListServices,
    Service,
    Variation,
)
from service.sandbox import refusals
from service.sandbox.api.answers import filled, shown
from service.sandbox.api.appointments import here
from service.sandbox.booking.engagements import buffers, length
from service.sandbox.outcome import Handler, Outcome
from service.sandbox.world.records import Location
from service.sandbox.world.world import LENGTH_OF_AN_ID, World

FREE_OF_CHARGE: dict[str, Any] = {"amount": 0}
"""What a service costs where nothing is said (specification)."""


def list_services(world: World, location: Location, operation: ListServices) -> Outcome:
    here(location, operation.location_id)
    wanted = [
        service
        for service in world.services.of(location.id)
        if operation.service_category_id in (None, category_of(service, location))
        and operation.is_private in (None, service.is_private)
    ]
    return Outcome({"services": [_shown(service, location) for service in wanted]})


def create(world: World, location: Location, operation: CreateService) -> Outcome:
    here(location, operation.location_id)
    said = filled(operation)
    return _kept(
        world,
        location,
        {
            "id": world.new_id(),
            "payment": FREE_OF_CHARGE,
            "isPrivate": False,
            **said,
            "variations": [{"id": world.new_id(), **variation} for variation in said.get("variations", [])],
        },
        "added",
    )


def answer(world: World, location: Location, operation: GetService) -> Outcome:
    return Outcome({"service": _shown(known_service(world, location, operation.service_id), location)})


def edit(world: World, location: Location, operation: EditService) -> Outcome:
    before = known_service(world, location, operation.service_id)
    fields = {**shown(before), **filled(operation, "service_id", "variations")}
    if not fields.get("staff"):
        raise refusals.unprocessable("staff should not be empty")
    if operation.variations is not None:
        fields["variations"] = _variations(world, before, operation.variations)
    return _kept(world, location, fields, "changed")


def delete(world: World, location: Location, operation: DeleteService) -> Outcome:
    """For good. What is booked of it stays booked."""
    service = known_service(world, location, operation.service_id)
    world.services.remove(location.id, service.id)
    return Outcome(
        {"success": True, "message": "Service deleted successfully"}, told=f"Service {service.name}: deleted"
    )


HANDLERS: dict[type[Any], Handler] = {
    ListServices: list_services,
    CreateService: create,
    GetService: answer,
    EditService: edit,
    DeleteService: delete,
}


def known_service(world: World, location: Location, service_id: str) -> Service:
    service = world.services.find(location.id, service_id)
    if service is None:
        raise refusals.not_found("The service is not found.")
    return service


def category_of(service: Service, location: Location) -> str:
    """Every account has a category that services are in where no other is said; no operation makes or lists them."""
    unsaid = hashlib.sha256(f"{location.id} services".encode()).hexdigest()[:LENGTH_OF_AN_ID]
    return service.service_category_id or unsaid


def _variations(world: World, before: Service, wanted: Sequence[Variation]) -> list[dict[str, Any]]:
    """The list that is said is all there is then, which is our reading: of those left out nothing is published."""
    known = {variation.id: shown(variation) for variation in before.variations}
    after: dict[str, dict[str, Any]] = {}
    for place, variation in enumerate(wanted):
        said = filled(variation)
        if variation.id is None:
            if not variation.name:
                raise refusals.unprocessable(f"variations.{place}.name should not be empty")
            said["id"] = world.new_id()
        elif variation.id not in known or variation.id in after:
            raise refusals.bad_request("The variation id is not valid.")
        after[said["id"]] = {**known.get(said["id"], {}), **said}
    return list(after.values())


def _kept(world: World, location: Location, fields: dict[str, Any], what: str) -> Outcome:
    if empty := [name for name in ("name", "slug") if fields.get(name) == ""]:
        raise refusals.unprocessable(*(f"{name} should not be empty" for name in empty))
    service = Service.model_validate(fields)
    others = [each for each in world.services.of(location.id) if each.id != service.id]
    if service.slug and any(each.slug == service.slug for each in others):
        raise refusals.bad_request("The slug is already taken.")
    if any(world.user(location, member.id) is None for member in service.staff):
        raise refusals.bad_request("The user id is not valid.")
    # Raises OverflowError, which is refused, here rather than at every look at who is free.
    buffers(service)
    length(service.service_duration, service.service_duration_unit)
    world.services.put(location.id, service.id, service)
    return Outcome({"service": _shown(service, location)}, told=f"Service {service.name}: {what}")


def _shown(service: Service, location: Location) -> dict[str, Any]:
    always = {"isPrivate": False, "variations": [], "staff": []}
    told = {name: value for name, value in shown(service).items() if value is not None}  # an empty id is none
    return {**always, **told, "serviceCategoryId": category_of(service, location)}
