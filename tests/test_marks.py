"""Marks and uses: given back where a rule came to nothing, taken again by what is tried again."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from service.embedded import Servers
from service.store import conduct, holds, interventions, locations
from service.store.conduct import UNMARK, UNUSE, Limit, LimitReached, given_back
from service.store.database import Connection, Pool
from service.store.identifiers import new_id
from service.store.ledger import Page
from service.store.steps import KEEP, OPEN, Step
from tests.house import House, in_days, open_house
from tests.sandboxes import DANA, KIM, LOCATION
from tests.test_apply import rule
from tests.test_conduct import counted
from tests.test_conflicts import Somebody
from tests.workshop import alerts, at_work, booking, calls, fault, hasten, heal, held, meddle, states, tell, until
from workers.breakers import stop_rule
from workers.commits import Commits
from workers.settle import Settler
from workers.waits import Waits

NOON = datetime.fromisoformat(in_days(3, "12:00"))
DAY = timedelta(days=1)
COUNTED = "once_per: {}, limit: 2 per hour,"


def note(once_per: str = "appointment", when: str = "appointment.created, appointment.reassigned") -> str:
    return rule("note", when, "do: add_note, text: hello", more=COUNTED.format(once_per))


@pytest.fixture
async def idle(database_url: str, servers: Servers, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """Nobody works until somebody is put to work; pauses are short."""
    hasten(monkeypatch, breakers=False)
    async with open_house(database_url, servers.redis_url, working=False) as opened:
        yield opened


async def do(house: House, what: interventions.Intervention, delivery: UUID) -> None:
    async with house.pool.acquire() as connection, connection.transaction():
        assert await interventions.carry_out(connection, what, [delivery], "ada") == [delivery]


STEP = Step(
    new_id(), new_id(), "note", 0, 0, "add_note", "unchanged", "add note", LOCATION, "app", None,
    operation={"operation": "CreateNote"},
)  # fmt: skip


@pytest.mark.parametrize(
    ("steps", "rules"),
    [
        ([STEP], ["note"]),
        ([replace(STEP, state="failed"), replace(STEP, state="skipped", place=1)], ["note"]),
        # Refused: somebody reads why, and has it tried again.
        ([replace(STEP, state="failed", since_sent=timedelta())], []),
        ([STEP, replace(STEP, state="done", place=1, since_sent=timedelta())], []),
        *([[STEP, replace(STEP, state=state, place=1)], []] for state in (*OPEN, "parked")),
        ([replace(STEP, operation=None)], []),
        ([STEP, replace(STEP, rule="other", state="planned"), replace(STEP, rule="third")], ["note", "third"]),
    ],
)
def test_only_what_a_rule_of_which_nothing_was_sent_was_counted_for_is_given_back(
    steps: list[Step], rules: list[str]
) -> None:
    for sheet in (UNMARK, UNUSE):
        assert [entry.row[1] for entry in given_back(steps) if entry.sheet is sheet] == rules


async def test_a_conflict_spends_nothing_and_the_change_is_answered_by_the_same_rule(
    idle: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages: list[Page] = []
    usual = Commits.write

    async def write(commits: Commits, page: Page) -> None:
        pages.append(page)
        await usual(commits, page)

    monkeypatch.setattr(Commits, "write", write)
    meddle(monkeypatch, {("GetAppointment", 1): Somebody(idle).edits(assignedUserId=KIM)})
    await idle.rules(note())
    async with at_work(idle.work):
        booked = await idle.book(in_days(3, "12:00"), assignedUserId=DANA)
        await idle.settled()
    assert [step["state"] for step in await idle.steps(booked)] == ["unchanged", "done"]
    assert await idle.notes(booked) == ["hello"]
    assert await counted(idle) == (1, 1)
    # Whoever dies in between has written neither of both.
    for page in pages:
        left = any(sheet is KEEP and entry.row[6] == "unchanged" for (sheet, _), entry in page.entries.items())
        assert {sheet for sheet, _ in page.entries} >= {UNMARK, UNUSE} if left else True
    assert any(sheet is UNMARK for page in pages for sheet, _ in page.entries)


async def test_what_somebody_skips_before_it_was_sent_spends_nothing(idle: House) -> None:
    await idle.rules(note())
    await fault(idle, "CreateNote:expired_token*1000000")
    await fault(idle, "ListCalendars:expired_token*1000000")
    delivery = await tell(idle, booking(1, NOON))
    async with at_work(idle.work):
        await until(lambda: held(idle))
        await until(lambda: idle.pool.fetchval("SELECT bool_and(worker IS NULL) FROM lanes"))
        assert await counted(idle) == (1, 1)
        await do(idle, "skip", delivery)
    assert await states(idle) == {"skipped": 1}
    assert await counted(idle) == (0, 0)


@pytest.mark.parametrize("removed", [True, False])
async def test_what_is_given_up_before_it_was_sent_spends_nothing(
    idle: House, monkeypatch: pytest.MonkeyPatch, removed: bool
) -> None:
    async def breaks(settler: Settler, step: Step) -> None:
        if not removed:
            raise RuntimeError
        async with idle.pool.acquire() as connection:
            await locations.remove(connection, LOCATION)
        raise Waits(timedelta(), "the location is gone")

    monkeypatch.setattr("workers.surprises.MOST", 1)
    monkeypatch.setattr(Settler, "settle", breaks)
    await idle.rules(note())
    await tell(idle, booking(1, NOON))
    async with at_work(idle.work):
        await idle.settled()
    assert await states(idle) == {"failed": 1}
    assert await counted(idle) == (0, 0)


@pytest.mark.parametrize("meanwhile", ["nothing", "marked", "used up"])
async def test_what_is_tried_again_counts_as_if_it_were_decided_then(idle: House, meanwhile: str) -> None:
    once_per = "contact" if meanwhile == "marked" else "appointment"
    await idle.rules(note(once_per))
    await fault(idle, "GetAppointment:403")
    first = await tell(idle, booking(1, NOON))
    async with at_work(idle.work):
        await idle.settled()
        assert (await states(idle), await counted(idle)) == ({"failed": 1}, (0, 0))
        others = {"nothing": 0, "marked": 1, "used up": 2}[meanwhile]
        told = [await tell(idle, booking(number, NOON + number * DAY)) for number in range(2, 2 + others)]
        await idle.settled()
        assert await counted(idle) == (others, others)
        await do(idle, "retry", first)
        await idle.settled()
        [step] = await idle.steps("book001x0000000000")
        ends: dict[str, Any] = {
            "nothing": ("done", None),
            "marked": ("unchanged", f"once per contact: it was taken up for delivery {told and told[0]}"),
            "used up": ("parked", "the rule has reached its limit, 2 per hour, and is stopped"),
        }
        assert (step["state"], step["reason"]) == ends[meanwhile]
    assert await counted(idle) == ((1, 1) if meanwhile == "nothing" else (others, others))
    assert await held(idle) == ([("rule", "breaker", "note")] if meanwhile == "used up" else [])
    assert len(await calls(idle, "CreateNote")) == (1 if meanwhile == "nothing" else others)
    await heal(idle)


async def test_a_delivery_that_was_counted_may_end_however_many_were_counted_meanwhile(pool: Pool) -> None:
    first, second, third = new_id(), new_id(), new_id()
    limit = Limit(1, timedelta(hours=1))
    async with pool.acquire() as connection, connection.transaction():
        await conduct.use(connection, LOCATION, "note", limit, first)
        await connection.execute("UPDATE uses SET used_at = used_at - interval '61 minutes'")
        await conduct.use(connection, LOCATION, "note", limit, second)
        await conduct.use(connection, LOCATION, "note", limit, first)
        with pytest.raises(LimitReached):
            await conduct.use(connection, LOCATION, "note", limit, third)


async def test_once_counted_anew_all_of_the_limit_is_left_and_what_was_begun_may_end(pool: Pool) -> None:
    first, second, third = new_id(), new_id(), new_id()
    limit = Limit(1, timedelta(hours=1))
    async with pool.acquire() as connection, connection.transaction():
        await conduct.use(connection, LOCATION, "note", limit, first)
        assert not await conduct.count_anew(connection, "note", ["elsewhere"])
        assert not await conduct.count_anew(connection, "note", [])
        assert await conduct.count_anew(connection, "note", [LOCATION])
        assert not await conduct.count_anew(connection, "note", [""])
        await conduct.use(connection, LOCATION, "note", limit, second)
        await conduct.use(connection, LOCATION, "note", limit, first)
        with pytest.raises(LimitReached):
            await conduct.use(connection, LOCATION, "note", limit, third)
        assert await conduct.count_anew(connection, "note", [""])


async def test_whoever_sees_a_rule_stopped_at_its_limit_finds_what_it_would_have_done(
    idle: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await idle.rules(rule("note", "appointment.created", "do: add_note, text: hello", more="limit: 1 per hour,"))
    await tell(idle, booking(1, NOON))
    gate, usual = asyncio.Event(), Commits.write

    async def write(commits: Commits, page: Page) -> None:
        await gate.wait()
        await usual(commits, page)

    async with at_work(idle.work):
        await idle.settled()
        monkeypatch.setattr(Commits, "write", write)
        second = await tell(idle, booking(2, NOON))
        await until(lambda: held(idle))
        async with idle.pool.acquire() as connection:
            found = await interventions.held_back(connection, "note", LOCATION, 9)
        gate.set()
        await idle.settled()
    assert found == [second]
    assert await states(idle) == {"done": 1, "parked": 1}
    assert await alerts(idle) == {("breaker", "note"): 1, ("parked", "note"): 1}


async def test_a_rule_that_is_let_go_in_the_same_moment_is_stopped_once_more(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual, lifted = holds.still_held, list[holds.Kind]()

    async def let_go_first(connection: Connection, location_id: str, rule: str) -> bool:
        if not lifted:
            async with pool.acquire() as other:
                lifted.extend(await holds.lift(other, "rule", ["breaker"], location_id=location_id, rule=rule))
        return await usual(connection, location_id, rule)

    monkeypatch.setattr(holds, "still_held", let_go_first)
    async with pool.acquire() as connection:
        for _ in range(2):
            async with connection.transaction():
                await stop_rule(connection, LOCATION, "note", "as often as it may")
        assert (lifted, [hold.rule for hold in await holds.every(connection)]) == (["breaker"], ["note"])
