"""The plumbers of the gallery: what each of their rules does to a booking, and which it leaves alone."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from service.embedded import Servers
from tests.gallery import Shop
from tests.trades import open_trade

HERE: dict[str, Any] = {"address": "1 Example Street"}


@pytest.fixture
async def plumbers(database_url: str, servers: Servers) -> AsyncIterator[Shop]:
    async with open_trade("home-services", database_url, servers) as opened:
        yield opened


async def test_what_cannot_wait_is_confirmed_given_to_somebody_and_told_at_once(plumbers: Shop) -> None:
    leak = await plumbers.book(
        "visits", "ada", "tue 10:00", person="bea", title="Leak in the ceiling", appointmentStatus="new", **HERE
    )
    assert await plumbers.did("emergency", leak)
    assert await plumbers.person(leak) == "dev"
    assert (await plumbers.house.appointment(leak))["appointmentStatus"] == "confirmed"
    assert await plumbers.blocks("dev") == [("tue 09:30", "10:00")]
    assert await plumbers.alerts("emergency") == ["Leak in the ceiling at 10:00, dev."]
    assert await plumbers.left("leeds-round", leak) == "stop_others"
    tap = await plumbers.book("visits", "ada", "tue 14:00", title="New tap", **HERE)
    assert await plumbers.left("emergency", tap) == "group, title"


async def test_where_nobody_drives_nothing_stays_booked(plumbers: Shop) -> None:
    far = await plumbers.book("visits", "tim", "tue 10:00", **HERE)
    assert await plumbers.did("out-of-area", far) == ["cancel it; the client is told"]
    assert (await plumbers.house.appointment(far))["appointmentStatus"] == "cancelled"
    untold = await plumbers.book("visits", "betty", "tue 10:00", **HERE)
    assert "contact.postcode" in await plumbers.left("out-of-area", untold)
    near = await plumbers.book("visits", "ada", "tue 10:00", **HERE)
    assert await plumbers.left("out-of-area", near) == "contact.area"


async def test_visits_in_leeds_go_to_the_leeds_round(plumbers: Shop) -> None:
    first = await plumbers.book("visits", "ada", "tue 10:00", person="dev", **HERE)
    assert await plumbers.did("leeds-round", first)
    second = await plumbers.book("visits", "alan", "tue 14:00", person="dev", **HERE)
    assert [await plumbers.person(each) for each in (first, second)] == ["bea", "carl"]
    wakefield = await plumbers.book("visits", "grace", "tue 14:00", person="dev", **HERE)
    assert await plumbers.left("leeds-round", wakefield) == "contact.area"
    assert await plumbers.person(wakefield) == "dev"


async def test_a_visit_that_is_nobodys_is_given_to_somebody(plumbers: Shop) -> None:
    nobodys = await plumbers.online("visits", "grace", "tue 10:00")
    [said] = await plumbers.did("nobodys-visit", nobodys)
    assert said.startswith("assign bea: ")
    assert said.endswith("; the client is told")
    assert await plumbers.person(nobodys) == "bea"
    somebodys = await plumbers.book("visits", "grace", "tue 14:00", person="dev", **HERE)
    assert await plumbers.left("nobodys-visit", somebodys) == "assignee"
    plumbers.now_is("tue 03:00")
    at_night = await plumbers.online("visits", "grace", "wed 10:00")
    [said] = await plumbers.did("nobodys-visit", at_night)
    assert "told" not in said


async def test_between_two_areas_there_is_time_to_drive(plumbers: Shop) -> None:
    await plumbers.book("visits", "ada", "tue 10:00", person="bea", **HERE)
    there = await plumbers.book("visits", "grace", "tue 12:00", person="bea", **HERE)
    assert await plumbers.did("drive-from-another-area", there)
    assert await plumbers.blocks("bea") == [("tue 11:30", "12:00")]
    await plumbers.book("visits", "ada", "wed 10:00", person="carl", **HERE)
    next_door = await plumbers.book("visits", "alan", "wed 12:00", person="carl", **HERE)
    assert await plumbers.left("drive-from-another-area", next_door)
    assert await plumbers.blocks("carl") == []


async def test_what_is_too_tight_is_for_the_office_to_decide(plumbers: Shop) -> None:
    await plumbers.book("visits", "ada", "tue 13:10", person="bea", **HERE)
    tight = await plumbers.book("visits", "grace", "tue 12:00", person="bea", **HERE)
    assert await plumbers.did("too-tight", tight)
    assert await plumbers.tasks("grace") == [("Too tight: leeds, 13:10 to 14:10 (visits)", "office")]
    loose = await plumbers.book("visits", "grace", "tue 10:00", person="bea", **HERE)
    assert "next.area" in await plumbers.left("too-tight", loose)


async def test_nobody_drives_to_a_house_that_nobody_knows(plumbers: Shop) -> None:
    lost = await plumbers.book("visits", "betty", "tue 10:00")
    assert await plumbers.did("no-address", lost)
    assert await plumbers.title(lost) == "NO ADDRESS: Betty Sample"
    assert await plumbers.tasks("betty") == [("Ask Betty for the address", "office")]
    known = await plumbers.book("visits", "ada", "tue 12:00", **HERE)
    assert await plumbers.left("no-address", known) == "address"


async def test_outside_the_hours_and_on_holidays_a_visit_costs_more(plumbers: Shop) -> None:
    told = "Surcharge: FRIDAY 10:00, 1 hours."
    holiday = await plumbers.book("visits", "alan", "fri+1 10:00", person="carl", **HERE)
    evening = await plumbers.book("visits", "alan", "tue 17:30", person="bea", **HERE)
    plain = await plumbers.book("visits", "alan", "tue 17:00", person="carl", **HERE)
    assert await plumbers.did("surcharge", holiday)
    assert await plumbers.house.notes(holiday) == [told]
    assert await plumbers.did("surcharge", evening)
    assert await plumbers.left("surcharge", plain) == "starts, ends"


async def test_who_waits_for_a_van_hears_that_it_is_late(plumbers: Shop) -> None:
    booked = await plumbers.book("visits", "ada", "mon 11:00", person="bea", **HERE)
    other = await plumbers.book("visits", "alan", "mon 11:00", person="carl", **HERE)
    for appointment, driver, delay in ((booked, "bea", "1h"), (other, "carl", "10m")):
        about = {"appointment": appointment}
        await plumbers.tell("vans", about, driver=driver, delay=delay, on_site=False)
    assert await plumbers.did("van-is-late", booked)
    assert await plumbers.starts(booked) == plumbers.at("mon 12:00")
    assert await plumbers.left("van-is-late", other) == "event.delay"
    assert await plumbers.starts(other) == plumbers.at("mon 11:00")


async def test_what_nobody_complained_of_took_place(plumbers: Shop) -> None:
    over, missed = [await plumbers.book("visits", name, "mon 11:00", **HERE) for name in ("ada", "alan")]
    await plumbers.change(missed, status="noshow")
    await plumbers.until("mon 12:16")
    assert await plumbers.did("visit-is-over", over)
    assert (await plumbers.house.appointment(over))["appointmentStatus"] == "showed"
    assert await plumbers.left("visit-is-over", missed) == "status"


async def test_next_years_service_is_booked_when_this_years_is_done(plumbers: Shop) -> None:
    boiler = await plumbers.book("boilers", "alan", "mon 10:00", person="bea", **HERE)
    visit = await plumbers.book("visits", "ada", "mon 10:00", person="carl", **HERE)
    plumbers.now_is("mon 12:00")
    for booked in (boiler, visit):
        await plumbers.change(booked, status="showed")
    assert await plumbers.did("yearly-service", boiler)
    listed = await plumbers.house.call("GET", f"/contacts/{plumbers.contacts['alan']}/appointments")
    [following] = [each["id"] for each in listed["events"] if each["id"] != boiler]
    now = await plumbers.house.appointment(following)
    assert (now["startTime"][:16], now["endTime"][11:16]) == ("2028-03-13T10:00", "11:30")
    assert await plumbers.left("yearly-service", visit) == "calendar"


async def test_who_has_got_a_visit_from_whom_can_be_read_on_it(plumbers: Shop) -> None:
    booked = await plumbers.book("visits", "ada", "tue 10:00", person="carl", **HERE)
    had = str(await plumbers.person(booked))
    await plumbers.change(booked, person="dev")
    assert await plumbers.did("handed-over", booked)
    assert await plumbers.house.notes(booked) == [f"From {had.capitalize()} to Dev."]
    untouched = await plumbers.book("visits", "grace", "tue 10:00", person="carl", **HERE)
    assert await plumbers.left("handed-over", untouched)
    assert await plumbers.house.notes(untouched) == []


async def test_on_saturdays_the_workshop_is_kept_for_the_vans(plumbers: Shop) -> None:
    plumbers.now_is("thu 12:00")
    await plumbers.until("thu 18:01")
    assert await plumbers.left("vans-in-the-workshop")
    await plumbers.until("fri 18:01")
    assert await plumbers.did("vans-in-the-workshop")
    answer = await plumbers.house.call(
        "GET",
        "/calendars/blocked-slots",
        locationId=plumbers.place.id,
        calendarId=plumbers.calendars["workshop"],
        startTime=0,
        endTime=4102444800000,
    )
    assert [block["startTime"][:16] for block in answer["events"]] == ["2027-03-20T08:00"]
