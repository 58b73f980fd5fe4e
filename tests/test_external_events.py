"""Events from elsewhere, through the whole house: what rules learn of them, and what they do about them."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from service.receiver.app import SOURCES
from service.receiver.kinds import SENT_ALONG
from service.standard_webhooks import new_secret, read_secret, sign
from service.store import rulebooks, sources
from service.store.sealing import Keys
from tests.house import SECRET, House, in_days
from tests.sandboxes import ADA, CUTS, DANA, LOCATION
from workers.rulebook import read

KEY = read_secret(new_secret())
PATHS = {"appointment": "visit.id", "contact": "visit.contact", "calendar": "visit.calendar"}
NAMES = f"""
people: {{dana: {DANA}}}
calendars: {{cuts: {CUTS}}}
sources:
  sick:
    person: data.employee
    from: {{path: data.from, kind: moment}}
    days: {{path: data.days, kind: number}}
    who: {{path: data.employee, kind: person}}
    paid: {{path: data.paid, kind: flag}}
    reason: data.reasons.0
rules:
"""
NOTE = """
  - name: told
    mode: live
    when: external.sick
    if: {event.who: dana, event.days: {more_than: 1}, event.from: {after: "2027-01-04 08:00"}, event.paid: true}
    then:
      - do: add_note
        text: "{{ event.person }} is away for {{ event.days }} days from {{ event.from | day }} {{ event.from | time }}"
"""
SICK = {"employee": "dana", "from": "2027-01-04T09:30:00+01:00", "days": 2, "paid": "true", "reasons": ["flu"]}


async def open_source(house: House) -> None:
    async with house.pool.acquire() as connection:
        secret = Keys(SECRET).seal(KEY)
        where: Any = {"locations": [LOCATION], "busy_status": 429}
        await sources.add(connection, "sick", "external", secret=secret, paths=PATHS, **where)
        digest = sources.digest("the-secret-of-a-workflow-here")
        await sources.add(connection, "flow", "workflow", secret=digest, paths={}, **where)
    server: Any = house.door.server
    await server.app[SOURCES].look()


async def rules(house: House, text: str) -> None:
    book = read({"rules.yaml": text})
    async with house.pool.acquire() as connection, connection.transaction():
        await rulebooks.apply(connection, None, book.source, book.digest, "a test")


async def tell(house: House, body: Any, *, id_: str = "m1") -> tuple[int, str]:
    raw = json.dumps(body).encode()
    headers = sign(KEY, id_, datetime.now(UTC), raw)
    async with house.door.post("/triggers/sick", data=raw, headers=headers) as response:
        return response.status, (await response.json())["delivery"]


async def workflow(house: House, appointment_id: str, **calendar: Any) -> str:
    body = {"location": {"id": LOCATION}, "calendar": {"appointmentId": appointment_id, **calendar}, "contact_id": ADA}
    headers = {SENT_ALONG: "the-secret-of-a-workflow-here"}
    async with house.door.post("/hooks/workflow/flow", json=body, headers=headers) as response:
        assert response.status == 202
        return str((await response.json())["delivery"])


async def test_a_rule_acts_on_the_appointment_that_an_event_names_and_says_what_the_event_said(house: House) -> None:
    await open_source(house)
    await rules(house, NAMES + NOTE)
    visit = await house.book(in_days(7, "10:00"))
    await house.settled()
    status, delivery = await tell(house, {"visit": {"id": visit}, "data": SICK})
    await house.settled()
    assert status == 202
    # 09:30 in Berlin is 08:30 on the location's clock.
    assert await house.notes(visit) == ["dana is away for 2 days from Monday 08:30"]
    shown = await house.shown(delivery)
    assert (shown["state"], shown["event"], shown["triggers"]) == ("done", "external.sick", ["external.sick"])
    [verdict] = shown["verdicts"]
    told = {check["fact"]: (check["actual"], check["held"]) for check in verdict["checks"]}
    assert told["event.who"] == ("dana", True)
    assert told["event.days"] == ("2", True)
    assert (await tell(house, {"visit": {"id": visit}, "data": SICK}))[0] == 200
    await house.settled()
    assert len(await house.notes(visit)) == 1


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        ("employee", None),
        ("employee", {"id": DANA}),
        ("employee", " "),
        ("employee", "x" * 201),
        ("days", "1_0"),
        ("days", "two"),
        ("days", True),
        ("days", 1e400),
        ("from", "soon"),
        ("from", 1767516600),
        ("from", "0001-01-01T00:00:00"),
        ("paid", "perhaps"),
    ],
)
async def test_what_an_event_does_not_say_in_the_way_that_was_declared_is_missing(
    house: House, fact: str, value: Any
) -> None:
    await open_source(house)
    await rules(house, NAMES + NOTE)
    visit = await house.book(in_days(7, "10:00"))
    await house.settled()
    raw = json.dumps({"visit": {"id": visit}, "data": {**SICK, fact: value}}).replace("Infinity", "1e400").encode()
    async with house.door.post("/triggers/sick", data=raw, headers=sign(KEY, "m", datetime.now(UTC), raw)) as response:
        assert response.status == 202
        delivery = (await response.json())["delivery"]
    await house.settled()
    [verdict] = (await house.shown(delivery))["verdicts"]
    assert verdict["held"] is None
    [missing] = [check["actual"] for check in verdict["checks"] if check["held"] is None]
    assert missing == "missing" if value is None else missing.startswith("missing: ")
    assert await house.notes(visit) == []


@pytest.mark.parametrize("name", ["Zo\0e", "Zo\ud800e"])
async def test_what_an_event_says_is_written_as_the_database_can_keep_it(house: House, name: str) -> None:
    await open_source(house)
    text = "{{ event.reason }} {{ event.who }}"
    await rules(
        house, f"{NAMES}  - {{name: n, mode: live, when: external.sick, then: [{{do: add_note, text: '{text}'}}]}}"
    )
    visit = await house.book(in_days(7, "10:00"))
    await house.settled()
    await tell(house, {"visit": {"id": visit}, "data": {"employee": name, "reasons": [name]}})
    await house.settled()
    [written] = await house.notes(visit)
    assert written.startswith("Zo")
    assert written.endswith("e")


@pytest.mark.parametrize("visit", [".", "..", "../x", "a b"])
async def test_an_id_that_is_none_ends_in_words_and_not_as_an_error(house: House, visit: str) -> None:
    await open_source(house)
    await rules(house, NAMES + NOTE)
    _, delivery = await tell(house, {"visit": {"id": visit}, "data": SICK})
    await house.settled()
    assert "unexpected" not in str((await house.shown(delivery))["reason"])


async def test_without_an_appointment_a_rule_may_still_ask_about_the_calendar(house: House) -> None:
    await open_source(house)
    asks = "  - {name: a, mode: live, when: external.sick, if: {calendar: cuts}, then: [{do: add_note, text: x}]}"
    await rules(house, NAMES + asks)
    _, delivery = await tell(house, {"visit": {"calendar": CUTS}, "data": SICK})
    await house.settled()
    [verdict] = (await house.shown(delivery))["verdicts"]
    assert verdict["held"] is True


async def test_an_event_about_no_appointment_is_judged_and_its_actions_say_that_there_is_none(house: House) -> None:
    await open_source(house)
    shadow = NOTE.replace("told", "shadowed").replace("live", "shadow")
    asks = "\n  - {name: asks, mode: live, when: external.sick, if: {title: x}, then: [{do: add_note, text: x}]}"
    await rules(house, NAMES + NOTE + shadow + asks)
    _, delivery = await tell(house, {"visit": {"calendar": CUTS}, "data": SICK})
    await house.settled()
    shown = await house.shown(delivery)
    assert shown["state"] == "done"
    assert {verdict["rule"]: verdict["held"] for verdict in shown["verdicts"]} == {
        "told": True,
        "shadowed": True,
        "asks": None,
    }
    steps = {step["rule"]: (step["state"], step["reason"]) for step in shown["steps"]}
    assert steps == {
        "told": ("unchanged", "the event is about no appointment"),
        "shadowed": ("shadow", "the event is about no appointment"),
    }
    # As after a worker's death between the steps and the end.
    async with house.pool.acquire() as connection:
        await connection.execute("UPDATE deliveries SET state = 'judged'")
        await connection.execute("UPDATE lanes SET ready_at = now()")
    await house.settled()
    again = await house.shown(delivery)
    assert (again["state"], len(again["steps"])) == ("done", 2)


async def test_an_event_about_an_appointment_that_nobody_knows_fails_in_words(house: House) -> None:
    await open_source(house)
    await rules(house, NAMES + NOTE)
    _, delivery = await tell(house, {"visit": {"id": "nObOdY00000000000001"}, "data": SICK})
    await house.settled()
    shown = await house.shown(delivery)
    assert (shown["state"], shown["reason"]) == ("failed", "HighLevel does not know this appointment")


async def test_a_booking_that_a_workflow_and_highlevel_tell_of_sets_off_its_rule_once(house: House) -> None:
    await open_source(house)
    await house.rules("  - {name: new, mode: live, when: appointment.created, then: [{do: add_note, text: welcome}]}")
    visit = await house.book(in_days(7, "10:00"))
    again = await workflow(house, visit, startTime="2027-01-20T17:00:00", appoinmentStatus="cancelled")
    await house.settled()
    assert await house.notes(visit) == ["welcome"]
    shown = await house.shown(again)
    # What the body says of time and status is not believed: the appointment was read.
    assert shown["booking"]["status"] == "confirmed"
    assert [call["operation"] for call in shown["calls"] if call["step_id"] is None][:1] == ["GetAppointment"]
    assert sorted(row["event"] for row in await house.deliveries(visit)) == ["AppointmentCreate", "workflow"]


async def test_a_workflow_that_tells_the_same_again_is_an_echo(house: House) -> None:
    await open_source(house)
    await house.rules("  - {name: moved, mode: live, when: appointment.updated, then: [{do: add_note, text: moved}]}")
    visit = await house.book(in_days(7, "10:00"))
    await house.settled()
    first, second = await workflow(house, visit), await workflow(house, visit)
    await house.settled()
    for delivery in (first, second):
        assert (await house.shown(delivery))["triggers"] == []
    assert await house.notes(visit) == []
