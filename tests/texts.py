"""Texts of rules as tests write them, with the facts of one booking."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import TypeAdapter, ValidationError

from service.trigger import Booking
from workers.facts import Facts
from workers.known_facts import facts_of
from workers.names import Names
from workers.templates import Text
from workers.words import told

DANA = "u8jzPde0IgxLd6GncfBA"
TEXT = TypeAdapter(Text)
BOOKING = Booking(
    id="appointment",
    location_id="location",
    calendar_id="calendar",
    starts=datetime(2027, 3, 25, 18, tzinfo=UTC),
    ends=datetime(2027, 3, 25, 19, 30, tzinfo=UTC),
    status="confirmed",
    assignee=DANA,
    title="  Cut & <b>colour</b>  ",
)


def facts(**fields: object) -> Facts:
    at = datetime(2027, 3, 24, 18, tzinfo=UTC)
    names = Names(people={"dana": DANA})
    return facts_of(BOOKING.changed(**fields), was=None, at=at, zone=ZoneInfo("Europe/Paris"), names=names)


def rendered(source: str, **fields: object) -> str:
    return TEXT.validate_python(source).render(facts(**fields))


def refusals(source: object) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        TEXT.validate_python(source)
    return [each.message + (f" ({each.hint})" if each.hint else "") for each in told(caught.value)]


class OneFact(Facts):
    """Whatever is asked for is this."""

    def __init__(self, value: object) -> None:
        self.value = value

    def __getitem__(self, name: str) -> Any:
        return self.value
