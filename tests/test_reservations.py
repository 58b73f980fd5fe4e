"""Reservations and turns: what was decided counts before HighLevel shows it, and is decided by one at a time."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from service.store import appointments, reservations, rulebooks, steps, turns
from service.store.appointments import LastSeen
from service.store.database import Pool
from service.store.identifiers import new_id
from service.store.ledger import write_down
from service.store.reservations import Reservation
from service.store.turns import Account, Turn, TurnMoved, Turns
from service.trigger import Booking
from tests.house import House, in_days, register
from tests.sandboxes import ALEX, CONSULTATIONS, CUTS, DANA, KIM, LOCATION
from tests.test_apply import rule
from tests.test_deliveries import arrival, record, rows
from workers.deciding import Deciding
from workers.rulebook import read

NOON = datetime(2026, 3, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
EVENING = Account("evening", 0, {"dana": 1})


async def reserve(
    pool: Pool,
    reservation: Reservation,
    state: str = "unknown",
    location_id: str = LOCATION,
    about: str | None = None,
) -> None:
    """Keep a step that reserves somebody, as the plan of an assignment does, or of a follow-up `about` another."""
    [delivery] = await record(pool, arrival(f"d{new_id().hex[:20]}", ignored="a test"))
    assert delivery.delivery_id is not None
    step = steps.Step(
        new_id(), delivery.delivery_id, "rule", 0, 0, "assign", state, "assign", location_id,
        about or reservation.appointment_id, None, meant=reservation.meant(),
    )  # fmt: skip
    async with pool.acquire() as connection:
        await write_down(connection, [steps.kept(step)])


async def between(pool: Pool, starts: datetime = NOON, ends: datetime = NOON + HOUR) -> list[Reservation]:
    async with pool.acquire() as connection:
        return await reservations.between(connection, LOCATION, starts, ends)


async def test_a_step_reserves_whom_it_chose_until_it_ends_and_no_longer(pool: Pool) -> None:
    await register(pool)
    kim = Reservation("app", KIM, NOON, NOON + HOUR)
    await reserve(pool, kim, "planned")
    assert await between(pool) == [kim]
    async with pool.acquire() as connection:
        [delivery_id] = [row["delivery_id"] for row in await connection.fetch("SELECT delivery_id FROM steps")]
        [step] = await steps.of_deliveries(connection, [delivery_id])
        step = step.sent()
        await write_down(connection, [steps.kept(step)])
        assert await between(pool) == [kim]
        await write_down(connection, [steps.kept(step.later(timedelta(), "refused for now", in_doubt=False))])
        assert await between(pool) == [kim]
        for state, kept in (("unknown", [kim]), ("done", []), ("failed", []), ("unchanged", []), ("skipped", [])):
            await write_down(connection, [steps.kept(step.ended(state))])
            assert await between(pool) == kept, state


async def test_what_may_have_been_done_reserves_until_it_is_told_that_another_has_the_booking(pool: Pool) -> None:
    await register(pool)
    kim = Reservation("app", KIM, NOON, NOON + HOUR)
    await reserve(pool, kim)
    booking = Booking(
        id="app", location_id=LOCATION, calendar_id=CUTS, starts=NOON, ends=NOON + HOUR, status="new", assignee=KIM
    )
    async with pool.acquire() as connection:
        for assignee, kept in ((KIM, [kim]), (ALEX, [])):
            await appointments.keep(connection, LastSeen.first(booking.changed(assignee=assignee)))
            assert await between(pool) == kept
        await connection.execute("UPDATE steps SET finished_at = clock_timestamp()")
        assert await between(pool) == [kim], "what was told before that says nothing"


async def test_what_is_yet_to_be_booked_reserves_under_no_booking_that_there_is(pool: Pool) -> None:
    """Else it would count as shown wherever the booking is that it follows, or be one with another."""
    await register(pool)
    for _ in range(2):
        await reserve(pool, Reservation("", KIM, NOON, NOON + HOUR), about="app")
    await reserve(pool, Reservation("app", DANA, NOON, NOON + HOUR))
    booking = Booking(
        id="app", location_id=LOCATION, calendar_id=CUTS, starts=NOON, ends=NOON + HOUR, status="new", assignee=ALEX
    )
    async with pool.acquire() as connection:
        await appointments.keep(connection, LastSeen.first(booking))
    first, second = await between(pool)
    assert [first.user_id, second.user_id] == [KIM, KIM], "whose the other booking is says nothing of these"
    assert len({"", "app", first.appointment_id, second.appointment_id}) == 4


async def test_only_what_overlaps_is_reserved_and_only_in_its_location(pool: Pool) -> None:
    await register(pool)
    await reserve(pool, Reservation("before", KIM, NOON - HOUR, NOON))
    await reserve(pool, Reservation("after", KIM, NOON + HOUR, NOON + 2 * HOUR))
    await reserve(pool, Reservation("elsewhere", KIM, NOON, NOON + HOUR), location_id="elsewhere")
    await reserve(pool, Reservation("long", DANA, NOON - 3 * HOUR, NOON + 3 * HOUR))
    await reserve(pool, Reservation("within", KIM, NOON + HOUR / 2, NOON + HOUR))
    assert [each.appointment_id for each in await between(pool)] == ["long", "within"]


async def test_reservations_are_found_by_their_index_among_many_steps(pool: Pool) -> None:
    await register(pool)
    await reserve(pool, Reservation("app", KIM, NOON, NOON + HOUR))
    async with pool.acquire() as connection:
        await connection.execute("""
            INSERT INTO steps (step_id, delivery_id, location_id, appointment_id, rule, place, part, action, state,
                sentence, meant)
            SELECT gen_random_uuid(), delivery_id, location_id, 'a', 'r', n, 0, 'a', 'done', 's', meant
            FROM steps, generate_series(1, 3000) AS n;
            ANALYZE steps
        """)
        plan = await connection.fetch(f"EXPLAIN {reservations.BETWEEN}", LOCATION, NOON, NOON + HOUR)
    assert "steps_reserving" in "\n".join(row[0] for row in plan)


async def test_one_decision_is_kept_of_all_that_were_made_at_once(pool: Pool) -> None:
    async def take(turn: Turn) -> None:
        async with pool.acquire() as connection, connection.transaction():
            await turns.take(connection, LOCATION, turn)

    # Of two that choose by different accounts, or by none, one has to choose again all the same.
    others = [Account("morning", 0, {"kim": 1}), EVENING, None] * 3
    found = await asyncio.gather(*(take(Turn(0, account)) for account in others), return_exceptions=True)
    assert sum(isinstance(each, TurnMoved) for each in found) == 8
    assert found.count(None) == 1
    async with pool.acquire() as connection:
        now = await turns.read(connection, LOCATION, ["evening", "morning"])
        assert now.decided == 1
        assert len(now.accounts) <= 1
        await turns.take(connection, LOCATION, Turn(1, now.accounts.get("evening", EVENING)))
        assert (await turns.read(connection, "elsewhere", ["evening"])) == Turns()


async def test_an_account_that_the_release_before_has_moved_is_read_again(pool: Pool) -> None:
    async with pool.acquire() as connection:
        await turns.take(connection, LOCATION, Turn(0, EVENING))
        known = await turns.read(connection, LOCATION, ["evening"])
        assert known == Turns(1, {"evening": Account("evening", 1, {"dana": 1})})
        await connection.execute("UPDATE turns SET version = 2, last_turn = '{\"kim\": 2}' WHERE team = 'evening'")
        with pytest.raises(TurnMoved):
            async with connection.transaction():
                await turns.take(connection, LOCATION, Turn(1, known.accounts["evening"]))
        now = await turns.read(connection, LOCATION, ["evening"])
        assert now == Turns(1, {"evening": Account("evening", 2, {"kim": 2})}), "nothing of it was kept"


async def test_accounts_of_months_that_are_over_are_forgotten_when_another_begins(pool: Pool) -> None:
    now = datetime.now(UTC)
    ages = {"over": now - timedelta(days=3), "just over": now - timedelta(hours=3), "ahead": now + timedelta(days=30)}
    async with pool.acquire() as connection:
        for number, (name, until) in enumerate(ages.items()):
            await turns.take(connection, LOCATION, Turn(number, Account(name, 0, {}, until)))
        await turns.take(connection, LOCATION, Turn(3, EVENING))
        await turns.take(connection, LOCATION, Turn(4, Account("next", 0, {}, now + timedelta(days=60))))
        left = (await turns.read(connection, LOCATION, [*ages, "evening", "next"])).accounts
    assert set(left) == {"just over", "ahead", "evening", "next"}


# As an assignment heeds them


async def in_force(house: House, text: str) -> None:
    """Put rules in force that declare their names themselves."""
    book = read({"rules.yaml": text})
    async with house.pool.acquire() as connection, connection.transaction():
        await rulebooks.apply(connection, None, book.source, book.digest, "a test")


def noon() -> datetime:
    return datetime.fromisoformat(in_days(3, "12:00"))


FIRST = "do: assign, to: {first_free: [kim, dana, alex]}, replace: anybody"


async def test_who_was_chosen_for_another_booking_is_busy_then_before_highlevel_shows_it(house: House) -> None:
    await house.rules(rule("first", "appointment.created", FIRST))
    await reserve(house.pool, Reservation("another", KIM, noon() - HOUR / 2, noon() + HOUR / 2))
    booked = await house.book(in_days(3, "12:00"), assignedUserId=ALEX)
    await house.settled()
    later = await house.book(in_days(3, "13:00"), assignedUserId=ALEX)
    await house.settled()
    assert (await house.appointment(booked))["assignedUserId"] == DANA
    [step] = await house.steps(booked)
    assert step["sentence"] == "assign dana: the first who is free (kim: busy 11:30 to 12:30)"
    [(meant,), _] = await rows(house.pool, "SELECT meant FROM steps WHERE state = 'done' ORDER BY step_id")
    assert [(each["name"], each["score"], each["left_out"]) for each in meant["candidates"]] == [
        ("kim", None, "kim: busy 11:30 to 12:30"),
        ("dana", "free", None),
        ("alex", "not asked", None),
    ]
    assert (await house.appointment(later))["assignedUserId"] == KIM
    assert await between(house.pool, noon() - HOUR, noon() + 3 * HOUR) == [
        Reservation("another", KIM, noon() - HOUR / 2, noon() + HOUR / 2)
    ], "what HighLevel shows by now is reserved no more"


async def test_two_bookings_of_one_hour_go_to_two_people_though_the_first_is_not_written_yet(house: House) -> None:
    await house.rules(rule("first", "appointment.created", FIRST))
    path = "/calendars/events/appointments/{event_id}"
    fault = {"method": "PUT", "path": path, "status": 503, "after_write": False, "times": 1}
    await house.call("POST", "/_sandbox/faults", fault, status=201)
    desk = {"assignedUserId": ALEX, "ignoreFreeSlotValidation": True}
    first = await house.book(in_days(3, "12:00"), **desk)
    async with asyncio.timeout(10):
        while not await rows(house.pool, "SELECT FROM steps WHERE doubts > 0"):
            await asyncio.sleep(0.005)
    second = await house.book(in_days(3, "12:00"), **desk)
    await house.settled()
    assert (await house.appointment(first))["assignedUserId"] == KIM
    assert (await house.appointment(second))["assignedUserId"] == DANA
    [step] = await house.steps(second)
    assert step["sentence"] == "assign dana: the first who is free (kim: busy 12:00 to 13:00)"


async def test_of_a_booking_that_highlevel_shows_with_them_its_word_counts_and_it_counts_once(house: House) -> None:
    cancelled = await house.book(in_days(3, "12:00"), assignedUserId=KIM)
    await house.edit(cancelled, appointmentStatus="cancelled")
    shown = await house.book(in_days(3, "09:00"), assignedUserId=KIM)
    await house.settled()
    await reserve(house.pool, Reservation(cancelled, KIM, noon(), noon() + HOUR))
    await reserve(house.pool, Reservation(shown, KIM, noon() - 3 * HOUR, noon() - 2 * HOUR))
    await house.rules(rule("share", "appointment.created", "do: assign, to: {least_busy: [kim]}, replace: anybody"))
    booked = await house.book(in_days(3, "12:00"), assignedUserId=ALEX)
    await house.settled()
    [step] = await house.steps(booked)
    assert step["sentence"] == "assign kim: fewest bookings that day: kim 1"


async def test_a_day_is_full_over_all_calendars_and_with_what_was_only_decided(house: House) -> None:
    full = rule("full", "appointment.created", FIRST, more=f"if: {{calendar: {CUTS}}},")
    people = f"{{dana: {{id: {DANA}, per_day: 2}}, kim: {{id: {KIM}, per_day: 1}}, alex: {ALEX}}}"
    await in_force(house, f"people: {people}\nrules:{full}")
    await house.book(in_days(3, "09:00"), calendarId=CONSULTATIONS)
    await house.settled()
    await reserve(house.pool, Reservation("decided", DANA, noon() + 4 * HOUR, noon() + 5 * HOUR))
    await reserve(house.pool, Reservation("next day", KIM, noon() + 24 * HOUR, noon() + 25 * HOUR))
    first = await house.book(in_days(3, "12:00"), assignedUserId=ALEX)
    await house.settled()
    second = await house.book(in_days(3, "14:00"), assignedUserId=DANA)
    await house.settled()
    assert (await house.appointment(first))["assignedUserId"] == KIM
    assert (await house.appointment(second))["assignedUserId"] == ALEX
    [step] = await house.steps(second)
    assert step["sentence"] == ("assign alex: the first who is free (kim: 1 of 1 that day; dana: 2 of 2 that day)")


async def test_of_several_ways_the_first_that_yields_somebody_counts(house: House) -> None:
    await house.book(in_days(3, "12:00"), assignedUserId=KIM)
    await house.settled()
    ways = "do: assign, to: [kim, {round_robin: evening}], replace: anybody"
    await house.rules(rule("ways", "appointment.created", ways))
    booked = await house.book(in_days(3, "12:00"), assignedUserId=ALEX)
    await house.settled()
    [step] = await house.steps(booked)
    assert step["sentence"] == ("assign dana: next in turn of evening; before that, kim: busy 12:00 to 13:00")
    assert await rows(house.pool, "SELECT team, version, last_turn FROM turns ORDER BY team") == [
        ("", 1, {}),
        ("evening", 1, {DANA: 1}),
    ]


async def test_while_one_chooses_others_wait_and_pass_over_who_died_of_it(pool: Pool) -> None:
    async def choose(deciding: Deciding, name: str) -> None:
        async with deciding.at(LOCATION, lambda: False):
            chosen.append(f"{name} begins")
            async with pool.acquire() as connection:
                known = await turns.read(connection, LOCATION)
            await asyncio.sleep(0.01)
            async with pool.acquire() as connection, connection.transaction():
                await turns.take(connection, LOCATION, Turn(known.decided))
                # Before the commit: with it the next may begin, before this one is heard of again.
                chosen.append(f"{name} ends")

    chosen: list[str] = []
    processes = Deciding(pool), Deciding(pool)
    async with pool.acquire() as connection:
        assert await turns.claim(connection, LOCATION, timedelta(milliseconds=30)), "by one that is killed now"
    await asyncio.gather(*(choose(processes[n % 2], str(n)) for n in range(6)))
    assert len(chosen) == 12
    assert all(first.split()[0] == then.split()[0] for first, then in zip(chosen[::2], chosen[1::2], strict=True))
    async with pool.acquire() as connection:
        claimed = await turns.claim(connection, LOCATION, HOUR)
        assert claimed
        assert await turns.claim(connection, LOCATION, HOUR) is None
        await turns.leave(connection, LOCATION, claimed - HOUR)
        assert await turns.claim(connection, LOCATION, HOUR) is None, "it was another's"
        await turns.leave(connection, LOCATION, claimed)
        assert await turns.claim(connection, LOCATION, HOUR)
        assert (await turns.read(connection, LOCATION)).decided == 6
