"""Seeds: what the demo's says on any day, and what one's own may say."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from service.sandbox.seeds.seed import load_seed, packaged_seed
from service.sandbox.world.world import World
from tests.sandboxes import ADA, CONSULTATIONS, CUTS, DANA, FOREVER, KIM, LOCATION, MONDAY, ROOM, at, running

LONDON = ZoneInfo("Europe/London")


def world_at(moment: datetime, text: str = "") -> World:
    return load_seed(text or packaged_seed("demo"), clock=lambda: moment, random=Random(3))


PEOPLE = [{"id": "nora", "name": "Nora"}, {"id": "omar", "name": "Omar"}]


def seed(**more: Any) -> str:
    """A barber's; more of the location."""
    location = {
        "id": "barber",
        "timezone": "Europe/Paris",
        "users": PEOPLE,
        "contacts": [{"id": "eve", "name": "Eve"}, {"id": "one", "name": "Twin"}, {"id": "two", "name": "Twin"}],
        "calendars": [
            {
                "id": "shaves",
                "name": "Shaves",
                "team": ["Nora", "omar"],
                "open_hours": [{"days": ["Mon", "Wed"], "opens": "09:00", "closes": "17:00"}],
            }
        ],
        **more,
    }
    return str(yaml.safe_dump({"locations": [location]}))


def booking(**more: Any) -> dict[str, Any]:
    return {"calendar": "Shaves", "contact": "Eve", "with": "Nora", "day": 1, "at": "10:00", **more}


def test_the_demo_is_right_whenever_it_starts() -> None:
    started = [datetime(2026, 3, 20, tzinfo=UTC) + timedelta(hours=9 * number) for number in range(20)]
    worlds = [world_at(moment) for moment in (*started, datetime(2026, 10, 23, 23, 30, tzinfo=UTC))]
    assert {len(list(world.diary.appointments)) for world in worlds} == {23}
    for world in worlds:
        evening = [each for each in world.diary.appointments if each.end_time.astimezone(LONDON).hour >= 17]
        assert [each for each in evening if each.end_time.astimezone(LONDON).strftime("%H:%M") != "17:00"] == []
        latest = max(each.start_time for each in world.diary.appointments if {DANA, KIM} & set(each.people))
        assert latest < world.now() + timedelta(days=9)  # the samples of `up --demo` are later


def test_the_demo_has_calendars_of_every_type_and_what_they_need() -> None:
    world = world_at(MONDAY)
    types = {calendar.calendar_type for calendar in world.calendars.of(LOCATION)}
    assert types == {"round_robin", "personal", "event", "class_booking", "collective", "service_booking"}
    for table in ("groups", "schedules", "resources", "services", "service_locations", "contacts", "blocks"):
        assert world.tables[table].of(LOCATION)
    assert {world.calendars.find(LOCATION, each) is None for each in (CUTS, CONSULTATIONS, ROOM)} == {False}
    assert {len(each.people) for each in world.diary.appointments if each.title == "Grace Example"} >= {2}


async def test_what_a_seed_books_is_announced_to_nobody_and_takes_its_time() -> None:
    async with running(booked=True) as sandbox:
        events = (await sandbox.call("GET", "/calendars/events", calendarId=CUTS, **FOREVER))["events"]
        assert len(events) > 5
        assert (await sandbox.call("GET", "/_sandbox/webhooks"))["delivered"] == 0
        tuesday = MONDAY + timedelta(days=1)
        assert "2026-03-24T10:00:00+00:00" not in await sandbox.free(tuesday, userId=DANA)
        assert "2026-03-24T09:00:00+00:00" in await sandbox.free(tuesday, userId=DANA)
    async with running() as sandbox:
        assert (await sandbox.call("GET", "/calendars/events", calendarId=CUTS, **FOREVER))["events"] == []


def test_days_are_counted_among_those_that_are_open() -> None:
    text = seed(
        bookings=[booking(day=day, at="09:00") for day in (-2, -1, 1, 2, 3)],
        blocks=[{"id": "rest", "who": "omar", "day": 1, "from": "12:00", "until": "13:30"}],
    )
    world = world_at(MONDAY, text)  # a Monday, open on Mondays and Wednesdays
    starts = sorted(each.start_time.astimezone(ZoneInfo("Europe/Paris")) for each in world.diary.appointments)
    assert [f"{start:%a %d %H:%M}" for start in starts] == [
        "Mon 16 09:00",
        "Wed 18 09:00",
        "Wed 25 09:00",
        "Mon 30 09:00",
        "Wed 01 09:00",
    ]
    [block] = world.diary.blocks
    assert (block.id, block.assigned_user_id, block.start_time) == (
        "rest",
        "omar",
        datetime(2026, 3, 25, 11, tzinfo=UTC),
    )
    assert all(each.date_added <= min(world.now(), each.start_time) for each in world.diary.appointments)


def test_a_weekly_booking_is_a_series_of_the_id_that_was_said() -> None:
    world = world_at(MONDAY, seed(bookings=[booking(weekly=3, id="mine", title="Again", status="new")]))
    master = world.diary.appointment("mine")
    assert master is not None
    assert master.is_series
    singles = [each for each in world.diary.appointments if each.master_event_id == "mine"]
    assert [each.start_time.day for each in singles] == [25, 1, 8]
    assert {(each.title, each.appointment_status, each.assigned_user_id) for each in singles} == {
        ("Again", "new", "nora")
    }


def test_its_only_location_gets_another_id_and_tokens() -> None:
    def named(text: str) -> World:
        return load_seed(text, clock=lambda: MONDAY, random=Random(1), location_id="there", tokens=("pit-a", "pit-b"))

    world = named(packaged_seed("demo"))
    assert list(world.locations) == ["there"]
    assert world.locations["there"].tokens == ("pit-a", "pit-b")
    assert world.contacts.find("there", ADA) is not None
    assert {each.location_id for each in world.diary.appointments} == {"there"}
    two = "locations: [{id: a, timezone: Etc/UTC}, {id: b, timezone: Etc/UTC}]"
    with pytest.raises(ValueError, match=r"^locations: one can be given an id and tokens from outside, not 2$"):
        named(two)


async def test_in_the_empty_one_anybody_exists() -> None:
    async with running(seed=packaged_seed("empty"), told=False) as sandbox:
        headers = {"Authorization": "Bearer pit-sandbox-empty", "Version": "2021-07-28"}
        calendar = {"locationId": LOCATION, "name": "Own", "calendarType": "event", "openHours": []}
        async with sandbox.client.post("/calendars/", json=calendar, headers=headers) as answer:
            made = (await answer.json())["calendar"]["id"]
        body = {"calendarId": made, "locationId": LOCATION, "contactId": "anybody", "startTime": at("10:00")}
        body["ignoreFreeSlotValidation"] = True
        async with sandbox.client.post("/calendars/events/appointments", json=body, headers=headers) as answer:
            assert answer.status == 200
        block = {"locationId": LOCATION, "assignedUserId": "somebody", "startTime": at("10:00"), "endTime": at("11:00")}
        async with sandbox.client.post("/calendars/events/block-slots", json=block, headers=headers) as answer:
            assert answer.status in (200, 201)
