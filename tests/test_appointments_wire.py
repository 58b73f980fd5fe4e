"""Appointments: what goes over the wire, what is refused before, what is read."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import ValidationError

from service.highlevel.appointments import (
    AppointmentReply,
    CreateAppointment,
    DeletedReply,
    DeleteEvent,
    EditAppointment,
    EventsReply,
    GetAppointment,
    ListEvents,
    WrittenAppointment,
)
from service.highlevel.operation import Operation
from service.highlevel.reply import Reply

SIX, SEVEN = "2026-03-26T18:00:00+01:00", "2026-03-26T19:00:00+01:00"
SIX_IN_UTC = datetime(2026, 3, 26, 17, tzinfo=UTC)
NEW: dict[str, Any] = {"calendar_id": "cuts", "location_id": "place", "contact_id": "ada", "start_time": SIX}
CHANGED: dict[str, Any] = {"event_id": "e1", "appointment_status": "confirmed"}
WINDOW: dict[str, Any] = {"location_id": "place", "start_time": 1, "end_time": 2}
APPOINTMENTS = "/calendars/events/appointments"

RECORDED: dict[str, Any] = {
    "appointmentStatus": "confirmed",
    "appoinmentStatus": "confirmed",
    "address": "",
    "calendarId": "cuts",
    "contactId": "ada",
    "dateAdded": "2026-07-17T10:57:59.007Z",
    "dateUpdated": "2026-07-17T10:57:59.007Z",
    "endTime": "2026-07-20T13:00:00+02:00",
    "id": "e1",
    "locationId": "place",
    "startTime": "2026-07-20T12:00:00+02:00",
    "title": "Ada Example",
    "assignedResources": [],
    "isRecurring": False,
    "createdBy": {"source": "third_party", "userId": None},
    "deleted": False,
}
"""An event of a calendar without a team, as recorded."""


@pytest.mark.parametrize(
    ("operation", "sent"),
    [
        (
            CreateAppointment(
                **NEW,
                end_time=SEVEN,
                title="Cut",
                meeting_location_type="ms_teams",
                meeting_location_id="custom_0",
                override_location_config=True,
                appointment_status="new",
                assigned_user_id="kim",
                description="Short",
                address="High Street",
                ignore_date_range=False,
                to_notify=False,
                ignore_free_slot_validation=True,
                rrule="RRULE:FREQ=DAILY;INTERVAL=1;COUNT=5",
            ),
            (
                "POST",
                APPOINTMENTS,
                {
                    "calendarId": "cuts",
                    "locationId": "place",
                    "contactId": "ada",
                    "startTime": SIX,
                    "endTime": SEVEN,
                    "title": "Cut",
                    "meetingLocationType": "ms_teams",
                    "meetingLocationId": "custom_0",
                    "overrideLocationConfig": True,
                    "appointmentStatus": "new",
                    "assignedUserId": "kim",
                    "description": "Short",
                    "address": "High Street",
                    "ignoreDateRange": False,
                    "toNotify": False,
                    "ignoreFreeSlotValidation": True,
                    "rrule": "RRULE:FREQ=DAILY;INTERVAL=1;COUNT=5",
                },
            ),
        ),
        (
            EditAppointment(**CHANGED, end_time=SIX, start_time=SIX, assigned_user_id=None),
            (
                "PUT",
                f"{APPOINTMENTS}/e1",
                {"appointmentStatus": "confirmed", "startTime": SIX, "endTime": SIX, "assignedUserId": None},
            ),
        ),
        (GetAppointment(event_id="e1_1729821600000_1800"), ("GET", f"{APPOINTMENTS}/e1_1729821600000_1800", None)),
        (
            ListEvents(**WINDOW, user_id="kim"),
            ("GET", "/calendars/events?locationId=place&startTime=1&endTime=2&userId=kim", None),
        ),
        (DeleteEvent(event_id="e1"), ("DELETE", "/calendars/events/e1", {})),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, Operation) else "",
)
def test_a_call_goes_out_as_it_is_written_down(operation: Operation[Any], sent: tuple[str, str, Any]) -> None:
    wire = operation.wire()
    assert (wire.method, wire.target, wire.body) == sent
    assert Operation.restored(operation.stored()) == operation


@pytest.mark.parametrize(
    ("operation", "fields", "reason"),
    [
        (CreateAppointment, {**NEW, "start_time": "2026-03-26T18:00:00"}, "needs its offset"),
        (CreateAppointment, {**NEW, "end_time": "2026-03-26T17:59:59+01:00"}, "end_time is before start_time"),
        (CreateAppointment, {**NEW, "end_time": "2026-03-26T18:30:00+02:00"}, "end_time is before start_time"),
        (CreateAppointment, {**NEW, "rrule": "FREQ=DAILY"}, "rrule is only heeded with ignore_free_slot_validation"),
        (
            CreateAppointment,
            {**NEW, "rrule": "FREQ=DAILY", "ignore_free_slot_validation": False},
            "rrule is only heeded with ignore_free_slot_validation",
        ),
        (CreateAppointment, {**NEW, "appointment_status": "no_show"}, "Input should be 'new'"),
        (CreateAppointment, {**NEW, "meeting_location_type": "teams"}, "Input should be 'custom'"),
        (CreateAppointment, {**NEW, "assigned_to": "kim"}, "Extra inputs are not permitted"),
        (EditAppointment, {"event_id": "e1"}, "appointmentStatus"),
        (EditAppointment, {**CHANGED, "start_time": SEVEN, "end_time": SIX}, "end_time is before start_time"),
        (EditAppointment, {**CHANGED, "rrule": "FREQ=DAILY"}, "rrule is only heeded"),
        (EditAppointment, {**CHANGED, "event_id": "e1/notes"}, "would change the path"),
        (ListEvents, WINDOW, "one of user_id, calendar_id or group_id is needed"),
        (ListEvents, {**WINDOW, "user_id": ""}, "one of user_id, calendar_id or group_id is needed"),
        (ListEvents, {**WINDOW, "user_id": "kim", "end_time": 0}, "end_time is before start_time"),
        (ListEvents, {**WINDOW, "user_id": "kim", "start_time": -1}, "greater than or equal to 0"),
    ],
)
def test_what_cannot_be_is_refused_before_it_is_sent(
    operation: type[Operation[Any]], fields: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ValidationError, match=reason):
        operation.model_validate(fields)


def read(reply: type[Reply], answer: Any) -> Any:
    """From text, as the client does; and the same from values."""
    found = reply.read_json(json.dumps(answer).encode())
    assert found == reply.read(answer)
    return found


@pytest.mark.parametrize("wrapper", ["appointment", "event"])
def test_an_appointment_is_read_from_either_wrapper_with_aware_times(wrapper: str) -> None:
    full = {
        **RECORDED,
        "groupId": "all",
        "assignedUserId": "kim",
        "users": ["dana"],
        "notes": "by the window",
        "description": "Short",
        "isRecurring": "true",
        "rrule": "FREQ=DAILY",
        "masterEventId": "e0",
        "assignedResources": ["chair"],
        "appointmentMeta": {"slotType": "custom"},
    }
    appointment = read(AppointmentReply, {wrapper: full, "traceId": "t"}).appointment
    assert appointment.start_time == datetime(2026, 7, 20, 12, tzinfo=timezone(timedelta(hours=2)))
    assert appointment.end_time.utcoffset() == timedelta(hours=2)
    assert appointment.date_added == datetime(2026, 7, 17, 10, 57, 59, 7000, UTC)
    assert (appointment.group_id, appointment.assigned_user_id, appointment.users) == ("all", "kim", ("dana",))
    assert (appointment.notes, appointment.description) == ("by the window", "Short")
    assert (appointment.is_recurring, appointment.rrule, appointment.master_event_id) == (True, "FREQ=DAILY", "e0")
    assert (appointment.assigned_resources, appointment.created_by.source) == (("chair",), "third_party")
    assert appointment.model_extra == {"appoinmentStatus": "confirmed", "appointmentMeta": {"slotType": "custom"}}


@pytest.mark.parametrize(
    "left", [{}, {"groupId": "", "assignedUserId": "", "contactId": ""}, {"groupId": None, "assignedUserId": None}]
)
def test_an_id_that_is_left_out_empty_or_null_is_none(left: dict[str, Any]) -> None:
    without = {name: value for name, value in RECORDED.items() if name != "contactId"}
    (event,) = read(EventsReply, {"events": [{**without, **left}], "traceId": "t"}).events
    assert (event.group_id, event.assigned_user_id, event.contact_id) == (None, None, None)
    assert (event.users, event.deleted, event.id) == ((), False, "e1")


@pytest.mark.parametrize("left", [{"groupId": 5}, {"startTime": "2026-07-20T12:00:00"}, {"endTime": "soon"}])
def test_an_event_that_is_not_what_was_expected_makes_its_list_unreadable(left: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        EventsReply.read({"events": [RECORDED, {**RECORDED, **left}]})


def test_a_written_appointment_is_read_flat_with_and_without_its_times() -> None:
    recorded = {
        "id": "e1",
        "calendarId": "cuts",
        "locationId": "place",
        "contactId": "ada",
        "title": "Renamed",
        "status": "booked",
        "appointmentStatus": "confirmed",
        "address": "",
        "dateAdded": "2026-07-17T10:58:08.987Z",
        "dateUpdated": "2026-07-17T10:59:29.714Z",
        "isRecurring": False,
        "traceId": "t",
    }
    bare = read(WrittenAppointment, recorded)
    assert (bare.start_time, bare.assigned_user_id, bare.title) == (None, None, "Renamed")
    assert bare.date_updated > bare.date_added
    full = read(WrittenAppointment, {**recorded, "startTime": SIX, "endTime": SEVEN, "meetingLocationType": "zoom"})
    assert (full.start_time, full.end_time - full.start_time) == (SIX_IN_UTC, timedelta(hours=1))
    assert full.meeting_location_type == "zoom"


@pytest.mark.parametrize(
    ("answer", "succeeded"), [({}, True), ({"succeeded": True}, True), ({"succeeded": False}, False)]
)
def test_the_answer_to_a_deletion_says_whether_it_took_place(answer: Any, succeeded: bool) -> None:
    assert read(DeletedReply, answer).succeeded is succeeded
