"""What a calendar of the sandbox may be, and what is free after each change of it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from tests.sandboxes import CONSULTATIONS, CUTS, DANA, KIM, LOCATION, MONDAY, ROOM, Sandbox, at, running
from tests.small_salon import HOURS, OPEN, SEED, change, clocks, make, refused


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running(told=False, seed=SEED) as running_sandbox:
        yield running_sandbox


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"slotDuration": 0}, "slotDuration must be greater than 0"),
        ({"slotInterval": -5}, "slotInterval must be greater than 0"),
        ({"slotInterval": 1e-300}, "slotInterval must be whole minutes"),
        ({"slotDuration": 22.5}, "slotDuration must be whole minutes"),
        ({"slotDurationUnit": "hours"}, "slotDuration must not be greater than 24"),
        ({"slotDuration": 1e300, "slotDurationUnit": "hours"}, "slotDuration must not be greater than 24"),
        ({"slotBuffer": -1}, "slotBuffer must not be less than 0"),
        ({"preBuffer": 10**30}, "preBuffer must not be greater than 1440"),
        ({"appoinmentPerSlot": 10**30}, "appoinmentPerSlot must not be greater than 1000000"),
        ({"appoinmentPerDay": -1}, "appoinmentPerDay must not be less than 0"),
        ({"allowBookingAfter": 1e200}, "allowBookingAfter must not be greater than 1000000"),
        ({"allowBookingFor": 10**30}, "allowBookingFor must not be greater than 1000000"),
        (
            {"lookBusyConfig": {"enabled": True, "LookBusyPercentage": -1}},
            "lookBusyConfig.LookBusyPercentage must not be less than 0",
        ),
    ],
    ids=lambda given: "-".join(given) if isinstance(given, dict) else "",
)
async def test_numbers_that_nobody_can_mean_are_refused(sandbox: Sandbox, fields: dict[str, Any], words: str) -> None:
    assert await refused(sandbox, 422, **fields) == [words]
    assert await refused(sandbox, 422, ROOM, **fields) == [words]
    assert await clocks(sandbox, ROOM)


async def test_the_largest_numbers_still_make_a_calendar_whose_slots_are_answered(sandbox: Sandbox) -> None:
    for unit in ("mins", "months"):
        made = await make(
            sandbox,
            **OPEN,
            slotInterval=1,
            slotBuffer=1440,
            appoinmentPerDay=1_000_000,
            allowBookingAfter=1_000_000,
            allowBookingAfterUnit=unit,
            allowBookingFor=1_000_000,
            allowBookingForUnit="months",
        )
        assert await clocks(sandbox, made["id"]) == []


def hours(opens: int, closes: int = 0) -> dict[str, int]:
    """From one minute of the day to another."""
    open_hour, open_minute = divmod(opens, 60)
    close_hour, close_minute = divmod(closes, 60)
    return {"openHour": open_hour, "openMinute": open_minute, "closeHour": close_hour, "closeMinute": close_minute}


def date_of(number: int) -> str:
    return f"{MONDAY.date() + timedelta(days=number)}T00:00:00.000Z"


WHOLE = {"daysOfTheWeek": [0, 1, 2, 3, 4, 5, 6], "hours": [hours(0)]}


async def test_hours_without_number_are_refused_lest_one_call_keeps_all_others_waiting(sandbox: Sandbox) -> None:
    many = [hours(number * 20, number * 20 + 10) for number in range(25)]
    said = ["openHours must contain no more than 24 hours of one day"]
    for days in ([{"daysOfTheWeek": [1], "hours": many}], [{"daysOfTheWeek": [1], "hours": [each]} for each in many]):
        assert await refused(sandbox, 422, openHours=days) == said == await refused(sandbox, 422, ROOM, openHours=days)
    said = ["availabilities must contain no more than 24 hours of one day"]
    assert await refused(sandbox, 422, ROOM, availabilities=[{"date": date_of(0), "hours": many}]) == said
    one_each = [{"date": date_of(0), "hours": [each]} for each in many]
    await change(sandbox, ROOM, availabilities=one_each[:24])
    assert await refused(sandbox, 422, ROOM, availabilities=one_each[24:]) == said
    dates = [{"date": date_of(number), "hours": []} for number in range(1001)]
    said = ["availabilities must contain no more than 1000 dates"]
    assert await refused(sandbox, 422, availabilities=dates) == said
    await make(sandbox, openHours=[{"daysOfTheWeek": [1], "hours": many[:24]}], availabilities=dates[:1000])


async def test_a_step_is_refused_that_makes_more_slots_than_anybody_looks_at(sandbox: Sandbox) -> None:
    said = ["slotInterval is too short: it makes more than 7200 slots a day for the team"]
    five: dict[str, Any] = {"openHours": [WHOLE] * 5, "slotInterval": 1}
    six: dict[str, Any] = {"openHours": [WHOLE] * 6, "slotInterval": 1}
    made = await make(sandbox, **five)
    assert await refused(sandbox, 422, **six) == said == await refused(sandbox, 422, made["id"], **six)
    hourly = await make(sandbox, openHours=[WHOLE] * 24, slotInterval=1, slotIntervalUnit="hours")
    assert await refused(sandbox, 422, hourly["id"], slotIntervalUnit="mins") == said
    monday = [{"date": date_of(0), "hours": [hours(0)] * 6}]
    assert await refused(sandbox, 422, availabilities=monday, slotInterval=1) == said
    pair: dict[str, Any] = {"teamMembers": [{"userId": DANA}, {"userId": KIM}]}
    team = await make(sandbox, openHours=[WHOLE] * 3, slotInterval=1)
    assert await refused(sandbox, 422, team["id"], **pair) == said


async def test_the_same_holds_of_schedules(sandbox: Sandbox) -> None:
    def monday(*clocks: tuple[str, str]) -> dict[str, Any]:
        spans = [{"from": opens, "to": closes} for opens, closes in clocks]
        return {"timezone": "UTC", "rules": [{"type": "wday", "day": "monday", "intervals": spans}]}

    many = monday(*[("08:00", "08:30")] * 25)
    long = monday(("00:00", "00:00"), ("8:00", "9:00"))
    right = monday(("00:00", "00:00"))
    dates = {
        "timezone": "UTC",
        "rules": [{"type": "date", "date": date_of(n)[:10], "intervals": []} for n in range(1001)],
    }
    schedule = {"locationId": LOCATION, "name": "Kim", "userId": KIM}
    of_event = f"/calendars/schedules/event-calendar/{ROOM}"
    for path, said in (("/calendars/schedules", schedule), (of_event, {})):
        for wrong, words in (
            (many, "rules must contain no more than 24 intervals of one day"),
            (long, "rules must not open one day for more than 24 hours"),
            (dates, "rules must contain no more than 1000 days"),
        ):
            assert (await sandbox.call("POST", path, {**said, **wrong}, status=422))["message"] == [words]
        made = await sandbox.call("POST", path, {**said, **right}, status=201)
        own = of_event if path == of_event else f"{path}/{made['schedule']['id']}"
        assert (await sandbox.call("PUT", own, long, status=422))["message"] == [
            "rules must not open one day for more than 24 hours"
        ]


async def test_a_team_is_of_the_location_and_as_the_type_wants_it(sandbox: Sandbox) -> None:
    dana, kim = {"userId": DANA}, {"userId": KIM}
    assert await refused(sandbox, 400, teamMembers=[{"userId": "stranger"}]) == "The user id is not valid."
    assert await refused(sandbox, 400, CUTS, teamMembers=[{"userId": "stranger"}]) == "The user id is not valid."
    assert await refused(sandbox, 422, CUTS, teamMembers=[dana, dana]) == ["teamMembers must be unique by userId"]
    assert await refused(sandbox, 422, CUTS, teamMembers=None) == ["a calendarType of round_robin needs teamMembers"]
    assert await refused(sandbox, 422, CONSULTATIONS, teamMembers=[dana, kim]) == [
        "a calendarType of personal needs exactly one of teamMembers"
    ]
    assert await refused(sandbox, 422, CUTS, enableRecurring=True) == [
        "enableRecurring needs that there is only one of teamMembers"
    ]
    together = await make(sandbox, calendarType="collective", teamMembers=[dana | {"isPrimary": True}, kim])
    assert await refused(sandbox, 422, together["id"], teamMembers=[dana, kim]) == [
        "a calendarType of collective needs exactly one of teamMembers to be isPrimary"
    ]
    changed = await change(sandbox, together["id"], teamMembers=[dana, kim | {"isPrimary": True}])
    assert [member.get("isPrimary") for member in changed["teamMembers"]] == [None, True]
    assert await refused(sandbox, 422, calendarType="collective", teamMembers=[dana])


async def test_places_are_as_the_type_wants_them(sandbox: Sandbox) -> None:
    zoom = [{"kind": "zoom_conference"}]
    assert await refused(sandbox, 422, ROOM, locationConfigurations=zoom) == [
        "a calendarType of event has no zoom_conference"
    ]
    two = {"userId": DANA, "locationConfigurations": [*zoom, {"kind": "custom"}]}
    assert await refused(sandbox, 422, CUTS, teamMembers=[two, {"userId": KIM}]) == [
        "several locationConfigurations are for a team of one only, and for no class_booking or collective"
    ]
    assert len((await change(sandbox, CUTS, teamMembers=[two]))["teamMembers"][0]["locationConfigurations"]) == 2


async def test_a_class_has_one_place_for_each_of_its_team(sandbox: Sandbox) -> None:
    one = {"userId": DANA, "locationConfigurations": [{"kind": "custom"}]}
    made = await make(sandbox, calendarType="class_booking", teamMembers=[one])
    two = one | {"locationConfigurations": [{"kind": "custom"}, {"kind": "physical"}]}
    assert await refused(sandbox, 422, made["id"], teamMembers=[two]) == [
        "several locationConfigurations are for a team of one only, and for no class_booking or collective"
    ]


async def test_type_and_location_of_a_calendar_stay(sandbox: Sandbox) -> None:
    for field in ("calendarType", "locationId", "slotBufferUnit"):
        assert await refused(sandbox, 422, ROOM, **{field: "event"}) == [f"property {field} should not exist"]


async def test_a_slug_is_one_calendars_and_a_group_has_to_be_there(sandbox: Sandbox) -> None:
    made = await make(sandbox, slug="fair")
    assert await refused(sandbox, 400, slug="fair") == "The slug is already taken."
    assert await refused(sandbox, 400, ROOM, slug="fair") == "The slug is already taken."
    await change(sandbox, made["id"], slug="fair", name="Same slug")
    assert await refused(sandbox, 400, ROOM, groupId="nowhere") == "The group id is not valid."
    assert await refused(sandbox, 422, name="") == ["name should not be empty"]
    assert await refused(sandbox, 422, ROOM, name="") == ["name should not be empty"]


async def test_free_slots_follow_each_change_of_a_calendar(sandbox: Sandbox) -> None:
    made = (await make(sandbox, **OPEN))["id"]
    half_hours = ["09:00", "09:30", "10:00", "10:30"]

    async def after(**fields: Any) -> list[str]:
        await change(sandbox, made, **fields)
        return await clocks(sandbox, made)

    assert await after(slotInterval=15) == ["09:00", "09:15", "09:30", "09:45", "10:00", "10:15", "10:30"]
    assert await after(slotInterval=0.5, slotIntervalUnit="hours") == half_hours
    assert await after(slotDuration=1, slotDurationUnit="hours") == ["09:00", "09:30", "10:00"]
    assert await after(slotDuration=None, slotDurationUnit=None) == half_hours
    assert await after(allowBookingAfter=90, allowBookingAfterUnit="mins") == ["09:30", "10:00", "10:30"]
    assert await after(allowBookingAfter=None, allowBookingFor=1, allowBookingForUnit="days") == half_hours
    tuesday = MONDAY.replace(hour=0) + timedelta(days=1)
    assert await sandbox.free(tuesday, made) == []
    assert await after(allowBookingFor=0) == half_hours
    assert await sandbox.free(tuesday, made)
    assert len(await after(lookBusyConfig={"enabled": True, "LookBusyPercentage": 50})) == 2
    assert await after(lookBusyConfig=None) == half_hours

    await sandbox.book(at("09:30"), calendarId=made)
    assert await clocks(sandbox, made) == ["09:00", "10:00", "10:30"]
    assert await after(slotBuffer=30) == ["10:30"]
    assert await after(slotBuffer=0, preBuffer=10) == ["10:30"]
    assert await after(preBuffer=None, appoinmentPerSlot=2) == half_hours
    assert await after(appoinmentPerDay=1) == []
    assert await after(appoinmentPerDay=None) == half_hours

    monday = {"date": "2026-03-23T00:00:00.000Z", "hours": [HOURS | {"openHour": 10}]}
    assert await after(availabilities=[monday]) == ["10:00", "10:30"]
    assert await after(availabilityType=0) == half_hours
    assert await after(availabilityType=None) == ["10:00", "10:30"]
    assert await after(openHours=[]) == ["10:00", "10:30"]


async def test_free_slots_follow_a_change_of_the_team(sandbox: Sandbox) -> None:
    await sandbox.book(at("09:00"), calendarId=CONSULTATIONS)
    assert (await clocks(sandbox, CUTS))[0] == "09:00"
    await change(sandbox, CUTS, teamMembers=[{"userId": DANA}])
    assert (await clocks(sandbox, CUTS))[0] == "09:30"
    path = f"/calendars/{CUTS}/free-slots"
    await sandbox.call("GET", path, startDate=0, endDate=1, userId=KIM, status=400)
