"""Changes of a whole series in the sandbox: what goes for each of it, and what each keeps of its own."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.sandboxes import APPOINTMENTS, CONSULTATIONS, CUTS, DANA, FOREVER, KIM, Sandbox, at, running

DAILY = "RRULE:FREQ=DAILY;COUNT=4"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running(told=False) as started:
        yield started


async def series(sandbox: Sandbox, rrule: str = DAILY, **fields: Any) -> str:
    said = {"assignedUserId": DANA, "ignoreFreeSlotValidation": True, "endTime": at("11:00"), "rrule": rrule}
    return str((await sandbox.book(at("10:00"), **{**said, **fields}))["id"])


async def singles(sandbox: Sandbox) -> list[Any]:
    """Those that are not deleted."""
    found = []
    for user in (DANA, KIM):
        found += (await sandbox.call("GET", "/calendars/events", **FOREVER, userId=user))["events"]
    return sorted((event for event in found if not event["deleted"]), key=lambda event: str(event["startTime"]))


async def starts(sandbox: Sandbox) -> list[str]:
    return [event["startTime"][8:16] for event in await singles(sandbox)]


async def edit(sandbox: Sandbox, appointment_id: str, *, status: int = 200, **fields: Any) -> Any:
    body = {"appointmentStatus": "confirmed", "ignoreFreeSlotValidation": True, **fields}
    return await sandbox.call("PUT", f"{APPOINTMENTS}/{appointment_id}", body, status=status)


async def delete(sandbox: Sandbox, appointment_id: str) -> None:
    await sandbox.call("DELETE", f"/calendars/events/{appointment_id}", {})


async def test_what_somebody_gave_a_single_one_stays_its_own(sandbox: Sandbox) -> None:
    master = await series(sandbox, title="Care")
    first, second, third, _ = await singles(sandbox)
    await edit(sandbox, first["id"], appointmentStatus="cancelled")
    await edit(sandbox, second["id"], title="First visit", assignedUserId=KIM)
    await edit(sandbox, third["id"], startTime="2026-03-25T15:00:00+00:00", endTime="2026-03-25T16:00:00+00:00")
    await edit(sandbox, master, address="Room 2", title="Follow-up")
    found = await singles(sandbox)
    assert [event["appointmentStatus"] for event in found] == ["cancelled", "confirmed", "confirmed", "confirmed"]
    assert [event["title"] for event in found] == ["Follow-up", "First visit", "Follow-up", "Follow-up"]
    assert [event["assignedUserId"] for event in found] == [DANA, KIM, DANA, DANA]
    assert {event["address"] for event in found} == {"Room 2"}
    assert await starts(sandbox) == ["23T10:00", "24T10:00", "25T15:00", "26T10:00"]


async def test_a_cancelled_series_is_cancelled_from_now_on(sandbox: Sandbox) -> None:
    master = await series(sandbox)
    sandbox.clock.now = datetime(2026, 3, 24, 12, tzinfo=UTC)
    await edit(sandbox, master, appointmentStatus="cancelled")
    assert [event["appointmentStatus"] for event in await singles(sandbox)] == [
        "confirmed",
        "confirmed",
        "cancelled",
        "cancelled",
    ]


async def test_a_moved_series_keeps_its_past_its_notes_and_its_ids_of_start_and_length(sandbox: Sandbox) -> None:
    master = await series(sandbox)
    second = (await singles(sandbox))[1]
    await sandbox.call("POST", f"/calendars/appointments/{second['id']}/notes", {"body": "Brings a dog"}, status=201)
    sandbox.clock.now = datetime(2026, 3, 23, 12, tzinfo=UTC)
    await edit(sandbox, master, startTime=at("14:00"), endTime=at("15:00"))
    assert await starts(sandbox) == ["23T10:00", "24T14:00", "25T14:00", "26T14:00"]
    moved = (await singles(sandbox))[1]
    assert moved["id"] == f"{master}_{int(datetime(2026, 3, 24, 14, tzinfo=UTC).timestamp() * 1000)}_3600"
    notes = await sandbox.call("GET", f"/calendars/appointments/{moved['id']}/notes", limit=5, offset=0)
    assert [note["body"] for note in notes["notes"]] == ["Brings a dog"]
    assert moved["dateUpdated"] > second["dateUpdated"]


async def test_moving_by_a_whole_period_loses_and_doubles_none(sandbox: Sandbox) -> None:
    master = await series(sandbox)
    second, third = (await singles(sandbox))[1:3]
    await delete(sandbox, third["id"])
    await edit(sandbox, second["id"], startTime="2026-03-24T16:00:00+00:00", endTime="2026-03-24T17:00:00+00:00")
    await edit(sandbox, master, startTime="2026-03-24T10:00:00+00:00", endTime="2026-03-24T11:00:00+00:00")
    assert await starts(sandbox) == ["24T10:00", "24T16:00", "27T10:00"]
    ids = [event["id"] for event in await singles(sandbox)]
    assert len(set(ids)) == 3
    for event in await singles(sandbox):
        assert (await sandbox.read(event["id"]))["startTime"] == event["startTime"]


async def test_a_longer_rule_adds_and_a_shorter_one_takes_away(sandbox: Sandbox) -> None:
    master = await series(sandbox)
    first = (await singles(sandbox))[0]
    await edit(sandbox, first["id"], appointmentStatus="showed")
    await edit(sandbox, master, rrule="RRULE:FREQ=DAILY;COUNT=6")
    assert [start[:2] for start in await starts(sandbox)] == ["23", "24", "25", "26", "27", "28"]
    assert (await sandbox.read(first["id"]))["appointmentStatus"] == "showed"
    await edit(sandbox, master, rrule="RRULE:FREQ=DAILY;COUNT=2")
    assert [start[:2] for start in await starts(sandbox)] == ["23", "24"]


async def test_the_same_rule_again_brings_back_none_that_was_deleted(sandbox: Sandbox) -> None:
    master = await series(sandbox)
    await delete(sandbox, (await singles(sandbox))[1]["id"])
    await edit(sandbox, master, rrule=DAILY, title="Care")
    assert [start[:2] for start in await starts(sandbox)] == ["23", "25", "26"]
    assert {event["rrule"] for event in await singles(sandbox)} == {f"{DAILY} EXDATE:20260324T100000Z"}


async def test_a_series_of_which_none_is_left_can_still_be_named(sandbox: Sandbox) -> None:
    master = await series(sandbox, "RRULE:FREQ=DAILY;COUNT=1")
    await delete(sandbox, (await singles(sandbox))[0]["id"])
    assert (await edit(sandbox, master, title="Care"))["title"] == "Care"


async def test_a_series_may_be_moved_onto_its_own_times_but_not_onto_those_of_others(sandbox: Sandbox) -> None:
    master = await series(sandbox, "RRULE:FREQ=DAILY;COUNT=2")
    await edit(sandbox, master, startTime=at("10:30"), endTime=at("11:30"), ignoreFreeSlotValidation=False)
    assert await starts(sandbox) == ["23T10:30", "24T10:30"]
    await sandbox.book("2026-03-24T13:00:00+00:00", calendarId=CONSULTATIONS, assignedUserId=DANA)
    refused = await edit(
        sandbox, master, status=400, startTime=at("13:00"), endTime=at("14:00"), ignoreFreeSlotValidation=False
    )
    assert refused["message"] == "The slot you have selected is no longer available."
    assert [start for start in await starts(sandbox) if "10:30" in start] == ["23T10:30", "24T10:30"]


async def test_a_placed_rule_that_is_none_is_refused_when_the_series_is_moved(sandbox: Sandbox) -> None:
    placed = {
        "calendarId": CUTS,
        "startTime": at("10:00"),
        "endTime": at("11:00"),
        "isRecurring": True,
        "rrule": f"{DAILY} EXDATE:garbage",
    }
    await sandbox.call("PUT", "/_sandbox/appointments/pLac3dSer1esWithNoRul3", placed)
    refused = await edit(sandbox, "pLac3dSer1esWithNoRul3", status=422, startTime=at("12:00"), endTime=at("13:00"))
    assert refused["message"] == ["rrule must be a valid RRULE"]


async def test_each_of_a_series_is_newer_after_a_change_though_the_clock_went_back(sandbox: Sandbox) -> None:
    master = await series(sandbox)
    first = (await singles(sandbox))[0]
    sandbox.clock.now = datetime(2026, 3, 20, 8, tzinfo=UTC)
    await edit(sandbox, master, title="Care")
    assert (await sandbox.read(first["id"]))["dateUpdated"] > first["dateUpdated"]
