"""Who does a booked service in the sandbox, and whose way that is in."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from tests.salons import CATALOG, SCHEDULES, TAKEN, Salon, open_salon, path_of, people
from tests.sandboxes import ALEX, DANA, KIM, LOCATION, MONDAY, at


@pytest.fixture
async def salon() -> AsyncIterator[Salon]:
    async with open_salon() as opened:
        yield opened


async def test_whoever_is_free_first_in_the_services_order_does_it(salon: Salon) -> None:
    assert [people(await salon.book()) for _ in range(2)] == [[DANA], [KIM]]
    assert (await salon.book(answered=400))["message"] == TAKEN
    assert (await salon.book("10:30", "11:30", answered=400))["message"] == TAKEN
    assert people(await salon.book("11:00", "12:00")) == [DANA]
    assert people(await salon.book("09:00", "10:00", services=[{"id": salon.colour, "staffId": KIM}])) == [KIM]
    await salon.book("09:30", "10:30", services=[{"id": salon.colour, "staffId": KIM}], answered=400)
    for named in (ALEX, "nobody"):
        refused = await salon.book("15:00", "16:00", services=[{"id": salon.colour, "staffId": named}], answered=400)
        assert refused["message"] == "The staff member does not do this service."


async def test_it_takes_its_peoples_time_on_every_calendar(salon: Salon) -> None:
    free = salon.sandbox.free
    assert at("10:30") in await free(MONDAY, userId=DANA)
    booked = await salon.book()
    assert not {at("09:30"), at("10:00"), at("10:30")} & set(await free(MONDAY, userId=DANA))
    assert {at("09:00"), at("11:00")} <= set(await free(MONDAY, userId=DANA))
    assert at("10:00") in await free(MONDAY, userId=KIM)
    await salon.sandbox.book(at("10:00"), assignedUserId=DANA, status=400)
    for status in ("cancelled", "no_show", "invalid"):
        await salon.edit(booked, status="confirmed")
        assert at("10:00") not in await free(MONDAY, userId=DANA)
        await salon.edit(booked, status=status)
        assert at("10:00") in await free(MONDAY, userId=DANA)
    await salon.edit(booked, status="showed")
    assert at("10:00") not in await free(MONDAY, userId=DANA)
    await salon.sandbox.call("DELETE", path_of(booked))
    assert at("10:00") in await free(MONDAY, userId=DANA)


async def test_appointments_and_blocks_are_in_its_way(salon: Salon) -> None:
    cut = await salon.sandbox.book(at("10:30"), assignedUserId=DANA)
    by_dana = [{"id": salon.colour, "staffId": DANA}]
    assert (await salon.book(services=by_dana, answered=400))["message"] == TAKEN
    assert people(await salon.book()) == [KIM]
    await salon.sandbox.call("DELETE", f"/calendars/events/{cut['id']}")
    await salon.book(services=by_dana)
    block = {"locationId": LOCATION, "assignedUserId": DANA, "startTime": at("15:30"), "endTime": at("15:45")}
    await salon.sandbox.call("POST", "/calendars/events/block-slots", block, status=201)
    await salon.book("15:00", "16:00", services=by_dana, answered=400)


async def test_buffers_of_the_service_lie_between_bookings(salon: Salon) -> None:
    buffers = {"preBuffer": 30, "preBufferUnit": "mins", "postBuffer": 0.5, "postBufferUnit": "hours"}
    await salon.sandbox.call("PUT", f"{CATALOG}/{salon.wash}", buffers)
    wash = [{"id": salon.wash}]
    await salon.sandbox.book(at("10:00"), assignedUserId=KIM)
    await salon.book("11:15", "11:45", services=wash, answered=400)
    await salon.book("11:30", "12:00", services=wash)
    assert at("12:00") not in await salon.sandbox.free(MONDAY, userId=KIM)
    assert at("12:30") in await salon.sandbox.free(MONDAY, userId=KIM)


async def test_people_with_schedules_are_booked_within_any_of_them(salon: Salon) -> None:
    for first, last in (("09:00", "10:00"), ("10:00", "12:00")):
        rules = [{"type": "wday", "day": "monday", "intervals": [{"from": first, "to": last}]}]
        said = {"name": "Hours", "locationId": LOCATION, "userId": KIM, "timezone": "Europe/London", "rules": rules}
        await salon.sandbox.call("POST", SCHEDULES, said, status=201)
    wash = [{"id": salon.wash}]
    days = [{"id": salon.wash, "addOns": [{"id": "rest", "duration": 60 * 24 * 400}]}]
    await salon.book("09:00", "09:30", services=days, answered=400)
    await salon.book("09:45", "10:15", services=wash)
    await salon.book("11:45", "12:15", services=wash, answered=400)
    await salon.book("11:30", "12:00", services=wash)
    assert people(await salon.book("21:00", "22:00")) == [DANA]


async def test_what_is_over_needs_leave_and_override_passes_every_check(salon: Salon) -> None:
    salon.sandbox.clock.now = MONDAY + timedelta(hours=3)
    assert (await salon.book(answered=400))["message"] == TAKEN
    await salon.book(skipSchedulingNotice="true")
    assert people(await salon.book(skipSchedulingNotice="true")) == [KIM]
    await salon.book(skipSchedulingNotice="true", answered=400)
    assert people(await salon.book(overrideAvailability="true")) == [DANA]
    await salon.book(overrideAvailability="true", services=[{"id": salon.wash, "staffId": DANA}], answered=400)
