"""Schedules of users and of event calendars: what goes over the wire, what is refused before, what is read."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from service.highlevel.event_calendar_schedules import (
    CreateEventCalendarSchedule,
    EditEventCalendarSchedule,
    EventCalendarScheduleReply,
    GetEventCalendarSchedule,
)
from service.highlevel.operation import Operation
from service.highlevel.schedules import (
    AddCalendarToSchedule,
    CreateSchedule,
    DeleteSchedule,
    EditSchedule,
    GetSchedule,
    RemoveCalendarFromSchedule,
    ScheduleDone,
    ScheduleInterval,
    ScheduleReply,
    ScheduleRule,
    SchedulesReply,
    SearchSchedules,
)

MONDAYS = ScheduleRule(type="wday", day="monday", intervals=(ScheduleInterval(start="09:00", end="17:00"),))
CLOSED = ScheduleRule(type="date", date=date(2026, 12, 24), intervals=())
RULES: list[dict[str, Any]] = [
    {"type": "wday", "day": "monday", "intervals": [{"from": "09:00", "to": "17:00"}]},
    {"type": "date", "date": "2026-12-24", "intervals": []},
]
KEPT = {
    "id": "hours",
    "name": "Business hours",
    "locationId": "place",
    "userId": "kim",
    "timezone": "America/New_York",
    "rules": RULES,
    "calendarIds": ["cuts"],
    "dateAdded": "2023-01-15T10:30:00.000Z",
    "dateUpdated": "2023-01-20T14:45:00.000Z",
    "deleted": False,
}
ALONE = "/calendars/schedules/event-calendar/fair"


@pytest.mark.parametrize(
    ("operation", "sent"),
    [
        (
            SearchSchedules(location_id="place", user_id="kim", calendar_id="cuts", skip=0, limit=500),
            ("GET", "/calendars/schedules/search?locationId=place&userId=kim&calendarId=cuts&skip=0&limit=500", None),
        ),
        (
            CreateSchedule(
                name="Hours",
                location_id="place",
                user_id="kim",
                timezone="America/Argentina/Buenos_Aires",
                rules=(MONDAYS, CLOSED),
                calendar_ids=("cuts",),
            ),
            (
                "POST",
                "/calendars/schedules",
                {
                    "name": "Hours",
                    "locationId": "place",
                    "userId": "kim",
                    "timezone": "America/Argentina/Buenos_Aires",
                    "rules": RULES,
                    "calendarIds": ["cuts"],
                },
            ),
        ),
        (GetSchedule(schedule_id="hours"), ("GET", "/calendars/schedules/hours", None)),
        (EditSchedule(schedule_id="hours", rules=()), ("PUT", "/calendars/schedules/hours", {"rules": []})),
        (DeleteSchedule(schedule_id="hours"), ("DELETE", "/calendars/schedules/hours", None)),
        (
            AddCalendarToSchedule(schedule_id="hours", calendar_id="cuts"),
            ("PUT", "/calendars/schedules/hours/associations/cuts", None),
        ),
        (
            RemoveCalendarFromSchedule(schedule_id="hours", calendar_id="cuts"),
            ("DELETE", "/calendars/schedules/hours/associations/cuts", None),
        ),
        (
            CreateEventCalendarSchedule(calendar_id="fair", rules=(MONDAYS,), timezone="UTC"),
            ("POST", ALONE, {"rules": RULES[:1], "timezone": "UTC"}),
        ),
        (GetEventCalendarSchedule(calendar_id="fair"), ("GET", ALONE, None)),
        (
            EditEventCalendarSchedule(calendar_id="fair", timezone="Europe/Berlin"),
            ("PUT", ALONE, {"timezone": "Europe/Berlin"}),
        ),
    ],
    ids=lambda given: type(given).__name__,
)
def test_a_call_goes_out_as_published(operation: Operation[Any], sent: tuple[str, str, Any]) -> None:
    wire = operation.wire()
    assert (wire.method, wire.target, wire.body) == sent
    assert Operation.restored(operation.stored()).wire() == wire
    assert operation.version == ("v3" if "event-calendar" in wire.path else "")


@pytest.mark.parametrize("zone", ["Mars/Base", "America", "", "../etc/passwd", "Europe/Berlin\0", "+02:00"])
def test_a_time_zone_that_is_none_is_refused(zone: str) -> None:
    with pytest.raises(ValidationError, match="IANA"):
        EditSchedule(schedule_id="hours", timezone=zone)
    with pytest.raises(ValidationError, match="IANA"):
        EditEventCalendarSchedule(calendar_id="fair", timezone=zone)


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ({"type": "wday"}, "has a day"),
        ({"type": "wday", "date": "2026-12-24"}, "has a day"),
        ({"type": "wday", "day": "monday", "date": "2026-12-24"}, "no date"),
        ({"type": "date"}, "has a date"),
        ({"type": "date", "day": "monday"}, "has a date"),
        ({"type": "date", "day": "monday", "date": "2026-12-24"}, "no day"),
        ({"type": "month", "day": "monday"}, "wday"),
        ({"type": "wday", "day": "Monday"}, "monday"),
        ({"type": "date", "date": "2026-02-30"}, "date"),
        ({"type": "date", "date": "2026-12-24", "name": "Eve"}, "Extra"),
    ],
)
def test_a_rule_says_its_weekday_or_its_date_and_nothing_else(rule: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        ScheduleRule.model_validate({"intervals": [], **rule})


@pytest.mark.parametrize(
    ("start", "end"), [("17:00", "09:00"), ("9:00", "09:00"), ("24:00", "0:00"), ("09:00", "24:00"), ("9", "17:00")]
)
def test_an_interval_that_cannot_be_is_refused(start: str, end: str) -> None:
    with pytest.raises(ValidationError):
        ScheduleInterval(start=start, end=end)


@pytest.mark.parametrize(
    ("start", "end"), [("9:00", "17:00"), ("09:59", "10:00"), ("18:00", "00:00"), ("0:00", "0:00")]
)
def test_an_interval_may_reach_to_midnight_and_keeps_its_writing(start: str, end: str) -> None:
    assert ScheduleInterval(start=start, end=end).model_dump(by_alias=True) == {"from": start, "to": end}


@pytest.mark.parametrize("fields", [{"limit": 0}, {"limit": 501}, {"skip": -1}])
def test_a_page_has_its_limits(fields: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        SearchSchedules.model_validate({"location_id": "place", "user_id": "kim", **fields})


def test_a_schedule_is_read_with_aware_times() -> None:
    schedule = ScheduleReply.read({"schedule": KEPT, "traceId": "trace"}).schedule
    assert schedule.date_added == datetime(2023, 1, 15, 10, 30, tzinfo=UTC)
    assert schedule.rules[1].date == date(2026, 12, 24)
    assert (schedule.rules[0].intervals[0].start, schedule.rules[0].intervals[0].end) == ("09:00", "17:00")
    assert SchedulesReply.read({"schedules": [KEPT]}).schedules == (schedule,)
    assert ScheduleReply.read({"schedule": schedule.model_dump(mode="json", by_alias=True)}).schedule == schedule


def test_what_is_read_can_be_sent_again() -> None:
    kept = ScheduleReply.read({"schedule": {**KEPT, "rules": [{**RULES[0], "date": None, "id": "x"}, RULES[1]]}})
    assert tuple(rule.to_send() for rule in kept.schedule.rules) == (MONDAYS, CLOSED)
    edit = EditSchedule(schedule_id="hours", rules=tuple(rule.to_send() for rule in kept.schedule.rules))
    assert edit.wire().body == {"rules": RULES}


def test_a_schedule_is_read_though_little_was_said() -> None:
    little = {"id": "hours", "locationId": "place", "timezone": "UTC"}
    assert ScheduleReply.read({"schedule": little}).schedule.rules == ()
    alone = EventCalendarScheduleReply.read({"schedule": {"calendarId": "fair", "timezone": "UTC", "dateAdded": None}})
    assert (alone.schedule.rules, alone.schedule.date_added) == ((), None)


def test_an_event_calendars_schedule_is_read_with_aware_times() -> None:
    told = {"calendarId": "fair", "timezone": "UTC", "rules": RULES, "dateUpdated": "2026-07-17T10:58:08.987Z"}
    schedule = EventCalendarScheduleReply.read({"schedule": told}).schedule
    assert schedule.date_updated == datetime(2026, 7, 17, 10, 58, 8, 987000, tzinfo=UTC)
    assert schedule.rules[1].to_send() == CLOSED


def test_an_association_says_whether_it_was_done() -> None:
    assert not ScheduleDone.read({"success": False}).success
