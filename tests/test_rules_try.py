"""`slotwright rules try`: what rules say to a delivery and would do, with nothing written anywhere."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from service.embedded import Servers
from tests.house import House, event, in_days, open_house, register
from tests.sandboxes import ADA, ALEX, CONSULTATIONS, KIM, LOCATION
from tests.test_apply import rule
from tests.test_cli import RULES, say
from tests.tryouts import Desk, checks, everything, lay, sentences
from tests.workshop import at_work, booking, tell

NOON = datetime.fromisoformat(in_days(3, "12:00"))
EVENING, DAWN = NOON + timedelta(hours=6), NOON - timedelta(hours=3)


HELLO = rule("note", "appointment.created", "do: add_note, text: hello")

EXPECTED = """\
✓ shared (live; shadow here)
    ✓ calendar is cuts   was cuts
    ✓ not status is cancelled   was confirmed
    ✓ contact.tags none_of vip   was none
    not counted in a trial: once per appointment
    → = assign: would leave it: nobody can take it: dana: lacks colour; kim: lacks colour
    → otherwise ~ call it “? A cut”
    → ~ assign dana: fewest bookings that day: dana 0, kim 1
        dana: 0
        kim: 1

✗ early (live; shadow here)
    ✗ starts before 10:00   was DAY, 18:00

2 rules listen, 2 do not.
    - later: it listens to appointment.rescheduled
    - never: it is off
"""


@pytest.fixture
async def idle(database_url: str, servers: Servers) -> AsyncIterator[House]:
    """Nobody works until somebody is put to work."""
    async with open_house(database_url, servers.redis_url, working=False) as opened:
        yield opened


@pytest.fixture
def desk(idle: House, tmp_path: Path) -> Desk:
    return Desk(idle, tmp_path)


async def test_the_salons_rules_are_tried_as_the_engine_then_applies_them(idle: House, desk: Desk) -> None:
    text = (RULES / "salon.yaml").read_text()
    (desk.folder / "rules.yaml").write_text(text)
    await idle.rules(text.partition("rules:")[2])
    for told in (
        booking(1, EVENING),
        booking(2, NOON, assignedUserId=ALEX),
        booking(3, EVENING + timedelta(hours=1), assignedUserId=KIM),
        booking(4, DAWN, calendarId=CONSULTATIONS, assignedUserId=ALEX),
    ):
        id_ = await tell(idle, told)
        before = await everything(idle)
        tried = await desk.tried(id_)
        assert await everything(idle) == before
        async with at_work(idle.work):
            await idle.settled()
        shown = await idle.shown(str(id_))
        assert tried["triggers"] == shown["triggers"] == ["appointment.created"]
        assert checks(tried["rules"]) == checks(shown["verdicts"])
        tried_steps = [step for each in tried["rules"] for step in each["steps"]]
        assert sentences(tried_steps) == sentences(shown["steps"])
        assert any(step["operation"] for step in tried_steps)
        assert checks((await desk.tried(id_))["rules"]) == checks(shown["verdicts"])


async def test_one_that_was_judged_is_judged_as_then(idle: House, desk: Desk) -> None:
    """By the booking before it, at its time: neither what came of it nor that it is long over counts."""
    idle.clock.ahead = -timedelta(days=60)
    noon = NOON - timedelta(days=28)
    await idle.rules(rule("to-kim", "appointment.created", "do: assign, to: kim"))
    first = booking(1, noon)
    created = await tell(idle, first)
    async with at_work(idle.work):
        await idle.settled()
    later = noon + timedelta(hours=1)
    moved = {**first, "startTime": later.isoformat(), "endTime": (later + timedelta(hours=1)).isoformat()}
    changed = datetime.fromisoformat(first["dateUpdated"]) + timedelta(hours=2)
    moved |= {"dateUpdated": changed.isoformat(), "assignedUserId": KIM}
    told = await tell(idle, moved)
    async with at_work(idle.work):
        await idle.settled()
    desk.write(
        rule("born", "appointment.created", "do: assign, to: dana"),
        rule("moved", "appointment.rescheduled", 'do: add_note, text: "from {{ was.starts | time }}"'),
    )
    [born] = (await desk.tried(str(created)[:18].replace("-", "") + str(created)[19:]))["rules"]
    assert sentences(born["steps"]) == [("assign", "assign dana: as the rule says", "")]
    tried = await desk.tried(told)
    assert tried["triggers"] == ["appointment.rescheduled", "appointment.updated"]
    assert sentences(tried["rules"][0]["steps"]) == [("add_note", "write the note “from 12:00”", "")]


async def test_a_live_rule_leaves_the_booking_to_the_next_and_one_in_shadow_does_not(idle: House, desk: Desk) -> None:
    note = 'do: add_note, text: "of {{ assignee.name }}"'
    desk.write(
        rule("proposal", "appointment.created", "do: assign, to: alex", mode="shadow"),
        rule("kims", "appointment.created", "do: assign, to: kim"),
        rule("danas", "appointment.created", "do: assign, to: dana"),
        rule("note", "appointment.created", note, mode="shadow"),
    )
    await lay(idle, booking(1, NOON))
    tried = await desk.tried(desk.post(event(booking(1, NOON))))
    assert [(each["rule"], each["mode"], sentences(each["steps"])) for each in tried["rules"]] == [
        ("proposal", "shadow", [("assign", "assign alex: as the rule says", "")]),
        ("kims", "live", [("assign", "assign kim: as the rule says", "")]),
        ("danas", "live", [("assign", "assign", "a conflict: the rule kims wrote its assignee already")]),
        ("note", "shadow", [("add_note", "write the note “of kim”", "")]),
    ]


async def test_what_is_printed_says_each_check_who_came_into_question_and_what_would_be_done(
    idle: House, desk: Desk
) -> None:
    first = booking(1, EVENING)
    await lay(idle, first)
    await tell(idle, booking(2, NOON, assignedUserId=KIM))
    desk.write(
        rule(
            "shared",
            "appointment.created",
            "do: assign, to: {round_robin: evening}, needs: colour, otherwise: [{do: retitle, prefix: '? '}]",
            "do: assign, to: {least_busy: evening, over: day}, replace: anybody",
            more="once_per: appointment, "
            "if: {calendar: cuts, not: {status: cancelled}, contact.tags: {contains: vip}},",
        ),
        rule("early", "appointment.created", "do: cancel, notify: false", more="if: {starts: {before: '10:00'}},"),
        rule("later", "appointment.rescheduled", "do: cancel, notify: true"),
        rule("never", "appointment.created", "do: cancel, notify: true", mode="off"),
    )
    text = (desk.folder / "rules.yaml").read_text().replace(f"alex: {ALEX}", f"alex: {{id: {ALEX}, skills: colour}}")
    (desk.folder / "rules.yaml").write_text(text)
    said = await desk.said(desk.post(event(first)), "--all")
    assert [line.split("   ")[0].rstrip() for line in said.splitlines() if line.startswith(("✓", "✗", "?"))] == [
        "✗ shared (live)",
        "✗ early (live)",
    ]
    tagged = text.replace("contains: vip", "none_of: [vip]")
    (desk.folder / "rules.yaml").write_text(tagged)
    async with idle.pool.acquire() as connection:
        await connection.execute("UPDATE locations SET mode = 'shadow'")
    said = await desk.said(desk.post(event(first)), "--all")
    assert said.partition("\n\n")[2].replace(f"{EVENING:%A} {EVENING.day} {EVENING:%B %Y}", "DAY") == EXPECTED
    assert "location     Leeds Salon, which is in shadow" in said
    said = await desk.said(desk.post(event(first)))
    assert said.endswith("\n2 rules listen, 2 do not; --all names them, and says why.\n")


async def test_an_event_from_elsewhere_is_tried_as_its_source_would_post_it(idle: House, desk: Desk) -> None:
    told = await tell(idle, booking(1, NOON))
    async with at_work(idle.work):
        await idle.settled()
    assert told
    words = ("--kind", "external", "--location", LOCATION, "--appointment-at", "visit.id")
    added = await asyncio.to_thread(say, "sources", "add", "desk", *words, env=desk.env)
    assert added.exit_code == 0, added.output
    desk.write(
        rule("hello", "external.desk", 'do: add_note, text: "by {{ event.who }}"', more="if: {event.who: {is: ada}},"),
        more="sources: {desk: {who: visit.who}}",
    )
    body = desk.post({"visit": {"id": "book001x0000000000", "who": "Ada"}})
    before = await everything(idle)
    [hello] = (await desk.tried(body, "--source", "desk"))["rules"]
    assert sentences(hello["steps"]) == [("add_note", "write the note “by Ada”", "")]
    assert await everything(idle) == before
    desk.write(rule("tag", "contact.updated", "do: tag_contact, add: seen", more="if: {contact.first_name: ada},"))
    [tag] = (await desk.tried(desk.post({"type": "ContactUpdate", "locationId": LOCATION, "id": ADA})))["rules"]
    assert (tag["held"], len(tag["steps"]), bool(tag["steps"][0]["operation"])) == (True, 1, True)
    assert await everything(idle) == before
    assert await desk.complaint(body, "--source", "dask") == "no source is called dask: did you mean desk?"


async def test_what_was_told_already_is_no_news_but_under_its_own_id(idle: House, desk: Desk) -> None:
    first = booking(1, NOON)
    id_ = await tell(idle, first)
    async with at_work(idle.work):
        await idle.settled()
    desk.write(HELLO)
    said = await desk.said(desk.post(event(first)))
    assert said.endswith("\nNo rule is asked: an echo: nothing that a rule can ask about has changed.\n")
    workflow = {"location": {"id": LOCATION}, "calendar": {"appointmentId": first["id"]}}
    tried = await desk.tried(desk.post(workflow))
    assert (tried["event"], tried["reason"]) == ("workflow", "an echo: nothing that a rule can ask about has changed")
    assert "✓ note (live)\n    → ~ write the note “hello”\n" in await desk.said(id_)


async def test_an_echo_of_a_write_of_ours_is_tried_by_rules_that_hear_of_it(idle: House, desk: Desk) -> None:
    await idle.rules(rule("to-kim", "appointment.created", "do: assign, to: kim, replace: anybody"))
    await idle.book(NOON.isoformat(), assignedUserId=ALEX)
    async with at_work(idle.work):
        await idle.settled()
    rows = await idle.pool.fetch("SELECT delivery_id FROM deliveries ORDER BY arrival")
    created, echo = (row["delivery_id"] for row in rows)
    hello = "do: add_note, text: hello"
    desk.write(
        rule("hears", "appointment.reassigned", hello, more="on_own_changes: true,"),
        rule("deaf", "appointment.reassigned", hello),
    )
    tried = await desk.tried(echo)
    assert (tried["triggers"], tried["own_changes"]) == ([], ["appointment.reassigned", "appointment.updated"])
    assert [(each["rule"], each["held"]) for each in tried["rules"]] == [("hears", True)]
    assert tried["not_listening"] == [{"rule": "deaf", "reason": "it does not hear of our own changes"}]
    assert (await desk.tried(created))["rules"] == []


async def test_what_cannot_be_tried_is_said_in_one_line(idle: House, desk: Desk) -> None:
    desk.write(HELLO)
    told = event(booking(1, NOON))
    assert await desk.complaint("abc") == "there is no delivery abc: slotwright history list shows what there is"
    elsewhere = {**told, "locationId": "lXk3vTj0cQxW8mPzR2bN"}
    assert (await desk.complaint(desk.post(elsewhere))).startswith(
        "no location lXk3vTj0cQxW8mPzR2bN is registered: did you mean "
    )
    body = desk.post(told)
    assert (await desk.complaint(body, "--location", "Leads Salon")) == (
        "no location Leads Salon is registered: did you mean Leeds Salon?"
    )
    nameless = {**told, "locationId": None}
    assert await desk.complaint(desk.post(nameless)) == f"{body}: AppointmentCreate names no location; say --location"
    await lay(idle, booking(1, NOON))
    tried = await desk.tried(desk.post(nameless), "--location", "Leeds Salon")
    assert tried["rules"][0]["held"]
    desk.write(
        rule("note", "appointment.created", "do: add_note, text: hello", more="if: {contact.tags: {contains: vip}},")
    )
    await register(idle.pool, token="pit-of-nobody")
    complaint = await desk.complaint(desk.post(told))
    assert complaint.startswith("HighLevel cannot be asked what rules ask about: GetContact answered 401: ")
    assert complaint.endswith("; give it a new token: slotwright locations add")
    async with idle.pool.acquire() as connection:
        await connection.execute("UPDATE locations SET token = 'no such'")
    assert await desk.complaint(desk.post(told)) == "SECRET_KEY does not open this location's token"
