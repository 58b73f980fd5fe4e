"""What an alert says where it is sent to, and in which hours it is sent."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.alerting import DELIVERY, notice
from tests.sandboxes import LOCATION
from workers.alerting.words import LONGEST, awake, said

FOUND = f"\nslotwright history show {DELIVERY}"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, f"Leeds Salon, evening, urgent: nobody for Thursday{FOUND}"),
        ({"telling": 3}, f"Leeds Salon, evening, urgent: nobody for Thursday (3 times since 09:12){FOUND}"),
        (
            {"telling": 42, "told": 1},
            f"Leeds Salon, evening, urgent: nobody for Thursday (and 41 more since 09:12){FOUND}",
        ),
        (
            {"location_name": None, "time_zone": None, "telling": 2, "delivery_id": None, "text": "x"},
            f"{LOCATION}, evening, urgent: x (2 times since 08:12)",
        ),
        (
            {"location_id": "", "location_name": None, "rule": "", "kind": "breaker", "delivery_id": None},
            "breaker: nobody for Thursday",
        ),
        (
            {"text": "<!channel> & <https://example.com|here>", "delivery_id": None},
            "Leeds Salon, evening, urgent: &lt;!channel&gt; &amp; &lt;https://example.com|here&gt;",
        ),
    ],
)
def test_what_is_sent_says_where_of_what_and_how_often(fields: dict[str, Any], words: str) -> None:
    assert said(notice(**fields)) == words


def test_a_long_text_is_cut() -> None:
    long = said(notice(text="x" * 5000, delivery_id=None)).partition(": ")[2]
    assert (len(long), long[-2:]) == (LONGEST, "x…")


@pytest.mark.parametrize(
    ("at", "zones"),
    [
        (datetime(2027, 7, 1, 6, 59, tzinfo=UTC), ["Australia/Sydney"]),
        (datetime(2027, 7, 1, 7, 0, tzinfo=UTC), ["Europe/London", "Australia/Sydney"]),
        (datetime(2027, 7, 1, 18, 59, tzinfo=UTC), ["Europe/London", "America/New_York"]),
        (datetime(2027, 7, 1, 19, 0, tzinfo=UTC), ["America/New_York"]),
        (datetime(2027, 1, 1, 7, 59, tzinfo=UTC), ["Australia/Sydney"]),
        (datetime(2027, 1, 1, 8, 0, tzinfo=UTC), ["Europe/London", "Australia/Sydney"]),
    ],
)
def test_the_day_is_from_eight_to_eight_on_the_locations_clock(at: datetime, zones: list[str]) -> None:
    assert awake(["Europe/London", "Australia/Sydney", "America/New_York"], at) == zones
