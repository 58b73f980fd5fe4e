"""Free slots: what goes over the wire, what is refused before, what is read."""

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import ValidationError

from service.highlevel.appointments import CreateAppointment
from service.highlevel.free_slots import FreeSlots, FreeSlotsReply

DAYS_31 = 31 * 86_400_000
SLOTS = {
    "2026-10-26": {"slots": ["2026-10-26T10:00:00+00:00"]},
    "2026-10-25": {"slots": ["2026-10-25T01:00:00+00:00", "2026-10-25T01:30:00+01:00"]},
    "traceId": "t",
}
"""Around the hour that comes twice: the first of two slots has the later clock time."""


def test_a_call_names_each_of_several_users() -> None:
    operation = FreeSlots(
        calendar_id="cuts",
        start_date=0,
        end_date=DAYS_31,
        timezone="Europe/London",
        user_id="kim",
        user_ids=("kim", "dana"),
    )
    wire = operation.wire()
    assert (wire.method, wire.path, wire.body) == ("GET", "/calendars/cuts/free-slots", None)
    assert wire.target.removeprefix(wire.path) == (
        "?startDate=0&endDate=2678400000&timezone=Europe%2FLondon&userId=kim&userIds=kim&userIds=dana"
    )
    assert FreeSlots.restored(operation.stored()) == operation


@pytest.mark.parametrize(
    ("end", "reason"),
    [(1 + DAYS_31 + 1, "at most 31 days"), (0, "end_date not before start_date"), (-1, "or equal to 0")],
)
def test_a_range_that_highlevel_refuses_is_refused_before_it_is_sent(end: int, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        FreeSlots(calendar_id="cuts", start_date=1, end_date=end)


def test_a_slot_keeps_its_own_words_and_knows_its_time() -> None:
    reply = FreeSlotsReply.read_json(json.dumps(SLOTS).encode())
    assert {day: len(slots) for day, slots in reply.days.items()} == {"2026-10-26": 1, "2026-10-25": 2}
    first, second, third = reply.slots
    assert (first, third) == ("2026-10-25T01:30:00+01:00", "2026-10-26T10:00:00+00:00")
    assert first.time == datetime(2026, 10, 25, 1, 30, tzinfo=timezone(timedelta(hours=1)))
    assert second.time - first.time == timedelta(minutes=30)
    booked = CreateAppointment(calendar_id="cuts", location_id="place", contact_id="ada", start_time=first)
    assert json.dumps(booked.wire().body["startTime"]) == '"2026-10-25T01:30:00+01:00"'
    assert reply.trace_id == "t"
    assert FreeSlotsReply.read({"traceId": "t", "2026-03-28": {"slots": []}}).slots == ()


@pytest.mark.parametrize("day", [{}, {"slots": None}, {"slots": []}], ids=str)
def test_a_day_that_says_no_slots_has_none(day: Any) -> None:
    reply = FreeSlotsReply.read_json(json.dumps({**SLOTS, "2026-03-30": day}).encode())
    assert (reply.days["2026-03-30"], len(reply.slots)) == ((), 3)


@pytest.mark.parametrize(
    "day",
    [
        {"slots": ["2026-03-28T10:00:00"]},
        {"slots": ["2026-03-28T10:00:00-06:00", "2026-02-30T10:00:00-06:00"]},
        {"slots": ["2026-03-28"]},
        {"slots": [1774512000000]},
        None,
        "2026-03-28T10:00:00-06:00",
    ],
    ids=str,
)
def test_slots_that_are_no_instants_make_the_answer_unreadable(day: Any) -> None:
    with pytest.raises(ValidationError):
        FreeSlotsReply.read_json(json.dumps({**SLOTS, "2026-03-30": day}).encode())
