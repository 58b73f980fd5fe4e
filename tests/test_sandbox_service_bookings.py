"""Service bookings in the sandbox: written, read, listed, changed and deleted."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from service.highlevel.service_bookings import ServiceBooking, ServiceBookingsReply, WrittenServiceBooking
from tests.salons import (
    BOOKINGS,
    CATALOG,
    ELSEWHERE,
    PLACES,
    TAKEN,
    Salon,
    open_salon,
    path_of,
    people,
    status_elsewhere,
    times,
    without,
)
from tests.sandboxes import ADA, DANA, FOREVER, KIM, LOCATION, MONDAY, ROOM, at, milliseconds
from tests.specification import document


@pytest.fixture
async def salon() -> AsyncIterator[Salon]:
    async with open_salon() as opened:
        yield opened


async def test_a_booking_is_read_as_it_was_answered(salon: Salon) -> None:
    written = await salon.book()
    required = document("v3")["components"]["schemas"]
    assert set(required["CreateOrUpdateServiceBookingResponseDTO"]["required"]) <= written.keys()
    [service] = written["services"]
    assert set(required["ServiceDTO"]["required"]) <= service.keys()
    WrittenServiceBooking.model_validate(written)
    category = (await salon.sandbox.call("GET", f"{CATALOG}/{salon.colour}"))["service"]["serviceCategoryId"]
    assert without(written, "bookingId", "traceId") == {
        "locationId": LOCATION,
        "contactId": ADA,
        "serviceLocationId": salon.shop,
        "title": "Ada Example - Colour",
        "startTime": "2026-03-23T10:00:00+00:00",
        "endTime": "2026-03-23T11:00:00+00:00",
        "services": [
            {
                "id": salon.colour,
                "serviceCategoryId": category,
                "serviceStaffId": DANA,
                "serviceStartTime": "2026-03-23T10:00:00+00:00",
                "serviceEndTime": "2026-03-23T11:00:00+00:00",
                "serviceResources": [],
                "serviceAddOns": [],
            }
        ],
        "timezone": "Europe/London",
        "status": "confirmed",
        "deleted": False,
        "dateAdded": "2026-03-23T08:00:00.000Z",
        "dateUpdated": "2026-03-23T08:00:00.000Z",
        "createdBy": {"source": "third_party"},
        "messages": [],
    }
    read = await salon.read(written)
    ServiceBooking.model_validate(read)
    assert read == without(written, "messages", "traceId")
    new = await salon.book("12:00", "13:00", title="Roots", status="new")
    assert (new["title"], new["status"]) == ("Roots", "new")


async def test_services_are_done_one_after_another_by_position_with_what_is_added(salon: Salon) -> None:
    booked = await salon.book(
        "10:00",
        "12:05",
        services=[
            {"id": salon.wash, "addOns": [{"id": "mask", "quantity": 3, "duration": 10}, {"id": "tea"}]},
            {"id": salon.colour, "position": 0, "staffId": KIM, "addOns": [{"id": "gloss", "duration": 5}]},
        ],
    )
    assert [service["id"] for service in booked["services"]] == [salon.colour, salon.wash]
    assert times(booked) == [(at("10:00"), at("11:05")), (at("11:05"), at("12:05"))]
    assert people(booked) == [KIM, KIM]
    assert booked["services"][1]["serviceAddOns"] == [{"id": "mask", "quantity": 3}, {"id": "tea", "quantity": 1}]
    assert booked["title"] == "Ada Example - Colour + Wash"
    assert booked["messages"] == []


async def test_an_end_that_is_not_the_services_is_kept_and_said(salon: Salon) -> None:
    booked = await salon.book(end="12:00")
    assert booked["endTime"] == at("12:00")
    assert times(booked) == [(at("10:00"), at("11:00"))]
    assert booked["messages"] == [
        "The services end at 2026-03-23T11:00:00+00:00; endTime has been kept as it was asked for."
    ]


async def test_where_it_is_done_is_the_first_active_place_unless_named(salon: Salon) -> None:
    assert (await salon.book(serviceLocationId="unknown", answered=404))[
        "message"
    ] == "The service location is not found."
    refused = await salon.book(serviceLocationId=salon.at_home, answered=422)
    assert refused["message"] == ["meetingLocation is required for this service location"]
    booked = await salon.book(serviceLocationId=salon.at_home, meetingLocation="2 Mill Lane")
    assert (booked["meetingLocation"], booked["messages"]) == ("2 Mill Lane", [])
    ignored = await salon.book("14:00", "15:00", meetingLocation="2 Mill Lane")
    assert "meetingLocation" not in ignored
    assert ignored["messages"] == [
        "Meeting location is not supported for the selected service location and has been ignored."
    ]
    moved = await salon.edit(booked, serviceLocationId=salon.shop)
    assert (moved["serviceLocationId"], "meetingLocation" in moved) == (salon.shop, False)
    await salon.edit(moved, serviceLocationId=salon.at_home, answered=422)
    await salon.edit(moved, serviceLocationId=salon.at_home, meetingLocation="3 Mill Lane")
    assert (await salon.read(moved))["meetingLocation"] == "3 Mill Lane"
    for place in (salon.shop, salon.at_home):
        await salon.sandbox.call("DELETE", f"{PLACES}/{place}")
    assert (await salon.book("16:00", "17:00", answered=400))["message"] == "There is no active service location."


async def test_times_are_shown_in_the_bookings_own_zone_or_in_that_of_the_list(salon: Salon) -> None:
    booked = await salon.book(timezone="Asia/Tokyo")
    assert (booked["startTime"], booked["timezone"]) == ("2026-03-23T19:00:00+09:00", "Asia/Tokyo")
    assert times(booked) == [("2026-03-23T19:00:00+09:00", "2026-03-23T20:00:00+09:00")]
    assert (await salon.read(booked))["endTime"] == "2026-03-23T20:00:00+09:00"
    [shown] = await salon.listed(timezone="America/New_York")
    assert (shown["startTime"], shown["timezone"]) == ("2026-03-23T06:00:00-04:00", "Asia/Tokyo")
    assert (await salon.edit(booked, timezone="Europe/Paris"))["startTime"] == "2026-03-23T11:00:00+01:00"
    for refused in (
        await salon.book("12:00", "13:00", timezone="Mars/Olympus", answered=422),
        await salon.edit(booked, timezone="Mars/Olympus", answered=422),
        await salon.sandbox.call("GET", BOOKINGS, **FOREVER, timezone="Mars/Olympus", status=422),
    ):
        assert refused["message"] == ["timezone must be a valid IANA time zone"]


async def test_a_list_is_what_overlaps_a_window_earliest_first_and_is_not_deleted(salon: Salon) -> None:
    late = await salon.book("14:00", "15:00", serviceLocationId=salon.at_home, meetingLocation="2 Mill Lane")
    early = await salon.book()
    both = await salon.listed()
    ServiceBookingsReply.model_validate({"bookings": both})
    assert both == [without(each, "messages", "traceId") for each in (early, late)]

    async def between(hour: int, minute: int, until: int) -> list[str]:
        first = MONDAY.replace(hour=hour, minute=minute)
        window = {"startTime": milliseconds(first), "endTime": milliseconds(MONDAY.replace(hour=until))}
        return [each["bookingId"] for each in await salon.listed(**window)]

    assert await between(10, 59, 14) == [early["bookingId"]]
    assert await between(11, 0, 14) == []
    assert await between(11, 0, 15) == [late["bookingId"]]
    assert [each["bookingId"] for each in await salon.listed(serviceLocationId=salon.shop)] == [early["bookingId"]]
    await salon.edit(early, status="cancelled")
    assert len(await salon.listed()) == 2
    await salon.sandbox.call("DELETE", path_of(early))
    assert [each["bookingId"] for each in await salon.listed()] == [late["bookingId"]]
    backwards = await salon.sandbox.call("GET", BOOKINGS, locationId=LOCATION, startTime=2, endTime=1, status=422)
    assert backwards["message"] == ["endTime must not be before startTime"]


async def test_a_new_start_moves_all_of_it_with_the_same_people(salon: Salon) -> None:
    both = [{"id": salon.colour}, {"id": salon.wash}]
    booked = await salon.book(end="11:30", services=both)
    moved = await salon.edit(booked, startTime=at("10:15"))  # its own time does not stand in its way
    assert times(moved) == [(at("10:15"), at("11:15")), (at("11:15"), at("11:45"))]
    assert (moved["startTime"], moved["endTime"], moved["messages"]) == (at("10:15"), at("11:45"), [])
    assert people(moved) == [DANA, KIM]
    assert moved["dateUpdated"] > booked["dateUpdated"]
    await salon.sandbox.book(at("13:00"), assignedUserId=KIM)
    assert (await salon.edit(booked, startTime=at("12:15"), answered=400))["message"] == TAKEN
    assert await salon.read(booked) == without(moved, "messages", "traceId")
    await salon.edit(booked, startTime=at("07:00"), answered=400)
    await salon.edit(booked, startTime=at("07:00"), skipSchedulingNotice="true")
    await salon.edit(booked, startTime=at("12:15"), overrideAvailability="true")
    kept = await salon.edit(booked, endTime=at("15:00"))
    assert (times(kept)[-1], kept["endTime"], len(kept["messages"])) == ((at("13:15"), at("13:45")), at("15:00"), 1)
    refused = await salon.edit(booked, endTime=at("12:00"), answered=422)
    assert refused["message"] == ["endTime must be after startTime"]


async def test_new_services_take_the_place_of_all_and_are_laid_anew(salon: Salon) -> None:
    booked = await salon.book(services=[{"id": salon.colour, "staffId": KIM}])
    changed = await salon.edit(booked, services=[{"id": salon.wash}, {"id": salon.colour}])
    assert times(changed) == [(at("10:00"), at("10:30")), (at("10:30"), at("11:30"))]
    assert (people(changed), changed["endTime"], changed["messages"]) == ([KIM, DANA], at("11:30"), [])
    changed = await salon.edit(booked, services=[{"id": salon.wash}], startTime=at("12:00"), endTime=at("13:00"))
    assert (times(changed), changed["endTime"]) == ([(at("12:00"), at("12:30"))], at("13:00"))
    assert len(changed["messages"]) == 1
    assert (await salon.edit(booked, services=[], answered=422))["message"] == ["services should not be empty"]
    await salon.edit(booked, services=[{"id": "unknown"}], answered=404)


async def test_a_status_by_itself_asks_nobodys_time(salon: Salon) -> None:
    booked = await salon.book()
    await salon.edit(booked, status="cancelled")
    await salon.book(services=[{"id": salon.colour, "staffId": DANA}])
    salon.sandbox.clock.now = MONDAY + timedelta(days=1)
    revived = await salon.edit(booked, status="confirmed", title="Roots")
    assert (revived["status"], revived["title"], revived["startTime"]) == ("confirmed", "Roots", at("10:00"))
    await salon.edit(booked, status="noshow", answered=422)


async def test_a_deleted_booking_can_be_read_and_changed_no_more(salon: Salon) -> None:
    booked = await salon.book()
    for _ in range(2):
        answer = await salon.sandbox.call("DELETE", path_of(booked))
        assert without(answer, "traceId") == {"success": True, "message": "Service booking deleted successfully"}
    assert await salon.read(booked) == {**without(booked, "messages", "traceId"), "deleted": True}
    refused = await salon.edit(booked, title="Roots", answered=400)
    assert refused["message"] == "The service booking has been deleted."
    for method, body in (("GET", None), ("PUT", {"title": "Roots"}), ("DELETE", None)):
        unknown = await salon.sandbox.call(method, f"{BOOKINGS}/unknown", body, status=404)
        assert unknown["message"] == "The service booking is not found."


async def test_what_makes_no_booking_is_refused(salon: Salon) -> None:
    assert (await salon.book(contactId="nobody", answered=400))["message"] == "The contact id is not valid."
    assert (await salon.book(services=[{"id": ROOM}], answered=404))["message"] == "The service is not found."
    assert (await salon.book(services=[], answered=422))["message"] == ["services should not be empty"]
    for end in ("09:00", "10:00"):
        assert (await salon.book(end=end, answered=422))["message"] == ["endTime must be after startTime"]
    await salon.book(overrideAvailability="perhaps", answered=422)
    await salon.book(locationId=ELSEWHERE, answered=403)
    start, end = "9999-12-31T16:00:00Z", "9999-12-31T17:00:00Z"  # in Tokyo it is the year 10000 then
    await salon.book(startTime=start, endTime=end, timezone="Asia/Tokyo", overrideAvailability="true", answered=422)
    assert await salon.listed() == []


async def test_another_location_sees_no_booking_of_this_one(salon: Salon) -> None:
    path = path_of(await salon.book())
    for method, body in (("GET", None), ("PUT", {"title": "Mine"}), ("DELETE", None)):
        assert await status_elsewhere(salon.sandbox, method, path, body) == 404
