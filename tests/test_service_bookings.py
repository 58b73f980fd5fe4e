"""Service bookings: each call as it goes out, what is refused before that, and the answers as they are read."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import ValidationError

from service.highlevel.operation import Operation
from service.highlevel.service_bookings import (
    AddOn,
    CreateServiceBooking,
    DeleteServiceBooking,
    EditServiceBooking,
    GetServiceBooking,
    ListServiceBookings,
    ServiceChoice,
)

BOOKINGS = "/calendars/services/bookings"
START, END = "2026-03-26T18:00:00+01:00", "2026-03-26T18:45:00+01:00"
NEW: dict[str, Any] = {
    "location_id": "place",
    "contact_id": "anna",
    "start_time": START,
    "end_time": END,
    "timezone": "Europe/Berlin",
    "services": ({"id": "cut"},),
}
SENT = {
    "locationId": "place",
    "contactId": "anna",
    "startTime": START,
    "endTime": END,
    "timezone": "Europe/Berlin",
    "services": [{"id": "cut"}],
}

CALLS: list[tuple[Operation[Any], str, str, Any]] = [
    (CreateServiceBooking.model_validate(NEW), "POST", BOOKINGS, SENT),
    (
        CreateServiceBooking.model_validate(NEW | {"override_availability": True, "skip_scheduling_notice": False}),
        "POST",
        f"{BOOKINGS}?overrideAvailability=true&skipSchedulingNotice=false",
        SENT,
    ),
    (
        EditServiceBooking(
            booking_id="one",
            status="no_show",
            services=(
                ServiceChoice(id="cut", staff_id="ada", position=0, add_ons=(AddOn(id="wash", quantity=2),)),
                ServiceChoice(id="dye", add_ons=(AddOn(id="care", duration=10),)),
            ),
            override_availability=True,
        ),
        "PUT",
        f"{BOOKINGS}/one?overrideAvailability=true",
        {
            "status": "no_show",
            "services": [
                {"id": "cut", "staffId": "ada", "position": 0, "addOns": [{"id": "wash", "quantity": 2}]},
                {"id": "dye", "addOns": [{"id": "care", "duration": 10}]},
            ],
        },
    ),
    (
        EditServiceBooking(booking_id="one", start_time=START, meeting_location="1 Example Street"),
        "PUT",
        f"{BOOKINGS}/one",
        {"startTime": START, "meetingLocation": "1 Example Street"},
    ),
    (GetServiceBooking(booking_id="one"), "GET", f"{BOOKINGS}/one", None),
    (
        ListServiceBookings(
            location_id="place", start_time=1, end_time=2, timezone="Europe/Berlin", service_location_id="home"
        ),
        "GET",
        f"{BOOKINGS}?locationId=place&startTime=1&endTime=2&timezone=Europe%2FBerlin&serviceLocationId=home",
        None,
    ),
    (DeleteServiceBooking(booking_id="one"), "DELETE", f"{BOOKINGS}/one", None),
]

IMPOSSIBLE = [
    (CreateServiceBooking, NEW | {"end_time": "2026-03-26T17:59:00+01:00"}, "end_time is before start_time"),
    (CreateServiceBooking, NEW | {"end_time": "2026-03-26T18:30:00+02:00"}, "end_time is before start_time"),
    (CreateServiceBooking, NEW | {"start_time": "2026-03-26T18:00:00"}, "needs its offset"),
    (CreateServiceBooking, NEW | {"services": ()}, "at least 1 item"),
    (CreateServiceBooking, NEW | {"status": "cancelled"}, "'confirmed' or 'new'"),
    (CreateServiceBooking, NEW | {"services": ({"id": "cut", "duration": 5},)}, "Extra inputs"),
    (CreateServiceBooking, NEW | {"ignore_free_slot_validation": True}, "Extra inputs"),
    (EditServiceBooking, {"booking_id": "one", "start_time": END, "end_time": START}, "end_time is before start_time"),
    (EditServiceBooking, {"booking_id": "one", "end_time": "2026-03-26"}, "needs its offset"),
    (EditServiceBooking, {"booking_id": "one", "status": "noshow"}, "'no_show'"),
    (ListServiceBookings, {"location_id": "place", "start_time": 2, "end_time": 1}, "end_time is before start_time"),
    (ListServiceBookings, {"location_id": "place", "start_time": -1, "end_time": 1}, "greater than or equal to 0"),
]

BOOKING: dict[str, Any] = {
    "bookingId": "one",
    "locationId": "place",
    "contactId": "anna",
    "serviceLocationId": "home",
    "title": "Anna Example - Cut",
    "startTime": START,
    "endTime": END,
    "services": [
        {
            "id": "cut",
            "serviceCategoryId": "hair",
            "serviceStaffId": "",
            "serviceStartTime": START,
            "serviceEndTime": END,
            "serviceResources": [{"id": "chair"}],
            "serviceAddOns": [{"id": "wash", "quantity": 2}],
        }
    ],
    "timezone": "Europe/Berlin",
    "status": "confirmed",
    "deleted": False,
    "dateAdded": "2026-03-20T09:00:00.000Z",
    "dateUpdated": "2026-03-20T09:00:00.000Z",
    "createdBy": {"source": "third_party", "userId": None},
}


@pytest.mark.parametrize(("call", "method", "target", "body"), CALLS, ids=[type(call[0]).__name__ for call in CALLS])
def test_a_service_booking_call_goes_out_as_published(
    call: Operation[Any], method: str, target: str, body: Any
) -> None:
    wire = call.wire()
    assert (wire.method, wire.target, wire.body) == (method, target, body)
    assert call.version == "v3"
    assert call.success == (201 if method == "POST" else 200)
    assert Operation.restored(call.stored()) == call


@pytest.mark.parametrize(("operation", "fields", "message"), IMPOSSIBLE)
def test_a_service_booking_call_that_cannot_be_is_refused(
    operation: type[Operation[Any]], fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        operation.model_validate(fields)


def test_the_order_of_two_times_is_judged_across_offsets() -> None:
    fields = NEW | {"end_time": "2026-03-26T12:45:00-05:00"}
    assert CreateServiceBooking.model_validate(fields).wire().body["endTime"] == "2026-03-26T12:45:00-05:00"


def test_a_service_booking_is_read_without_a_wrapper_and_with_aware_times() -> None:
    booking = GetServiceBooking(booking_id="one").read_reply(json.dumps(BOOKING | {"traceId": "trace"}).encode())
    assert booking.start_time == datetime(2026, 3, 26, 18, tzinfo=timezone(timedelta(hours=1)))
    assert booking.date_added == datetime(2026, 3, 20, 9, tzinfo=UTC)
    (service,) = booking.services
    assert service.service_end_time == booking.end_time
    assert (service.service_category_id, service.service_staff_id) == ("hair", None)
    assert [(one.id, one.quantity) for one in service.service_add_ons] == [("wash", 2)]
    assert [one.id for one in service.service_resources] == ["chair"]
    assert booking.created_by is not None
    assert (booking.created_by.source, booking.created_by.user_id) == ("third_party", None)


def test_what_was_written_comes_back_with_what_was_not_heeded() -> None:
    answer = BOOKING | {"messages": ["Meeting location was ignored."]}
    written = EditServiceBooking(booking_id="one", title="Cut").read_reply(json.dumps(answer).encode())
    assert (written.booking_id, written.messages) == ("one", ("Meeting location was ignored.",))
    assert EditServiceBooking(booking_id="one").read_reply(json.dumps(BOOKING).encode()).messages == ()


def test_a_list_of_service_bookings_is_read_also_where_one_says_little() -> None:
    bare = {name: BOOKING[name] for name in ("bookingId", "locationId", "startTime", "endTime")}
    answer = json.dumps({"bookings": [BOOKING, bare | {"status": "rescheduled"}]}).encode()
    full, sparse = ListServiceBookings(location_id="place", start_time=0, end_time=0).read_reply(answer).bookings
    assert (full.status, sparse.status) == ("confirmed", "rescheduled")
    assert (sparse.contact_id, sparse.services, sparse.deleted) == (None, (), False)


def test_an_answer_that_is_no_list_of_service_bookings_is_not_taken_for_an_empty_one() -> None:
    with pytest.raises(ValidationError):
        ListServiceBookings(location_id="place", start_time=0, end_time=0).read_reply(b'{"traceId": "trace"}')


def test_a_deleted_service_booking_says_so() -> None:
    reply = DeleteServiceBooking(booking_id="one").read_reply(b'{"success": true, "message": "deleted"}')
    assert (reply.success, reply.message) == (True, "deleted")
