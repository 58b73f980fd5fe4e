"""Times on the sandbox's page that are no ordinary ones: hours that come twice, days on end, the calendar's edges."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest

from service.highlevel.calendars import Calendar
from service.sandbox.page.sheet import moves, sheet_of
from service.sandbox.page.upcoming import upcoming_of
from service.sandbox.page.week import Week, week_of
from service.sandbox.page.words import span_words
from tests.sandbox_pages import at, book, salon, view, week
from tests.sandboxes import CUTS, ROOM


def test_places_of_an_hour_that_comes_twice_stand_side_by_side_and_say_which_is_which() -> None:
    world, location = salon()
    calendar = world.calendars.find(location.id, ROOM)
    assert calendar is not None
    hours = [{"daysOfTheWeek": [0], "hours": [{"openHour": 0, "openMinute": 0, "closeHour": 4, "closeMinute": 0}]}]
    said = {**calendar.model_dump(by_alias=True), "openHours": hours}
    world.calendars.put(location.id, ROOM, Calendar.model_validate(said))
    sunday = week(world, of=f"calendar:{ROOM}", week="2026-10-25").days[6]
    assert [(place.time, place.half) for place in sunday.free] == [
        ("00:00", ""),
        ("01:00 BST", "first"),
        ("01:00 GMT", "second"),
        ("02:00", ""),
        ("03:00", ""),
    ]
    assert not sunday.twice
    # Drawn up to the hour at which the clocks go back.
    assert [place.span.height for place in sunday.free] == [12] * 5
    assert span_words(sunday.free[1].start, sunday.free[2].start, ZoneInfo("Europe/London")) == (
        "Sun 25 Oct 2026, 01:00 BST–01:00 GMT"
    )


def test_what_is_on_in_an_hour_that_comes_twice_leaves_room_for_the_places_of_both() -> None:
    world, location = salon()
    calendar = world.calendars.find(location.id, CUTS)
    assert calendar is not None
    hours = [{"daysOfTheWeek": [0], "hours": [{"openHour": 1, "openMinute": 0, "closeHour": 2, "closeMinute": 0}]}]
    world.calendars.put(
        location.id, CUTS, Calendar.model_validate({**calendar.model_dump(by_alias=True), "openHours": hours})
    )
    book(world, datetime(2026, 10, 25, 0, 30, tzinfo=UTC))
    sunday = week(world, week="2026-10-25").days[6]
    assert [(place.told, place.half, place.beside) for place in sunday.free] == [
        ("Book 01:00 BST", "first", False),
        ("Book 01:30 BST", "first", True),
        ("Book 01:00 GMT", "second", True),
    ]
    [box] = sunday.boxes
    assert (box.time, box.span.height, sunday.twice) == ("01:30 BST–01:30 GMT", 6, True)


def test_what_lasts_for_days_says_on_each_of_them_when_it_begins_and_ends() -> None:
    world, location = salon()
    book(world, at("22:00", 24), 60 * 36)
    book(world, at("12:00", 27), 60 * 12)
    times = [[box.time for box in day.boxes] for day in week(world).days]
    assert times[1:4] == [["22:00–Thu 26 Mar, 10:00"], ["all day"], ["Tue 24 Mar, 22:00–10:00"]]
    assert times[4] == ["12:00–24:00"]
    box = week(world).days[2].boxes[0]
    assert "Tue 24 Mar, 22:00–Thu 26 Mar, 10:00 Ada Example" in box.entry.told
    zone = location.timezone
    assert span_words(at("22:00", 24), at("10:00", 26), zone) == "Tue 24 Mar 2026, 22:00–Thu 26 Mar, 10:00"
    assert span_words(at("00:00"), at("00:00", 24), zone) == "Mon 23 Mar 2026, 00:00–24:00"
    new_year = datetime(2027, 1, 2, tzinfo=UTC)
    assert span_words(at("22:00"), new_year, zone) == "Mon 23 Mar 2026, 22:00–Sat 2 Jan 2027, 00:00"


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_the_edges_of_the_calendar_are_drawn_in_every_zone(zone: str) -> None:
    world, location = salon()
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    always = book(world, at("09:00"), appointment_status="cancelled").changed(start_time=first, end_time=last)
    world.diary.keep(always)
    world.diary.keep(always.changed(id="late", start_time=last - timedelta(hours=1)))
    world.diary.keep(always.changed(id="early", end_time=first + timedelta(hours=1)))
    drawn = view(world, zone=zone)
    assert [box.time for day in week_of(world, drawn).days for box in day.boxes] == ["all day"] * 7
    world.diary.keep(always.changed(id="next", start_time=last - timedelta(hours=1), appointment_status="new"))
    assert upcoming_of(world, drawn, Week((), 0, 24)) is not None
    for appointment in world.diary.appointments.of(location.id):
        assert sheet_of(world, drawn, appointment).when
        assert moves(world, drawn, appointment)
        asked = parse_qs(urlsplit(drawn.day_link(appointment.start_time)).query)["week"][0]
        assert asked in ("1971-01-01", "8999-12-31")
        assert view(world, week=asked, zone=zone).days
