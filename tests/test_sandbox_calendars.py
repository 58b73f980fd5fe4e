"""Calendars in the sandbox: set up, changed, listed and deleted."""

from collections.abc import AsyncIterator
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from service.highlevel.calendars import CalendarReply, CalendarsReply, DeleteCalendar, DeletedCalendarReply
from service.highlevel.event_calendar_schedules import CreateEventCalendarSchedule
from service.highlevel.notifications import CreateNotifications, NewNotification
from service.sandbox.application import HANDLERS
from service.sandbox.seeds.seed import load_seed
from tests.sandboxes import CUTS, FOREVER, KIM, LOCATION, MONDAY, ROOM, Sandbox, at, running
from tests.small_salon import HOURS, NEW, OPEN, OTHER, SEED, change, clocks, make, read, refused
from tests.test_sandbox import CALENDAR, CALENDAR_LISTED

UPDATED = CALENDAR - {"notifications", "availabilities"}
"""Keys of the recorded answer to a change."""


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running(told=False, seed=SEED) as running_sandbox:
        yield running_sandbox


async def test_a_calendar_lives_in_the_recorded_shapes(sandbox: Sandbox) -> None:
    created = await sandbox.call("POST", "/calendars/", NEW)
    CalendarReply.read(created)
    calendar = created["calendar"]
    assert calendar.keys() == UPDATED
    assert len(calendar["id"]) == 20
    assert (calendar["calendarType"], calendar["openHours"], calendar["isActive"]) == ("event", {}, True)
    assert await read(sandbox, calendar["id"]) == calendar | {"notifications": [], "availabilities": []}
    listed = await sandbox.call("GET", "/calendars/", locationId=LOCATION)
    CalendarsReply.read(listed)
    assert listed["calendars"][-1].keys() == CALENDAR_LISTED
    assert await change(sandbox, calendar["id"], name="Big fair") == calendar | {"name": "Big fair"}
    deleted = await sandbox.call("DELETE", f"/calendars/{calendar['id']}")
    DeletedCalendarReply.read(deleted)
    gone = deleted["calendar"]
    made = gone.pop("createdBy")
    assert (deleted["message"], gone) == (
        "calendar deleted",
        {
            "id": calendar["id"],
            "name": "Big fair",
            "deleted": False,
            "calendarType": "event",
            "locationConfigurations": [{"kind": "custom", "position": 0, "meetingId": "custom_0"}],
            "version": 2,
        },
    )
    assert made == {
        "channel": "OAUTH",
        "source": "INTEGRATION",
        "timestamp": "2026-03-23T08:00:00.000Z",
        "traceId": made["traceId"],
    }
    for method in ("GET", "PUT", "DELETE"):
        body: dict[str, Any] | None = {} if method == "PUT" else None
        answer = await sandbox.call(method, f"/calendars/{calendar['id']}", body, status=404)
        assert answer["message"] == "The calendar is not found."


async def test_what_is_said_of_a_calendar_is_read_back(sandbox: Sandbox) -> None:
    notice = {"shouldSendToContact": True, "shouldSendToGuest": False, "shouldSendToUser": False}
    said: dict[str, Any] = {
        **OPEN,
        "description": "Once a year",
        "slug": "fair",
        "slotDuration": 1.5,
        "slotDurationUnit": "hours",
        "slotBufferUnit": "hours",
        "appoinmentPerSlot": 4,
        "autoConfirm": False,
        "recurring": {"freq": "WEEKLY", "count": 3},
        "lookBusyConfig": {"enabled": True, "LookBusyPercentage": 123},
        "notifications": [notice | {"shouldSendToSelectedUsers": False, "selectedUsers": ""}],
    }
    made = await make(sandbox, **said)
    assert {name: made[name] for name in said} == said
    assert made["appointmentPerSlot"] == 4
    changed = await change(sandbox, made["id"], description=None, openHours=[], recurring=None)
    assert not changed.keys() & {"description", "recurring"}
    assert (changed["openHours"], changed["slug"]) == ({}, "fair")
    assert (await change(sandbox, made["id"], name=None, slug=""))["name"] == "Fair"
    assert "slug" not in await read(sandbox, made["id"])


async def test_without_a_type_it_is_a_round_robin_and_can_be_written_back(sandbox: Sandbox) -> None:
    made = (await sandbox.call("POST", "/calendars/", {"locationId": LOCATION, "name": "Plain"}))["calendar"]
    assert (made["calendarType"], made["eventType"]) == ("round_robin", "RoundRobin_OptimizeForAvailability")
    assert (await change(sandbox, made["id"], name="Plainer", teamMembers=made["teamMembers"]))["name"] == "Plainer"


async def test_places_to_meet_have_an_id_by_their_kind_and_position(sandbox: Sandbox) -> None:
    places = [{"kind": "custom", "location": "Booth 5"}, {"kind": "physical", "location": None}]
    made = await make(
        sandbox,
        calendarType="personal",
        locationConfigurations=places,
        teamMembers=[{"userId": KIM, "isPrimary": None, "locationConfigurations": places[:1]}],
    )
    custom = {"kind": "custom", "location": "Booth 5", "position": 0, "meetingId": "custom_0"}
    assert made["locationConfigurations"] == [custom, {"kind": "physical", "position": 1, "meetingId": "physical_1"}]
    assert made["teamMembers"] == [{"userId": KIM, "priority": 0.5, "locationConfigurations": [custom]}]
    assert await change(sandbox, made["id"], name="Other") == made | {"name": "Other"}
    gone = await sandbox.call("DELETE", f"/calendars/{made['id']}")
    assert gone["calendar"]["locationConfigurations"] == made["locationConfigurations"]


async def test_single_dates_are_added_changed_and_deleted_by_their_ids(sandbox: Sandbox) -> None:
    easter, labour_day = ({"date": f"2026-{day}T00:00:00.000Z", "hours": [HOURS]} for day in ("04-05", "05-01"))
    made = await make(sandbox, availabilities=[easter, labour_day | {"deleted": True}])
    [kept] = made["availabilities"]
    assert kept == easter | {"deleted": False, "id": kept["id"]}
    both = await change(sandbox, made["id"], availabilities=[labour_day])
    assert [day["date"] for day in both["availabilities"]] == [easter["date"], labour_day["date"]]
    closed = kept | {"hours": []}
    changed = await change(sandbox, made["id"], availabilities=[closed])
    assert changed["availabilities"] == [closed, both["availabilities"][1]]
    assert await change(sandbox, made["id"], name="Fair") == changed
    left = await change(sandbox, made["id"], availabilities=[both["availabilities"][1] | {"deleted": True}])
    assert left["availabilities"] == [closed]
    [words] = await refused(sandbox, 422, made["id"], availabilities=[kept | {"id": "other"}])
    assert words == "availabilities.0.id must be of one that the calendar has"


async def test_a_list_can_be_of_one_group_and_without_drafts(sandbox: Sandbox) -> None:
    group = {"locationId": LOCATION, "name": "Fairs", "description": "", "slug": "fairs"}
    group_id = (await sandbox.call("POST", "/calendars/groups", group, status=201))["group"]["id"]
    draft = (await make(sandbox, isActive=False, groupId=group_id, **OPEN))["id"]
    await change(sandbox, ROOM, groupId=group_id)

    async def ids(**query: Any) -> list[str]:
        listed = await sandbox.call("GET", "/calendars/", locationId=LOCATION, **query)
        return [calendar["id"] for calendar in listed["calendars"]]

    assert await ids(groupId=group_id) == [ROOM, draft] == await ids(groupId=group_id, showDrafted="true")
    assert await ids(groupId=group_id, showDrafted="false") == [ROOM]
    assert await ids(groupId="nowhere") == []
    assert {CUTS, ROOM, draft} < set(await ids())
    assert await clocks(sandbox, draft) == []
    await change(sandbox, draft, isActive=True, groupId="")
    assert await clocks(sandbox, draft) == ["09:00", "09:30", "10:00", "10:30"]
    assert await ids(groupId=group_id) == [ROOM]


async def test_appointments_are_of_the_group_that_their_calendar_is_in_now(sandbox: Sandbox) -> None:
    first, second = [
        (
            await sandbox.call(
                "POST",
                "/calendars/groups",
                {"locationId": LOCATION, "name": slug, "slug": slug, "description": ""},
                status=201,
            )
        )["group"]["id"]
        for slug in ("one", "two")
    ]
    await change(sandbox, CUTS, groupId=first)
    booked = await sandbox.book(at("09:00"))
    before = await sandbox.read(booked["id"])

    async def found(group_id: str) -> list[str]:
        listed = await sandbox.call("GET", "/calendars/events", groupId=group_id, **FOREVER)
        return [event["id"] for event in listed["events"]]

    assert await found(first) == [booked["id"]]
    sandbox.clock.now += timedelta(hours=1)
    await change(sandbox, CUTS, groupId=second)
    assert (await found(first), await found(second)) == ([], [booked["id"]])
    assert await sandbox.read(booked["id"]) == before | {"groupId": second}
    await change(sandbox, CUTS, groupId="")
    assert await found(second) == []
    await change(sandbox, CUTS, groupId=second)
    assert await found(second) == [booked["id"]]
    await sandbox.call("DELETE", f"/calendars/groups/{second}")
    assert await found(second) == []
    assert "groupId" not in await sandbox.read(booked["id"])


async def test_appointments_of_a_deleted_calendar_can_still_be_read(sandbox: Sandbox) -> None:
    booked = await sandbox.book(at("09:00"))
    notice = {"receiverType": "contact", "channel": "sms", "notificationType": "booked"}
    await sandbox.call("POST", f"/calendars/{CUTS}/notifications", [notice])
    gone = (await sandbox.call("DELETE", f"/calendars/{CUTS}"))["calendar"]
    assert (gone["version"], gone["createdBy"]["source"]) == (1, "INTEGRATION")
    assert (await sandbox.read(booked["id"]))["calendarId"] == CUTS
    await sandbox.book(at("12:00"), status=404)
    for path in ("free-slots?startDate=0&endDate=1", "notifications"):
        await sandbox.call("GET", f"/calendars/{CUTS}/{path}", status=404)
    listed = await sandbox.call("GET", "/calendars/", locationId=LOCATION)
    assert CUTS not in [calendar["id"] for calendar in listed["calendars"]]


async def test_rooms_and_schedules_forget_a_deleted_calendar(sandbox: Sandbox) -> None:
    team = [{"userId": KIM}]
    first, second = [
        (await make(sandbox, calendarType="service_booking", teamMembers=team, name=name))["id"] for name in "AB"
    ]
    counts = {"quantity": 1, "outOfService": 0, "capacity": 2}
    room = {"locationId": LOCATION, "name": "Studio", "description": "", **counts, "calendarIds": [first, second]}
    room_id = (await sandbox.call("POST", "/calendars/resources/rooms", room, status=201))["id"]
    schedule = {"locationId": LOCATION, "name": "Kim", "userId": KIM, "timezone": "UTC", "calendarIds": [first, second]}
    schedule_id = (await sandbox.call("POST", "/calendars/schedules", schedule, status=201))["schedule"]["id"]
    await sandbox.call("DELETE", f"/calendars/{first}")
    assert (await sandbox.call("GET", f"/calendars/resources/rooms/{room_id}"))["calendarIds"] == [second]
    kept = await sandbox.call("GET", f"/calendars/schedules/{schedule_id}")
    assert kept["schedule"]["calendarIds"] == [second]


def test_nothing_is_kept_for_a_deleted_calendar() -> None:
    world = load_seed(SEED, clock=lambda: MONDAY, random=Random(1))
    notice = NewNotification(receiver_type="contact", channel="sms", notification_type="booked")
    for operation in (
        CreateNotifications(calendar_id=ROOM, notifications=(notice, notice)),
        CreateEventCalendarSchedule(calendar_id=ROOM, rules=(), timezone="UTC"),
        DeleteCalendar(calendar_id=ROOM),
    ):
        HANDLERS[type(operation)](world, world.locations[LOCATION], operation)
    assert (world.notifications.of(ROOM), world.event_schedules.of(LOCATION)) == ((), ())


async def test_calendars_of_another_location_are_out_of_reach(sandbox: Sandbox) -> None:
    for method in ("GET", "PUT", "DELETE"):
        await sandbox.call(method, "/calendars/EL5E", {} if method == "PUT" else None, status=404)
    await sandbox.call("POST", "/calendars/", NEW | {"locationId": OTHER}, status=403)
    await sandbox.call("GET", "/calendars/", locationId=OTHER, status=403)
    assert await refused(sandbox, 400, CUTS, teamMembers=[{"userId": "stranger"}]) == "The user id is not valid."
