"""A pass over a location: one worker at a time, at its pace, to its end whatever comes between."""

import asyncio
import contextlib
from datetime import timedelta

import pytest

from service.store import reconcilers
from tests.house import House
from tests.reconciling import due, found, hold, inventory, look, place, told, worked, workplace
from tests.sandboxes import DANA, LOCATION
from tests.test_apply import NOTE
from tests.test_deliveries import rows
from workers.reconciliation.pace import Pace
from workers.reconciliation.passes import ENOUGH
from workers.reconciliation.watch import look_through, next_due, take_up, watch

MINE = ("reconciler", ["appointment.created"])
SERIES = {"assignedUserId": DANA, "ignoreFreeSlotValidation": True, "rrule": "RRULE:FREQ=WEEKLY;COUNT=3"}


async def test_two_workers_look_through_a_location_one_at_a_time(house: House) -> None:
    await inventory(house)
    await house.rules(NOTE)
    await hold(house)
    booked = await place(house, 1)
    await due(house)
    work = workplace(house)
    taken = await asyncio.gather(take_up(work, worker="one"), take_up(work, worker="other"))
    assert sorted(taken) == [0, 1]
    await worked(house)
    assert await house.notes(booked) == ["Hello cuts"]


async def test_what_was_told_once_is_not_told_again_though_nothing_came_of_it(house: House) -> None:
    await inventory(house)
    booked = await place(house, 1)
    assert (await look(house))["acted"] == 1
    # As where the delivery has failed: nobody has remembered what it told.
    await house.pool.execute("DELETE FROM appointments")
    assert (await look(house))["acted"] == 0
    assert await told(house, booked) == [MINE]


async def test_a_worker_whose_claim_ended_changes_nothing_any_more(house: House) -> None:
    await inventory(house)
    await hold(house)
    booked = await place(house, 1)
    await due(house)
    async with house.pool.acquire() as connection:
        dead = await reconcilers.claim(connection, "dead")
        assert dead is not None
        assert await reconcilers.claim(connection, "other") is None, "one at a time"
        await connection.execute("UPDATE reconcilers SET until = now() - interval '1 second'")
    assert await take_up(workplace(house), worker="other") == 1
    calls = len(await house.call("GET", "/_sandbox/calls"))
    await look_through(workplace(house), dead)
    assert len(await house.call("GET", "/_sandbox/calls")) == calls
    await worked(house)
    assert await told(house, booked) == [MINE]
    async with house.pool.acquire() as connection:
        with pytest.raises(reconcilers.ClaimLost):
            await reconcilers.save(connection, dead, {})
        await reconcilers.finish(connection, dead, timedelta(), {}, 0)
    assert (await found(house))["acted"] == 1


async def test_a_pass_that_was_stopped_goes_on_from_where_it_was(house: House) -> None:
    await inventory(house)
    await place(house, 1)
    await house.call("DELETE", "/_sandbox/calls", status=204)
    slept = []

    async def sleep(_: float) -> None:
        slept.append(_)
        if len(slept) == 4:
            # After the calendars, the people, and what is in two of the calendars.
            fault = {"operation": "ListEvents", "status": 429, "retry_after": 60, "times": 1}
            await house.call("POST", "/_sandbox/faults", fault, status=201)

    await due(house)
    claim = await next_due(workplace(house), "worker")
    assert claim is not None
    await look_through(workplace(house), claim, pace=Pace(20, lambda: 0.0, sleep))
    kept = "SELECT failures, failure, progress->>'done', next_at > now() + interval '50 seconds' FROM reconcilers"
    [(failures, failure, done, later)] = await rows(house.pool, kept)
    assert (failures, done, later) == (1, "2", True)
    assert failure.startswith("ListEvents answered 429")
    assert (await look(house))["acted"] == 1
    calls = [call["operation"] for call in await house.call("GET", "/_sandbox/calls")]
    assert calls.count("ListCalendars") == 1
    # Of six calendars and three people; the third calendar's was refused.
    assert calls.count("ListEvents") == 6 + 3 + 1, "what was done is not done again"


async def test_what_comes_while_the_inventory_is_made_is_news_for_the_next_pass(house: House) -> None:
    slept = []

    async def sleep(_: float) -> None:
        slept.append(_)
        if len(slept) == 10:
            # Before the last person's list: its calendar's was read.
            await place(house, 1)

    await due(house)
    claim = await next_due(workplace(house), "worker")
    assert claim is not None
    await look_through(workplace(house), claim, pace=Pace(20, lambda: 0.0, sleep))
    assert (await found(house))["bookings"] == 0
    assert (await look(house))["acted"] == 1


async def test_a_pass_takes_no_more_than_its_share_of_the_calls(house: House) -> None:
    await inventory(house)
    await house.call("PUT", "/_sandbox/limits", {"burst": 50, "interval": 10.0, "daily": 1000})
    passed = [0.0]

    async def sleep(seconds: float) -> None:
        passed.append(passed[-1] + seconds)

    await house.call("DELETE", "/_sandbox/calls", status=204)
    await due(house)
    claim = await next_due(workplace(house), "worker")
    assert claim is not None
    await look_through(workplace(house), claim, pace=Pace(20, lambda: passed[-1], sleep))
    calls = len(await house.call("GET", "/_sandbox/calls"))
    assert calls == len(passed) >= 10
    assert passed[-1] / (calls - 1) >= 10 / (50 * 0.2) - 1e-6, "ten of fifty in each ten seconds"


async def test_a_refused_token_is_tried_again_later(house: House) -> None:
    await inventory(house)
    fault = {"operation": "ListCalendars", "status": 401, "message": "Invalid token: access token is invalid"}
    await house.call("POST", "/_sandbox/faults", {**fault, "times": 1}, status=201)
    await due(house)
    assert await take_up(workplace(house)) == 1
    kept = "SELECT failure, next_at > now() + interval '10 minutes', worker FROM reconcilers"
    [(failure, later, worker)] = await rows(house.pool, kept)
    assert "401" in failure
    assert (later, worker) == (True, None)
    await look(house)
    assert await rows(house.pool, "SELECT failure FROM reconcilers") == [(None,)]


async def test_a_list_that_is_refused_is_passed_over_and_said(house: House) -> None:
    await inventory(house)
    booked = await place(house, 1)
    await house.call("POST", "/_sandbox/faults", {"operation": "ListUsers", "status": 403, "times": 1}, status=201)
    await house.call("POST", "/_sandbox/faults", {"operation": "ListEvents", "status": 404, "times": 1}, status=201)
    looked = await look(house)
    assert [why.partition(" of ")[0] for why in looked["skipped"]] == ["ListUsers answered 403", "ListEvents"]
    await look(house)
    assert await told(house, booked) == [MINE]


async def test_a_list_that_fails_again_and_again_is_passed_over_where_highlevel_answers_otherwise(house: House) -> None:
    async def fail(operation: str, status: int, **more: int) -> None:
        fault = {"operation": operation, "status": status, "times": 1, **more}
        await house.call("POST", "/_sandbox/faults", fault, status=201)

    async def stopped() -> tuple[int, str]:
        await due(house)
        claim = await next_due(workplace(house), "worker")
        assert claim is not None
        await look_through(workplace(house), claim, pace=Pace(20, lambda: 0.0, no_pause))
        [(failures, done)] = await rows(house.pool, "SELECT failures, progress->>'done' FROM reconcilers")
        return failures, done

    async def no_pause(_: float) -> None:
        return

    await inventory(house)
    booked = await place(house, 1)
    for number in (1, 2):
        await fail("ListEvents", 500)
        assert await stopped() == (number, "0")
    await house.pool.execute("UPDATE reconcilers SET failures = $1", ENOUGH)
    await fail("ListEvents", 500)
    await fail("ListCalendars", 500)
    assert await stopped() == (ENOUGH + 1, "0"), "in an outage no list is passed over"
    await fail("ListEvents", 500)
    await fail("ListEvents", 429, retry_after=60)
    assert await stopped() == (1, "1"), "the next list counts for itself"
    await house.pool.execute("UPDATE reconcilers SET failures = 99")
    await fail("ListEvents", 429, retry_after=60)
    assert await stopped() == (100, "1"), "a budget that is spent is no matter of the list's"
    [why] = (await look(house))["skipped"]
    assert why.startswith("ListEvents of calendar ")
    assert why.endswith(" answered 500")
    await look(house)
    assert await told(house, booked) == [MINE]


async def test_nothing_is_looked_for_where_the_interval_is_0_unless_somebody_asks(house: House) -> None:
    work = workplace(house, reconcile_every=0)
    assert await take_up(work) == 0
    async with house.pool.acquire() as connection:
        assert await reconcilers.ask(connection, LOCATION)
        assert not await reconcilers.ask(connection, "elsewhere")
    assert await take_up(work) == 1
    await due(house)
    assert await take_up(work) == 0


async def test_a_worker_that_stops_leaves_its_passes_to_others_at_once(house: House) -> None:
    await house.call("POST", "/_sandbox/faults", {"operation": "ListEvents", "hold": 60, "times": 1}, status=201)
    watching = asyncio.create_task(watch(workplace(house), look_every=0.01))
    async with asyncio.timeout(5):
        await due(house)
        while not await house.writes("ListUsers"):
            await asyncio.sleep(0.01)
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
    assert await rows(house.pool, "SELECT worker, next_at <= now(), failures FROM reconcilers") == [(None, True, 0)]
    await house.call("DELETE", "/_sandbox/faults", status=204)
    watching = asyncio.create_task(watch(workplace(house), look_every=0.01))
    async with asyncio.timeout(10):
        while not await rows(house.pool, "SELECT FROM reconcilers WHERE inventory_at IS NOT NULL"):
            await asyncio.sleep(0.01)
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching


async def test_a_location_that_is_removed_meanwhile_is_not_gone_on_with(house: House) -> None:
    await inventory(house)
    await due(house)
    async with house.pool.acquire() as connection:
        claim = await reconcilers.claim(connection, "worker")
        assert claim is not None
        await connection.execute("DELETE FROM locations")
    await look_through(workplace(house), claim)
    assert await rows(house.pool, "SELECT * FROM reconcilers") == []
