"""Lanes: one appointment's deliveries never run together and end in order, different appointments run side by side."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from tests.house import House, event, in_days
from tests.sandboxes import ADA, ALEX, CUTS

RULE = """
  - {name: first, mode: live, when: appointment.created, then: [{do: add_note, text: created}]}
  - {name: later, mode: live, when: appointment.updated, then: [{do: add_note, text: "{{ title }}"}]}
"""

BORN = datetime.now(UTC) + timedelta(hours=1)
"""After any location was connected."""

NOTES = {"method": "POST", "path": "/calendars/appointments/{appointment_id}/notes"}


def booking(id_: str, minute: int = 0, **fields: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "title": "created",
        "calendarId": CUTS,
        "contactId": ADA,
        "appointmentStatus": "confirmed",
        "assignedUserId": ALEX,
        "startTime": in_days(3, "10:00"),
        "endTime": in_days(3, "11:00"),
        "dateAdded": BORN.isoformat(),
        "dateUpdated": (BORN + timedelta(minutes=minute)).isoformat(),
        **fields,
    }


async def test_deliveries_of_one_appointment_end_in_order_and_never_overlap(house: House) -> None:
    await house.rules(RULE)
    await house.call("POST", "/_sandbox/faults", {**NOTES, "hold": 0.1, "times": 100}, status=201)
    ids = [f"lane{number}x00000000000" for number in range(3)]
    for id_ in ids:
        await house.call("PUT", f"/_sandbox/appointments/{id_}", booking(id_, 9, title="change 9"))
    # Each appointment's ten deliveries in order; those of different appointments come mixed.
    for change in range(10):
        for id_ in ids:
            body = event(booking(id_, change, title=f"change {change}"), "AppointmentUpdate")
            status, _ = await house.post(body)
            assert status == 202
    await house.settled()
    everybody = []
    for id_ in ids:
        deliveries = await house.deliveries(id_)
        steps = [step for delivery in deliveries for step in delivery["steps"]]
        assert [step["sentence"] for step in steps][1:] == [f"write the note “change {n}”" for n in range(1, 10)]
        assert await house.notes(id_) == ["created", *(f"change {n}" for n in range(1, 10))]
        spans = [(step["planned_at"], step["finished_at"]) for step in steps]
        assert all(before[1] <= after[0] for before, after in pairwise(spans))
        ends = [delivery["finished_at"] for delivery in deliveries]
        assert ends == sorted(ends)
        everybody.append(spans)
    assert any(a[0] < b[1] and b[0] < a[1] for a in everybody[0] for b in everybody[1]), "two lanes side by side"


async def test_instances_of_a_series_are_one_lane(house: House) -> None:
    one, two = "series0000000000_1729821600000_1800", "series0000000000_1729908000000_1800"
    for id_ in (one, two):
        await house.post(event(booking(id_)))
    await house.settled()
    async with house.pool.acquire() as connection:
        lanes = await connection.fetch("SELECT subject FROM lanes")
    assert [lane["subject"] for lane in lanes] == ["series0000000000"]


async def test_a_lane_that_waits_keeps_its_order_and_holds_up_no_other(house: House) -> None:
    await house.rules(RULE)
    slow, quick = "waits00000000000000x", "quick00000000000000x"
    for id_ in (slow, quick):
        await house.call("PUT", f"/_sandbox/appointments/{id_}", booking(id_))
    await house.call("POST", "/_sandbox/faults", {**NOTES, "status": 503, "times": 1}, status=201)
    await house.post(event(booking(slow)))
    async with asyncio.timeout(5):
        while not await house.writes("CreateNote"):
            await asyncio.sleep(0.01)
    await house.post(event(booking(slow, 1, title="changed"), "AppointmentUpdate"))
    await house.post(event(booking(quick)))
    async with asyncio.timeout(5):
        while not (await house.deliveries(quick))[0]["finished_at"]:
            await asyncio.sleep(0.01)
    # A delivery is finished a moment before its lane is let go, so the quick one may still hold its worker.
    async with house.pool.acquire() as connection, asyncio.timeout(1.5):
        while await connection.fetchval("SELECT count(*) FROM lanes WHERE worker IS NOT NULL"):
            await asyncio.sleep(0.01)
    [first, second] = await house.deliveries(slow)
    assert (first["state"], second["state"]) == ("judged", "waiting"), "the second waits behind the first"
    assert [step["state"] for step in first["steps"]] == ["sent"], "a lane that waits holds no worker"
    await house.settled()
    assert await house.notes(slow) == ["created", "changed"]
    [first, second] = await house.deliveries(slow)
    assert second["steps"][0]["planned_at"] - first["steps"][0]["planned_at"] >= timedelta(seconds=2)
