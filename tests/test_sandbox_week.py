"""The week on the sandbox's page: which boxes, where, and what is free, without a line of HTML."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.highlevel.calendars import Calendar
from service.highlevel.service_bookings import ServiceBooking
from service.highlevel.services import Service
from service.sandbox.page.lanes import MOST, Span, side_by_side
from service.sandbox.page.view import Unclear, read_view
from service.sandbox.world.records import Block
from tests.sandbox_pages import GRACE, at, book, boxes, minutes_of, salon, view, week
from tests.sandboxes import ADA, CUTS, DANA, KIM, LOCATION, MONDAY, ROOM


def test_a_week_begins_on_monday_whatever_day_is_asked_for() -> None:
    world, _ = salon()
    for asked in ({}, {"week": "2026-03-23"}, {"week": "2026-03-29"}):
        drawn = week(world, **asked)
        assert [day.day for day in drawn.days] == [date(2026, 3, 23) + timedelta(days=number) for number in range(7)]
    assert [day.today for day in drawn.days] == [True, *[False] * 6]


def test_bookings_are_drawn_where_the_clock_says_and_deleted_ones_are_not() -> None:
    world, _ = salon()
    book(world, at("09:00"))
    book(world, at("13:10"), 45, contact_id=GRACE, appointment_status="cancelled")
    book(world, at("10:00"), deleted=True)
    drawn = week(world)
    assert boxes(drawn.days[0]) == [("09:00–10:00", "Ada Example"), ("13:10–13:55", "Grace Example")]
    assert [minutes_of(drawn, box) for box in drawn.days[0].boxes] == [(540, 600), (790, 835)]
    [first, second] = (box.entry for box in drawn.days[0].boxes)
    assert (first.about, first.status_words, second.status_words) == ("Dana · Cuts", "confirmed", "cancelled")


def test_the_hours_shown_are_those_of_the_week_with_one_more_on_either_side() -> None:
    world, _ = salon()
    drawn = week(world)
    assert (drawn.first_hour, drawn.last_hour, drawn.height) == (8, 18, 120)
    book(world, at("05:30"))
    book(world, at("23:00"))
    drawn = week(world)
    assert (drawn.first_hour, drawn.last_hour) == (4, 24)


def test_what_is_outside_opening_hours_is_shaded() -> None:
    world, _ = salon()
    drawn = week(world)
    assert drawn.days[0].shades == (Span(0, 12), Span(108, 12))
    assert drawn.days[6].shades == (Span(0, 120),)
    tuesday = week(world, of=f"calendar:{ROOM}")
    assert (tuesday.first_hour, tuesday.last_hour) == (9, 13)
    assert tuesday.days[1].shades == (Span(0, 12), Span(36, 12))


def test_free_places_are_what_the_api_offers_drawn_up_to_the_next_one() -> None:
    world, _ = salon()
    for person in (DANA, KIM):
        book(world, at("10:00"), assigned_user_id=person)
    monday = week(world).days[0]
    assert [place.time for place in monday.free][:4] == ["09:00", "11:00", "11:30", "12:00"]
    # An hour long where nothing follows, else up to the next start.
    assert [place.span.height for place in monday.free] == [12, *[6] * 10, 12]
    assert week(world, of=f"person:{DANA}").days[0].free == ()


def test_a_free_place_beside_a_booking_has_a_strip_of_its_own() -> None:
    world, _ = salon()
    book(world, at("10:00"), assigned_user_id=DANA)
    monday = week(world).days[0]
    assert [place.time for place in monday.free if place.beside] == ["10:00", "10:30"]
    assert [(box.lane.of, box.lane.strip) for box in monday.boxes] == [(1, True)]
    book(world, at("10:00"), assigned_user_id=KIM)
    monday = week(world).days[0]
    assert [place.time for place in monday.free if place.beside] == []
    assert [(box.lane.of, box.lane.strip) for box in monday.boxes] == [(2, False)] * 2


def test_a_class_says_how_many_of_its_seats_are_left() -> None:
    world, location = salon()
    calendar = world.calendars.find(location.id, CUTS)
    assert calendar is not None
    seats = {**calendar.model_dump(by_alias=True), "calendarType": "class_booking", "appoinmentPerSlot": 6}
    world.calendars.put(location.id, CUTS, Calendar.model_validate(seats))
    for person, status in ((DANA, "confirmed"), (DANA, "new"), (DANA, "cancelled"), (KIM, "confirmed")):
        book(world, at("09:00"), assigned_user_id=person, appointment_status=status)
    first, *_, last = week(world).days[0].free
    assert (first.seats, last.seats) == ("9 of 12 seats left", "12 of 12 seats left")
    assert (first.beside, first.told) == (True, "Book 09:00 9 of 12 seats left")


def test_service_bookings_stand_with_their_staff_and_on_calendars_of_their_type() -> None:
    world, location = salon()
    times = {"service_start_time": at("10:00"), "service_end_time": at("11:00")}
    parts = [
        {"id": "colour", "service_staff_id": KIM, **times},
        {"id": "gone", "service_staff_id": DANA, "service_start_time": at("11:00"), "service_end_time": at("11:30")},
    ]
    said = {"start_time": at("10:00"), "end_time": at("11:30"), "services": parts, "contact_id": ADA}
    colour = {"id": "colour", "location_id": location.id, "name": "Colour"}
    world.services.put(location.id, "colour", Service.model_validate(colour))
    for booking_id, more in (("one", {"status": "no_show"}), ("two", {"deleted": True})):
        booking = {"booking_id": booking_id, "location_id": location.id, **said, **more}
        world.service_bookings.put(location.id, booking_id, ServiceBooking.model_validate(booking))
    assert week(world).days[0].boxes == ()
    [box] = week(world, of=f"person:{KIM}").days[0].boxes
    assert (box.entry.time, box.entry.name, box.entry.about) == ("10:00–11:00", "Ada Example", "Kim · Colour")
    assert (box.entry.status_words, "gone" in box.kinds.split()) == ("no-show", True)
    assert box.entry.address == f"/_sandbox/page/service-bookings/one?of=person%3A{KIM}"
    calendar = world.calendars.find(location.id, CUTS)
    assert calendar is not None
    world.calendars.put(location.id, CUTS, calendar.model_copy(update={"calendar_type": "service_booking"}))
    monday = week(world).days[0]
    assert [(box.entry.about, box.entry.id) for box in monday.boxes] == [("Kim · Colour", "one"), ("Dana · gone", "")]


def test_a_calendar_that_looks_busy_hides_as_much_here_as_in_the_api() -> None:
    world, location = salon()
    calendar = world.calendars.find(location.id, CUTS)
    assert calendar is not None
    busy = {**calendar.model_dump(by_alias=True), "lookBusyConfig": {"enabled": True, "LookBusyPercentage": 50}}
    world.calendars.put(location.id, CUTS, Calendar.model_validate(busy))
    assert len(week(world).days[0].free) == 8


def test_the_clock_of_another_zone_moves_everything_and_days_with_it() -> None:
    world, _ = salon()
    book(world, at("16:30"))
    drawn = week(world, zone="Asia/Tokyo")
    assert [boxes(day) for day in drawn.days[:2]] == [[], [("01:30–02:30", "Ada Example")]]
    assert (drawn.days[0].free[0].time, drawn.days[0].free[0].start) == ("18:00", at("09:00"))


def test_what_lasts_over_midnight_is_drawn_on_both_days() -> None:
    world, _ = salon()
    book(world, at("23:00", 24), 180)
    drawn = week(world)
    [before], [after] = drawn.days[1].boxes, drawn.days[2].boxes
    assert (minutes_of(drawn, before), before.goes_on) == ((1380, 1440), False)
    assert (minutes_of(drawn, after), after.goes_on) == ((0, 120), True)
    book(world, at("22:00", 26), 120)
    assert len(week(world).days[4].boxes) == 0


def test_the_days_on_which_the_clocks_change_are_drawn_by_the_clock_on_the_wall() -> None:
    world, _ = salon()
    book(world, at("09:00", 29))
    spring = week(world)
    assert [box.entry.time for box in spring.days[6].boxes] == ["10:00–11:00"]
    autumn = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    book(world, autumn)  # from 01:30 to 01:30
    book(world, autumn + timedelta(hours=1))  # from 01:30 to 02:30
    drawn = week(world, week="2026-10-25")
    assert [box.time for box in drawn.days[6].boxes] == ["01:30 BST–01:30 GMT", "01:30 GMT–02:30"]
    assert sorted((box.lane.number, box.lane.of) for box in drawn.days[6].boxes) == [(0, 2), (1, 2)]


def test_blocks_of_the_team_stand_in_its_calendar_and_a_person_has_all_of_their_own() -> None:
    world, location = salon()

    def block(block_id: str, **whose: str) -> None:
        span = {"start_time": at("12:00"), "end_time": at("13:00"), "date_added": MONDAY}
        world.diary.keep_block(
            Block.model_validate({"id": block_id, "location_id": location.id, "title": "Lunch", **span, **whose})
        )

    block("of-kim", assigned_user_id=KIM)
    block("of-the-room", calendar_id=ROOM)
    book(world, at("15:00", 24), calendar_id=ROOM, assigned_user_id=None, users=(KIM,))
    book(world, at("09:00"), assigned_user_id=DANA)
    cuts, kim, room = (week(world, of=of) for of in (f"calendar:{CUTS}", f"person:{KIM}", f"calendar:{ROOM}"))
    assert [box.entry.about for box in cuts.days[0].boxes] == ["Dana · Cuts", "Kim"]
    assert [box.entry.kind for box in kim.days[0].boxes] == ["block"]
    assert boxes(kim.days[1]) == [("15:00–16:00", "Ada Example")]
    assert [box.entry.about for box in room.days[0].boxes] == ["Training room"]


def test_the_line_of_now_is_drawn_today_and_follows_a_clock_that_was_moved() -> None:
    world, _ = salon()
    assert [day.now for day in week(world).days] == [0, *[None] * 6]
    world.ahead = timedelta(days=1, hours=4)
    assert [day.now for day in week(world).days] == [None, 48, *[None] * 5]
    world.ahead = timedelta(hours=15)
    assert [day.now for day in week(world).days] == [None] * 7


def test_other_locations_stay_out_of_it() -> None:
    world, _ = salon()
    stranger = book(world, at("09:00")).changed(id="stranger", location_id="elsewhere")
    world.diary.keep(stranger)
    assert len(week(world).days[0].boxes) == 1


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"location": "nowhere"}, 404),
        ({"of": "calendar:nothing"}, 404),
        ({"of": f"calendar:{DANA}"}, 404),
        ({"of": "person:nobody"}, 404),
        ({"of": "nonsense"}, 404),
        ({"week": "yesterday"}, 422),
        ({"week": "9999-12-31"}, 422),
        ({"week": "0001-01-01"}, 422),
        ({"zone": "Mars/Olympus"}, 422),
        ({"zone": "Europe"}, 422),
        ({"zone": "../../etc/passwd"}, 422),
        ({"zone": "a\0b"}, 422),
    ],
)
def test_what_cannot_be_looked_at_is_said_so(query: dict[str, str], status: int) -> None:
    world, _ = salon()
    with pytest.raises(Unclear) as raised:
        read_view(world, query)
    assert raised.value.status == status
    assert raised.value.detail.endswith(".")


def test_a_link_keeps_the_view_but_for_what_it_changes() -> None:
    world, _ = salon()
    shown = view(world, of=f"person:{DANA}", zone="UTC", week="2026-03-25", other="dropped")
    assert shown.link() == f"/_sandbox/?of=person%3A{DANA}&week=2026-03-25&zone=UTC"
    assert shown.link(week=None, zone=None) == f"/_sandbox/?of=person%3A{DANA}"
    assert view(world).link() == "/_sandbox/"
    assert view(world).booking_link("a/b?c_1") == "/_sandbox/page/bookings/a%2Fb%3Fc_1"
    assert shown.location.id == LOCATION


spans = st.lists(st.builds(Span, st.integers(0, 60), st.integers(1, 20)), max_size=25)


@given(spans, st.lists(st.builds(Span, st.integers(0, 60), st.integers(1, 6)), max_size=6))
def test_nothing_that_overlaps_shares_a_lane(drawn: list[Span], free: list[Span]) -> None:
    lanes, more = side_by_side(drawn, free)
    assert len(lanes) == len(drawn)
    for index, span in enumerate(drawn):
        lane = lanes[index]
        assert 0 <= lane.number < lane.of <= MOST - lane.strip - lane.full
        if any(span.overlaps(each) for each in free):
            assert lane.strip
        for other in range(index):
            if drawn[other].top < span.bottom and span.top < drawn[other].bottom:
                assert lanes[other].of == lane.of
                assert lanes[other].number != lane.number or lane.beyond or lanes[other].beyond
    assert sum(each.count for each in more) == sum(lane.beyond for lane in lanes)
    for span, lane in zip(drawn, lanes, strict=True):
        if lane.beyond:
            assert any(each.span.top <= span.top and span.bottom <= each.span.bottom for each in more)


@given(spans)
def test_what_overlaps_nothing_has_the_whole_width(drawn: list[Span]) -> None:
    lanes, _ = side_by_side(drawn)
    for index, span in enumerate(drawn):
        others = drawn[:index] + drawn[index + 1 :]
        if not any(other.top < span.bottom and span.top < other.bottom for other in others):
            assert lanes[index].of == 1
