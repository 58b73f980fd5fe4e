"""Blocks at times of their own, through the whole house: what is missing is written, once, and people win."""

import asyncio
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any

from tests.house import LONDON, House, in_days
from tests.house import NAMES as HOUSE_NAMES
from tests.sandboxes import ALEX, CUTS, DANA, KIM, LOCATION, ROOM
from tests.test_external_events import open_source, rules, tell
from tests.workshop import alerts

SOURCES = """sources:
  sick:
    who: {path: employee, kind: person}
    from: {path: from, kind: moment}
    until: {path: until, kind: moment}
rules:
"""
FIRST = date.fromisoformat(in_days(7, "00:00")[:10])
DAYS = [FIRST + timedelta(days=number) for number in range(4)]
"""Monday to Thursday."""

HOLIDAYS = f"holidays: {{bank: [{DAYS[2]}]}}\n"
LUNCH = f"on: [{', '.join(map(str, DAYS))}], except: bank, ahead: 30d"


def live(*steps: str, name: str = "kept") -> str:
    then = ", ".join(f"{{do: block_slot, {step}}}" for step in steps)
    return f"  - {{name: {name}, mode: live, when: external.sick, then: [{then}]}}\n"


async def in_force(house: House, *texts: str) -> None:
    await rules(house, HOUSE_NAMES.replace("rules:\n", HOLIDAYS + SOURCES) + "".join(texts))


async def told(house: House, id_: str, **body: Any) -> list[Any]:
    """The steps of a delivery, once it has come to its end."""
    _, delivery = await tell(house, {"employee": "dana", **body}, id_=id_)
    await house.settled()
    return list((await house.shown(delivery))["steps"])


def at(day: date, clock: str) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), LONDON)


def spans(days: list[date], start: str = "12:00", end: str = "13:00") -> list[tuple[datetime, datetime]]:
    return [(at(day, start), at(day, end)) for day in days]


async def remove(house: House, step: Any) -> None:
    await house.call("DELETE", f"/calendars/events/{step['written_id']}", {})


async def test_days_ahead_are_kept_blocked_and_what_somebody_removed_stays_removed(house: House) -> None:
    await open_source(house)
    await in_force(house, live(f"from: '12:00', until: '13:00', {LUNCH}, for: [dana, kim], title: Lunch"))
    steps = await told(house, "m1")
    lunches = spans([DAYS[0], DAYS[1], DAYS[3]])
    assert await house.blocks(DANA) == await house.blocks(KIM) == lunches
    assert {(step["state"], step["operation"]["fields"]["title"]) for step in steps} == {("done", "Lunch")}
    [dana] = [step for step in steps if f"{DAYS[1].day} " in step["sentence"] and "for dana" in step["sentence"]]
    await remove(house, dana)
    again = await told(house, "m2")
    assert await house.blocks(DANA) == [lunches[0], lunches[2]], "people win"
    nothing = "nothing is missing: what should be blocked is, or was and somebody removed it"
    assert [(step["state"], step["reason"]) for step in again] == [("unchanged", nothing)]


async def test_two_rules_that_want_the_same_time_share_it_out_also_when_they_come_at_once(house: House) -> None:
    await open_source(house)
    await in_force(
        house,
        live(f"from: '12:00', until: '13:00', {LUNCH}, for: evening"),
        live(f"from: '12:30', until: '14:00', {LUNCH}, for: dana", name="meeting"),
    )
    await asyncio.gather(*(tell(house, {"employee": "dana"}, id_=f"m{number}") for number in range(3)))
    await house.settled()
    days = [DAYS[0], DAYS[1], DAYS[3]]
    assert await house.blocks(KIM) == spans(days)
    whole = sorted(spans(days) + spans(days, "13:00", "14:00"))
    halves = sorted(spans(days, "12:00", "12:30") + spans(days, "12:30", "14:00"))
    assert await house.blocks(DANA) in (whole, halves)


async def test_somebody_who_is_away_is_blocked_day_by_day_and_again_when_it_is_told_again(house: House) -> None:
    await open_source(house)
    away = {"from": at(DAYS[0], "15:00").isoformat(), "until": at(DAYS[2], "12:00").isoformat()}
    await in_force(house, live("from: '{{ event.from }}', until: '{{ event.until }}', for: '{{ event.who }}'"))
    steps = await told(house, "m1", **away)
    blocked = [
        (at(DAYS[0], "15:00"), at(DAYS[1], "00:00")),
        (at(DAYS[1], "00:00"), at(DAYS[2], "00:00")),
        (at(DAYS[2], "00:00"), at(DAYS[2], "12:00")),
    ]
    assert await house.blocks(DANA) == blocked
    longer = {**away, "until": at(DAYS[2], "14:00").isoformat()}
    [more] = await told(house, "m2", **longer)
    assert more["sentence"].endswith("12:00 to 14:00 for dana; the rest is blocked already")
    await remove(house, steps[0])
    await told(house, "m3", **away)
    assert await house.blocks(DANA) == [*blocked, (at(DAYS[2], "12:00"), at(DAYS[2], "14:00"))]
    [wrong] = await told(house, "m4", **{**away, "until": away["from"]})
    assert (wrong["state"], wrong["reason"].partition(" (")[0]) == ("failed", "until")
    [missing] = await told(house, "m5", until=away["until"])
    assert (missing["state"], missing["reason"]) == ("failed", "event.from is missing")


async def test_what_somebody_has_booked_is_left_out_or_told_or_blocked_all_the_same(house: House) -> None:
    await house.book(at(DAYS[0], "12:00").isoformat(), assignedUserId=DANA)
    cancelled = await house.book(at(DAYS[1], "12:00").isoformat(), assignedUserId=DANA)
    await house.edit(cancelled, appointmentStatus="cancelled")
    await open_source(house)
    of_two = f"from: '12:00', until: '13:00', on: [{DAYS[0]}, {DAYS[1]}], ahead: 30d, for: dana"
    await in_force(house, live(f"{of_two}, if_taken: skip"))
    await told(house, "m1")
    assert await house.blocks(DANA) == spans([DAYS[1]])
    [left] = await told(house, "m2")
    when = f"dana, Monday {DAYS[0].day} {DAYS[0]:%B %Y}, 12:00 to 13:00"
    assert (left["state"], left["reason"]) == ("unchanged", f"somebody has booked it: {when}")
    await in_force(house, live(f"{of_two}, if_taken: alert"))
    [alerted] = await told(house, "m3")
    assert alerted["sentence"] == f"alert: “not blocked, for somebody has booked it: {when}”"
    assert await alerts(house) == {("alert", "kept"): 1}
    await in_force(house, live(of_two))
    await told(house, "m4")
    assert await house.blocks(DANA) == spans(DAYS[:2])


async def test_a_calendar_is_blocked_itself_if_it_can_be_and_else_each_of_its_team(house: House) -> None:
    await open_source(house)
    own = f"from: '{at(DAYS[0], '09:00').isoformat()}', until: '{at(DAYS[0], '10:00').isoformat()}'"
    await in_force(house, live(f"{own}, for: [room, {{calendar: {CUTS}}}, dana]"))
    steps = await told(house, "m1")
    fields = [step["operation"]["fields"] for step in steps]
    assert {each.get("calendar_id") or each["assigned_user_id"] for each in fields} == {ROOM, DANA, KIM, ALEX}
    assert {step["state"] for step in steps} == {"done"}
    assert len(steps) == 4
    query: dict[str, Any] = {"locationId": LOCATION, "calendarId": ROOM, "startTime": 0, "endTime": 4102444800000}
    assert len((await house.call("GET", "/calendars/blocked-slots", **query))["events"]) == 1


async def test_neighbours_whose_blocks_stay_where_they_are_share_the_time_between_them(house: House) -> None:
    text = (
        "  - {name: around, mode: live, when: appointment.created, then: [{do: block_slot, before: 15m, after: 15m}]}\n"
    )
    await house.rules(text)
    for clock in ("10:00", "11:10"):
        await house.book(in_days(7, clock), assignedUserId=DANA, ignoreFreeSlotValidation=True)
        await house.settled()
    spans_of_both = [("09:45", "10:00"), ("10:55", "11:00"), ("11:00", "11:15"), ("12:10", "12:25")]
    assert await house.blocks(DANA) == [(at(FIRST, start), at(FIRST, end)) for start, end in spans_of_both]


async def test_neighbours_that_are_decided_at_once_do_not_block_the_time_between_them_twice(house: House) -> None:
    await house.rules(
        "  - {name: around, mode: live, when: appointment.created, then: [{do: block_slot, before: 15m, after: 15m}]}\n"
    )
    clocks = ("10:00", "11:10", "12:20")
    fields = {"assignedUserId": DANA, "ignoreFreeSlotValidation": True}
    await asyncio.gather(*(house.book(in_days(7, clock), **fields) for clock in clocks))
    await house.settled()
    blocks = await house.blocks(DANA)
    assert all(end <= start for (_, end), (start, _) in pairwise(blocks)), "none twice"
    assert sum((end - start for start, end in blocks), timedelta()) == timedelta(minutes=15 + 20 + 20 + 15), "and all"
