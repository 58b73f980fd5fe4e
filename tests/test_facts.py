"""What a rule may ask about, read from a booking."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from service.event import read_external
from service.trigger import Booking
from workers.booking_facts import BOOKING_FACTS
from workers.calendar_facts import CALENDAR_FACTS
from workers.contact_facts import CONTACT_FACTS
from workers.day_facts import DAY_FACTS
from workers.facts import MISSING, Facts, write
from workers.kinds import Kind
from workers.known_facts import KNOWN, facts_of, known_facts
from workers.names import EventFact, Named, Names, Team

DANA, KIM, CUTS = "u8jzPde0IgxLd6GncfBA", "epfJBd0Kh8oOOL8dKLzd", "jc01T5GOBUSZGi6HWGK1"
AT = datetime(2027, 7, 1, 15, tzinfo=UTC)
LONDON = ZoneInfo("Europe/London")
NAMES = Names(people={"dana": DANA}, calendars={"cuts": CUTS})
BOOKING = Booking(
    id="appointment",
    location_id="location",
    calendar_id=CUTS,
    starts=datetime(2027, 7, 1, 17, tzinfo=UTC),
    ends=datetime(2027, 7, 1, 17, 45, tzinfo=UTC),
    status="confirmed",
    assignee=DANA,
    title="Cut and colour",
    source="booking_widget",
    added=datetime(2027, 6, 28, 9, tzinfo=UTC),
)


def seen(now: Booking, was: Booking | None = None, at: datetime = AT) -> Facts:
    return facts_of(now, was=was, at=at, zone=LONDON, names=NAMES)


def facts(was: Booking | None = None, at: datetime = AT, **fields: object) -> Facts:
    return seen(BOOKING.changed(**fields), was, at)


def test_moments_are_on_the_locations_clock() -> None:
    assert write(facts()["starts"]) == "Thursday 1 July 2027, 18:00"
    assert write(facts()["booked"]) == "Monday 28 June 2027, 10:00"


def test_a_moment_that_no_clock_shows_is_missing() -> None:
    first, last = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, tzinfo=UTC)
    for moment, zone in ((first, "America/New_York"), (last, "Asia/Tokyo")):
        now = BOOKING.changed(starts=moment)
        told = facts_of(now, was=None, at=AT, zone=ZoneInfo(zone), names=NAMES)["starts"]
        assert told is MISSING


def test_what_an_event_says_of_no_year_that_is_reckoned_with_is_missing() -> None:
    names = Names(sources={"sick": {"from": EventFact("from", Kind.MOMENT)}})
    for zone in (LONDON, ZoneInfo("Asia/Tokyo")):
        for moment, there in {
            "0001-01-01T00:00:00": False,
            "1899-12-31T23:59:59": False,
            "1900-01-01": True,
            "2200-12-31T23:59:59Z": True,
            "2201-01-01T00:00:00Z": False,
            "9999-12-31T23:59:59-12:00": False,
        }.items():
            event = read_external(f'{{"from": "{moment}"}}'.encode(), "sick", "m", {})
            told = facts_of(None, was=None, at=AT, zone=zone, names=names, event=event).told("event.from")
            assert isinstance(told, datetime) is there, (moment, told)
            if not there:
                assert str(told) == f"missing: '{moment}' is no date of the years 1900 to 2200"


def test_the_four_times_are_told_apart() -> None:
    told = facts()
    assert told["booked"] == BOOKING.added
    assert told["lead"] == timedelta(days=3, hours=8)
    assert told["notice"] == timedelta(hours=2)
    assert told["now"] == datetime(2027, 7, 1, 15, tzinfo=UTC)


def test_notice_is_negative_once_the_booking_has_started() -> None:
    assert write(facts(at=datetime(2027, 7, 1, 17, 20, tzinfo=UTC))["notice"]) == "-20m"


def test_time_is_counted_across_a_change_of_clocks() -> None:
    starts, at = datetime(2027, 3, 29, 9, tzinfo=LONDON), datetime(2027, 3, 27, 9, tzinfo=LONDON)
    assert facts(starts=starts, ends=starts, at=at)["notice"] == timedelta(hours=47)


def test_people_and_calendars_go_by_the_names_of_the_rules_file() -> None:
    told = facts()
    assert told["assignee"] == Named(DANA, "dana")
    assert (told["assignee.name"], told["calendar.name"]) == ("dana", "cuts")


def test_who_is_not_declared_has_no_name() -> None:
    told = facts(assignee=KIM, calendar_id="other")
    assert told["assignee"] == Named(KIM)
    assert write(told["assignee"]) == KIM
    assert told["assignee.name"] is MISSING
    assert told["calendar.name"] is MISSING


def test_nobody_is_missing() -> None:
    assert facts(assignee=None)["assignee"] is MISSING
    assert facts(assignee=None)["assignee.name"] is MISSING


def test_what_was_before_is_missing_without_a_previous_sight() -> None:
    before = [name for name in KNOWN if name.startswith("was.")]
    assert before
    assert all(facts()[name] is MISSING for name in before)


def test_what_was_before_is_told_from_what_is() -> None:
    was = BOOKING.changed(starts=datetime(2027, 7, 1, 8, tzinfo=UTC), assignee=KIM, status="new")
    told = facts(was=was)
    assert write(told["was.starts"]) == "Thursday 1 July 2027, 09:00"
    assert told["was.assignee"] == Named(KIM)
    assert told["was.status"] == "new"


@pytest.mark.parametrize("name", ["title", "address", "source", "group"])
def test_blank_text_is_missing(name: str) -> None:
    field = "group_id" if name == "group" else name
    assert seen(BOOKING.changed(**{field: "  "}))[name] is MISSING
    assert seen(BOOKING.changed(**{field: "something"}))[name] == "something"


def test_a_status_has_one_spelling() -> None:
    assert facts(status="no_show")["status"] == facts(status="noshow")["status"] == "noshow"
    assert facts(status="Canceled")["status"] == "cancelled"


def test_only_an_instance_of_a_series_is_recurring() -> None:
    assert facts()["recurring"] is False
    assert facts(id="appointment_1814461200000_2700")["recurring"] is True


def test_without_a_time_of_booking_there_is_no_lead() -> None:
    assert facts(added=None)["booked"] is MISSING
    assert facts(added=None)["lead"] is MISSING


def test_asking_for_what_is_no_fact_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError):
        facts()["colour"]


def test_every_fact_is_declared_once_and_says_what_it_means() -> None:
    declared = (*BOOKING_FACTS, *CALENDAR_FACTS, *CONTACT_FACTS, *DAY_FACTS)
    assert len(KNOWN) == len(declared)
    assert all(fact.meaning for fact in declared)


def test_what_tells_of_a_contact_is_marked_as_personal() -> None:
    assert {name for name, fact in KNOWN.items() if fact.personal} == {
        *(name for name in KNOWN if name.startswith("contact.")),
        "previous.area",
        "next.area",
    }


def test_inner_names_lie_over_outer_ones() -> None:
    outer = Names(people={"dana": DANA, "boss": KIM}, teams={"all": (Named(DANA),)}, calendars={"cuts": CUTS})
    both = outer.within(Names(people={"dana": KIM}))
    assert both.person("dana") == Named(KIM, "dana")
    assert both.person_with(KIM) == Named(KIM, "dana")
    assert both.calendar("cuts") == Named(CUTS, "cuts")
    assert both.team("all") == Team("all", (Named(DANA),))
    assert both.team("calendar").members is None


def test_what_a_file_declares_is_known_by_its_whole_name() -> None:
    declared = Names(fields={"shoes": "Shoe size"}, sources={"desk": {"person": EventFact("who", Kind.PERSON)}})
    known = known_facts(declared)
    assert [name for name in known if name not in KNOWN] == ["contact.fields.shoes", "event.person"]
    assert len(known) == len(KNOWN) + 2
    assert {name in known for name in ("event.person", "contact.fields.shoes", "starts")} == {True}
    assert {name in known for name in ("person", "shoes", "event.shoes", "contact.fields.person", 5)} == {False}
