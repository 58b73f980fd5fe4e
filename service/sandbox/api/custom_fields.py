"""Custom fields of a location in the sandbox: what those of its contacts are called."""

from typing import Any

from service.highlevel.locations import ListCustomFields
from service.sandbox.api.answers import shown
from service.sandbox.api.appointments import here
from service.sandbox.outcome import Handler, Outcome
from service.sandbox.world.records import Location
from service.sandbox.world.world import World


def list_custom_fields(world: World, location: Location, operation: ListCustomFields) -> Outcome:
    """Those of contacts: the sandbox has no opportunities."""
    here(location, operation.location_id)
    declared = () if operation.model == "opportunity" else world.custom_fields.of(location.id)
    return Outcome({"customFields": [shown(field) for field in declared]})


HANDLERS: dict[type[Any], Handler] = {ListCustomFields: list_custom_fields}
