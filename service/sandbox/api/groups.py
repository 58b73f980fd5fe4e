"""Calendar groups in the sandbox."""

from typing import Any

from service.highlevel.calendars import Calendar
from service.highlevel.groups import (
    CreateGroup,
    DeleteGroup,
    EditGroup,
    EditGroupStatus,
    Group,
    ListGroups,
    ValidateGroupSlug,
)
from service.sandbox import refusals
from service.sandbox.api.answers import filled, said, shown
from service.sandbox.api.appointments import here
from service.sandbox.api.calendar_settings import regroup
from service.sandbox.outcome import Handler, Outcome
from service.sandbox.world.records import Location
from service.sandbox.world.world import World


def list_groups(world: World, location: Location, operation: ListGroups) -> Outcome:
    here(location, operation.location_id)
    return Outcome({"groups": [shown(group) for group in world.groups.of(location.id)]})


def create(world: World, location: Location, operation: CreateGroup) -> Outcome:
    here(location, operation.location_id)
    _check_texts(world, location, operation)
    wanted = {"id": world.new_id(), "isActive": True, **filled(operation)}
    return _kept(world, location, wanted, f"Group {operation.name} made")


def validate_slug(world: World, location: Location, operation: ValidateGroupSlug) -> Outcome:
    here(location, operation.location_id)
    return Outcome({"available": not _is_taken(world, location, operation.slug)})


def edit(world: World, location: Location, operation: EditGroup) -> Outcome:
    before = _known(world, location, operation.group_id)
    _check_texts(world, location, operation, but=before.id)
    return _kept(world, location, {**shown(before), **said(operation, "group_id")}, f"Group {before.name} changed")


def delete(world: World, location: Location, operation: DeleteGroup) -> Outcome:
    """Its calendars stay, in no group."""
    group = _known(world, location, operation.group_id)
    world.groups.remove(location.id, operation.group_id)
    for calendar in world.calendars.of(location.id):
        if calendar.group_id == operation.group_id:
            alone = {name: value for name, value in shown(calendar).items() if name != "groupId"}
            world.calendars.put(location.id, calendar.id, Calendar.model_validate(alone))
            regroup(world, location, calendar.id, None)
    return Outcome({"success": True}, told=f"Group {group.name} deleted")


def switch(world: World, location: Location, operation: EditGroupStatus) -> Outcome:
    before = _known(world, location, operation.group_id)
    after = Group.model_validate({**shown(before), "isActive": operation.is_active})
    world.groups.put(location.id, operation.group_id, after)
    told = f"Group {before.name} switched {'on' if operation.is_active else 'off'}"
    return Outcome({"success": True}, told=told)


HANDLERS: dict[type[Any], Handler] = {
    ListGroups: list_groups,
    CreateGroup: create,
    ValidateGroupSlug: validate_slug,
    EditGroup: edit,
    DeleteGroup: delete,
    EditGroupStatus: switch,
}


def _known(world: World, location: Location, group_id: str) -> Group:
    group = world.groups.find(location.id, group_id)
    if group is None:
        raise refusals.not_found("The group is not found.")
    return group


def _check_texts(
    world: World, location: Location, operation: CreateGroup | EditGroup, *, but: str | None = None
) -> None:
    empty = [f"{name} should not be empty" for name in ("name", "slug") if not getattr(operation, name)]
    if empty:
        raise refusals.unprocessable(*empty)
    if _is_taken(world, location, operation.slug, but=but):
        raise refusals.bad_request("The slug is already taken.")


def _is_taken(world: World, location: Location, slug: str, *, but: str | None = None) -> bool:
    return any(group.slug == slug and group.id != but for group in world.groups.of(location.id))


def _kept(world: World, location: Location, settings: dict[str, Any], told: str) -> Outcome:
    group = Group.model_validate(settings)
    world.groups.put(location.id, settings["id"], group)
    return Outcome({"group": shown(group)}, told=told)
