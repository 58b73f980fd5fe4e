"""Erasing: a person taken out of every table; nothing that waits is sent; broken off, it is gone on with."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest
from pydantic import SecretStr

from service.embedded import Servers
from service.store import erasing, holds, lanes, privacy
from service.store.database import Pool
from service.store.person import Kind, Person
from tests.house import SECRET, House, in_days, now, open_house, register
from tests.planted import CANARIES, EMAIL, HERS, KEPT, OTHERS, PHONE, TITLE, arrived, both, where
from tests.reconciling import inventory, look, worked
from tests.sandboxes import ADA, LOCATION
from tests.test_apply import rule
from tests.test_deliveries import arrival, record, rows
from workers import timekeeper
from workers.cli import privacy as command
from workers.cli.privacy import erase_all

NOTED = rule("note", "appointment.created", "do: add_note, text: 'Hello {{ title }}'")
SOON = rule("soon", "2h before start", "do: add_note, text: 'Soon {{ title }}'")
CHANGED = rule("changed", "appointment.updated", "do: add_note, text: 'Changed {{ title }}'")
NOWHERE: dict[str, set[str]] = {"wigfitting": set(), ADA.lower(): set()}


@pytest.fixture
async def store(pool: Pool) -> Pool:
    await register(pool)
    return pool


async def erase(pool: Pool, kind: Kind, text: str, key: SecretStr = SECRET) -> erasing.Receipt:
    return await erase_all(pool, Person.of(kind, text), None, by="mo", key=key)


@pytest.mark.parametrize(
    ("kind", "text"),
    [("contact", HERS), ("email", "plumdrake@EXAMPLE.com"), ("phone", "07700 900-813"), ("phone", "0044 7700900813")],
)
async def test_nothing_of_theirs_is_left_in_any_column_and_all_of_the_others(
    kind: Kind, text: str, store: Pool
) -> None:
    hers, other = await both(store)
    before, body = await where(store, *KEPT), await rows(store, "SELECT delivery_id, sha256(body) FROM deliveries")
    planted = await where(store, *CANARIES)
    assert all(planted.values()), "each of them is there to be found"
    counted = {table: await rows(store, f"SELECT count(*) FROM {table}") for table in ("verdicts", "steps", "calls")}
    receipt = await erase(store, kind, text)
    assert await where(store, *CANARIES) == {word: set() for word in CANARIES}
    assert await where(store, *KEPT) == before
    assert {table: await rows(store, f"SELECT count(*) FROM {table}") for table in counted} == counted
    assert await rows(store, "SELECT body_digest FROM deliveries WHERE body_digest IS NOT NULL") == [
        (dict(body)[hers],)
    ]
    assert (
        receipt.counts
        == {
            "deliveries": 1,
            "verdicts": 1,
            "steps": 7,
            "calls": 2,
            "timers": 1,
            "reconciliations": 1,
            "appointments": 1,
            "contacts": 1,
            "follows": 1,
            "alerts": 1,
            "interventions": 1,
            "marks": 1,
            "lanes": 1,
            "delivery_keys": 1,
        }
        or kind != "contact"
    ), receipt.counts
    [(appointment,)] = await rows(store, "SELECT appointment_id FROM deliveries WHERE delivery_id = $1", hers)
    assert appointment == f"dLv{HERS[1:16]}"
    assert await rows(store, "SELECT delivery_id FROM deliveries WHERE body_digest IS NULL") == [(other,)]


async def test_what_waits_is_over_and_says_why(store: Pool) -> None:
    hers, other = await both(store, "judged")
    await erase(store, "email", EMAIL)
    states = "SELECT state, reason FROM steps WHERE delivery_id = $1 ORDER BY place"
    assert await rows(store, states, hers) == [
        ("done", "erased"),
        ("skipped", "erased before it was sent"),
        ("skipped", "erased before it was sent"),
        ("skipped", "erased when it had been sent: nobody looked whether it came true"),
        ("skipped", "erased when nobody knew whether it came true"),
        ("skipped", "erased before it was sent"),
        ("failed", "erased"),
    ]
    assert await rows(store, "SELECT state FROM deliveries WHERE delivery_id = $1", other) == [("judged",)]
    assert await rows(store, "SELECT state, reason FROM deliveries WHERE delivery_id = $1", hers) == [
        ("done", "erased")
    ]


async def test_of_a_check_those_values_stay_that_tell_nothing_of_anybody(store: Pool) -> None:
    hers, _ = await both(store)
    await erase(store, "contact", HERS)
    [(checks,)] = await rows(store, "SELECT checks FROM verdicts WHERE delivery_id = $1", hers)
    assert [(check["expected"], check["actual"], check["held"]) for check in checks] == [
        ("erased", "erased", True),
        ("confirmed", "confirmed", True),
    ]


async def test_a_worker_that_has_the_lane_loses_it_before_anything_more_is_sent(store: Pool) -> None:
    hers, _ = await both(store, "judged")
    await rows(store, "UPDATE steps SET state = 'planned' WHERE state = 'sent'")
    await rows(store, "UPDATE lanes SET ready_at = now() FROM deliveries d WHERE d.lane_id = lanes.lane_id "
        "AND delivery_id = $1", hers)  # fmt: skip
    async with store.acquire() as connection:
        [lane] = await lanes.claim(connection, "a worker")
        await erase(store, "phone", PHONE)
        # As the transaction begins that would note that it is sent.
        assert await lanes.hold(connection, [lane]) == set()
        [again] = await lanes.claim(connection, "another")
        assert (again.lane_id, again.taken_over) == (lane.lane_id, False), "it is rung for what else is in it"


async def test_what_was_being_sent_at_that_moment_is_over_when_it_returns(store: Pool) -> None:
    """No longer than the lease of who sent it: its write ends before that."""
    await both(store, "judged")
    await rows(store, "UPDATE lanes SET ready_at = now(), worker = 'w', lease_until = clock_timestamp() + '0.2s'")
    await erase(store, "contact", HERS)
    [(began, ended)] = await rows(store, "SELECT began_at, finished_at FROM erasures")
    assert ended - began >= timedelta(seconds=0.15), "by the database's clock, which the lease is of"
    await rows(store, "UPDATE lanes SET worker = 'w', lease_until = clock_timestamp() + '1h', ready_at = now()")
    await rows(store, "UPDATE steps SET state = 'planned' WHERE state = 'sent'")
    async with asyncio.timeout(5):
        await erase(store, "contact", OTHERS)


@pytest.mark.parametrize("before", ["sent", "unknown"])
async def test_nobody_has_its_lane_while_what_was_being_sent_is_under_way(before: str, store: Pool) -> None:
    """Also where somebody has skipped it, and it is unknown by now."""
    hers, _ = await both(store, "judged")
    [(lane,)] = await rows(store, "SELECT lane_id FROM deliveries WHERE delivery_id = $1", hers)
    await rows(store, "UPDATE lanes SET ready_at = now(), worker = 'w', lease_until = clock_timestamp() + '0.3s' "
        "WHERE lane_id = $1", lane)  # fmt: skip
    await rows(store, "UPDATE steps SET state = $1, sent_at = now() WHERE state = 'sent'", before)
    erased = asyncio.create_task(erase(store, "contact", HERS))
    async with store.acquire() as connection:
        while not await rows(store, "SELECT FROM lanes WHERE lane_id = $1 AND worker IS NULL", lane):
            await asyncio.sleep(0.01)
        assert await lanes.claim(connection, "another") == []
        await erased
        assert [each.lane_id for each in await lanes.claim(connection, "another")] == [lane]


class Killed(Exception):
    """Before the next part of it."""


@pytest.mark.parametrize("parts", range(6))
async def test_broken_off_it_is_gone_on_with_from_who_they_were_found_to_be(
    parts: int, store: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where what told who they are is erased already, and what is left tells it nowhere."""
    await both(store)
    for number in range(4):
        await arrived(store, HERS, f"dLv000{number}")
    monkeypatch.setattr(privacy, "WINDOW", 2)
    part, done = command._part, 0

    async def killed(*values: Any) -> None:
        nonlocal done
        done += 1
        if done > parts:
            raise Killed
        await part(*values)

    with monkeypatch.context() as patched:
        patched.setattr(command, "_part", killed)
        with pytest.raises(Killed):
            await erase(store, "email", EMAIL)
    [(pending, finished)] = await rows(store, "SELECT pending, finished_at FROM erasures")
    assert (pending["contacts"], finished) == ([HERS], None)
    receipt = await erase(store, "email", EMAIL)
    assert await where(store, *CANARIES) == {word: set() for word in CANARIES}
    counts = receipt.counts
    assert [counts[table] for table in ("timers", "deliveries", "steps", "calls", "lanes")] == [1, 5, 7, 2, 1]
    assert await rows(store, "SELECT pending, finished_at IS NULL FROM erasures") == [(None, False)]


async def test_a_part_that_fails_leaves_nothing_half_erased(store: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    hers, _ = await both(store)
    with monkeypatch.context() as patched:
        patched.setattr(erasing, "ERASE", {**erasing.ERASE, "calls": "SELECT 1 / (cardinality($1::text[]) * 0)"})
        with pytest.raises(asyncpg.DivisionByZeroError):
            await erase(store, "contact", HERS)
    assert await rows(store, "SELECT contact_id, body_digest FROM deliveries WHERE delivery_id = $1", hers) == [
        (HERS, None)
    ]
    assert (await erase(store, "contact", HERS)).counts["steps"] == 7
    assert await where(store, *CANARIES) == {word: set() for word in CANARIES}


async def test_what_comes_of_an_erased_booking_later_is_news_and_no_creation(house: House) -> None:
    """From end to end: it is booked and noted, erased, and booked over again."""
    await house.rules(NOTED)
    booked = await house.book(in_days(3, "12:00"), title=TITLE)
    await house.settled()
    assert (await where(house.pool, "wigfitting"))["wigfitting"] >= {"deliveries.body", "steps.operation"}
    await erase(house.pool, "contact", ADA)
    assert await where(house.pool, *NOWHERE) == NOWHERE
    await house.edit(booked, startTime=in_days(3, "14:00"), endTime=in_days(3, "15:00"))
    await house.settled()
    *_, last = await house.deliveries(booked)
    assert "appointment.created" not in last["triggers"]
    assert "appointment.rescheduled" in last["triggers"]
    assert len(await house.notes(booked)) == 1
    assert last["contact_id"] == ADA, "what came later is kept as any"


async def test_until_a_webhook_tells_of_it_nobody_learns_of_an_erased_booking_again(house: House) -> None:
    """Neither the reconciler, nor a moment of rules that come later."""
    await house.rules(NOTED + CHANGED)
    await inventory(house)
    booked = await house.book(in_days(3, "12:00"), title=TITLE)
    await house.settled()
    await erase(house.pool, "contact", ADA)
    await look(house)
    await house.rules(SOON + CHANGED)
    await timekeeper.lay(house.work)
    house.clock.ahead = datetime.fromisoformat(in_days(3, "10:00:01")) - now()
    await timekeeper.fire(house.work)
    await worked(house)
    assert (await where(house.pool, *NOWHERE), await house.notes(booked)) == (NOWHERE, [f"Hello {TITLE}"])
    house.clock.ahead = timedelta()
    await house.edit(booked, startTime=in_days(3, "14:00"), endTime=in_days(3, "15:00"))
    await house.settled()
    assert await rows(house.pool, "SELECT rule, state FROM timers") == [("soon", "waiting")]
    assert await rows(house.pool, "SELECT erased, contact_id FROM appointments") == [(False, ADA)]
    assert sorted(await house.notes(booked)) == [f"Changed {TITLE}", f"Hello {TITLE}"]


async def test_what_was_erased_before_any_rule_was_asked_is_not_found_as_news_either(house: House) -> None:
    await house.rules(NOTED)
    await inventory(house)
    async with house.pool.acquire() as connection:
        await holds.shut(connection, "location", "paused", location_id=LOCATION, reason="paused by mo", who="mo")
        booked = await house.book(in_days(3, "12:00"), title=TITLE)
        async with asyncio.timeout(10):
            while not await house.deliveries(booked):
                await asyncio.sleep(0.01)
        await erase(house.pool, "contact", ADA)
        await holds.lift(connection, "location", ["paused"], location_id=LOCATION)
    await look(house)
    assert (await where(house.pool, *NOWHERE), await house.notes(booked)) == (NOWHERE, [])
    await house.edit(booked, title="Wigs")
    await house.settled()
    assert [each["triggers"] for each in await house.deliveries(booked)] == [[], ["appointment.updated"]]


async def test_a_senders_repeat_of_what_was_erased_is_known(store: Pool) -> None:
    hers, other = await both(store)
    again = arrival(source="shop")
    again = replace(again, event=replace(again.event, key=f"order of {EMAIL}"))
    await erase(store, "contact", HERS)
    [repeated, new] = await record(store, again, arrival(source="shop"))
    assert (repeated.delivery_id, repeated.known) == (hers, True)
    assert (new.known, new.delivery_id in (hers, other)) == (False, False)


async def test_a_step_that_waits_is_never_sent_after_it(database_url: str, servers: Servers) -> None:
    async with open_house(database_url, servers.redis_url) as house:
        await house.rules(
            "\n  - {name: note, mode: live, when: appointment.created, then: [{do: add_note, text: hello}]}\n"
        )
        fault = {"method": "POST", "path": "/calendars/appointments/{appointment_id}/notes", "status": 429, "times": 9,
                 "retry_after": 1}  # fmt: skip
        await house.call("POST", "/_sandbox/faults", fault, status=201)
        booked = await house.book(in_days(3, "12:00"), title=TITLE)
        async with asyncio.timeout(10):
            while not await rows(house.pool, "SELECT FROM steps WHERE state = 'waiting'"):
                await asyncio.sleep(0.01)
        await erase(house.pool, "contact", ADA)
        await house.call("DELETE", "/_sandbox/faults", status=204)
        await rows(house.pool, "UPDATE lanes SET ready_at = now()")
        await house.settled()
        assert await house.notes(booked) == []
        assert [step["state"] for step in await house.steps(booked)] == ["skipped"]
