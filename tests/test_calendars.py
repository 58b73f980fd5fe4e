"""Calendars: what goes over the wire, what is refused before, what is read."""

import json
from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from service.highlevel.calendar_settings import (
    BusyLook,
    CreateCalendar,
    DateHours,
    EditCalendar,
    Hours,
    InlineNotice,
    MeetingPlace,
    Member,
    Recurrence,
    WeekdayHours,
)
from service.highlevel.calendars import (
    CalendarReply,
    CalendarsReply,
    DeleteCalendar,
    DeletedCalendarReply,
    GetCalendar,
    ListCalendars,
)
from service.highlevel.operation import Operation

NINE_TO_FIVE = Hours(open_hour=9, open_minute=0, close_hour=17, close_minute=30)
SENT_HOURS = {"openHour": 9, "openMinute": 0, "closeHour": 17, "closeMinute": 30}
KIM = {"user_id": "kim"}

RECORDED: dict[str, Any] = {
    "id": "fair",
    "locationId": "place",
    "name": "Consultation",
    "calendarType": "event",
    "eventTitle": "{{contact.name}}",
    "eventColor": "#039BE5",
    "slotDuration": 30,
    "slotDurationUnit": "mins",
    "slotInterval": 30,
    "slotIntervalUnit": "mins",
    "slotBufferUnit": "mins",
    "appoinmentPerSlot": 1,
    "appointmentPerSlot": 1,
    "openHours": {},
    "enableRecurring": False,
    "autoConfirm": True,
    "googleInvitationEmails": True,
    "allowReschedule": True,
    "allowCancellation": True,
    "formSubmitType": "ThankYouMessage",
    "availabilities": [],
    "preBufferUnit": "mins",
    "isActive": True,
}
"""A calendar as listed: what is unset is left out, and there are no team members."""


@pytest.mark.parametrize(
    ("operation", "sent"),
    [
        (ListCalendars(location_id="place"), ("GET", "/calendars/?locationId=place", None)),
        (
            ListCalendars(location_id="place", group_id="all", show_drafted=False),
            ("GET", "/calendars/?locationId=place&groupId=all&showDrafted=false", None),
        ),
        (GetCalendar(calendar_id="cuts"), ("GET", "/calendars/cuts", None)),
        (DeleteCalendar(calendar_id="cuts"), ("DELETE", "/calendars/cuts", None)),
        (
            CreateCalendar(
                location_id="place",
                name="Cuts",
                calendar_type="collective",
                team_members=(
                    Member(
                        user_id="kim",
                        priority=0.5,
                        is_primary=True,
                        location_configurations=(MeetingPlace(kind="physical", location="High Street"),),
                    ),
                    Member(user_id="dana", priority=1),
                ),
                slot_duration=1.5,
                slot_duration_unit="hours",
                slot_buffer=10,
                slot_buffer_unit="mins",
                appointment_per_slot=2,
                appointment_per_day=8,
                allow_booking_after_unit="mins",
                open_hours=(WeekdayHours(days_of_the_week=(1, 6), hours=(NINE_TO_FIVE,)),),
                availability_type=None,
                availabilities=(DateHours(date=date(2026, 12, 24), hours=(NINE_TO_FIVE,)),),
                recurring=Recurrence(freq="WEEKLY", count=24, booking_option="book_next"),
                form_submit_type="RedirectURL",
                form_submit_redirect_url="https://salon.example.com/thanks",
                look_busy_config=BusyLook(enabled=True, look_busy_percentage=20),
                notifications=(
                    InlineNotice(
                        type="email",
                        should_send_to_contact=True,
                        should_send_to_guest=False,
                        should_send_to_user=False,
                        should_send_to_selected_users=True,
                        selected_users="kim@example.com",
                    ),
                ),
            ),
            (
                "POST",
                "/calendars/",
                {
                    "locationId": "place",
                    "name": "Cuts",
                    "calendarType": "collective",
                    "teamMembers": [
                        {
                            "userId": "kim",
                            "priority": 0.5,
                            "isPrimary": True,
                            "locationConfigurations": [{"kind": "physical", "location": "High Street"}],
                        },
                        {"userId": "dana", "priority": 1},
                    ],
                    "slotDuration": 1.5,
                    "slotDurationUnit": "hours",
                    "slotBuffer": 10,
                    "slotBufferUnit": "mins",
                    "appoinmentPerSlot": 2,
                    "appoinmentPerDay": 8,
                    "allowBookingAfterUnit": "mins",
                    "openHours": [{"daysOfTheWeek": [1, 6], "hours": [SENT_HOURS]}],
                    "availabilityType": None,
                    "availabilities": [{"date": "2026-12-24T00:00:00.000Z", "hours": [SENT_HOURS]}],
                    "recurring": {"freq": "WEEKLY", "count": 24, "bookingOption": "book_next"},
                    "formSubmitType": "RedirectURL",
                    "formSubmitRedirectURL": "https://salon.example.com/thanks",
                    "lookBusyConfig": {"enabled": True, "LookBusyPercentage": 20},
                    "notifications": [
                        {
                            "type": "email",
                            "shouldSendToContact": True,
                            "shouldSendToGuest": False,
                            "shouldSendToUser": False,
                            "shouldSendToSelectedUsers": True,
                            "selectedUsers": "kim@example.com",
                        }
                    ],
                },
            ),
        ),
        (
            EditCalendar(
                calendar_id="cuts",
                should_skip_assigning_contact_for_existing=True,
                slot_interval=15,
                availabilities=(DateHours(id="a1", date=date(2026, 12, 24), hours=(), deleted=True),),
            ),
            (
                "PUT",
                "/calendars/cuts",
                {
                    "shouldSkipAssigningContactForExisting": True,
                    "slotInterval": 15,
                    "availabilities": [{"id": "a1", "date": "2026-12-24T00:00:00.000Z", "hours": [], "deleted": True}],
                },
            ),
        ),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, Operation) else "",
)
def test_a_call_goes_out_as_it_is_written_down(operation: Operation[Any], sent: tuple[str, str, Any]) -> None:
    wire = operation.wire()
    assert (wire.method, wire.target, wire.body) == sent
    assert json.dumps(wire.body) == json.dumps(sent[2]) or wire.body == sent[2]
    assert Operation.restored(operation.stored()) == operation


def test_whole_numbers_stay_whole_on_the_wire() -> None:
    body = EditCalendar(calendar_id="cuts", slot_duration=30, slot_interval=30.5).wire().body
    assert json.dumps(body) == '{"slotDuration": 30, "slotInterval": 30.5}'


NEW = {"location_id": "place", "name": "Cuts"}


@pytest.mark.parametrize(
    ("operation", "fields", "reason"),
    [
        (CreateCalendar, {**NEW, "calendar_type": "round_robin"}, "needs team_members"),
        (CreateCalendar, {**NEW, "calendar_type": "class_booking", "team_members": []}, "needs team_members"),
        (CreateCalendar, {**NEW, "calendar_type": "personal"}, "exactly one of team_members"),
        (CreateCalendar, {**NEW, "calendar_type": "personal", "team_members": [KIM, KIM]}, "exactly one"),
        (CreateCalendar, {**NEW, "calendar_type": "collective", "team_members": [KIM]}, "to be is_primary"),
        (
            CreateCalendar,
            {**NEW, "team_members": [{**KIM, "is_primary": True}, {**KIM, "is_primary": True}]},
            "only one of team_members",
        ),
        (
            CreateCalendar,
            {**NEW, "calendar_type": "event", "location_configurations": [{"kind": "zoom_conference"}]},
            "event has no zoom_conference",
        ),
        (
            CreateCalendar,
            {**NEW, "availabilities": [{"date": "2026-12-24", "hours": [], "id": "a1"}]},
            "have no id yet",
        ),
        (CreateCalendar, {**NEW, "team_members": [{**KIM, "priority": 0.7}]}, "0, 0.5 or 1"),
        (CreateCalendar, {**NEW, "recurring": {"count": 25}}, "less than or equal to 24"),
        (CreateCalendar, {**NEW, "open_hours": [{"days_of_the_week": [7], "hours": []}]}, "less than or equal to 6"),
        (CreateCalendar, {**NEW, "appointment_per_hour": 1}, "Extra inputs are not permitted"),
        (EditCalendar, {"calendar_id": "cuts", "calendar_type": "event"}, "Extra inputs are not permitted"),
        (EditCalendar, {"calendar_id": "cuts", "look_busy_config": {"enabled": True}}, "LookBusyPercentage"),
        (EditCalendar, {"calendar_id": "cuts", "slot_duration_unit": "days"}, "'mins' or 'hours'"),
        (Hours, {**SENT_HOURS, "closeHour": 24}, "less than or equal to 23"),
        (Hours, {**SENT_HOURS, "closeHour": 8}, "hours close after they open"),
        (Hours, {**SENT_HOURS, "closeHour": 9, "closeMinute": 0}, "hours close after they open"),
    ],
)
def test_what_cannot_be_is_refused_before_it_is_sent(
    operation: type[Operation[Any]], fields: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ValidationError, match=reason):
        operation.model_validate(fields)


def test_a_calendar_is_read_as_listed_with_much_left_out() -> None:
    (calendar,) = CalendarsReply.read_json(json.dumps({"calendars": [RECORDED], "traceId": "t"}).encode()).calendars
    assert (calendar.open_hours, calendar.team, calendar.appointment_per_slot) == ((), (), 1)
    assert (calendar.slot_minutes, calendar.interval_minutes, calendar.slot_buffer) == (30, 30, None)
    assert calendar.model_extra == {"appointmentPerSlot": 1}


def test_a_calendar_is_read_with_all_that_is_set() -> None:
    full = {
        **RECORDED,
        "slotDuration": 1.5,
        "slotDurationUnit": "hours",
        "teamMembers": [{"userId": "kim", "locationConfigurations": [{"kind": "custom", "meetingId": "custom_0"}]}],
        "openHours": [{"daysOfTheWeek": [0], "hours": [SENT_HOURS]}],
        "availabilityType": None,
        "availabilities": [{"id": "a1", "date": "2026-12-24T05:00:00.000Z", "hours": [SENT_HOURS], "deleted": False}],
        "appoinmentPerDay": 8,
        "lookBusyConfig": {"enabled": True, "LookBusyPercentage": 20},
        "formSubmitRedirectURL": "https://salon.example.com/thanks",
        "recurring": {"freq": "DAILY", "count": 3},
    }
    calendar = CalendarReply.read({"calendar": full}).calendar
    assert (calendar.slot_minutes, calendar.team, calendar.appointment_per_day) == (90, ("kim",), 8)
    assert calendar.team_members[0].location_configurations[0].meeting_id == "custom_0"
    assert (calendar.open_hours[0].days_of_the_week, calendar.open_hours[0].hours[0].close_minute) == ((0,), 30)
    assert calendar.availabilities[0].date == date(2026, 12, 24)
    assert calendar.look_busy_config is not None
    assert calendar.look_busy_config.look_busy_percentage == 20
    assert calendar.form_submit_redirect_url == "https://salon.example.com/thanks"


@pytest.mark.parametrize(
    ("answer", "success", "name"),
    [
        ({"success": True}, True, None),
        ({"success": False}, False, None),
        ({"message": "calendar deleted", "calendar": {"id": "fair", "name": "Fair", "version": 2}}, True, "Fair"),
    ],
)
def test_the_answer_to_deleting_a_calendar_is_read_in_both_shapes(
    answer: dict[str, Any], success: bool, name: str | None
) -> None:
    reply = DeletedCalendarReply.read(answer)
    assert (reply.success, reply.calendar and reply.calendar.name) == (success, name)
