"""What no webhook told: found by looking, and acted on once, whatever comes afterwards."""

from datetime import UTC, datetime, timedelta

from service.store.appointments import LastSeen
from service.store.database import Connection
from tests.house import House, event, in_days
from tests.reconciling import due, found, hold, inventory, look, place, released, told, worked, workplace
from tests.sandboxes import CUTS, DANA, KIM, LOCATION
from tests.test_apply import NOTE, rule
from tests.test_deliveries import rows
from workers.reconciliation.comparison import ON_ITS_WAY
from workers.reconciliation.watch import take_up

FOLLOWED = rule("keep", "appointment.created", "do: block_slot, after: 15m, follow: true")
MINE = ("reconciler", ["appointment.created"])
SERIES = {"assignedUserId": DANA, "ignoreFreeSlotValidation": True, "rrule": "RRULE:FREQ=WEEKLY;COUNT=3"}


async def test_a_missed_booking_gets_its_note_once_though_its_webhook_comes_after_all(house: House) -> None:
    await house.rules(NOTE)
    await inventory(house)
    await hold(house)
    booked = await house.book(in_days(3, "12:00"))
    looked = await look(house)
    assert (looked["acted"], looked["waiting"]) == (1, 0)
    assert await house.notes(booked) == ["Hello cuts"]
    await released(house)
    assert await told(house, booked) == [MINE, ("highlevel", [])]
    assert (await look(house))["acted"] == 0
    assert await house.notes(booked) == ["Hello cuts"]


async def test_a_missed_move_is_a_move(house: House) -> None:
    await inventory(house)
    await house.rules(rule("moved", "appointment.rescheduled", "do: add_note, text: moved"))
    booked = await house.book(in_days(3, "12:00"), assignedUserId=DANA)
    await house.settled()
    await hold(house)
    await house.edit(booked, startTime=in_days(3, "14:00"), endTime=in_days(3, "15:00"))
    await look(house)
    assert await house.notes(booked) == ["moved"]
    await released(house)
    assert [triggers for _, triggers in await told(house, booked)] == [
        ["appointment.created"],
        ["appointment.rescheduled", "appointment.updated"],
        [],
    ]
    [(news,)] = await rows(house.pool, "SELECT news FROM reconciliations WHERE state = 'acted'")
    assert news.startswith("was moved from Monday ")


async def test_a_missed_deletion_takes_the_block_along_and_is_told_once(house: House) -> None:
    await inventory(house)
    await house.rules(FOLLOWED + rule("gone", "appointment.deleted", "do: add_note, text: gone"))
    booked = await house.book(in_days(3, "12:00"), assignedUserId=DANA)
    await house.settled()
    assert len(await house.blocks(DANA)) == 1
    await hold(house)
    await house.call("DELETE", f"/calendars/events/{booked}", {})
    assert (await look(house))["acted"] == 1
    assert await house.blocks(DANA) == []
    await released(house)
    assert (await look(house))["acted"] == 0
    assert [source for source, triggers in await told(house, booked) if "appointment.deleted" in triggers] == [
        "reconciler"
    ]


async def test_a_series_of_which_workflows_tell_nothing_is_told_whole_in_one_pass(house: House) -> None:
    await inventory(house)
    await house.rules(NOTE)
    await hold(house)
    master = await house.book(in_days(3, "12:00"), endTime=in_days(3, "13:00"), **SERIES)
    assert (await look(house))["acted"] == 3
    ids = [row[0] for row in await rows(house.pool, "SELECT appointment_id FROM deliveries ORDER BY arrival")]
    assert all(each.startswith(f"{master}_") for each in ids)
    assert [await house.notes(each) for each in ids] == [["Hello cuts"]] * 3


async def test_what_highlevel_does_not_know_any_more_is_gone(house: House) -> None:
    await inventory(house)
    await hold(house)
    master = await house.book(in_days(3, "12:00"), endTime=in_days(3, "13:00"), **SERIES)
    await look(house)
    # Each appointment of a series is called after its start, and has another id when the series is moved.
    moved = {"startTime": in_days(3, "15:00"), "endTime": in_days(3, "16:00"), "ignoreFreeSlotValidation": True}
    await house.edit(master, **moved)
    assert (await look(house))["acted"] == 6
    triggers = [row[0] for row in await rows(house.pool, "SELECT triggers FROM deliveries ORDER BY arrival")]
    assert sorted(triggers[3:]) == [["appointment.created"]] * 3 + [["appointment.deleted"]] * 3


async def test_the_first_pass_remembers_what_was_there_and_sets_off_nothing(house: House) -> None:
    await house.rules(NOTE + rule("any", "appointment.updated", "do: add_note, text: news"))
    await hold(house)
    booked = [await place(house, number) for number in range(3)]
    booked.append(await place(house, 4, deleted=True))
    laid: list[str] = []

    async def remembered(connection: Connection, seen: LastSeen) -> None:
        assert connection.is_in_transaction()
        laid.append(seen.booking.id)

    async with house.pool.acquire() as connection:
        await connection.execute("UPDATE locations SET connected_at = clock_timestamp()")
    looked = await look(house, remembered)
    assert (looked["remembered"], looked["acted"]) == (4, 0)
    assert sorted(laid) == sorted(booked)
    assert await rows(house.pool, "SELECT inventory_at IS NOT NULL, inventory_bookings FROM reconcilers") == [(True, 4)]
    assert (await look(house))["acted"] == 0
    assert await rows(house.pool, "SELECT * FROM deliveries") == []
    await house.edit(booked[0], appointmentStatus="cancelled")
    assert (await look(house))["acted"] == 1
    assert await told(house, booked[0]) == [("reconciler", ["appointment.cancelled", "appointment.updated"])]


async def test_the_first_pass_swallows_no_webhook_that_is_on_its_way(house: House) -> None:
    await house.rules(NOTE)
    await hold(house)
    late, never = await house.book(in_days(3, "12:00")), await place(house, 60)
    assert (await look(house))["left"] == 2
    await released(house)
    assert await told(house, late) == [("highlevel", ["appointment.created"])]
    assert await house.notes(late) == ["Hello cuts"]
    looked = await look(house)
    assert (looked["acted"], looked["left"]) == (0, 1), "it may come yet"
    house.clock.ahead = ON_ITS_WAY
    assert (await look(house))["remembered"] == 1, "it was there before the inventory"
    assert await told(house, never) == []


async def test_what_changed_between_connection_and_first_pass_sets_off_nothing_at_the_second(house: House) -> None:
    await house.rules(NOTE)
    await hold(house)
    house.clock.ahead = ON_ITS_WAY
    old = await place(house, 60)
    assert (await look(house))["remembered"] == 1
    new = await place(house, 61, dateAdded=house.clock().isoformat(), dateUpdated=house.clock().isoformat())
    assert (await look(house))["acted"] == 1
    assert (await told(house, old), await told(house, new)) == ([], [MINE])


async def test_what_was_made_before_and_comes_within_reach_later_is_no_news(house: House) -> None:
    await inventory(house)
    before = (datetime.now(UTC) - timedelta(days=30)).isoformat()
    old = await place(house, 1, dateAdded=before, dateUpdated=before)
    moved = await place(house, 2, dateAdded=before)
    looked = await look(house)
    assert (looked["remembered"], looked["acted"]) == (1, 1)
    assert await told(house, old) == []
    assert await told(house, moved) == [("reconciler", ["appointment.updated"])]


async def test_a_location_with_appointments_last_seen_has_an_inventory_too(house: House) -> None:
    unlisted = await place(house, 2, calendarId="kGone", assignedUserId=None)
    placed = await house.appointment(unlisted)
    await house.post(event({**placed, "assignedUserId": ""}))
    await worked(house)
    await house.rules(FOLLOWED + rule("any", "appointment.updated", "do: add_note, text: news"))
    moved, gone = [await house.book(in_days(3, clock), assignedUserId=DANA) for clock in ("12:00", "15:00")]
    await house.settled()
    await hold(house)
    await house.edit(moved, startTime=in_days(3, "17:00"), endTime=in_days(3, "18:00"))
    await house.call("DELETE", f"/calendars/events/{gone}", {})
    await house.call("PUT", f"/_sandbox/appointments/{unlisted}", {**placed, "deleted": True})
    assert (await look(house))["left"] == 3, "their webhooks may come yet"
    house.clock.ahead = ON_ITS_WAY
    await house.pool.execute("UPDATE reconcilers SET inventory_at = NULL")
    assert (await look(house))["remembered"] == 3
    [(starts, _)] = await house.blocks(DANA)
    assert starts == datetime.fromisoformat(in_days(3, "18:00")), "it follows all the same"
    assert [(await told(house, each))[1:] for each in (moved, gone)] == [[("reconciler", [])]] * 2
    assert (await look(house))["acted"] == 0
    assert (await house.notes(moved), len(await told(house, unlisted))) == ([], 1)


async def test_what_our_own_steps_wrote_is_no_news(house: House) -> None:
    await inventory(house)
    await house.rules(rule("give", "appointment.created", "do: assign, to: kim, replace: anybody"))
    booked = await house.book(in_days(3, "12:00"), assignedUserId=DANA)
    await house.settled()
    await hold(house)
    assert (await house.appointment(booked))["assignedUserId"] == KIM
    looked = await look(house)
    assert (looked["acted"], looked["left"]) == (0, 0)
    assert len(await house.deliveries(booked)) == 2


async def test_what_is_under_way_is_left_to_the_next_pass(house: House) -> None:
    await inventory(house)
    await hold(house)
    booked = await place(house, 1)
    async with house.pool.acquire() as connection:
        now = await connection.fetchval("SELECT clock_timestamp()")
        lane = "INSERT INTO lanes (lane_id, location_id, subject) VALUES (gen_random_uuid(), $1, $2) RETURNING lane_id"
        lane_id = await connection.fetchval(lane, LOCATION, booked)
        waiting = """
            INSERT INTO deliveries (delivery_id, source, received_at, event, location_id, appointment_id, lane_id,
                state, body)
            VALUES (gen_random_uuid(), 'highlevel', $1, 'AppointmentCreate', $2, $3, $4, 'waiting', '{}')
        """
        # Its lane is not ready: a worker has it, as it were.
        await connection.execute(waiting, now, LOCATION, booked, lane_id)
    await due(house)
    await take_up(workplace(house))
    assert (await found(house))["left"] == 1
    async with house.pool.acquire() as connection:
        await connection.execute("UPDATE deliveries SET state = 'done'")
        step = """
            INSERT INTO steps (step_id, delivery_id, rule, place, part, action, state, sentence, location_id,
                appointment_id)
            SELECT gen_random_uuid(), delivery_id, 'r', 0, 0, 'assign', 'sent', '', location_id, appointment_id
            FROM deliveries
        """
        await connection.execute(step)
    await due(house)
    await take_up(workplace(house))
    assert (await found(house))["left"] == 1
    async with house.pool.acquire() as connection:
        await connection.execute("UPDATE steps SET state = 'done'")
    assert (await look(house))["acted"] == 1


async def test_what_was_seen_after_the_list_was_read_is_left_to_the_next_pass(house: House) -> None:
    """The list still shows it as it was before, as HighLevel may for a while."""
    await inventory(house)
    await hold(house)
    booked = await house.book(in_days(3, "12:00"), assignedUserId=DANA)
    await look(house)
    await house.edit(booked, startTime=in_days(3, "14:00"), endTime=in_days(3, "15:00"))
    async with house.pool.acquire() as connection:
        await connection.execute("UPDATE appointments SET changed_at = clock_timestamp() + interval '1 minute'")
    assert (await look(house))["left"] == 1
    async with house.pool.acquire() as connection:
        await connection.execute("UPDATE appointments SET changed_at = now() - interval '1 minute'")
    assert (await look(house))["acted"] == 1


async def test_what_is_on_no_calendar_that_is_listed_is_found_by_its_person_or_by_itself(house: House) -> None:
    await inventory(house)
    danas = await place(house, 1, calendarId="kGone")
    assert (await look(house))["acted"] == 1
    nobodys = await place(house, 2, calendarId="kGone", assignedUserId=None)
    assert (await look(house))["acted"] == 0, "no list shows it"
    placed = await house.appointment(nobodys)
    await house.post(event({**placed, "assignedUserId": ""}))
    await worked(house)
    for each in (danas, nobodys):
        await house.call("PUT", f"/_sandbox/appointments/{each}", {**await house.appointment(each), "deleted": True})
    assert (await look(house))["acted"] == 2
    assert [(await told(house, each))[-1] for each in (danas, nobodys)] == [("reconciler", ["appointment.deleted"])] * 2


async def test_what_a_list_leaves_out_is_read_by_itself_and_is_not_gone(house: House) -> None:
    await inventory(house)
    # HighLevel told of the series, and lists its appointments: by the id that it told it is in no list.
    master = await house.book(in_days(3, "12:00"), endTime=in_days(3, "13:00"), **SERIES)
    await house.settled()
    assert (await look(house))["acted"] == 3
    assert await house.writes("GetAppointment") == 1
    assert [row[0] for row in await rows(house.pool, "SELECT DISTINCT triggers FROM deliveries")] == [MINE[1]]
    assert len(await told(house, master)) == 4


async def test_a_block_that_somebody_removed_is_told_and_not_made_again(house: House) -> None:
    await inventory(house)
    await house.rules(FOLLOWED)
    await house.book(in_days(3, "12:00"), assignedUserId=DANA)
    await house.settled()
    [(follow_id, block_id)] = await rows(house.pool, "SELECT follow_id::text, block->>'id' FROM follows")
    assert (await look(house))["blocks_gone"] == []
    await house.call("DELETE", f"/calendars/events/{block_id}", {})
    assert (await look(house))["blocks_gone"] == [follow_id]
    assert await house.blocks(DANA) == []
    assert (await look(house))["acted"] == 0


async def test_a_webhook_cannot_say_that_it_is_of_the_reconciler(house: House) -> None:
    _, answer = await house.post(event({"id": "a", "calendarId": CUTS}, "reconciled"))
    shown = await house.shown(answer["delivery"])
    assert (shown["event"], shown["state"]) == ("", "ignored")
