"""An inquiry looks up what it needs, once, and nothing that cannot matter any more."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter

from service.store.reservations import Reservation
from service.trigger import Booking
from tests.house import LONDON, House, in_days
from tests.planning import Planning, planning
from tests.sandboxes import ADA, ALEX, CUTS, DANA, KIM, LOCATION, at
from tests.test_apply import rule
from tests.test_contact_news import changed, everything
from workers.condition_words import If
from workers.conditions import Conditions, Judgement
from workers.facts import MISSING, Facts
from workers.inquiry import judged, look_up
from workers.known_facts import facts_of
from workers.lookups import Lookup, Reading
from workers.names import NAMES, Names
from workers.templates import Text

MARY, GRACE, COLOUR = "m1BiNRDKuLLQryruFyil", "cGrc7YwP2kVb9HsD4tQx", "sWGhcb5yJZ42OXwjtLlL"
COURSE, GONE = "cubUutX6vqEofMVCaVqD", "cGone00000000000000a"
OF_THE_TEST = {"CreateAppointment", "GetAppointment"}
DECLARED = Names(
    people={"dana": DANA, "kim": KIM},
    calendars={"cuts": CUTS},
    areas={"north": ("LS",)},
    fields={"language": "preferred language", "shoes": "Shoe size"},
)
BOOKING = Booking(
    id="new",
    location_id=LOCATION,
    calendar_id=CUTS,
    contact_id=MARY,
    starts=datetime.fromisoformat(at("12:00")),
    ends=datetime.fromisoformat(at("13:00")),
    status="confirmed",
    assignee=DANA,
    added=datetime.fromisoformat(at("08:30")),
)


@dataclass
class Asking:
    """Of one delivery about a booking."""

    planning: Planning
    reading: Reading
    looked: dict[Lookup, Any] = field(default_factory=dict)

    def facts(self, booking: Booking) -> Facts:
        now = self.planning.sandbox.clock()
        return facts_of(booking, was=None, at=now, zone=LONDON, names=DECLARED, looked=self.looked)

    async def asked(self, conditions: object, booking: Booking = BOOKING) -> Judgement:
        read = TypeAdapter[Conditions](If).validate_python(conditions, context={NAMES: DECLARED})
        return await judged(read, self.facts(booking), self.reading, self.looked)

    async def seen(self, fact: str, booking: Booking = BOOKING) -> Any:
        facts = self.facts(booking)
        await look_up(facts, frozenset({fact}), self.reading, self.looked)
        return facts[fact]

    async def text(self, source: str, booking: Booking = BOOKING) -> str:
        facts, text = self.facts(booking), Text.read(source, DECLARED)
        await look_up(facts, text.facts, self.reading, self.looked)
        return text.render(facts)

    async def calls(self) -> list[str]:
        """All until now, but those by which the test books and reads."""
        made = await self.planning.sandbox.call("GET", "/_sandbox/calls")
        return [call["operation"] for call in made if call["operation"] not in OF_THE_TEST]


@pytest.fixture
async def asking() -> AsyncIterator[Asking]:
    async with planning() as opened:

        async def reserved(starts: datetime, ends: datetime) -> list[Reservation]:
            return [each for each in opened.reservations if each.starts < ends and each.ends > starts]

        yield Asking(opened, Reading(opened.api, LOCATION, reserved))


async def test_what_a_cheap_condition_decides_makes_no_call(asking: Asking) -> None:
    for conditions, held in (
        ({"contact.tags": {"contains": "regular"}, "status": "cancelled"}, False),
        ({"any": [{"contact.tags": {"contains": "new"}}, {"status": "confirmed"}]}, True),
        ({"not": {"any": [{"clashes": {"more_than": 0}}, {"status": "confirmed"}]}}, False),
    ):
        judgement = await asking.asked(conditions)
        assert judgement.held is held
        assert "not looked up" in [check.actual for check in judgement.checks]
    assert await asking.calls() == []


async def test_what_several_facts_and_rules_and_texts_hang_on_is_read_once(asking: Asking) -> None:
    regular = {"contact.tags": {"contains": "regular"}, "contact.email": {"contains": "example.com"}}
    assert (await asking.asked(regular)).held is True
    assert (await asking.asked({"contact.owner": {"is": "nobody"}})).held is True
    assert await asking.text("Dear {{ contact.first_name }}") == "Dear Mary"
    assert await asking.calls() == ["GetContact"]
    gone = BOOKING.changed(contact_id=GONE)
    assert (await asking.asked(regular, gone)).held is None
    assert await asking.text("{{ contact.name | default('somebody') }}", gone) == "somebody"
    assert await asking.calls() == ["GetContact"] * 2


async def test_one_thing_is_read_after_another_as_long_as_they_may_hold(asking: Asking) -> None:
    new = {"contact.tags": {"contains": "new"}, "clashes": {"is": 0}}
    judgement = await asking.asked(new)
    assert [check.actual for check in judgement.checks] == ["regular", "not looked up"]
    assert await asking.calls() == ["GetContact"]
    assert (await asking.asked({**new, "contact.tags": {"contains": "regular"}})).held is True
    assert await asking.calls() == ["GetContact", "ListEvents"]


async def test_a_custom_field_is_found_by_its_name_only_where_the_contact_has_any(asking: Asking) -> None:
    assert await asking.seen("contact.fields.language", BOOKING.changed(contact_id=GRACE)) is MISSING
    assert await asking.calls() == ["GetContact"]
    assert await asking.seen("contact.fields.language") == "Polish"
    assert await asking.seen("contact.fields.shoes") is MISSING
    assert await asking.calls() == ["GetContact", "GetContact", "ListCustomFields"]


async def test_bookings_of_a_contact_are_read_on_the_locations_clock(asking: Asking) -> None:
    """In summer, when that is not UTC."""
    first = await asking.planning.booked("2026-03-30T10:00:00+01:00", contactId=ADA)
    second = await asking.planning.booked("2026-03-31T10:00:00+01:00", contactId=ADA)
    path = "/calendars/events/appointments/"
    await asking.planning.sandbox.call("PUT", path + first, {"appointmentStatus": "noshow"})
    booking = await asking.planning.read(second)
    assert [await asking.seen(f"contact.{fact}", booking) for fact in ("bookings", "no_shows")] == [1, 1]
    for within, held in (("24h", True), ("1d", True), ("1439m", False)):
        asked = await asking.asked({"contact.bookings": {"within": within, "more_than": 0}}, booking)
        assert asked.held is held
    assert await asking.calls() == ["EditAppointment", "ListContactAppointments"]


async def test_a_day_is_read_over_all_calendars_with_what_was_decided_and_does_not_show(asking: Asking) -> None:
    planning = asking.planning
    own = await planning.booked(at("12:00"), assignedUserId=DANA)
    shown = await planning.booked(at("10:00"), assignedUserId=DANA, contactId=GRACE)
    await planning.booked(at("14:00"), calendarId="kQ9sBv3XnE6yTf1LdJ7o", assignedUserId=DANA)
    await planning.booked(at("11:00"), assignedUserId=KIM)
    gone = await planning.booked(at("13:00"), assignedUserId=DANA)
    await planning.sandbox.call("PUT", f"/calendars/events/appointments/{gone}", {"appointmentStatus": "cancelled"})
    hour = timedelta(hours=1)
    planning.reservations = (
        Reservation("decided", DANA, BOOKING.starts + hour / 2, BOOKING.ends),
        Reservation("of Kim", KIM, BOOKING.starts, BOOKING.ends),
        *(Reservation(each, DANA, BOOKING.starts, BOOKING.ends) for each in (own, shown, gone)),
    )
    booking = await planning.read(own)
    facts = ("load", "clashes", "previous.gap", "next.starts", "previous.area")
    seen = [await asking.seen(fact, booking) for fact in facts]
    assert seen == [4, 1, hour, BOOKING.starts + hour / 2, "north"]
    assert (await asking.asked({"load": {"of": "kim", "is": 2}}, booking)).held is True
    assert await asking.calls() == ["EditAppointment", "ListEvents", "GetContact", "ListEvents"]


async def test_a_slot_and_a_calendar_are_read_as_they_are_set_up(asking: Asking) -> None:
    start = "2026-03-24T09:00:00+00:00"
    [first, _] = [
        await asking.planning.booked(start, calendarId=COURSE, contactId=contact) for contact in (MARY, GRACE)
    ]
    booking = await asking.planning.read(first)
    assert booking.assignee == ALEX
    facts = ("calendar.type", "slot.seats", "slot.taken", "slot.left", "clashes")
    assert [await asking.seen(fact, booking) for fact in facts] == ["class_booking", 6, 2, 4, 0]
    assert await asking.calls() == ["GetCalendar", "ListEvents", "ListEvents"]


async def test_services_are_read_in_the_catalogue(asking: Asking) -> None:
    booked = BOOKING.changed(kind="service", services=(COLOUR, "vit7GAfm4pze53FzgdGB"))
    assert await asking.seen("services", booked) == ("Colour", "Roots only")
    assert await asking.calls() == ["ListServices"]


CALLED = rule(
    "dear",
    "appointment.created",
    "do: add_note, text: 'Dear {{ contact.name }}', if: {contact.no_shows: {within: 90d, is: 0}}",
    more="if: {contact.email: {is_not: nothing}},",
)


async def test_the_engine_reads_a_contact_once_for_all_rules_and_steps_of_a_delivery(house: House) -> None:
    refused = CALLED.replace("dear", "elsewhere").replace("{contact.email", "{status: cancelled, contact.email")
    await house.rules(CALLED + CALLED.replace("dear", "again").replace("Dear", "Hello") + refused)
    booked = await house.book(in_days(3, "12:00"), contactId=MARY)
    await house.settled()
    assert sorted(await house.notes(booked)) == ["Dear Mary Sample", "Hello Mary Sample"]
    [delivery] = await house.deliveries(booked)
    calls = [call["operation"] for call in delivery["calls"]]
    assert [calls.count(name) for name in ("GetContact", "ListContactAppointments")] == [1, 1]


async def test_a_contact_that_its_event_made_us_read_is_not_read_again(house: House) -> None:
    asks = rule(
        "asks",
        "contact.updated",
        "do: alert, text: 'Look at {{ contact.owner | default(\"nobody\") }}'",
        mode="shadow",
        more="if: {contact.tags: {contains: regular}},",
    )
    await house.rules(asks)
    await house.post(changed("ContactUpdate", MARY))
    [delivery] = await everything(house)
    assert [call["operation"] for call in delivery["calls"]] == ["GetContact"]
    [verdict], [step] = delivery["verdicts"], delivery["steps"]
    assert (verdict["held"], step["state"]) == (True, "shadow")
    assert "Look at nobody" in str(step)
