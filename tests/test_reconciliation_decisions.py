"""What somebody has decided stands, whatever the reconciler finds: what is parked, skipped, dismissed, erased, held."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import pytest

from service.store import holds, interventions
from service.store.holds import Kind, Scope
from tests.house import House, in_days
from tests.reconciling import due, found, hold, inventory, look, place, released, told, worked, workplace
from tests.sandboxes import DANA, LOCATION
from tests.test_apply import NOTE, rule
from tests.test_deliveries import rows
from tests.test_reconciliation import FOLLOWED
from workers.cli.clock import clock
from workers.reconciliation import proposals
from workers.reconciliation.pace import Pace
from workers.reconciliation.watch import look_through, next_due, take_up


async def pause(house: House, scope: Scope = "location", kind: Kind = "paused") -> None:
    async with house.pool.acquire() as connection:
        await holds.shut(connection, scope, kind, location_id=LOCATION if scope == "location" else "", reason="")


async def resume(house: House, scope: Scope = "location", kind: Kind = "paused") -> None:
    async with house.pool.acquire() as connection:
        await holds.lift(connection, scope, [kind], location_id=LOCATION if scope == "location" else "")


async def decide(house: House, what: interventions.Intervention, deliveries: Sequence[UUID]) -> None:
    async with house.pool.acquire() as connection, connection.transaction():
        assert await interventions.carry_out(connection, what, deliveries, "mo") == deliveries


async def unjudged(house: House) -> tuple[str, list[UUID]]:
    """A booking whose webhook came while its location was paused."""
    await pause(house)
    booked = await house.book(in_days(3, "12:00"))
    async with asyncio.timeout(10):
        while not (come := await rows(house.pool, "SELECT delivery_id FROM deliveries")):
            await asyncio.sleep(0.01)
    return booked, [row[0] for row in come]


async def test_what_was_parked_before_it_was_judged_stays_parked_until_it_is_tried_again(house: House) -> None:
    await house.rules(NOTE)
    await inventory(house)
    booked, ids = await unjudged(house)
    await decide(house, "park", ids)
    await resume(house)
    assert (await look(house))["left"] == 1
    assert await house.notes(booked) == []
    await decide(house, "retry", ids)
    await worked(house)
    assert await told(house, booked) == [("highlevel", ["appointment.created"])]
    assert await house.notes(booked) == ["Hello cuts"]


async def test_what_was_skipped_before_it_was_judged_is_remembered_and_never_created(house: House) -> None:
    await house.rules(NOTE + rule("again", "appointment.confirmed", "do: add_note, text: confirmed"))
    await inventory(house)
    booked, ids = await unjudged(house)
    await decide(house, "skip", ids)
    await resume(house)
    assert (await look(house))["remembered"] == 1
    assert (await look(house))["acted"] == 0
    await house.edit(booked, appointmentStatus="cancelled")
    await house.settled()
    assert (await told(house, booked))[1:] == [("highlevel", ["appointment.cancelled", "appointment.updated"])]
    await hold(house)
    await house.edit(booked, appointmentStatus="confirmed")
    assert (await look(house))["acted"] == 1, "since a webhook was judged it is a booking like any other"
    assert await house.notes(booked) == ["confirmed"]


async def test_of_what_was_erased_nothing_is_learnt_again_until_a_webhook_tells_of_it(house: House) -> None:
    await house.rules(rule("any", "appointment.updated", "do: add_note, text: news"))
    await inventory(house)
    booked = await house.book(in_days(3, "12:00"), title="Wigfitting")
    await house.settled()
    await house.pool.execute('UPDATE appointments SET erased = true, booking = booking || \'{"title": ""}\'')
    assert (await look(house))["acted"] == 0
    assert await rows(house.pool, "SELECT booking->>'title' FROM appointments") == [("",)]
    await house.edit(booked, appointmentStatus="cancelled")
    await house.settled()
    assert await house.notes(booked) == ["news"]
    await hold(house)
    await house.edit(booked, appointmentStatus="confirmed")
    assert (await look(house))["acted"] == 1


async def test_the_block_of_a_booking_is_brought_along_though_its_news_is_dismissed(house: House) -> None:
    await inventory(house)
    await house.rules(FOLLOWED + rule("gone", "appointment.deleted", "do: add_note, text: gone"))
    booked = await house.book(in_days(3, "12:00"), assignedUserId=DANA)
    await house.settled()
    await hold(house)
    await house.call("DELETE", f"/calendars/events/{booked}", {})
    assert (await look(house, reconciled_an_hour=0))["waiting"] == 1
    assert len(await house.blocks(DANA)) == 1
    assert await proposals.dismiss(house.pool, LOCATION, clock, 1) == {"dismissed": 1}
    await worked(house)
    assert await house.blocks(DANA) == []
    assert (await told(house, booked))[1:] == [("reconciler", [])], "no rule was asked"
    await released(house)
    assert await rows(house.pool, "SELECT * FROM verdicts WHERE rule = 'gone'") == []


@pytest.mark.parametrize(
    ("scope", "kind"),
    [("all", "paused"), ("all", "breaker"), ("location", "paused"), ("location", "breaker"), ("location", "token")],
)
async def test_no_location_is_looked_through_that_is_held_back(scope: Scope, kind: Kind, house: House) -> None:
    await due(house)
    await pause(house, scope, kind)
    assert await next_due(workplace(house), "worker") is None
    await resume(house, scope, kind)
    async with house.pool.acquire() as connection:
        await holds.shut(connection, "location", "paused", location_id="elsewhere", reason="")
    assert await next_due(workplace(house), "worker") is not None


async def test_a_pass_waits_where_it_is_when_its_location_is_held_back_meanwhile(house: House) -> None:
    await inventory(house)
    await place(house, 1)
    await due(house)
    claim = await next_due(workplace(house), "worker")
    assert claim is not None
    slept = []

    async def sleep(_: float) -> None:
        slept.append(_)
        if len(slept) == 4:
            await pause(house)

    await look_through(workplace(house), claim, pace=Pace(20, lambda: 0.0, sleep))
    kept = "SELECT worker, failures, failure, progress->>'done' FROM reconcilers"
    assert await rows(house.pool, kept) == [(None, 0, None, "2")]
    assert await take_up(workplace(house)) == 0
    await resume(house)
    assert await take_up(workplace(house)) == 1
    assert (await found(house))["acted"] == 1


async def test_passes_tell_the_breaker_that_highlevel_fails_but_not_of_one_list_again_and_again(house: House) -> None:
    work, shut = workplace(house), "SELECT scope, kind FROM holds"
    await house.call("POST", "/_sandbox/faults", {"operation": "ListCalendars", "status": 500, "times": 10}, status=201)
    for failures, held in ((1, []), (0, [("location", "breaker")])):
        for _ in range(5):
            await due(house)
            await house.pool.execute("UPDATE reconcilers SET failures = $1", failures)
            assert await take_up(work) == 1
        await work.breakers.look()
        assert await rows(house.pool, shut) == held
