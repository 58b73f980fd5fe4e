"""What is news of what was listed, without a list."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from service.event import read_reconciled
from service.highlevel.limits import Limits
from service.store.appointments import LastSeen
from service.store.reconciliations import Known
from service.trigger import Booking
from tests.questions import BOOKING
from workers.reconciliation.comparison import body_of, compare, gone, key_of, overtaken, sentence
from workers.reconciliation.pace import Pace

CONNECTED = INVENTORY = datetime(2027, 3, 24, 12, tzinfo=UTC)
EARLIER, LATER = CONNECTED - timedelta(days=1), CONNECTED + timedelta(hours=1)
SEEN = BOOKING.changed(added=EARLIER, updated=LATER)
"""Thursday at 18:00 in Paris, made before the location was connected and changed after it."""
AT = CONNECTED + timedelta(days=1)


def known(booking: Booking, *, erased: bool = False) -> Known:
    return Known(LastSeen.first(booking), AT, erased)


@pytest.mark.parametrize(
    ("added", "updated", "found"),
    [
        (EARLIER, EARLIER, "remember"),
        (None, None, "remember"),
        (LATER, LATER, "news"),
        (LATER, None, "news"),
        (CONNECTED, CONNECTED, "news"),
        (EARLIER, LATER, "news"),
        (None, LATER, "news"),
    ],
)
def test_what_nobody_knew_is_news_if_it_came_or_changed_since_the_location_was_connected(
    added: datetime | None, updated: datetime | None, found: str
) -> None:
    now = BOOKING.changed(added=added, updated=updated)
    assert compare(now, None, CONNECTED, INVENTORY, AT) == found
    assert compare(now.changed(deleted=True), None, CONNECTED, INVENTORY, AT) == found


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({}, "same"),
        ({"updated": LATER + timedelta(hours=1)}, "same"),
        ({"source": "elsewhere"}, "same"),
        ({"status": "cancelled"}, "news"),
        ({"starts": SEEN.starts + timedelta(hours=1)}, "news"),
        ({"assignee": None}, "news"),
        ({"deleted": True}, "news"),
        # The list is older than what a webhook told.
        ({"status": "cancelled", "updated": LATER - timedelta(minutes=1)}, "same"),
    ],
)
def test_what_was_known_is_news_where_it_differs_in_what_a_rule_can_ask_about(
    change: dict[str, Any], found: str
) -> None:
    assert compare(SEEN.changed(**change), known(SEEN), CONNECTED, INVENTORY, AT) == found


def test_what_changed_while_nobody_watched_is_remembered_and_what_was_deleted_may_be_news() -> None:
    """A location that was removed and is connected again; when something was deleted HighLevel does not say."""
    before = known(SEEN.changed(updated=EARLIER - timedelta(days=9)))
    now = SEEN.changed(updated=EARLIER, status="cancelled")
    assert compare(now, before, CONNECTED, INVENTORY, AT) == "remember"
    assert compare(now.changed(deleted=True), before, CONNECTED, INVENTORY, AT) == "news"


@pytest.mark.parametrize(
    ("change", "inventory", "found"),
    [
        ({"updated": EARLIER}, None, "remember"),
        ({"updated": LATER}, None, "remember"),
        ({"updated": LATER, "deleted": True}, None, "remember"),
        # Its webhook may be on its way.
        ({"updated": AT - timedelta(hours=1)}, None, "left"),
        ({"updated": LATER}, LATER + timedelta(minutes=1), "remember"),
        ({"updated": AT - timedelta(hours=1)}, AT, "left"),
        ({"updated": LATER}, LATER, "news"),
        ({"updated": LATER, "deleted": True}, AT, "news"),
    ],
)
def test_what_changed_before_the_inventory_is_never_news(
    change: dict[str, Any], inventory: datetime | None, found: str
) -> None:
    now = SEEN.changed(status="cancelled", **change)
    assert compare(now, known(SEEN.changed(updated=EARLIER)), CONNECTED, inventory, AT) == found
    if not now.deleted:
        assert compare(now, None, CONNECTED, inventory, AT) == found
    assert compare(now, known(SEEN, erased=True), CONNECTED, inventory, AT) == "same"


def test_what_waits_is_overtaken_by_a_webhook_that_told_the_same_or_something_newer() -> None:
    waits = SEEN.changed(status="cancelled", updated=LATER + timedelta(hours=1))
    assert not overtaken(waits, None)
    assert not overtaken(waits, LastSeen.first(SEEN))
    assert overtaken(waits, LastSeen.first(waits))
    assert overtaken(waits, LastSeen.first(SEEN.changed(updated=LATER + timedelta(hours=2))))


@pytest.mark.parametrize(
    ("last", "change", "words"),
    [
        (None, {}, "was booked for Thursday 25 March 2027, 18:00"),
        (None, {"status": "cancelled"}, "was booked for Thursday 25 March 2027, 18:00; it is cancelled"),
        (SEEN, {"deleted": True}, "was deleted, the one for Thursday 25 March 2027, 18:00"),
        (
            SEEN,
            {"starts": SEEN.starts + timedelta(days=1), "ends": SEEN.ends + timedelta(days=1)},
            "was moved from Thursday 25 March 2027, 18:00 to Friday 26 March 2027, 18:00",
        ),
        (
            SEEN,
            {"status": "cancelled", "assignee": "a"},
            "is cancelled, and was confirmed and has another assignee, the one for Thursday 25 March 2027, 18:00",
        ),
        (SEEN, {"ends": SEEN.ends + timedelta(days=1)}, "has another end, the one for Thursday 25 March 2027, 18:00"),
        (SEEN, {"title": "of Ada"}, "has another title, the one for Thursday 25 March 2027, 18:00"),
    ],
)
def test_what_is_new_is_a_sentence_that_names_nobody(last: Booking | None, change: dict[str, Any], words: str) -> None:
    assert sentence(SEEN.changed(**change), last, ZoneInfo("Europe/Paris")) == words


def test_the_key_is_the_same_for_the_same_and_another_for_whatever_else() -> None:
    key = key_of(SEEN)
    offset = SEEN.starts.astimezone(datetime.now().astimezone().tzinfo)
    assert key_of(SEEN.changed(starts=offset, source="elsewhere", added=LATER)) == key
    others = ({"status": "new"}, {"updated": LATER + timedelta(seconds=1)}, {"deleted": True}, {"id": "other"})
    assert len({key, *(key_of(SEEN.changed(**other)) for other in others)}) == 5


def test_what_is_gone_is_told_as_what_was_deleted_and_reads_back_the_same() -> None:
    event = read_reconciled(body_of(gone(SEEN)))
    assert event.booking() == SEEN.changed(deleted=True)
    assert (event.location_id, event.appointment_id, event.calendar_id) == (SEEN.location_id, SEEN.id, SEEN.calendar_id)
    assert event.said_at is None, "when it was deleted nobody says"
    assert read_reconciled(body_of(gone(SEEN).model_copy(update={"deleted": False}))).said_at == SEEN.updated
    assert read_reconciled(b'{"id": "a"}').booking() is None


@pytest.mark.parametrize(
    ("share", "limits", "spacing"),
    [(20, None, 0.5), (100, None, 0.1), (20, Limits(burst_limit=50, interval=1000), 0.1), (1, Limits(), 10.0)],
)
async def test_a_pace_keeps_to_its_share_whatever_each_call_takes(
    share: int, limits: Limits | None, spacing: float
) -> None:
    now = 100.0
    left = []

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    pace = Pace(share, lambda: now, sleep)
    for taken in (0.0, 0.0, spacing / 3, spacing * 5, 0.0):
        await pace.before()
        left.append(now)
        now += taken
        pace.spent(limits)
    await pace.before()
    left.append(now)
    assert left[0] == 100.0, "the first goes at once"
    assert all(later - earlier >= spacing - 1e-9 for earlier, later in pairwise(left))
    pace.spent(limits)
    pace.spent(limits)
    await pace.before()
    assert now - left[-1] >= 2 * spacing - 1e-9, "a call that was tried again counts twice"
