"""Facts of a booking's place in the day, of its slot, its series and its services."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import TypeAdapter

from service.highlevel.calendars import Calendar
from service.highlevel.contacts import Contact, ContactAppointment
from service.trigger import Booking
from tests.questions import CUTS, DANA, KIM
from workers.condition_words import If
from workers.conditions import Conditions, judge
from workers.facts import MISSING, Answer
from workers.known_facts import facts_of
from workers.lookups import Lookup
from workers.lookups.calendars import CalendarLookup, ServicesLookup
from workers.lookups.contacts import ContactBookingsLookup, ContactLookup
from workers.lookups.diaries import DiaryLookup, Engagement, SlotLookup
from workers.names import NAMES, Named, Names

LONDON = ZoneInfo("Europe/London")
COURSE, GRACE = "cubUutX6vqEofMVCaVqD", "cGrc7YwP2kVb9HsD4tQx"
DECLARED = Names(people={"dana": DANA, "kim": KIM}, calendars={"cuts": CUTS}, areas={"north": ("LS",)})
MADE = datetime(2027, 6, 1, 12, tzinfo=UTC)


def clock(text: str, day: int = 1) -> datetime:
    """Of July 2027 in London; the first is a Thursday."""
    return datetime.fromisoformat(f"2027-07-{day:02}T{text}:00").replace(tzinfo=LONDON).astimezone(UTC)


BOOKING = Booking(
    id="this",
    location_id="location",
    calendar_id=CUTS,
    contact_id="ada",
    starts=clock("10:00"),
    ends=clock("11:00"),
    status="confirmed",
    assignee=DANA,
    added=MADE,
)
THURSDAY = (clock("00:00"), clock("00:00", 2))


def has(id_: str, starts: datetime, minutes: int = 60, **more: Any) -> Engagement:
    known = {"assignee": DANA, "calendar_id": CUTS, "added": MADE - timedelta(days=1), **more}
    return Engagement(id_, starts, starts + timedelta(minutes=minutes), **known)


def answer(
    fact: str, *listed: Engagement, looked: Mapping[Lookup, Any] | None = None, now: Booking = BOOKING, **words: Any
) -> Answer | Lookup:
    """Where these stand in Dana's diary of that Thursday."""
    found: dict[Lookup, Any] = {DiaryLookup(DANA, *THURSDAY): listed, **(looked or {})}
    facts = facts_of(now, was=None, at=clock("08:00"), zone=LONDON, names=DECLARED, looked=found)
    conditions = TypeAdapter[Conditions](If).validate_python(
        {fact: {**words, "is_not": "nothing"}}, context={NAMES: DECLARED}
    )
    [asked] = judge(conditions, facts).asked
    return asked.value


def test_what_was_made_earlier_and_overlaps_clashes() -> None:
    overlapping = [has("a", clock("09:30"), 31), has("b", clock("10:59")), has("c", clock("09:00"), 180)]
    around = [has("d", clock("09:00")), has("e", clock("11:00"))]
    assert answer("clashes", *overlapping, *around, has("this", clock("10:00"))) == 3


def test_of_two_that_overlap_one_alone_has_a_clash() -> None:
    later, at_once = (
        has("later", clock("10:30"), added=MADE + timedelta(seconds=1)),
        has("a", clock("10:30"), added=MADE),
    )
    assert answer("clashes", later) == 0
    assert answer("clashes", at_once) == 1
    assert answer("clashes", has("zebra", clock("10:30"), added=MADE)) == 0
    assert answer("clashes", has("decided", clock("10:30"), added=None)) == 1, "it does not show yet, and was before"


def test_a_clash_is_told_from_highlevels_word_of_when_both_were_made() -> None:
    unknown = BOOKING.changed(added=None)
    shown = has("this", clock("10:00"), added=MADE)
    assert answer("clashes", has("a", clock("10:30")), shown, now=unknown) == 1
    assert answer("clashes", has("a", clock("10:30")), now=unknown) is MISSING


def test_bookings_over_midnight_are_seen_from_both_days() -> None:
    late = BOOKING.changed(starts=clock("23:30"), ends=clock("00:30", 2))
    whole = DiaryLookup(DANA, clock("00:00"), clock("00:30", 2))
    before = has("a", clock("00:15", 2))
    assert answer("clashes", looked={whole: (before,)}, now=late) == 1
    early = BOOKING.changed(starts=clock("00:15"), ends=clock("01:00"))
    assert answer("clashes", has("a", clock("23:30", 1) - timedelta(days=1)), now=early) == 1


def test_guests_of_one_class_do_not_clash() -> None:
    guest = has("guest", clock("10:00"))
    assert answer("clashes", guest) == CalendarLookup(CUTS), "only then is the calendar asked"
    assert answer("clashes", guest, looked=calendar(seats=6)) == 0
    assert answer("clashes", guest, looked=calendar(seats=1)) == 1
    assert answer("clashes", guest, has("other", clock("10:30")), looked=calendar(seats=6)) == 1
    assert answer("clashes", guest, looked={CalendarLookup(CUTS): None}) == 1
    assert answer("clashes", has("elsewhere", clock("10:00"), calendar_id=COURSE)) == 1


def calendar(seats: int | None, kind: str = "round_robin") -> dict[Lookup, Any]:
    told = {"id": CUTS, "locationId": "location", "calendarType": kind, "appoinmentPerSlot": seats}
    return {CalendarLookup(CUTS): Calendar.read(told)}


DAY = (
    has("early", clock("08:00")),
    has("before", clock("09:00"), 50),
    has("next", clock("11:15")),
    has("d", clock("15:00")),
)


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        ("previous.starts", clock("09:00")),
        ("previous.ends", clock("09:50")),
        ("previous.gap", timedelta(minutes=10)),
        ("previous.calendar", Named(CUTS, "cuts")),
        ("next.starts", clock("11:15")),
        ("next.ends", clock("12:15")),
        ("next.gap", timedelta(minutes=15)),
        ("next.calendar", Named(CUTS, "cuts")),
    ],
)
def test_neighbours_are_the_nearest_of_the_day(fact: str, value: Answer) -> None:
    assert answer(fact, *DAY, has("this", clock("10:00"))) == value
    assert answer(fact) is MISSING


def test_moments_of_neighbours_are_on_the_locations_clock() -> None:
    starts = answer("next.starts", *DAY)
    assert isinstance(starts, datetime)
    assert starts.strftime("%H:%M") == "11:15"


def test_a_neighbour_that_overlaps_has_a_negative_gap() -> None:
    assert answer("previous.gap", *DAY, has("long", clock("07:00"), 190)) == -timedelta(minutes=10)
    assert answer("next.gap", *DAY, has("soon", clock("10:45"))) == -timedelta(minutes=15)


def test_who_starts_at_the_same_time_is_no_neighbour_nor_is_another_day() -> None:
    same, yesterday = has("same", clock("10:00")), has("a", clock("22:00") - timedelta(days=1), 120)
    assert answer("previous.ends", same, yesterday) is MISSING
    assert answer("next.starts", same, has("tomorrow", clock("00:00", 2))) is MISSING
    assert answer("previous.ends", has("over midnight", clock("23:30") - timedelta(days=1))) == clock("00:30")


def test_the_area_of_a_neighbour_is_that_of_its_contact() -> None:
    visit = has("visit", clock("09:00"), contact_id=GRACE)
    assert answer("previous.area", visit) == ContactLookup(GRACE)
    grace = Contact.read({"id": GRACE, "postalCode": "LS1 4AP"})
    assert answer("previous.area", visit, looked={ContactLookup(GRACE): grace}) == "north"
    assert answer("previous.area", visit, looked={ContactLookup(GRACE): None}) is MISSING
    assert answer("previous.area", has("visit", clock("09:00"))) is MISSING


def test_nobody_has_no_day() -> None:
    nobody = BOOKING.changed(assignee=None)
    for fact in ("clashes", "previous.gap", "next.area", "load"):
        assert answer(fact, *DAY, now=nobody) is MISSING
    assert answer("load", now=nobody, of="dana") == 0


def test_load_counts_what_starts_that_day_and_this_booking_where_it_is_theirs() -> None:
    over_midnight = has("o", clock("23:30") - timedelta(days=1))
    assert answer("load", *DAY, over_midnight, has("this", clock("10:00"))) == 5
    assert answer("load", *DAY) == 5, "given to them just now, it need not show yet"
    assert answer("load", *DAY, now=BOOKING.changed(status="cancelled")) == 4
    kims = BOOKING.changed(assignee=KIM)
    assert answer("load", *DAY, has("this", clock("10:00")), now=kims, of="dana") == 4, "it is not theirs any more"


def test_load_may_be_of_another_and_over_the_week() -> None:
    assert answer("load", *DAY, of="kim") == DiaryLookup(KIM, *THURSDAY)
    week = DiaryLookup(KIM, clock("00:00") - timedelta(days=3), clock("00:00", 5))
    assert answer("load", of="kim", over="week") == week
    friday = has("friday", clock("09:00", 2), assignee=KIM)
    assert answer("load", looked={week: (friday, *DAY)}, of="kim", over="week") == 5


def test_the_day_is_that_of_the_locations_clock() -> None:
    early = BOOKING.changed(starts=clock("00:30"), ends=clock("01:00"))
    assert early.starts.day == 30, "by UTC it is Wednesday"
    assert answer("load", *DAY, now=early) == 5


def test_load_without_a_booking_is_of_the_day_of_the_event() -> None:
    facts = facts_of(
        None, was=None, at=clock("08:00"), zone=LONDON, names=DECLARED, looked={DiaryLookup(DANA, *THURSDAY): DAY}
    )
    conditions = TypeAdapter[Conditions](If).validate_python(
        {"load": {"of": "dana", "is": 4}}, context={NAMES: DECLARED}
    )
    assert judge(conditions, facts).held is True
    assert facts.told("load") is MISSING
    assert facts.told("clashes") is MISSING


def test_facts_of_one_day_are_one_lookup() -> None:
    facts = facts_of(BOOKING, was=None, at=MADE, zone=LONDON, names=DECLARED)
    names = frozenset({"clashes", "load", "previous.gap", "next.starts", "next.area"})
    assert facts.wanting(names) == [DiaryLookup(DANA, *THURSDAY)]


def slot(fact: str, *listed: Engagement, looked: Mapping[Lookup, Any], now: Booking = BOOKING) -> Answer | Lookup:
    return answer(fact, looked={SlotLookup(CUTS, BOOKING.starts, BOOKING.ends): listed, **looked}, now=now)


def test_a_class_has_seats_taken_and_left() -> None:
    guests = [has("a", clock("10:00")), has("b", clock("10:00"), assignee=None), has("this", clock("10:00"))]
    earlier = has("c", clock("09:30"))
    course = calendar(6, "class_booking")
    facts = ("slot.seats", "slot.taken", "slot.left", "calendar.type")
    assert [slot(fact, *guests, earlier, looked=course) for fact in facts] == [6, 3, 3, "class_booking"]
    full = calendar(2, "class_booking")
    assert [slot(fact, *guests, looked=full) for fact in facts] == [2, 3, 0, "class_booking"]


def test_elsewhere_a_slot_is_that_of_one_person() -> None:
    both = [has("a", clock("10:00")), has("b", clock("10:00"), assignee=KIM)]
    facts = ("slot.seats", "slot.taken", "slot.left")
    assert [slot(fact, *both, looked=calendar(None)) for fact in facts] == [1, 2, 0]
    gone = BOOKING.changed(status="cancelled")
    assert [slot(fact, *both, looked=calendar(2), now=gone) for fact in facts] == [2, 1, 1]


def test_a_slot_of_no_calendar_is_missing() -> None:
    assert slot("slot.taken", looked={CalendarLookup(CUTS): None}) is MISSING
    assert slot("slot.seats", looked={CalendarLookup(CUTS): None}) is MISSING
    assert slot("slot.left", looked={}, now=BOOKING.changed(calendar_id="", kind="service")) is MISSING


def test_a_series_has_as_many_bookings_as_the_contact_was_given() -> None:
    one_of_it = BOOKING.changed(id="master_1814461200000_3600")

    def listed(id_: str, status: str = "confirmed") -> ContactAppointment:
        at = "2027-07-01 10:00:00"
        return ContactAppointment.read({"id": id_, "startTime": at, "endTime": at, "appointmentStatus": status})

    several = [listed(f"master_18144612{number:05}_3600") for number in range(3)]
    alone, cancelled = listed("alone"), listed("master_1814999900000_3600", "cancelled")
    found: dict[Lookup, Any] = {ContactBookingsLookup("ada"): (*several, alone, cancelled)}
    assert answer("series.count", looked=found, now=one_of_it) == 3
    unlisted: dict[Lookup, Any] = {ContactBookingsLookup("ada"): (alone,)}
    assert answer("series.count", looked=unlisted, now=one_of_it) is MISSING
    assert answer("series.count", looked=found) is MISSING, "it is no series"


def test_services_are_told_by_their_names_and_add_ons_by_their_ids() -> None:
    booked = BOOKING.changed(kind="service", services=("colour", "unlisted"), add_ons=("tea",))
    assert answer("services", now=booked) == ServicesLookup()
    assert answer("services", looked={ServicesLookup(): {"colour": "Colour"}}, now=booked) == ("Colour", "unlisted")
    assert answer("add_ons", now=booked) == ("tea",)
    assert [answer(fact) for fact in ("services", "add_ons")] == [MISSING, MISSING]
