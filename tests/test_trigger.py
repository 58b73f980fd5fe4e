"""What a delivery turns out to mean: last seen against now."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.store import appointments
from service.store.database import Pool
from service.trigger import (
    RULE_FIELDS,
    Booking,
    Trigger,
    differences,
    doubt,
    lane_subject,
    series_of,
    stale,
    triggers,
)

ADDED = datetime(2027, 7, 1, 10, tzinfo=UTC)
STARTS = datetime(2027, 7, 5, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
BOOKING = Booking(
    id="tRg0000000000000001a",
    location_id="loc",
    calendar_id="cal",
    starts=STARTS,
    ends=STARTS + HOUR,
    status="confirmed",
    contact_id="con",
    assignee="dana",
    title="Cut",
    added=ADDED,
    updated=ADDED,
)
BEFORE, AFTER = ADDED - HOUR, ADDED + HOUR


def words(was: Booking | None, now: Booking, connected: datetime = BEFORE) -> str:
    """The triggers, without their family name."""
    return " ".join(sorted(trigger.removeprefix("appointment.") for trigger in triggers(was, now, connected=connected)))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ""),
        ({"title": "Colour"}, "updated"),
        ({"address": "elsewhere"}, "updated"),
        ({"calendar_id": "other"}, "updated"),
        ({"contact_id": None}, "updated"),
        ({"group_id": "group"}, "updated"),
        ({"starts": STARTS - HOUR, "ends": STARTS}, "rescheduled updated"),
        ({"ends": STARTS + 2 * HOUR}, "rescheduled updated"),
        ({"assignee": "kim"}, "reassigned updated"),
        ({"assignee": None}, "reassigned updated"),
        ({"status": "cancelled"}, "cancelled updated"),
        ({"status": "showed"}, "showed updated"),
        ({"status": "completed"}, "showed updated"),
        ({"status": "noshow"}, "no_show updated"),
        ({"status": "new"}, "updated"),
        ({"status": "invalid"}, "updated"),
        ({"status": "of their own making"}, "updated"),
        (
            {"starts": STARTS - HOUR, "assignee": "kim", "status": "cancelled"},
            "cancelled reassigned rescheduled updated",
        ),
        ({"deleted": True}, "deleted"),
        ({"deleted": True, "status": "cancelled", "starts": STARTS - HOUR}, "deleted"),
    ],
)
def test_a_difference_is_told_by_every_word_that_fits(changes: dict[str, Any], expected: str) -> None:
    now = BOOKING.changed(**changes)
    assert words(BOOKING, now) == expected
    assert words(BOOKING, now.changed(updated=AFTER), connected=AFTER) == expected


def test_confirmed_is_news_only_where_it_was_not_so() -> None:
    assert words(BOOKING.changed(status="new"), BOOKING) == "confirmed updated"
    assert words(BOOKING.changed(status="cancelled"), BOOKING) == "confirmed updated"


@pytest.mark.parametrize("changes", [{"updated": AFTER}, {"added": AFTER}, {"source": "api"}])
def test_an_echo_is_news_of_nothing(changes: dict[str, Any]) -> None:
    assert words(BOOKING, BOOKING.changed(**changes)) == ""


def test_the_same_moment_in_another_zone_is_no_change() -> None:
    elsewhere = datetime.fromisoformat("2027-07-05T15:30:00+05:30")
    assert words(BOOKING, BOOKING.changed(starts=elsewhere)) == ""


@pytest.mark.parametrize(
    ("changes", "connected", "expected"),
    [
        ({}, BEFORE, "created"),
        ({}, ADDED, "created"),
        ({}, AFTER, "updated"),
        ({"added": None}, BEFORE, "updated"),
        ({"status": "new"}, BEFORE, "created"),
        ({"status": "cancelled"}, BEFORE, "cancelled created"),
        ({"status": "showed"}, BEFORE, "created showed"),
        ({"status": "noshow"}, BEFORE, "created no_show"),
        ({"status": "invalid"}, BEFORE, "created"),
        ({"status": "cancelled"}, AFTER, "updated"),
        ({"deleted": True}, BEFORE, "deleted"),
        ({"deleted": True}, AFTER, "deleted"),
        ({"deleted": True, "status": "cancelled"}, BEFORE, "deleted"),
    ],
)
def test_a_first_sight_is_a_creation_only_after_the_location_was_connected(
    changes: dict[str, Any], connected: datetime, expected: str
) -> None:
    assert words(None, BOOKING.changed(**changes), connected) == expected


def test_deleted_twice_is_news_once() -> None:
    gone = BOOKING.changed(deleted=True)
    assert words(gone, gone.changed(status="cancelled")) == ""


@pytest.mark.parametrize(
    ("told", "last", "expected"),
    [
        (AFTER, ADDED, False),
        (ADDED, ADDED, False),
        (ADDED - timedelta(milliseconds=1), ADDED, True),
        (None, ADDED, False),
        (BEFORE, None, False),
    ],
)
def test_only_what_is_older_than_last_seen_is_stale(told: datetime | None, last: datetime, expected: bool) -> None:
    assert stale(BOOKING.changed(updated=told), last) is expected
    assert not stale(BOOKING.changed(updated=told), None)


CREATE, UPDATE = "AppointmentCreate", "AppointmentUpdate"


@pytest.mark.parametrize(
    ("hint", "changes", "last", "reason"),
    [
        (CREATE, {}, None, None),
        (UPDATE, {}, None, None),
        (UPDATE, {}, {}, None),
        (UPDATE, {"updated": AFTER, "title": "Colour"}, {}, None),
        (CREATE, {}, {}, "it was seen before"),
        (CREATE, {"updated": AFTER, "title": "Colour"}, {}, "it was seen before"),
        (UPDATE, {"updated": None}, {}, "no dateUpdated"),
        (CREATE, {"updated": None}, None, "no dateUpdated"),
        (UPDATE, {"title": "Colour"}, {}, "at the same dateUpdated"),
        (UPDATE, {"source": "api"}, {}, None),
        (UPDATE, {"updated": BEFORE}, {}, "older than a write of ours"),
        (UPDATE, {"updated": AFTER}, {"deleted": True}, "seen deleted"),
        (UPDATE, {}, {"deleted": True}, "seen deleted"),
    ],
)
def test_a_body_is_taken_at_its_word_only_where_nothing_speaks_against_it(
    hint: str, changes: dict[str, Any], last: dict[str, Any] | None, reason: str | None
) -> None:
    found = doubt(hint, BOOKING.changed(**changes), None if last is None else BOOKING.changed(**last))
    assert (found is None) if reason is None else (found is not None and reason in found)


@pytest.mark.parametrize(
    ("appointment_id", "series"),
    [
        ("tRg0000000000000001a", None),
        ("tRg0000000000000001a_1729821600000_3600", "tRg0000000000000001a"),
        ("with_underscores_1729821600000_3600", "with_underscores"),
        ("a_123_3600", None),
        ("_1729821600000_3600", None),
        ("a_1729821600000_", None),
    ],
)
def test_an_instance_goes_in_the_lane_of_its_series(appointment_id: str, series: str | None) -> None:
    assert series_of(appointment_id) == series
    assert lane_subject(appointment_id) == (series or appointment_id)
    assert BOOKING.changed(id=appointment_id).series_id == series


@pytest.mark.parametrize(
    ("changes", "over"),
    [
        ({}, False),
        ({"status": "new"}, False),
        ({"deleted": True}, True),
        ({"status": "cancelled"}, True),
        ({"status": "noshow"}, True),
        ({"ends": AFTER}, True),
        ({"ends": AFTER + timedelta(seconds=1)}, False),
    ],
)
def test_a_booking_is_over_when_past_gone_or_decided(changes: dict[str, Any], over: bool) -> None:
    assert BOOKING.changed(**changes).over(AFTER) is over


MOMENTS = st.datetimes(timezones=st.just(UTC))
SHORT = st.sampled_from(["", "a", "b", "\0", "\ud800", "Zoë"])
STATUSES = st.sampled_from(["new", "confirmed", "cancelled", "showed", "noshow", "invalid", "completed", "else"])
BOOKINGS = st.builds(
    Booking,
    id=st.just("tRg0000000000000001a"),
    location_id=st.just("loc"),
    calendar_id=SHORT,
    starts=MOMENTS,
    ends=MOMENTS,
    status=STATUSES,
    contact_id=st.none() | SHORT,
    group_id=st.none() | SHORT,
    assignee=st.none() | SHORT,
    title=SHORT,
    address=SHORT,
    source=st.none() | SHORT,
    added=st.none() | MOMENTS,
    updated=st.none() | MOMENTS,
    deleted=st.booleans(),
)


@given(was=BOOKINGS, now=BOOKINGS, connected=MOMENTS)
def test_without_a_difference_that_a_rule_can_ask_about_there_is_no_trigger(
    was: Booking, now: Booking, connected: datetime
) -> None:
    same = now.changed(**{name: getattr(was, name) for name in RULE_FIELDS})
    assert differences(was, same) == frozenset()
    assert triggers(was, same, connected=connected) == frozenset()


@given(was=BOOKINGS, now=BOOKINGS, connected=MOMENTS)
def test_a_difference_is_either_a_deletion_or_an_update_and_more(
    was: Booking, now: Booking, connected: datetime
) -> None:
    found = triggers(was, now, connected=connected)
    assert Trigger.CREATED not in found
    if now.deleted:
        assert found == (frozenset() if was.deleted else {Trigger.DELETED})
    else:
        assert (Trigger.UPDATED in found) == bool(differences(was, now)) == bool(found)


@given(now=BOOKINGS, connected=MOMENTS)
def test_a_first_sight_is_always_news(now: Booking, connected: datetime) -> None:
    assert triggers(None, now, connected=connected)


@given(BOOKINGS)
def test_a_booking_that_was_kept_is_the_one_that_was_seen(booking: Booking) -> None:
    """What is kept as JSON must come back equal, or each echo would look like a change."""
    assert Booking.model_validate(booking.model_dump(mode="json")) == booking


async def test_what_we_wrote_stands_until_somebody_changes_it(pool: Pool) -> None:
    seen = appointments.LastSeen.first(BOOKING)
    ours = seen.written(BOOKING.changed(assignee="kim", title="ours", updated=AFTER))
    assert ours.ours == {"assignee": "kim", "title": "ours"}
    assert not ours.assignee_chosen
    assert (ours.heard, ours.booking.updated) == (ADDED, AFTER), "it is newer by our own doing"
    assert ours.told(ours.booking).ours == ours.ours, "an echo takes nothing away"
    assert ours.told(ours.booking).heard == AFTER
    theirs = ours.told(ours.booking.changed(assignee="alex", status="cancelled"))
    assert (dict(theirs.ours), set(theirs.others), theirs.assignee_chosen) == ({"title": "ours"}, {"assignee"}, True)
    async with pool.acquire() as connection:
        for each in (seen, ours, theirs):
            await appointments.keep(connection, each)
            assert await appointments.find(connection, "loc", BOOKING.id) == each
        assert await appointments.find(connection, "elsewhere", BOOKING.id) is None
