"""Users in the sandbox: list those of a location, search those of a company."""

from typing import Any

from service.highlevel.users import ListUsers, SearchUsers, User
from service.sandbox import refusals
from service.sandbox.api.answers import shown
from service.sandbox.api.appointments import here
from service.sandbox.outcome import Handler, Outcome
from service.sandbox.world.records import Location
from service.sandbox.world.world import World

PAGE = 25
SORTED_BY = {"name": "name", "firstName": "first_name", "lastName": "last_name", "email": "email", "phone": "phone"}


def list_users(world: World, location: Location, operation: ListUsers) -> Outcome:
    here(location, operation.location_id)
    return Outcome({"users": [_whole(user) for user in world.users.of(location.id)]})


def search_users(world: World, location: Location, operation: SearchUsers) -> Outcome:
    """A location's token sees its own people of the company."""
    if operation.company_id != world.company_id:
        raise refusals.other_company()
    here(location, operation.location_id or location.id)
    if (operation.sort or "name") not in SORTED_BY:
        raise refusals.unprocessable("sort must be a valid enum value")
    if operation.sort_direction not in (None, "", "asc", "desc"):
        raise refusals.unprocessable("sortDirection must be a valid enum value")
    found = [user for user in world.users.of(location.id) if _is_asked_for(user, operation)]
    name = SORTED_BY[operation.sort or "name"]
    found.sort(key=lambda user: (getattr(user, name) or "").casefold(), reverse=operation.sort_direction == "desc")
    first = operation.skip or 0
    page = found[first : first + (operation.limit or PAGE)]
    return Outcome({"users": [_whole(user) for user in page], "count": len(found)})


HANDLERS: dict[type[Any], Handler] = {ListUsers: list_users, SearchUsers: search_users}


def _is_asked_for(user: User, asked: SearchUsers) -> bool:
    text, roles = (asked.text or "").casefold(), user.roles
    return (
        any(text in (value or "").casefold() for value in (user.name, user.email, user.phone))
        and (not asked.ids or user.id in asked.ids.split(","))
        and (not asked.type or (roles is not None and roles.type == asked.type))
        and (not asked.role or (roles is not None and roles.role == asked.role))
    )


def _whole(user: User) -> dict[str, Any]:
    return {"id": user.id, "name": user.name or "", "phone": "", "extension": "", "deleted": False, **shown(user)}
