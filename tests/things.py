"""Things that are there in a sandbox, made as they are asked for: ids for calls that shall get behind a 404."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from tests.sandboxes import ADA, CUTS, DANA, HEADERS, KIM, LOCATION, at

STEADY = {"locationId": LOCATION, "contactId": ADA, "userId": DANA, "assignedUserId": KIM, "staffId": DANA}
"""Ids that no call of the Calendars API takes away."""

HERE = {"locationId": LOCATION}
FROM_TEN = {"startTime": at("10:00"), "endTime": at("11:00")}
MONDAYS = [{"type": "wday", "day": "monday", "intervals": [{"from": "09:00", "to": "12:00"}]}]
COUNTS = {"quantity": 2, "outOfService": 0, "capacity": 2, "calendarIds": []}
REMINDER = {"receiverType": "contact", "channel": "email", "notificationType": "reminder"}


@dataclass(frozen=True)
class Making:
    """`path` is below /calendars/, `way` leads to the id in the answer; a slug in the body becomes one of its own."""

    path: str
    body: Any
    way: tuple[str | int, ...] = ("id",)


MAKINGS = {
    "groupId": Making("groups", HERE | {"name": "Hair", "description": "All", "slug": "hair"}, ("group", "id")),
    "calendarId": Making("", HERE | {"name": "Events", "calendarType": "event"}, ("calendar", "id")),
    "serviceId": Making(
        "services/catalog", HERE | {"name": "Massage", "slug": "massage", "staff": [{"id": DANA}]}, ("service", "id")
    ),
    "serviceLocationId": Making("services/locations", HERE | {"name": "Annexe", "slug": "annexe"}),
    "bookingId": Making(
        "services/bookings?overrideAvailability=true",
        HERE
        | FROM_TEN
        | {
            "contactId": ADA,
            "timezone": "Europe/London",
            "serviceLocationId": "{serviceLocationId}",
            "services": [{"id": "{serviceId}"}],
        },
        ("bookingId",),
    ),
    "appointmentId": Making(
        "events/appointments",
        HERE
        | FROM_TEN
        | {"calendarId": CUTS, "contactId": ADA, "assignedUserId": KIM, "ignoreFreeSlotValidation": True},
    ),
    "blockId": Making("events/block-slots", HERE | FROM_TEN | {"assignedUserId": DANA}),
    "noteId": Making("appointments/{appointmentId}/notes", {"body": "Brings a dog"}, ("note", "id")),
    "scheduleId": Making(
        "schedules",
        HERE | {"name": "Spring", "userId": DANA, "timezone": "Europe/London", "rules": MONDAYS},
        ("schedule", "id"),
    ),
    "heldScheduleId": Making(
        "schedules",
        HERE | {"name": "Held", "userId": KIM, "timezone": "Europe/London", "calendarIds": [CUTS]},
        ("schedule", "id"),
    ),
    "eventCalendarId": Making("", HERE | {"name": "Courses", "calendarType": "event"}, ("calendar", "id")),
    "scheduledCalendarId": Making(
        "schedules/event-calendar/{calendarId}",
        {"timezone": "Europe/London", "rules": MONDAYS},
        ("schedule", "calendarId"),
    ),
    "roomId": Making("resources/rooms", HERE | COUNTS | {"name": "Studio", "description": "Bright"}),
    "notificationId": Making(f"{CUTS}/notifications", [REMINDER], (0, "_id")),
}


MEANT = {
    "resourceType": [("", "rooms")],
    "id": [("DELETE /calendars/schedules/{id}/", "heldScheduleId"), ("/schedules/", "scheduleId"), ("", "roomId")],
    "eventId": [("block-slots", "blockId"), ("", "appointmentId")],
    "calendarId": [
        ("POST /calendars/schedules/event-calendar/", "eventCalendarId"),
        ("/event-calendar/", "scheduledCalendarId"),
        ("/notifications", CUTS),
        ("/associations/", CUTS),
    ],
}
"""By a name in a path: a word of method and path, and what the name means there; the first that fits."""


class Things:
    """One of each kind, and another once it is gone."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._numbers = itertools.count()
        self._kept: dict[str, str] = {}

    def __contains__(self, kind: str) -> bool:
        return kind in STEADY or kind in MAKINGS

    def __getitem__(self, kind: str) -> str:
        if kind not in STEADY and kind not in self._kept:
            self._kept[kind] = self._made(MAKINGS[kind])
        return STEADY.get(kind) or self._kept[kind]

    def places(self, method: str, path: str) -> dict[str, str]:
        """For each name in a path the id of something that is there."""
        return {name: self._id_of(kind) for name, kind in _kinds(method, path)}

    def forget(self, method: str, path: str) -> None:
        """What stands in its path may be gone."""
        for _, kind in _kinds(method, path):
            self._kept.pop(kind, None)

    def _id_of(self, kind: str) -> str:
        """What is no kind of thing stands for itself."""
        if kind not in self:
            return kind
        return self[kind]

    def _made(self, making: Making) -> str:
        body = self._filled(making.body)
        answer = self._client.post(f"/calendars/{self._filled(making.path)}", json=body, headers=HEADERS)
        if not answer.is_success:
            raise AssertionError(f"{making.path}: {answer.status_code} {answer.text}")
        found = answer.json()
        for step in making.way:
            found = found[step]
        return str(found)

    def _filled(self, said: Any) -> Any:
        match said:
            case dict():
                filled = {name: self._filled(value) for name, value in said.items()}
                return filled | ({"slug": f"{said['slug']}-{next(self._numbers)}"} if "slug" in said else {})
            case list():
                return [self._filled(each) for each in said]
            case str() if "{" in said:
                before, _, rest = said.partition("{")
                name, _, after = rest.partition("}")
                return f"{before}{self[name]}{after}"
            case _:
                return said


def _kinds(method: str, path: str) -> list[tuple[str, str]]:
    """Each name in a path, and what is meant by it; the same name means several things."""
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    return [(name, next(_fitting(name, f"{method} {path}"), name)) for name in names]


def _fitting(name: str, call: str) -> Iterator[str]:
    return (kind for words, kind in MEANT.get(name, ()) if words in call)
