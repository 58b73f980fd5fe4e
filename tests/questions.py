"""A booking on a Thursday evening in Paris, and conditions asked of it."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from pydantic import TypeAdapter, ValidationError

from service.trigger import Booking
from workers.condition_words import If
from workers.conditions import Conditions, Judgement, judge
from workers.facts import Facts
from workers.known_facts import facts_of
from workers.names import NAMES, Names
from workers.words import told

DANA, KIM, CUTS = "u8jzPde0IgxLd6GncfBA", "epfJBd0Kh8oOOL8dKLzd", "jc01T5GOBUSZGi6HWGK1"
KNOWN_NAMES = Names(people={"dana": DANA, "kim": KIM}, calendars={"cuts": CUTS, "colour": "AbC456789012"})
READ: TypeAdapter[Conditions] = TypeAdapter(If)
BOOKING = Booking(
    id="appointment",
    location_id="location",
    calendar_id=CUTS,
    starts=datetime(2027, 3, 25, 17, tzinfo=UTC),  # a Thursday, 18:00 in Paris
    ends=datetime(2027, 3, 25, 18, 30, tzinfo=UTC),
    status="confirmed",
    assignee=DANA,
    title=" Cut and Colour ",
    added=datetime(2027, 3, 24, 17, tzinfo=UTC),
)


def facts(was: Booking | None = None, **fields: object) -> Facts:
    at = datetime(2027, 3, 25, 15, tzinfo=UTC)
    now = BOOKING.changed(**fields)
    return facts_of(now, was=was, at=at, zone=ZoneInfo("Europe/Paris"), names=KNOWN_NAMES)


def read(conditions: object) -> Conditions:
    return READ.validate_python(conditions, context={NAMES: KNOWN_NAMES})


def judged(conditions: object, was: Booking | None = None, **fields: object) -> Judgement:
    return judge(read(conditions), facts(was, **fields))


def refusals(conditions: object) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        read(conditions)
    return [each.message + (f" ({each.hint})" if each.hint else "") for each in told(caught.value)]
