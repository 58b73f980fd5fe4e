"""The salon of the gallery: what each of its rules does to a booking, and which it leaves alone."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from service.embedded import Servers
from tests.gallery import Shop
from tests.trades import open_trade


@pytest.fixture
async def salon(database_url: str, servers: Servers) -> AsyncIterator[Shop]:
    async with open_trade("salon", database_url, servers) as opened:
        yield opened


async def test_a_client_tagged_vip_gets_a_senior_and_no_other_rule_is_asked(salon: Shop) -> None:
    booked = await salon.book("colour", "grace", "thu 18:00", person="alex")
    assert await salon.did("vip-to-seniors", booked) == [
        "assign dana: the first who is free",
        "call it “VIP: Grace Example”",
    ]
    assert (await salon.person(booked), await salon.title(booked)) == ("dana", "VIP: Grace Example")
    assert await salon.left("same-colourist", booked) == "stop_others"
    other = await salon.book("cuts", "ada", "thu 10:00", person="alex")
    assert await salon.left("vip-to-seniors", other) == "contact.tags"
    assert await salon.person(other) == "alex"


async def test_a_colour_goes_to_who_did_the_last_one_or_else_to_who_has_time(salon: Shop) -> None:
    await salon.before("colour", "ada", "2027-01-12 14:00", person="dana")
    booked = await salon.book("colour", "ada", "thu 14:00", person="alex")
    assert await salon.did("same-colourist", booked) == ["assign dana: the same as before"]
    assert await salon.person(booked) == "dana"
    for_alan = await salon.book("colour", "alan", "thu 14:00", person="kim")
    assert await salon.person(for_alan) == "alex", "who can colour and is free"
    cut = await salon.book("cuts", "ada", "fri 10:00", person="kim")
    assert await salon.left("same-colourist", cut)
    assert await salon.person(cut) == "kim"


async def test_where_nobody_can_do_the_colour_dana_is_to_offer_another_time(salon: Shop) -> None:
    for client in ("ada", "alan"):
        await salon.book("colour", client, "thu 14:00", person={"ada": "dana", "alan": "alex"}[client])
    await salon.book("colour", "betty", "thu 14:00", person="kim")
    title = "Nobody can do the colour on Thursday at 14:00: offer another time"
    assert await salon.tasks("betty") == [(title, "dana")]


async def test_after_a_late_colour_time_is_kept_to_clean_up_as_long_as_it_is_late(salon: Shop) -> None:
    booked = await salon.book("colour", "alan", "thu 18:00", person="dana")
    assert await salon.did("clean-the-mixing-bar", booked) == [
        "block 20m after the booking, 19:30 to 19:50, and keep it there"
    ]
    assert await salon.blocks("dana") == [("thu 19:30", "19:50")]
    await salon.change(booked, to="thu 17:30")
    assert await salon.blocks("dana") == [("thu 19:00", "19:20")], "it goes with its booking"
    early = await salon.book("colour", "betty", "fri 10:00", person="dana")
    assert await salon.left("clean-the-mixing-bar", early) == "ends"


async def test_newcomers_who_book_ahead_are_called_once(salon: Shop) -> None:
    booked = await salon.book("cuts", "ada", "fri 10:00", person="kim")
    assert await salon.did("welcome-call", booked)
    assert await salon.tasks("ada") == [("Welcome Ada on +15550120", "kim")]
    assert (await salon.contact("ada"))["tags"] == ["new"]
    soon = await salon.book("cuts", "alan", "mon 15:00")
    assert await salon.left("welcome-call", soon) == "lead"
    silent = await salon.book("cuts", "betty", "fri 10:00")
    assert await salon.left("welcome-call", silent) == "contact.phone"
    again = await salon.book("cuts", "ada", "fri 16:00")
    assert await salon.left("welcome-call", again) == "contact.bookings within 730d"


async def test_who_does_not_come_twice_pays_a_deposit(salon: Shop) -> None:
    first = await salon.book("cuts", "alan", "mon 10:00")
    await salon.change(first, status="noshow")
    assert await salon.left("second-no-show", first) == "contact.no_shows within 180d"
    second = await salon.book("cuts", "alan", "mon 12:00")
    await salon.change(second, status="noshow")
    assert await salon.did("second-no-show", second)
    assert (await salon.contact("alan"))["tags"] == ["deposit"]
    assert await salon.workflows("alan") == {"win-back"}


async def test_an_hour_that_comes_free_within_a_day_is_offered_to_who_waits(salon: Shop) -> None:
    tomorrow = await salon.book("cuts", "ada", "tue 08:30", person="kim")
    await salon.change(tomorrow, status="cancelled")
    assert await salon.did("late-cancellation", tomorrow)
    assert "late cancellation" in (await salon.contact("ada"))["tags"]
    assert ("Offer Tuesday, 08:30 to the waiting list (cuts)", "kim") in await salon.tasks("ada")
    in_time = await salon.book("cuts", "alan", "thu 10:00")
    await salon.change(in_time, status="cancelled")
    assert await salon.left("late-cancellation", in_time) == "notice"


async def test_who_was_here_is_asked_for_a_review_the_day_after_once(salon: Shop) -> None:
    visits = [await salon.book("cuts", name, "tue 10:00") for name in ("ada", "betty", "alan")]
    await salon.change(visits[2], status="cancelled")
    await salon.until("wed 09:59")
    assert await salon.workflows("ada") == set()
    await salon.until("wed 10:01")
    assert await salon.did("ask-for-a-review", visits[0])
    assert await salon.left("ask-for-a-review", visits[1]) == "contact.tags"
    assert [await salon.workflows(name) for name in ("ada", "betty", "alan")] == [{"reviews"}, set(), set()]
    again = await salon.book("cuts", "ada", "thu 10:00")
    await salon.until("fri 10:01")
    assert "once" in await salon.left("ask-for-a-review", again)


async def test_of_a_course_that_is_nearly_full_somebody_hears_once(salon: Shop) -> None:
    first, second, third = [await salon.book("course", name, "tue 09:00") for name in ("ada", "alan", "betty")]
    assert await salon.left("course-nearly-full", first) == "slot.left"
    assert await salon.did("course-nearly-full", second)
    told = "Course on 16 March 2027: 2 of 3 seats are taken, 1 left."
    assert await salon.alerts("course-nearly-full") == [told]
    assert "once" in await salon.left("course-nearly-full", third)


async def test_where_one_of_a_series_is_moved_somebody_asks_about_the_others_once(salon: Shop) -> None:
    series = await salon.book("course", "alan", "tue+1 09:00", 90, person="alex", rrule="RRULE:FREQ=WEEKLY;COUNT=4")
    assert await salon.left("one-of-a-series", series) == "recurring, series.count"
    listed = await salon.house.call("GET", f"/contacts/{salon.contacts['alan']}/appointments")
    first, second, *_ = sorted(each["id"] for each in listed["events"])
    await salon.change(first, to="wed+1 09:00")
    assert await salon.did("one-of-a-series", first)
    assert await salon.title(second) == "Series: Alan Example"
    assert ("One of 4 is on Wednesday now: do the others stay?", "alex") in await salon.tasks("alan")
    await salon.change(second, to="wed+2 09:00")
    assert "once" in await salon.left("one-of-a-series", second)


async def test_seniors_have_lunch_on_working_days_where_nobody_has_booked_it(salon: Shop) -> None:
    await salon.book("cuts", "ada", "wed+1 12:30", person="dana")
    salon.now_is("fri 20:00")
    await salon.until("sat 06:01")
    assert await salon.left("lunch")
    assert await salon.blocks("kim") == [], "it is Saturday"
    await salon.until("mon+1 06:01")
    assert await salon.did("lunch")
    week = [(f"{day} 12:30", "13:00") for day in ("mon", "tue", "wed", "thu")]
    assert await salon.blocks("kim") == week, "Friday is Good Friday"
    assert await salon.blocks("dana") == [lunch for lunch in week if lunch[0] != "wed 12:30"]


async def service(salon: Shop, name: str, clock: str) -> str:
    """Ada books one; the workflow that watches services tells of it."""
    catalog = await salon.house.call("GET", "/calendars/services/catalog", locationId=salon.place.id)
    [id_] = [each["id"] for each in catalog["services"] if each["name"] == name]
    starts = salon.at(f"thu {clock}")
    body: dict[str, Any] = {
        "locationId": salon.place.id,
        "contactId": salon.contacts["ada"],
        "startTime": starts.isoformat(),
        "endTime": starts.replace(hour=starts.hour + 1).isoformat(),
        "timezone": "Europe/London",
        "services": [{"id": id_}],
    }
    path = "/calendars/services/bookings"
    booked = str((await salon.house.call("POST", path, body, status=201, overrideAvailability="true"))["bookingId"])
    await salon.tell_of_service(booked)
    return booked


async def test_before_a_colour_the_skin_is_tested_and_what_becomes_of_services_is_told_at_the_desk(salon: Shop) -> None:
    colour, massage = await service(salon, "Colour", "10:00"), await service(salon, "Scalp massage", "15:00")
    assert await salon.did("patch-test", colour)
    assert await salon.tasks("ada") == [("Patch test for Ada Example before Thursday", "dana")]
    assert await salon.left("patch-test", massage) == "services"
    await salon.house.call("PUT", f"/calendars/services/bookings/{massage}", {"status": "cancelled"})
    await salon.tell_of_service(massage)
    assert await salon.did("services-changed", massage) == ["alert: “1 service(s) on 18 March 2027: cancelled.”"]
    assert await salon.left("services-changed", colour)


async def test_a_rule_that_is_off_does_nothing(salon: Shop) -> None:
    booked = await salon.book("cuts", "ada", "thu 10:00")
    assert await salon.left("voucher-season", booked) == "not asked"
    assert await salon.house.notes(booked) == []
