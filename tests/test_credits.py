"""Credits: what nothing came of is taken back from what was given, once."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from service.store import appointments, turns
from service.store.appointments import LastSeen
from service.store.database import Pool
from service.store.turns import Account, Share, Turn, TurnMoved
from service.trigger import Booking
from tests.house import House, in_days, register
from tests.sandboxes import CUTS, DANA, KIM, LOCATION
from tests.test_apply import rule
from tests.test_assignment import ALEXIS, DANNY, KIMMY, ROUND, free, weighted
from workers.assignment.choice import choose
from workers.assignment.shares import take_back
from workers.assignment.state import Share as Part
from workers.assignment.state import State

NOON = datetime(2026, 3, 26, 12, tzinfo=UTC)
ACCOUNT = Account("evening", 0, {"dana": 1})


def test_a_booking_that_is_taken_back_counts_as_if_it_had_never_come() -> None:
    way, candidates = weighted([50, 30, 20])
    state, parts = State(), list[Part]()
    for _ in range(40):
        choice = choose(way, candidates, state)
        assert choice.share is not None
        state = choice.state
        parts.append(Part.of(choice.share.kept()))
    lost = Random(3).sample(range(40), 15)
    kept = Counter(part.given for number, part in enumerate(parts) if number not in lost)
    left = take_back([parts[number] for number in lost], state)
    assert left.given == kept
    assert left.due == pytest.approx({"dana": 12.5, "kim": 7.5, "alex": 5.0})
    for _ in range(25):
        left = choose(way, candidates, left).state
    assert left.given == {"dana": 25, "kim": 15, "alex": 10}, "what is kept comes out by weight"


def test_a_turn_that_came_back_is_taken_before_all_others_and_leaves_the_next_one_where_it_is() -> None:
    state = State(turns={"dana": 4, "kim": 2, "alex": 3}, back={"alex": 1})
    choice = choose(ROUND, free(DANNY, KIMMY, ALEXIS), state)
    assert (choice.person, choice.why, choice.came_back) == (ALEXIS, "a turn of evening that came back", True)
    assert choice.state.turns == state.turns
    assert choice.share == Part("alex"), "and may be lost again"
    choice = choose(ROUND, free(DANNY, KIMMY, ALEXIS), State(turns=state.turns))
    assert (choice.person, choice.came_back) == (KIMMY, False)


# As they are kept


def booking(appointment_id: str, **fields: object) -> Booking:
    known = {"location_id": LOCATION, "calendar_id": CUTS, "starts": NOON, "ends": NOON, "status": "confirmed"}
    return Booking.model_validate({"id": appointment_id, **known, **fields})


async def see(pool: Pool, *seen: Booking) -> None:
    async with pool.acquire() as connection:
        for each in seen:
            await appointments.keep(connection, LastSeen.first(each))


def share(appointment_id: str, *credit: str, until: datetime | None = None) -> Share:
    later = datetime.now(UTC) + timedelta(days=1)
    return Share(appointment_id, "evening", credit, {"given": appointment_id}, until or later)


async def lost(pool: Pool) -> list[str]:
    async with pool.acquire() as connection:
        return [each.kept["given"] for each in (await turns.read(connection, LOCATION, ["evening"])).lost]


async def keep(pool: Pool, *shares: Share) -> None:
    async with pool.acquire() as connection:
        for number, each in enumerate(shares):
            account = Account("evening", number, ACCOUNT.kept)
            await turns.take(connection, LOCATION, Turn(number, account, each))


async def test_what_is_lost_is_told_by_how_each_booking_was_last_seen(pool: Pool) -> None:
    await register(pool)
    both = ("cancelled", "deleted", "noshow")
    await keep(pool, share("a", *both), share("b", *both), share("c", "noshow"), share("d", *both), share("e", *both))
    await see(pool, *(booking(name) for name in "abc"))
    assert await lost(pool) == []
    await see(pool, booking("a", status="noshow"), booking("b", deleted=True), booking("c", status="cancelled"))
    assert await lost(pool) == ["a", "b"]
    await see(pool, booking("a", status="showed"))
    assert await lost(pool) == ["b"], "until it was taken back it may be put right"


async def test_what_is_taken_back_is_so_once_and_with_the_choice_that_knows_of_it(pool: Pool) -> None:
    await register(pool)
    await keep(pool, share("a", "noshow"))
    await see(pool, booking("a", status="noshow"))
    async with pool.acquire() as connection:
        known = await turns.read(connection, LOCATION, ["evening"])

    async def choose_again(dies: bool = False) -> None:
        taken_back = tuple(each.share_id for each in known.lost)
        async with pool.acquire() as connection, connection.transaction():
            await turns.take(connection, LOCATION, Turn(known.decided, known.accounts["evening"], None, taken_back))
            if dies:
                raise RuntimeError("a worker dies before it has stored its choice")

    with pytest.raises(RuntimeError, match="dies"):
        await choose_again(dies=True)
    assert await lost(pool) == ["a"]
    found = await asyncio.gather(*(choose_again() for _ in range(4)), return_exceptions=True)
    assert sorted(map(type, found), key=str) == [type(None), TurnMoved, TurnMoved, TurnMoved]
    assert await lost(pool) == []


async def test_shares_are_forgotten_when_they_matter_no_more(pool: Pool) -> None:
    await register(pool)
    await keep(pool, share("old", "noshow", until=NOON), share("new", "noshow"))
    assert [row["appointment_id"] for row in await pool.fetch("SELECT appointment_id FROM shares")] == ["new"]


# As an assignment gives them


async def test_a_cancelled_booking_comes_back_to_whose_share_it_was_and_a_no_show_only_where_that_is_said(
    house: House,
) -> None:
    to = "{weighted: {dana: 50, kim: 50}, over: month}"
    await house.rules(
        rule("share", "appointment.created", f"do: assign, to: {to}, credit: cancelled, replace: anybody")
    )

    async def given(day: int) -> tuple[str, str]:
        booked = await house.book(in_days(day, "12:00"), assignedUserId=DANA)
        await house.settled()
        return booked, (await house.appointment(booked))["assignedUserId"]

    first, whose = await given(3)
    assert whose == DANA
    await house.edit(first, appointmentStatus="cancelled")
    await house.settled()
    second, whose = await given(3)
    assert whose == DANA, "the first counts as if it had never come"
    await house.edit(second, appointmentStatus="noshow")
    await house.settled()
    _, whose = await given(3)
    assert whose == KIM
    kept = await house.pool.fetchval("SELECT last_turn FROM turns WHERE team LIKE 'weighted %'")
    assert kept == {"given": {DANA: 1, KIM: 1}, "due": {DANA: 1.0, KIM: 1.0}}
    assert await house.pool.fetchval("SELECT count(*) FROM shares") == 2


async def test_a_turn_comes_back_once(house: House) -> None:
    give = "do: assign, to: {round_robin: evening}, credit: [no_show], replace: anybody"
    await house.rules(rule("round", "appointment.created", give))
    booked = []
    for clock in ("09:00", "10:00", "11:00", "12:00", "13:00"):
        booked.append(await house.book(in_days(3, clock), assignedUserId=KIM))
        await house.settled()
        if len(booked) == 2:
            await house.edit(booked[0], appointmentStatus="noshow")
            await house.settled()
    whose = [(await house.appointment(id_))["assignedUserId"] for id_ in booked]
    assert whose == [DANA, KIM, DANA, DANA, KIM], "the turn that came back, and then in turn"
