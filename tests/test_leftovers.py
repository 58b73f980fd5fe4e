"""Leftovers: what goes by age alone, or once its delivery is gone."""

import json
from datetime import timedelta

import pytest

from service.store.database import Pool
from service.store.identifiers import new_id
from tests.house import now, register
from tests.test_deliveries import rows
from tests.test_keeping import keep, kept


@pytest.fixture
async def store(pool: Pool) -> Pool:
    await register(pool)
    return pool


async def test_last_seen_goes_when_the_booking_is_long_over_and_what_follows_it_too(store: Pool) -> None:
    ahead, past = now() + timedelta(days=800), now() - timedelta(days=1)
    for name, ends, changed in (("over", past, past), ("ahead", ahead, past), ("touched", past, ahead)):
        booking = json.dumps({"ends": ends.isoformat()})
        await rows(
            store,
            "INSERT INTO appointments (location_id, appointment_id, booking, changed_at) "
            f"VALUES ('loc', $1, '{booking}', $2)",
            name,
            changed,
        )
        await rows(store, "INSERT INTO follows VALUES ($1, 'loc', $2, 'r', 'after', '15m', 't')", new_id(), name)
    assert await keep(store, 398) == {}
    assert await keep(store, 400) == {"appointments": 1}
    assert await rows(store, "SELECT appointment_id FROM appointments ORDER BY 1") == [("ahead",), ("touched",)]
    assert await rows(store, "SELECT appointment_id FROM follows ORDER BY 1") == [("ahead",), ("touched",)]


async def test_what_else_is_remembered_goes_as_the_acted_do(store: Pool) -> None:
    delivery = await kept(store, "dLv1", "parked")
    await rows(store, "INSERT INTO marks VALUES ('loc', 'r', 'm', $1)", delivery)
    await rows(store, "INSERT INTO uses VALUES ('loc', 'r', $1)", delivery)
    await rows(store, "INSERT INTO contacts VALUES ('loc', 'c', '{}', now())")
    await rows(store, "INSERT INTO alerts (alert_id, kind, text) VALUES ($1, 'k', 't')", new_id())
    await rows(store, "INSERT INTO ignored_counts VALUES (current_date, 'r', 1)")
    await rows(store, "INSERT INTO dull_counts VALUES (current_date, 'loc', 'r', 'e', 'o', 1)")
    for about in (delivery, new_id()):
        await rows(store, "INSERT INTO interventions VALUES ($1, $2, 'w', 'mo', now())", new_id(), about)
    assert await keep(store, 399) == {}
    assert await keep(store, 402) == dict.fromkeys(
        ("marks", "contacts", "uses", "alerts", "interventions", "ignored_counts", "dull_counts"), 1
    )


async def test_what_was_done_once_is_remembered_while_what_it_was_done_once_for_is_ahead(store: Pool) -> None:
    """However long ago it was done, and however short `KEEP_ACTED` is."""
    for name, series, ends in (("single", None, 450), ("one_of_many", "many", 450), ("over", None, 1)):
        await rows(
            store,
            "INSERT INTO appointments (location_id, appointment_id, series_id, booking) "
            "VALUES ('loc', $1, $2, $3::jsonb)",
            name,
            series,
            {"ends": (now() + timedelta(days=ends)).isoformat()},
        )
    soon, later = (f"day {(now() + timedelta(days=days)).date()}" for days in (0, 450))
    ahead = ["appointment single", "series many", "series single", later]
    over = ["appointment over", "appointment gone", "series over", "contact single", soon, '["single"]']
    for mark in ahead + over:
        await rows(store, "INSERT INTO marks VALUES ('loc', 'r', $1, $2)", mark, new_id())
    await rows(store, "INSERT INTO marks VALUES ('elsewhere', 'r', 'appointment single', $1)", new_id())
    assert await keep(store, 399) == {}
    assert await keep(store, 402) == {"appointments": 1, "marks": len(over) + 1}
    assert {mark for (mark,) in await rows(store, "SELECT mark FROM marks")} == set(ahead)
    assert await keep(store, 852) == {"appointments": 2, "marks": len(ahead)}


async def test_calls_that_belong_to_no_delivery_go_with_the_dull(store: Pool) -> None:
    await kept(store, "dLv1", "failed")
    insert = "INSERT INTO calls VALUES ($1, $2, NULL, 'loc', 'GetEvents', 200, 1, '{}')"
    for _ in range(3):
        await rows(store, insert, new_id(), new_id())
    assert await keep(store, 13) == {}
    assert await keep(store, 15) == {"calls": 3}
    assert await rows(store, "SELECT count(*) FROM calls") == [(1,)]
