"""Schedules of people and of event calendars in the sandbox."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from service.highlevel.event_calendar_schedules import EventCalendarScheduleReply
from service.highlevel.schedules import ScheduleReply, SchedulesReply
from tests.salons import ELSEWHERE, SEED, status_elsewhere
from tests.sandboxes import ALEX, CONSULTATIONS, CUTS, DANA, KIM, LOCATION, MONDAY, ROOM, Sandbox, at, running
from tests.specification import document

SCHEDULES = "/calendars/schedules"
SEARCH = f"{SCHEDULES}/search"
NOON: list[dict[str, Any]] = [{"type": "wday", "day": "monday", "intervals": [{"from": "12:00", "to": "13:00"}]}]
EVENING = [{"type": "wday", "day": "monday", "intervals": [{"from": "18:00", "to": "20:00"}]}]


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running(told=False, seed=SEED) as running_sandbox:
        yield running_sandbox


async def add(sandbox: Sandbox, *, status: int = 201, **fields: Any) -> Any:
    said = {"name": "Noon", "locationId": LOCATION, "userId": KIM, "timezone": "Europe/London", "rules": NOON, **fields}
    return await sandbox.call("POST", SCHEDULES, said, status=status)


async def test_a_schedule_is_read_as_it_was_written(sandbox: Sandbox) -> None:
    written = await add(sandbox, calendarIds=[CUTS, CUTS])
    schedule = written["schedule"]
    assert set(document("v3")["components"]["schemas"]["ScheduleObjectResponseDTO"]["required"]) <= schedule.keys()
    assert {name: schedule[name] for name in ("name", "userId", "rules", "calendarIds", "deleted")} == {
        "name": "Noon",
        "userId": KIM,
        "rules": NOON,
        "calendarIds": [CUTS],
        "deleted": False,
    }
    ScheduleReply.model_validate(written)
    read = await sandbox.call("GET", f"{SCHEDULES}/{schedule['id']}")
    assert read["schedule"] == schedule
    assert (await add(sandbox, name="Idle", rules=None))["schedule"]["rules"] == []


async def test_a_schedule_is_of_somebody_on_the_calendars_team_once(sandbox: Sandbox) -> None:
    await add(sandbox, calendarIds=[CUTS])
    twice = await add(sandbox, name="Late", calendarIds=[CUTS], status=400)
    assert twice["message"] == "The user has another schedule for this calendar."
    await add(sandbox, userId=DANA, calendarIds=[CUTS, CONSULTATIONS])
    assert (await add(sandbox, userId="nobody", status=400))["message"] == "The user id is not valid."
    for calendar in (CONSULTATIONS, ROOM):
        refused = await add(sandbox, calendarIds=[calendar], status=400)
        assert refused["message"] == "The user id not part of calendar team."
    await add(sandbox, calendarIds=["unknown"], status=404)
    await add(sandbox, locationId=ELSEWHERE, status=403)
    listed = await sandbox.call("GET", SEARCH, locationId=LOCATION, userId=KIM)
    assert [schedule["name"] for schedule in listed["schedules"]] == ["Noon"]


async def test_what_makes_no_schedule_is_said_in_so_many_words(sandbox: Sandbox) -> None:
    backwards = [{**NOON[0], "intervals": [{"from": "13:00", "to": "12:00"}]}]
    wrongs: list[tuple[dict[str, Any], str]] = [
        ({"timezone": "Mars/Olympus"}, "timezone must be a valid IANA time zone"),
        ({"name": None}, "name must be a string"),
        ({"rules": [{**NOON[0], "day": None}]}, "rules.0: a rule of type wday has a day and no date"),
        (
            {"rules": backwards},
            "rules.0.intervals.0: an interval ends after it starts; over midnight takes two, on two days",
        ),
        ({"deleted": True}, "property deleted should not exist"),
    ]
    for wrong, complaint in wrongs:
        assert (await add(sandbox, **wrong, status=422))["message"] == [complaint]


async def test_a_search_is_of_one_person_in_pages(sandbox: Sandbox) -> None:
    ids = [(await add(sandbox, name=str(number)))["schedule"]["id"] for number in range(52)]
    await add(sandbox, userId=DANA)

    async def found(**query: Any) -> list[str]:
        answer = await sandbox.call("GET", SEARCH, locationId=LOCATION, userId=KIM, **query)
        return [schedule.id for schedule in SchedulesReply.model_validate(answer).schedules]

    assert await found() == ids[:50]
    assert await found(skip=49, limit=2) == ids[49:51]
    assert await found(skip=60) == []
    await sandbox.call("PUT", f"{SCHEDULES}/{ids[3]}/associations/{CUTS}")
    assert await found(calendarId=CUTS) == [ids[3]]
    await sandbox.call("GET", SEARCH, locationId=LOCATION, status=422)
    await sandbox.call("GET", SEARCH, locationId=LOCATION, userId=KIM, limit=501, status=422)
    await sandbox.call("GET", SEARCH, locationId=ELSEWHERE, userId=KIM, status=403)


async def test_a_change_replaces_all_rules_and_leaves_the_rest(sandbox: Sandbox) -> None:
    before = (await add(sandbox, calendarIds=[CUTS]))["schedule"]
    path = f"{SCHEDULES}/{before['id']}"
    date = [{"type": "date", "date": "2026-03-23", "intervals": []}]
    sandbox.clock.now = MONDAY.replace(hour=9)
    after = (await sandbox.call("PUT", path, {"rules": date, "name": None}))["schedule"]
    assert after == {**before, "rules": date, "dateUpdated": "2026-03-23T09:00:00.000Z"}
    after = (await sandbox.call("PUT", path, {"name": "Off", "timezone": "Asia/Tokyo"}))["schedule"]
    assert (after["name"], after["timezone"], after["rules"]) == ("Off", "Asia/Tokyo", date)
    assert (await sandbox.call("GET", path))["schedule"] == after
    await sandbox.call("PUT", path, {"calendarIds": [ROOM]}, status=422)
    await sandbox.call("PUT", f"{SCHEDULES}/unknown", {"name": "Off"}, status=404)


async def test_somebody_is_on_offer_within_their_schedule_for_the_calendar(sandbox: Sandbox) -> None:
    schedule = (await add(sandbox))["schedule"]["id"]
    path = f"{SCHEDULES}/{schedule}/associations/{CUTS}"
    assert len(await sandbox.free(MONDAY, userId=KIM)) == 21
    assert (await sandbox.call("PUT", path))["success"] is True
    assert await sandbox.free(MONDAY, userId=KIM) == [at("12:00")]
    await sandbox.call("PUT", f"{SCHEDULES}/{schedule}", {"timezone": "Europe/Berlin"})
    assert await sandbox.free(MONDAY, userId=KIM) == [at("11:00")]
    assert (await sandbox.call("DELETE", path))["success"] is True
    assert len(await sandbox.free(MONDAY, userId=KIM)) == 21


async def test_a_calendar_is_given_and_taken_once(sandbox: Sandbox) -> None:
    first = (await add(sandbox, calendarIds=[CUTS]))["schedule"]["id"]
    second = (await add(sandbox))["schedule"]["id"]
    await sandbox.call("PUT", f"{SCHEDULES}/{first}/associations/{CUTS}")
    await sandbox.call("PUT", f"{SCHEDULES}/{second}/associations/{CUTS}", status=400)
    await sandbox.call("PUT", f"{SCHEDULES}/{second}/associations/{CONSULTATIONS}", status=400)
    await sandbox.call("DELETE", f"{SCHEDULES}/{second}/associations/{CUTS}", status=404)
    await sandbox.call("DELETE", f"{SCHEDULES}/{first}/associations/{CUTS}")
    await sandbox.call("PUT", f"{SCHEDULES}/{second}/associations/{CUTS}")
    for schedule, calendar in ((first, "unknown"), ("unknown", CUTS)):
        await sandbox.call("PUT", f"{SCHEDULES}/{schedule}/associations/{calendar}", status=404)
        await sandbox.call("DELETE", f"{SCHEDULES}/{schedule}/associations/{calendar}", status=404)


async def test_a_schedule_that_a_calendar_has_stays(sandbox: Sandbox) -> None:
    schedule = (await add(sandbox, calendarIds=[CUTS]))["schedule"]["id"]
    path = f"{SCHEDULES}/{schedule}"
    refused = await sandbox.call("DELETE", path, status=400)
    assert refused["message"] == "The schedule is active on a calendar and cannot be deleted."
    await sandbox.call("DELETE", f"{path}/associations/{CUTS}")
    assert (await sandbox.call("DELETE", path))["success"] is True
    await sandbox.call("DELETE", path, status=404)
    await sandbox.call("GET", path, status=404)
    assert (await sandbox.call("GET", SEARCH, locationId=LOCATION, userId=KIM))["schedules"] == []


async def test_another_location_sees_no_schedule_of_this_one(sandbox: Sandbox) -> None:
    schedule = (await add(sandbox, userId=ALEX))["schedule"]["id"]
    await sandbox.call("POST", f"{SCHEDULES}/event-calendar/{ROOM}", {"rules": NOON, "timezone": "UTC"}, status=201)
    for method, path in [
        ("GET", schedule),
        ("PUT", schedule),
        ("DELETE", schedule),
        ("PUT", f"{schedule}/associations/{CUTS}"),
        ("DELETE", f"{schedule}/associations/{CUTS}"),
        ("GET", f"event-calendar/{ROOM}"),
        ("PUT", f"event-calendar/{ROOM}"),
    ]:
        body = {"timezone": "UTC"} if method == "PUT" and "associations" not in path else None
        assert await status_elsewhere(sandbox, method, f"{SCHEDULES}/{path}", body) == 404


async def test_an_event_calendar_has_one_schedule_of_its_own(sandbox: Sandbox) -> None:
    path = f"{SCHEDULES}/event-calendar/{ROOM}"
    said = {"rules": NOON, "timezone": "Europe/London"}
    await sandbox.call("GET", path, status=404)
    await sandbox.call("PUT", path, said, status=404)
    assert len(await sandbox.free(MONDAY, ROOM)) == 24
    written = await sandbox.call("POST", path, said, status=201)
    stamp = "2026-03-23T08:00:00.000Z"
    assert written["schedule"] == {"calendarId": ROOM, **said, "dateAdded": stamp, "dateUpdated": stamp}
    EventCalendarScheduleReply.model_validate(written)
    assert await sandbox.free(MONDAY, ROOM) == [at("12:00")]
    assert (await sandbox.call("POST", path, said, status=400))["message"] == "The calendar has a schedule already."
    changed = await sandbox.call("PUT", path, {"rules": EVENING})
    assert changed["schedule"] == {**written["schedule"], "rules": EVENING}
    assert (await sandbox.call("GET", path))["schedule"] == changed["schedule"]
    assert await sandbox.free(MONDAY, ROOM) == [at("18:00"), at("19:00")]
    await sandbox.call("POST", path, {"rules": NOON}, status=422)


async def test_only_event_calendars_have_one(sandbox: Sandbox) -> None:
    said = {"rules": NOON, "timezone": "Europe/London"}
    for method in ("POST", "GET", "PUT"):
        body = None if method == "GET" else said
        refused = await sandbox.call(method, f"{SCHEDULES}/event-calendar/{CUTS}", body, status=400)
        assert refused == {"message": "The calendar is not an event calendar.", "statusCode": 400}
        await sandbox.call(method, f"{SCHEDULES}/event-calendar/unknown", body, status=404)
