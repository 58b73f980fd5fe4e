"""Recurring appointments in the sandbox: what a rule lays, and what becomes of one and of all."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from service.sandbox.booking.series import MOST, starts_of, with_exception
from tests.sandboxes import APPOINTMENTS, CONSULTATIONS, DANA, FOREVER, KIM, Sandbox, at, running

LONDON = ZoneInfo("Europe/London")
DAILY = "RRULE:FREQ=DAILY;INTERVAL=1;COUNT=5"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running() as started:
        yield started


async def series(sandbox: Sandbox, rrule: str = DAILY, *, status: int = 200, **fields: Any) -> Any:
    said = {"assignedUserId": DANA, "ignoreFreeSlotValidation": True, "endTime": at("11:00"), "rrule": rrule}
    return await sandbox.book(at("10:00"), status=status, **said, **fields)


async def events(sandbox: Sandbox, user: str = DANA) -> list[Any]:
    return list((await sandbox.call("GET", "/calendars/events", **FOREVER, userId=user))["events"])


async def left(sandbox: Sandbox) -> list[str]:
    return [event["startTime"][:16] for event in await events(sandbox) if not event["deleted"]]


async def edit(sandbox: Sandbox, appointment_id: str, **fields: Any) -> Any:
    body = {"appointmentStatus": "confirmed", "ignoreFreeSlotValidation": True, **fields}
    return await sandbox.call("PUT", f"{APPOINTMENTS}/{appointment_id}", body)


async def test_each_of_a_series_has_an_id_of_its_start_and_length_by_the_clock_on_the_wall(sandbox: Sandbox) -> None:
    master = await series(sandbox, "RRULE:FREQ=WEEKLY;COUNT=2")
    found = await events(sandbox)
    # Between the two the clocks go forward: it is ten o'clock all the same.
    assert [event["startTime"] for event in found] == ["2026-03-23T10:00:00+00:00", "2026-03-30T10:00:00+01:00"]
    starts = [int(datetime.fromisoformat(event["startTime"]).timestamp() * 1000) for event in found]
    assert [event["id"] for event in found] == [f"{master['id']}_{start}_3600" for start in starts]
    assert {event["masterEventId"] for event in found} == {master["id"]}
    assert all(event["isRecurring"] and event["rrule"] == "RRULE:FREQ=WEEKLY;COUNT=2" for event in found)
    assert master["isRecurring"] is True
    assert (await sandbox.read(master["id"]))["startTime"] == at("10:00")


async def test_each_of_a_series_takes_its_persons_time(sandbox: Sandbox) -> None:
    await series(sandbox, "RRULE:FREQ=DAILY;COUNT=2")
    tuesday = datetime(2026, 3, 24, tzinfo=UTC)
    free = [slot[11:16] for slot in await sandbox.free(tuesday, CONSULTATIONS)]
    assert "09:30" in free
    assert "10:00" not in free
    assert "10:30" not in free


async def test_a_rule_counts_for_nothing_where_free_slots_are_checked(sandbox: Sandbox) -> None:
    booked = await sandbox.book(at("10:00"), rrule=DAILY)
    assert booked["isRecurring"] is False
    assert "rrule" not in await sandbox.read(booked["id"])


@pytest.mark.parametrize(
    ("rrule", "days"),
    [
        (DAILY, [23, 24, 25, 26, 27]),
        ("FREQ=DAILY;COUNT=2", [23, 24]),
        ("RRULE:FREQ=DAILY;UNTIL=20260325T100000Z", [23, 24, 25]),
        ("RRULE:FREQ=DAILY;UNTIL=20260325T095959Z", [23, 24]),
        ("RRULE:FREQ=DAILY;UNTIL=20260324", [23, 24]),
        ("RRULE:FREQ=DAILY;INTERVAL=2;COUNT=3 EXDATE:20260325T100000Z", [23, 27]),
        ("RRULE:FREQ=DAILY;COUNT=4 EXDATE:20260323T100000Z,20260324T100000Z", [25, 26]),
        ("RRULE:FREQ=WEEKLY;BYDAY=MO,WE;COUNT=3", [23, 25, 30]),
        ("RRULE:FREQ=MONTHLY;BYMONTHDAY=31;COUNT=1", [31]),
        ("RRULE:FREQ=DAILY;COUNT=3 EXDATE:20260324", [23, 25]),
        ("RRULE:FREQ=MONTHLY;BYDAY=-1MO;COUNT=2", [30, 27]),
        ("RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=1", [31]),
    ],
)
def test_a_rule_says_which_days(rrule: str, days: list[int]) -> None:
    assert [start.day for start in starts_of(rrule, datetime(2026, 3, 23, 10, tzinfo=UTC), LONDON)] == days


def test_a_rule_without_an_end_ends_all_the_same() -> None:
    assert len(starts_of("FREQ=DAILY", datetime(2026, 3, 23, 10, tzinfo=UTC), LONDON)) == MOST
    assert len(starts_of("FREQ=WEEKLY", datetime(2026, 3, 23, 10, tzinfo=UTC), LONDON)) == 105


@pytest.mark.parametrize(
    "rrule",
    [
        "",
        "RRULE:",
        "every day",
        "RRULE:FREQ=HOURLY;COUNT=3",
        "RRULE:FREQ=DAILY;COUNT=x",
        "RRULE:FREQ=DAILY;INTERVAL=0",
        "RRULE:FREQ=DAILY;UNTIL=tomorrow",
        "RRULE:FREQ=DAILY;UNTIL=20269999T000000Z",
        "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "RRULE:FREQ=DAILY;BYHOUR=3",
        "RRULE:FREQ=MONTHLY;BYDAY=53MO",
        "RRULE:FREQ=YEARLY;BYDAY=99MO",
        "RRULE:FREQ=WEEKLY;BYDAY=2MO",
        "RRULE:FREQ=MONTHLY;BYSETPOS=300",
        "RRULE:FREQ=DAILY;BYDAY=XX",
        f"RRULE:FREQ=DAILY;COUNT=2 EXDATE:{'20260323T100000Z,' * 700}",
        "RRULE:FREQ=DAILY;COUNT=2 EXDATE:never",
        "RRULE:FREQ=DAILY;COUNT=2 EXDATE:20260323T100000Z,20260324T100000Z",
    ],
)
async def test_a_rule_that_is_none_or_leaves_nothing_is_refused_and_nothing_is_kept(
    sandbox: Sandbox, rrule: str
) -> None:
    refused = await series(sandbox, rrule, status=422)
    assert refused["message"] == ["rrule must be a valid RRULE"]
    assert await events(sandbox) == []


async def test_a_change_of_one_leaves_the_others_alone(sandbox: Sandbox) -> None:
    master = await series(sandbox)
    second = (await events(sandbox))[1]
    await edit(sandbox, second["id"], startTime="2026-03-24T15:00:00+00:00", endTime="2026-03-24T16:00:00+00:00")
    await edit(sandbox, second["id"], appointmentStatus="showed")
    found = await events(sandbox)
    assert [event["appointmentStatus"] for event in found].count("showed") == 1
    assert [event["startTime"][8:13] for event in found] == ["23T10", "24T15", "25T10", "26T10", "27T10"]
    assert found[1]["id"] == second["id"]
    assert (await sandbox.read(master["id"]))["appointmentStatus"] == "confirmed"


async def test_a_change_of_the_series_is_one_of_all_but_those_that_were_moved_by_themselves(sandbox: Sandbox) -> None:
    master = await series(sandbox)
    second, third = (await events(sandbox))[1:3]
    await edit(sandbox, second["id"], startTime="2026-03-24T15:00:00+00:00", endTime="2026-03-24T16:00:00+00:00")
    await sandbox.call("DELETE", f"/calendars/events/{third['id']}", {})
    await edit(sandbox, master["id"], title="Physiotherapy", assignedUserId=KIM)
    theirs = await events(sandbox, KIM)
    assert [event["startTime"][8:13] for event in theirs] == ["23T10", "24T15", "26T10", "27T10"]
    assert {event["title"] for event in theirs} == {"Physiotherapy"}
    await edit(sandbox, master["id"], startTime=at("12:00"), endTime=at("13:00"))
    moved = [event["startTime"][8:13] for event in await events(sandbox, KIM) if not event["deleted"]]
    assert moved == ["23T12", "24T15", "26T12", "27T12"]


async def test_deleting_one_leaves_it_out_of_the_rule_and_deleting_all_deletes_all(sandbox: Sandbox) -> None:
    master = await series(sandbox)
    second = (await events(sandbox))[1]
    await sandbox.call("DELETE", f"/calendars/events/{second['id']}", {})
    assert (await sandbox.read(master["id"]))["rrule"] == f"{DAILY} EXDATE:20260324T100000Z"
    assert [start[8:10] for start in await left(sandbox)] == ["23", "25", "26", "27"]
    await sandbox.call("DELETE", f"/calendars/events/{master['id']}", {})
    assert await left(sandbox) == []
    assert (await sandbox.read(second["id"]))["deleted"] is True


def test_a_second_exception_stands_beside_the_first() -> None:
    once = with_exception(DAILY, datetime(2026, 3, 24, 10, tzinfo=UTC))
    assert with_exception(once, datetime(2026, 3, 25, 10, tzinfo=UTC)) == (
        f"{DAILY} EXDATE:20260324T100000Z,20260325T100000Z"
    )


async def test_a_series_is_announced_once_and_by_the_id_of_what_was_changed(sandbox: Sandbox) -> None:
    master = await series(sandbox)
    single = (await events(sandbox))[0]
    await edit(sandbox, single["id"], appointmentStatus="cancelled")
    await edit(sandbox, master["id"], title="Physiotherapy")
    await sandbox.call("DELETE", f"/calendars/events/{master['id']}", {})
    while len(sandbox.receiver.bodies) < 4:
        await sandbox.read(master["id"])
    told = sorted((body["type"], body["appointment"]["id"]) for body in sandbox.receiver.bodies)
    assert told == [
        ("AppointmentCreate", master["id"]),
        ("AppointmentDelete", master["id"]),
        *sorted([("AppointmentUpdate", master["id"]), ("AppointmentUpdate", single["id"])]),
    ]


async def test_an_appointment_becomes_a_series_by_a_rule(sandbox: Sandbox) -> None:
    booked = await sandbox.book(at("10:00"), assignedUserId=DANA)
    await edit(sandbox, booked["id"], rrule="RRULE:FREQ=DAILY;COUNT=2")
    assert [event["masterEventId"] for event in await events(sandbox)] == [booked["id"]] * 2
