"""Notifications of calendars in the sandbox."""

from typing import Any

from service.highlevel.notifications import (
    CreateNotifications,
    DeleteNotification,
    EditNotification,
    GetNotification,
    ListNotifications,
    Notification,
)
from service.sandbox import refusals
from service.sandbox.api.answers import filled, said, shown
from service.sandbox.api.appointments import known_calendar
from service.sandbox.outcome import Handler, Outcome
from service.sandbox.world.records import Location
from service.sandbox.world.world import World

LISTED = 100
"""So many, where no limit is said (the specification)."""
ALWAYS_SAID = frozenset({"receiverType", "channel", "notificationType", "isActive", "deleted"})
NOT_SHOWN = frozenset({"fromAddress", "fromName", "fromNumber"})
"""They may be said, and are in no answer (the specification)."""


def list_notifications(world: World, location: Location, operation: ListNotifications) -> Outcome:
    """Those that are not deleted, unless the deleted ones are asked for."""
    calendar = known_calendar(world, location, operation.calendar_id)
    limit = LISTED if operation.limit is None else operation.limit
    skip = operation.skip or 0
    if limit < 1:
        raise refusals.unprocessable("limit must not be less than 1")
    if skip < 0:
        raise refusals.unprocessable("skip must not be less than 0")
    wanted = [
        notification
        for notification in world.notifications.of(calendar.id)
        if notification.deleted == bool(operation.deleted) and operation.is_active in (None, notification.is_active)
    ]
    return Outcome([_shown(notification) for notification in wanted[skip : skip + limit]])


def create(world: World, location: Location, operation: CreateNotifications) -> Outcome:
    calendar = known_calendar(world, location, operation.calendar_id)
    made = [
        Notification.model_validate({"_id": world.new_id(), "isActive": True, "deleted": False, **asked})
        for asked in filled(operation)["notifications"]
    ]
    for notification in made:
        world.notifications.put(calendar.id, notification.id or "", notification)
    count = "1 notification" if len(made) == 1 else f"{len(made)} notifications"
    told = f"Calendar {calendar.name}: {count} added" if made else ""
    return Outcome([_shown(notification) for notification in made], told=told)


def answer(world: World, location: Location, operation: GetNotification) -> Outcome:
    """A deleted one too."""
    return Outcome(_shown(_known(world, location, operation)))


def edit(world: World, location: Location, operation: EditNotification) -> Outcome:
    """Null takes back what need not be said."""
    before = _known(world, location, operation)
    asked = said(operation, "calendar_id", "notification_id")
    changes = {name: value for name, value in asked.items() if value is not None or name not in ALWAYS_SAID}
    return _kept(world, location, operation, {**shown(before), **changes}, "updated")


def delete(world: World, location: Location, operation: DeleteNotification) -> Outcome:
    """Softly: it can still be read."""
    before = _known(world, location, operation)
    return _kept(world, location, operation, {**shown(before), "deleted": True}, "deleted")


HANDLERS: dict[type[Any], Handler] = {
    ListNotifications: list_notifications,
    CreateNotifications: create,
    GetNotification: answer,
    EditNotification: edit,
    DeleteNotification: delete,
}


def _known(
    world: World, location: Location, operation: GetNotification | EditNotification | DeleteNotification
) -> Notification:
    calendar = known_calendar(world, location, operation.calendar_id)
    notification = world.notifications.find(calendar.id, operation.notification_id)
    if notification is None:
        raise refusals.not_found("The notification is not found.")
    return notification


def _kept(
    world: World,
    location: Location,
    operation: EditNotification | DeleteNotification,
    settings: dict[str, Any],
    done: str,
) -> Outcome:
    notification = Notification.model_validate({name: value for name, value in settings.items() if value is not None})
    world.notifications.put(operation.calendar_id, operation.notification_id, notification)
    calendar = known_calendar(world, location, operation.calendar_id)
    return Outcome({"message": f"notification {done}"}, told=f"Calendar {calendar.name}: notification {done}")


def _shown(notification: Notification) -> dict[str, Any]:
    """With its lists, empty or not."""
    lists: dict[str, Any] = {
        "additionalEmailIds": [],
        "additionalPhoneNumbers": [],
        "additionalWhatsappNumbers": [],
        "selectedUsers": [],
        "afterTime": [],
        "beforeTime": [],
    }
    return lists | {name: value for name, value in shown(notification).items() if name not in NOT_SHOWN}
