"""The sandbox answers as HighLevel does: shapes from recorded answers, rules from the reference."""

from collections.abc import AsyncIterator
from random import Random
from typing import Any

import pytest

from service.highlevel import operations
from service.highlevel.appointments import AppointmentReply, EventsReply, WrittenAppointment
from service.highlevel.calendars import CalendarReply, CalendarsReply
from service.highlevel.locations import LocationReply
from service.highlevel.operation import Operation
from service.sandbox.application import HANDLERS
from service.sandbox.seeds.seed import load_seed, packaged_seed
from tests.sandboxes import (
    ADA,
    ALEX,
    APPOINTMENTS,
    CUTS,
    DANA,
    FOREVER,
    HEADERS,
    KIM,
    LOCATION,
    MONDAY,
    ROOM,
    Sandbox,
    at,
    running,
)


def words(text: str) -> set[str]:
    return set(text.split())


TRACE = {"traceId"}
WRITTEN = words(
    "id calendarId locationId contactId title status appointmentStatus appoinmentStatus address dateAdded dateUpdated "
    "isRecurring"
)
LISTED = words(
    "appointmentStatus appoinmentStatus address calendarId contactId dateAdded dateUpdated endTime id locationId "
    "startTime title assignedResources isRecurring createdBy deleted"
)
CALENDAR_LISTED = words(
    "id locationId name calendarType eventTitle eventColor slotDuration slotDurationUnit slotInterval slotIntervalUnit "
    "slotBufferUnit appoinmentPerSlot appointmentPerSlot openHours enableRecurring autoConfirm googleInvitationEmails "
    "allowReschedule allowCancellation formSubmitType availabilities preBufferUnit isActive"
)
CALENDAR = CALENDAR_LISTED | {"notifications", "teamMembers", "slotBuffer", "guestType", "preBuffer"}
"""Keys of recorded answers."""


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running(told=False) as running_sandbox:
        yield running_sandbox


def test_every_operation_that_a_worker_may_send_is_served() -> None:
    """Those of `service.highlevel`; the tests declare some of their own."""
    declaring = {f"service.highlevel.{name}" for name in operations.__all__}
    known = {operation for operation in Operation.known.values() if operation.__module__ in declaring}
    assert HANDLERS.keys() == known
    assert len(known) == 73


async def test_an_appointment_lives_in_the_recorded_shapes(sandbox: Sandbox) -> None:
    created = await sandbox.book("2026-07-20T11:00:00+00:00", calendarId=ROOM)
    assert created.keys() == WRITTEN | TRACE
    assert (created["title"], created["status"]) == ("Ada Example", "booked")
    assert created["dateAdded"] == "2026-03-23T08:00:00.000Z"
    WrittenAppointment.model_validate(created)

    path = f"{APPOINTMENTS}/{created['id']}"
    updated = await sandbox.call("PUT", path, {"title": "Renamed", "appointmentStatus": "confirmed"})
    assert updated.keys() == WRITTEN | TRACE

    answer = await sandbox.call("GET", path)
    assert answer.keys() == {"appointment"} | TRACE
    assert answer["appointment"].keys() == LISTED | {"appointmentMeta"}
    assert answer["appointment"]["startTime"] == "2026-07-20T12:00:00+01:00"
    assert answer["appointment"]["endTime"] == "2026-07-20T13:00:00+01:00"
    assert answer["appointment"]["createdBy"] == {"source": "third_party", "userId": None}
    AppointmentReply.model_validate(answer)

    listed = await sandbox.call("GET", "/calendars/events", calendarId=ROOM, **FOREVER)
    assert listed.keys() == {"events"} | TRACE
    assert [event.keys() for event in listed["events"]] == [LISTED]
    EventsReply.model_validate(listed)

    deleted = await sandbox.call("DELETE", f"/calendars/events/{created['id']}", {})
    assert deleted == {"succeeded": True, "traceId": deleted["traceId"]}
    gone = await sandbox.read(created["id"])
    assert gone == {**answer["appointment"], "deleted": True}
    (event,) = (await sandbox.call("GET", "/calendars/events", calendarId=ROOM, **FOREVER))["events"]
    assert event["deleted"] is True
    empty = await sandbox.call("GET", "/calendars/events", userId=KIM, **FOREVER)
    assert empty["events"] == []


async def test_calendars_have_the_recorded_shapes(sandbox: Sandbox) -> None:
    listed = await sandbox.call("GET", "/calendars/", locationId=LOCATION)
    shown = {calendar["id"]: calendar for calendar in listed["calendars"]}
    assert shown[ROOM].keys() == CALENDAR_LISTED
    assert shown[CUTS].keys() == CALENDAR_LISTED | {"teamMembers", "eventType"}
    CalendarsReply.model_validate(listed)
    assert (await sandbox.call("GET", "/calendars", locationId=LOCATION))["calendars"] == listed["calendars"]
    answer = await sandbox.call("GET", f"/calendars/{ROOM}")
    assert answer.keys() == {"calendar"} | TRACE
    assert answer["calendar"].keys() == CALENDAR
    cuts = CalendarReply.model_validate(await sandbox.call("GET", f"/calendars/{CUTS}")).calendar
    assert (cuts.team, cuts.slot_minutes, cuts.interval_minutes) == ((DANA, KIM, ALEX), 60, 30)
    assert cuts.open_hours[0].days_of_the_week == (1, 2, 3, 4, 5, 6)
    location = LocationReply.model_validate(await sandbox.call("GET", f"/locations/{LOCATION}")).location
    assert (location.name, location.timezone) == ("Leeds Salon", "Europe/London")


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({}, "Invalid token: access token is invalid"),
        ({"Authorization": "Bearer other", "Version": "v3"}, "Invalid token: access token is invalid"),
        ({"Authorization": HEADERS["Authorization"]}, "version header was not found."),
        ({**HEADERS, "Version": "2020-01-01"}, "version header is invalid"),
    ],
)
async def test_token_and_version_are_asked_for(sandbox: Sandbox, headers: dict[str, str], message: str) -> None:
    async with sandbox.client.get(f"/calendars/{CUTS}", headers=headers) as response:
        assert response.status == 401
        assert await response.json() == {"statusCode": 401, "message": message, "error": "Unauthorized"}


@pytest.mark.parametrize("version", ["2021-04-15", "2021-07-28", "2023-02-21", "v3"])
async def test_four_versions_are_known(sandbox: Sandbox, version: str) -> None:
    async with sandbox.client.get(f"/calendars/{CUTS}", headers={**HEADERS, "Version": version}) as response:
        assert response.status == 200


async def test_a_token_speaks_for_its_own_location_only(sandbox: Sandbox) -> None:
    for path in ("/calendars/?locationId=other", "/locations/other"):
        assert (await sandbox.call("GET", path, status=403))["statusCode"] == 403
    await sandbox.book(at("10:00"), locationId="other", status=403)


async def test_what_is_not_there_is_404(sandbox: Sandbox) -> None:
    answer = await sandbox.call("GET", "/calendars/events/unknown/path", status=404)
    assert answer["message"] == "Cannot GET /calendars/events/unknown/path"
    answer = await sandbox.call("DELETE", "/calendars/events/unknown", {}, status=404)
    assert answer.keys() == {"statusCode", "message"}
    for path in (f"{APPOINTMENTS}/unknown", "/calendars/unknown", "/calendars/appointments/unknown/notes"):
        await sandbox.call("GET", path, status=404, **({"limit": 1, "offset": 0} if "notes" in path else {}))


async def test_what_cannot_be_read_is_422_in_highlevels_words(sandbox: Sandbox) -> None:
    async def complaints(method: str, path: str, body: Any = None, **query: Any) -> Any:
        answer = await sandbox.call(method, path, body, status=422, **query)
        assert answer.keys() == {"statusCode", "message", "error"}
        return answer["message"]

    body = {"calendarId": CUTS, "locationId": LOCATION, "contactId": ADA, "startTime": at("10:00")}
    assert await complaints("POST", APPOINTMENTS, {**body, "colour": 1}) == ["property colour should not exist"]
    assert await complaints("POST", APPOINTMENTS, {**body, "contact_id": ADA}) == [
        "property contact_id should not exist"
    ]
    assert await complaints("POST", APPOINTMENTS, body, colour=1) == ["property colour should not exist"]
    assert await complaints("POST", APPOINTMENTS, {**body, "appointmentStatus": "no_show"}) == [
        "appointmentStatus must be a valid enum value"
    ]
    assert await complaints("POST", APPOINTMENTS, {**body, "startTime": "soon"}) == [
        "startTime must be a valid ISO 8601 date string"
    ]
    assert await complaints("POST", APPOINTMENTS, {"calendarId": 1, "locationId": LOCATION, "contactId": ADA}) == [
        "calendarId must be a string",
        "startTime should not be empty",
    ]
    assert await complaints("GET", "/calendars/events", **FOREVER) == [
        "Either of userId, calendarId or groupId is required"
    ]
    assert await complaints("DELETE", "/calendars/events/x", {"eventId": "y"}) == ["property eventId should not exist"]
    assert await complaints("GET", f"/calendars/{CUTS}/free-slots", startDate=0, endDate=32 * 86_400_000)
    async with sandbox.client.post(APPOINTMENTS, data=b'{"a', headers=HEADERS) as response:
        assert response.status == 400


def test_seeds_that_cannot_be_are_refused() -> None:
    for wrong in (
        "locations: [",
        "locations: [{id: a, timezone: Nowhere/Town}]",
        "locations: [{id: a, timezone: Etc/UTC, calendars: [{id: b, name: c, team: [nobody]}]}]",
        "locations: [{id: a, timezone: Etc/UTC, calendars: [{id: b, name: c, open_hours: "
        "[{days: [Mon], opens: 25:00, closes: 26:00}]}]}]",
        "locations: []\ncolour: red",
    ):
        with pytest.raises(ValueError):
            load_seed(wrong, clock=lambda: MONDAY, random=Random(1))


def test_where_nothing_is_strict_people_need_no_declaration() -> None:
    world = load_seed(packaged_seed("empty"), clock=lambda: MONDAY, random=Random(1))
    (location,) = world.locations.values()
    assert world.contact(location, "anybody")
    assert world.user(location, "anybody")
    with pytest.raises(KeyError):
        packaged_seed("../records")
