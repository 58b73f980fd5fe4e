"""Facts of a contact: what HighLevel shows of it, of its custom fields, and of the bookings it had before."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import TypeAdapter

from service.event import read_event
from service.highlevel.contacts import Contact, ContactAppointment
from service.trigger import Booking
from tests.questions import DANA
from tests.rule_files import rule
from workers.condition_words import If
from workers.conditions import Conditions, Judgement, judge
from workers.facts import MISSING, Answer, Facts
from workers.known_facts import KNOWN, facts_of, known_facts
from workers.lookups import Lookup
from workers.lookups.contacts import ContactBookingsLookup, ContactLookup, CustomFieldsLookup
from workers.names import NAMES, Named, Names
from workers.scrutiny.scrutiny import looked_through
from workers.templates import Text

LONDON = ZoneInfo("Europe/London")
ADA, LANGUAGE = "cAdaX3mT8qLw5ZrK1vNp", "fLangQ8mWx3vTn6Jd2Rk"
DECLARED = Names(
    people={"dana": DANA},
    areas={"north": ("LS",), "south": ("BN",)},
    fields={"language": "Preferred Language", "by_id": LANGUAGE, "likes": "Likes", "gone": "No such field"},
)
BOOKING = Booking(
    id="this",
    location_id="location",
    calendar_id="cuts",
    contact_id=ADA,
    starts=datetime(2027, 7, 1, 9, tzinfo=UTC),  # ten in London
    ends=datetime(2027, 7, 1, 10, tzinfo=UTC),
    status="confirmed",
)
CONTACT: dict[str, Any] = {
    "id": ADA,
    "firstName": " Ada ",
    "lastName": "Example",
    "name": "Ada Example",
    "email": "ada@example.com",
    "phone": "+447700900111",
    "country": "GB",
    "postalCode": "ls1 4ap",
    "timezone": "Europe/Paris",
    "assignedTo": DANA,
    "tags": ["vip", "regular"],
    "customFields": [{"id": LANGUAGE, "value": "Spanish"}],
}
FIELDS: Mapping[str, str] = {LANGUAGE: "preferred language", "fLikes": "Likes", "fOther": "Likes"}


def seen(looked: Mapping[Lookup, Any], booking: Booking | None = BOOKING, **more: Any) -> Facts:
    at = datetime(2027, 6, 30, 12, tzinfo=UTC)
    return facts_of(booking, was=None, at=at, zone=LONDON, names=DECLARED, looked=looked, **more)


def told(fact: str, /, **changes: Any) -> Answer:
    contact = Contact.read({**CONTACT, **changes})
    return seen({ContactLookup(ADA): contact, CustomFieldsLookup(): FIELDS}).told(fact)


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        ("first_name", "Ada"),
        ("name", "Ada Example"),
        ("email", "ada@example.com"),
        ("phone", "+447700900111"),
        ("tags", ("vip", "regular")),
        ("country", "GB"),
        ("postcode", "ls1 4ap"),
        ("area", "north"),
        ("time_zone", "Europe/Paris"),
        ("owner", Named(DANA, "dana")),
        ("fields.language", "Spanish"),
        ("fields.by_id", "Spanish"),
    ],
)
def test_a_contact_is_told_as_highlevel_shows_it(fact: str, value: Answer) -> None:
    assert told(f"contact.{fact}") == value


@pytest.mark.parametrize(
    ("fact", "changes"),
    [
        ("first_name", {"firstName": " "}),
        ("name", {"name": None, "firstName": None, "lastName": ""}),
        ("email", {"email": None}),
        ("postcode", {"postalCode": ""}),
        ("area", {"postalCode": None}),
        ("area", {"postalCode": "YO1 9TT"}),
        ("fields.language", {"customFields": None}),
        ("fields.language", {"customFields": [{"id": LANGUAGE, "value": " "}]}),
        ("fields.by_id", {"customFields": [{"id": "fLikes", "value": "tea"}]}),
        ("fields.likes", {}),
    ],
)
def test_what_a_contact_does_not_say_is_missing(fact: str, changes: dict[str, Any]) -> None:
    assert told(f"contact.{fact}", **changes) is MISSING


def test_a_contact_without_tags_has_none_and_one_without_owner_belongs_to_nobody() -> None:
    assert told("contact.tags", tags=None) == ()
    assert str(told("contact.owner", assignedTo="")) == "nobody"
    assert judged({"contact.owner": {"is": "nobody"}}, assignedTo=None).held is True


def test_a_name_is_put_together_where_highlevel_has_none() -> None:
    assert told("contact.name", name=None) == "Ada Example"


def test_a_contact_that_is_gone_and_a_booking_without_one_tell_nothing() -> None:
    nobody = seen({}, BOOKING.changed(contact_id=None))
    gone = seen({ContactLookup(ADA): None, ContactBookingsLookup(ADA): None})
    names = [name for name in known_facts(DECLARED) if name.startswith("contact.")]
    assert len(names) == 16
    assert {name: facts.told(name) for facts in (nobody, gone) for name in names} == dict.fromkeys(names, MISSING)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (["tea", "silence", ""], "tea, silence"),
        (3, "3"),
        (2.5, "2.5"),
        (True, "true"),
        ({"file": {"url": "https://example.com/"}}, MISSING),
        ([], MISSING),
        (None, MISSING),
    ],
)
def test_a_custom_field_is_text_whatever_it_is_at_highlevel(value: Any, text: Answer) -> None:
    assert told("contact.fields.likes", customFields=[{"id": "fOther", "value": value}]) == text


def test_what_no_database_keeps_is_no_part_of_a_fact() -> None:
    spoilt = {"firstName": "A\0da", "tags": ["v\ud800ip"], "customFields": [{"id": LANGUAGE, "value": "\0"}]}
    facts = [told(name, **spoilt) for name in ("contact.first_name", "contact.tags", "contact.fields.language")]
    assert facts == ["A\ufffdda", ("v?ip",), "\ufffd"]


def test_a_custom_field_that_the_location_does_not_have_is_told() -> None:
    assert str(told("contact.fields.gone")) == "missing: the location has no custom field 'No such field'"


def test_fields_are_known_by_what_the_file_calls_them() -> None:
    assert "contact.fields.language" in known_facts(DECLARED)
    with pytest.raises(KeyError):
        seen({}).told("contact.fields.shoes")


def judged(conditions: object, **changes: Any) -> Judgement:
    reader: TypeAdapter[Conditions] = TypeAdapter(If)
    contact = Contact.read({**CONTACT, **changes})
    return judge(reader.validate_python(conditions, context={NAMES: DECLARED}), seen({ContactLookup(ADA): contact}))


def test_tags_are_tested_as_a_list_without_regard_to_capitals() -> None:
    assert judged({"contact.tags": {"contains": "VIP"}}).held is True
    assert judged({"contact.tags": {"any_of": ["new", "Regular"]}}).held is True
    assert judged({"contact.tags": {"all_of": ["vip", "new"]}}).held is False
    assert judged({"contact.tags": {"none_of": ["vip"]}}, tags=[]).held is True


def test_no_tags_are_nothing_and_a_list_of_none() -> None:
    empty: tuple[list[str] | None, ...] = ([], None)
    for tags in empty:
        held = {
            word: judged({"contact.tags": {word: operand}}, tags=tags).held
            for word, operand in {
                "is": "nothing",
                "is_not": "nothing",
                "contains": "vip",
                "any_of": ["vip"],
                "all_of": ["vip"],
                "none_of": ["vip"],
            }.items()
        }
        assert held == {
            "is": True,
            "is_not": False,
            "contains": False,
            "any_of": False,
            "all_of": False,
            "none_of": True,
        }
    assert judged({"contact.tags": {"is": "nothing"}}).held is False
    assert judged({"contact.tags": {"is_not": "nothing"}}).held is True
    assert judged({"contact.tags": {"is": "nothing"}}, tags=[]).checks[0].actual == "none"


def test_who_asks_for_no_tags_may_ask_besides_for_none_of_some() -> None:
    now = datetime(2027, 6, 30, tzinfo=UTC)
    for test, faults in {"none_of: [vip]": 0, "contains: vip": 1, "is_not: nothing": 1}.items():
        asks = rule(more=f"  if: {{contact.tags: {{is: nothing, {test}}}}}\n")
        assert len(looked_through({"rules.yaml": asks}, now).faults) == faults, test


def test_what_is_compared_with_a_missing_value_is_not_looked_up() -> None:
    reader: TypeAdapter[Conditions] = TypeAdapter(If)
    for asked in ({"is": "{{ was.assignee }}"}, {"is_not": "{{ was.assignee }}"}):
        conditions = reader.validate_python({"contact.owner": asked}, context={NAMES: DECLARED})
        told = judge(conditions, seen({}))
        assert (told.wanting, told.held, told.checks[0].actual) == ([], None, "not looked up")
    open_ = {"any": [{"contact.owner": "{{ was.assignee }}"}, {"contact.bookings": {"more_than": 1}}]}
    told = judge(reader.validate_python(open_, context={NAMES: DECLARED}), seen({}))
    assert told.wanting == [ContactBookingsLookup(ADA)], "that which may make it hold"


def test_an_event_without_a_booking_tells_of_its_contact() -> None:
    event = read_event(b'{"type": "ContactUpdate", "id": "%b", "locationId": "location"}' % ADA.encode())
    contact = Contact.read(CONTACT)
    assert seen({ContactLookup(ADA): contact}, None, event=event).told("contact.first_name") == "Ada"
    assert seen({ContactLookup(ADA): contact}, None).told("contact.first_name") is MISSING


def test_a_text_fails_without_a_first_name_unless_something_stands_in() -> None:
    facts = seen({ContactLookup(ADA): Contact.read({**CONTACT, "firstName": None})})
    assert Text.read("Dear {{ contact.first_name | default('customer') }}").render(facts) == "Dear customer"
    assert Text.read("{{ contact.tags }} of {{ contact.owner }}").render(facts) == "vip and regular of dana"


def listed(id_: str, start: str, status: str = "confirmed", **more: Any) -> ContactAppointment:
    """Its time is by the location's clock, which it does not say."""
    return ContactAppointment.read(
        {"id": id_, "startTime": start, "endTime": start, "appointmentStatus": status, **more}
    )


def test_a_booking_of_no_year_is_counted_as_of_the_first_or_the_last() -> None:
    for year in ("0001-01-01 00:00:00", "9999-12-31 23:59:59"):
        looked: Mapping[Lookup, Any] = {ContactBookingsLookup(ADA): (listed("first", year),)}
        for zone in ("Asia/Tokyo", "America/New_York"):
            at = datetime(2027, 6, 30, 12, tzinfo=UTC)
            facts = facts_of(BOOKING, was=None, at=at, zone=ZoneInfo(zone), names=DECLARED, looked=looked)
            assert facts.told("contact.bookings") == (1 if year.startswith("0") else 0)


BEFORE = (
    listed("first", "2027-04-02 09:59:59", "noshow"),
    listed("second", "2027-04-02 10:00:00", "no_show"),
    listed("cancelled", "2027-05-01 10:00:00", "cancelled"),
    listed("invalid", "2027-05-02 10:00:00", "invalid"),
    listed("deleted", "2027-05-03 10:00:00", "noshow", deleted=True),
    listed("third", "2027-06-01 10:00:00", "showed"),
    listed("this", "2027-06-30 10:00:00", "noshow"),  # as HighLevel still shows what was moved just now
    listed("at the same time", "2027-07-01 10:00:00"),
    listed("later", "2027-07-02 10:00:00", "noshow"),
)


def counted(name: str, booking: Booking | None = BOOKING, /, **words: Any) -> Answer | Lookup:
    facts = seen({ContactBookingsLookup(ADA): BEFORE}, booking)
    question = {name: {**words, "more_than": 0}}
    conditions = TypeAdapter[Conditions](If).validate_python(question, context={NAMES: DECLARED})
    [asked] = judge(conditions, facts).asked
    return asked.value


def test_bookings_are_those_before_this_one_that_were_not_called_off() -> None:
    assert counted("contact.bookings") == 3
    assert counted("contact.no_shows") == 2


def test_within_counts_back_from_the_start_of_the_booking() -> None:
    assert counted("contact.bookings", within="90d") == 2, "the second was 90 days before, the first a second more"
    assert counted("contact.no_shows", within="90d") == 1
    assert counted("contact.no_shows", within="4w") == 0


def test_without_a_booking_they_are_counted_back_from_the_event() -> None:
    event = read_event(b'{"type": "ContactUpdate", "id": "%b", "locationId": "location"}' % ADA.encode())
    facts = seen({ContactBookingsLookup(ADA): BEFORE}, None, event=event)
    assert facts.told("contact.bookings") == 4, "the 30th of June, ten o'clock, is past"


def test_a_check_shows_the_words_beside_the_test() -> None:
    conditions = TypeAdapter[Conditions](If).validate_python({"contact.no_shows": {"within": "90d", "more_than": 1}})
    [check] = judge(conditions, seen({ContactBookingsLookup(ADA): BEFORE})).checks
    assert (check.fact, check.expected, check.actual, check.held) == ("contact.no_shows within 90d", "1", "1", False)


def test_all_that_tells_of_a_contact_has_to_be_looked_up() -> None:
    facts = seen({})
    names = [name for name in KNOWN if name.startswith("contact.")]
    assert {name: facts.answer(KNOWN[name]) for name in names} == {
        name: ContactBookingsLookup(ADA) if KNOWN[name].words else ContactLookup(ADA) for name in names
    }
