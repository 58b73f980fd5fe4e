"""Service bookings as bookings: what they are news of, and their way from a workflow to a verdict."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.event import read_workflow
from service.highlevel.service_bookings import ServiceBooking
from service.receiver.kinds import SENT_ALONG
from service.sandbox.webhooks.workflow_body import service_workflow_body
from service.service_booking import booking_of, service_triggers
from service.store import appointments, layings, reconciliations
from service.store.appointments import LastSeen
from service.store.reconciliations import Known
from service.trigger import SUBJECTS, Booking, Subject, Trigger
from tests.house import House, in_days, now
from tests.questions import BOOKING
from tests.sandboxes import ADA, DANA, KIM, LOCATION
from tests.test_apply import rule
from tests.test_deliveries import rows
from tests.test_external_events import open_source
from workers.reconciliation.comparison import compare

CONNECTED = datetime(2027, 3, 1, tzinfo=UTC)
READ: dict[str, Any] = {
    "bookingId": "sBk0000000000000001a",
    "locationId": LOCATION,
    "contactId": ADA,
    "title": "Colour",
    "startTime": "2027-03-22T10:00:00+00:00",
    "endTime": "2027-03-22T11:30:00+00:00",
    "services": [
        {"id": "colour", "serviceStaffId": DANA, "serviceAddOns": [{"id": "gloss"}, {"id": "tea", "quantity": 2}]},
        {"id": "cut", "serviceStaffId": KIM, "serviceAddOns": [{"id": "tea"}]},
    ],
    "status": "confirmed",
    "deleted": False,
    "dateAdded": "2027-03-02T10:00:00Z",
    "dateUpdated": "2027-03-02T10:00:00Z",
    "createdBy": {"source": "booking_widget"},
}


def read(**changes: Any) -> Booking:
    return booking_of(ServiceBooking.model_validate({**READ, **changes}))


def words(was: Booking | None, now: Booking) -> str:
    return " ".join(
        sorted(word.removeprefix("service_booking.") for word in service_triggers(was, now, connected=CONNECTED))
    )


def test_it_says_what_rules_ask_of_a_booking_in_the_words_of_appointments() -> None:
    booking = read(status="no_show")
    assert (booking.services, booking.add_ons, booking.assignee) == (("colour", "cut"), ("gloss", "tea"), DANA)
    assert (booking.status, booking.calendar_id, booking.source) == ("noshow", "", "booking_widget")
    assert booking.subject is Subject.SERVICE_BOOKING
    assert Booking.model_validate(booking.model_dump(mode="json")) == booking
    bare = {name: READ[name] for name in ("bookingId", "locationId", "startTime", "endTime")}
    assert booking_of(ServiceBooking.model_validate(bare)).services == ()


@pytest.mark.parametrize(
    ("was", "now", "expected"),
    [
        (None, read(), "created"),
        (None, read(status="cancelled"), "cancelled created"),
        (None, read(dateAdded="2027-02-01T10:00:00Z"), "updated"),
        (None, read(dateAdded=None), "updated"),
        (None, read(deleted=True), "cancelled updated"),
        (read(), read(), ""),
        (read(), read(dateUpdated="2027-03-03T10:00:00Z", createdBy=None), ""),
        (read(), read(services=READ["services"][:1]), "updated"),
        (read(), read(startTime="2027-03-22T10:30:00+00:00"), "updated"),
        (read(), read(status="cancelled"), "cancelled updated"),
        (read(), read(deleted=True), "cancelled updated"),
        (read(status="cancelled"), read(deleted=True, status="cancelled"), "updated"),
        (read(status="cancelled"), read(), "updated"),
        (read(), read(status="showed"), "updated"),
    ],
)
def test_what_it_is_news_of(was: Booking | None, now: Booking, expected: str) -> None:
    assert words(was, now) == expected


def test_every_trigger_is_about_something() -> None:
    assert SUBJECTS.keys() == set(Trigger)
    told = {word: subject for word, subject in SUBJECTS.items() if subject is not Subject.APPOINTMENT}
    assert {word.value: subject.value for word, subject in told.items()} == {
        "appointment.deleted": "deleted appointment",
        "service_booking.created": "service booking",
        "service_booking.updated": "service booking",
        "service_booking.cancelled": "service booking",
        "contact.updated": "contact",
    }


def test_no_list_of_appointments_says_anything_of_it() -> None:
    """Were it listed as an appointment, under the same id: it would be another each time."""
    seen = BOOKING.changed(kind="service", services=("cut",))
    listed = BOOKING.changed(updated=CONNECTED + timedelta(days=1))
    known = Known(LastSeen.first(seen), CONNECTED)
    assert compare(listed, known, CONNECTED, CONNECTED, CONNECTED) == "same"


async def test_no_moments_are_laid_for_it_and_nobody_looks_for_it_among_appointments(house: House) -> None:
    ahead = {"starts": now() + timedelta(days=1), "ends": now() + timedelta(days=2), "location_id": LOCATION}
    single = BOOKING.changed(**ahead, calendar_id="gone")
    async with house.pool.acquire() as connection:
        for seen in (single, single.changed(id="service", kind="service", calendar_id="")):
            await appointments.keep(connection, LastSeen.first(seen))
        laid = await layings.bookings(connection, LOCATION, "", now(), 10)
        missed = await reconciliations.ahead(
            connection, LOCATION, [], elsewhere=True, now=now(), until=now() + timedelta(days=9), but=[], most=10
        )
    assert [booking.id for booking, _ in laid] == [booking.id for booking in missed] == [single.id]


async def posted(house: House, booking_id: str) -> Any:
    """The delivery that came of what a workflow posts about it."""
    [booking] = [each for each in house.world.service_bookings.of(LOCATION) if each.booking_id == booking_id]
    body = service_workflow_body(house.world, booking)
    assert read_workflow(body).contact_id == ADA
    headers = {SENT_ALONG: "the-secret-of-a-workflow-here", "Content-Type": "application/json"}
    async with house.door.post("/hooks/workflow/flow", data=body, headers=headers) as response:
        assert response.status == 202
        delivery = (await response.json())["delivery"]
    await house.settled()
    return await house.shown(delivery)


async def test_what_a_workflow_tells_of_it_is_read_compared_and_judged(house: House) -> None:
    await open_source(house)
    call = "do: call, url: 'https://example.com/'"
    when = "service_booking.created, service_booking.cancelled"
    moment = rule("soon", "2h before start", call, mode="shadow")
    await house.rules(rule("heard", when, call, mode="shadow") + moment)
    path = "/calendars/services/bookings"
    asked: dict[str, Any] = {
        "locationId": LOCATION,
        "contactId": ADA,
        "startTime": in_days(3, "12:00"),
        "endTime": in_days(3, "12:45"),
        "timezone": "Europe/London",
        "services": [
            {"id": (await house.call("GET", "/calendars/services/catalog", locationId=LOCATION))["services"][0]["id"]}
        ],
    }
    booked = (await house.call("POST", path, asked, status=201, overrideAvailability="true"))["bookingId"]
    created, again = await posted(house, booked), await posted(house, booked)
    assert (created["event"], created["appointment_id"], created["contact_id"]) == (
        "workflow.service_booking",
        booked,
        ADA,
    )
    assert (created["triggers"], again["triggers"]) == (["service_booking.created"], [])
    assert created["booking"]["services"] == [asked["services"][0]["id"]]
    [verdict], [step] = created["verdicts"], created["steps"]
    assert (verdict["rule"], verdict["held"], step["state"]) == ("heard", True, "shadow")
    await house.call("PUT", f"{path}/{booked}", {"title": "Roots"})
    assert (await posted(house, booked))["triggers"] == ["service_booking.updated"]
    assert await rows(house.pool, "SELECT count(*) FROM timers") == [(0,)]
    await house.call("DELETE", f"{path}/{booked}")
    gone = await posted(house, booked)
    assert gone["triggers"] == ["service_booking.cancelled", "service_booking.updated"]
    assert [call["operation"] for call in gone["calls"]] == ["GetServiceBooking"]
    # What is done about it asks no appointment whether it is as it was judged.
    assert await rows(house.pool, "SELECT DISTINCT contact_id, meant ? 'before' FROM steps") == [(ADA, False)]
