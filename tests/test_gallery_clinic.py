"""The clinic of the gallery: what each of its rules does to a booking, and which it leaves alone."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from service.embedded import Servers
from tests.gallery import Shop
from tests.trades import open_trade


@pytest.fixture
async def clinic(database_url: str, servers: Servers) -> AsyncIterator[Shop]:
    async with open_trade("clinic", database_url, servers) as opened:
        yield opened


async def test_allergies_stand_on_the_booking_of_who_has_some(clinic: Shop) -> None:
    booked = await clinic.book("check-ups", "ada", "thu 10:00")
    assert await clinic.did("allergies", booked)
    assert await clinic.house.notes(booked) == ["Allergies: Penicillin"]
    other = await clinic.book("check-ups", "betty", "thu 11:00")
    assert await clinic.left("allergies", other) == "contact.fields.allergies"


async def test_who_prefers_polish_gets_somebody_who_speaks_it_or_an_interpreter(clinic: Shop) -> None:
    booked = await clinic.book("physio", "jan", "thu 10:00", person="lee")
    assert await clinic.did("speaks-polish", booked)
    assert await clinic.person(booked) == "osman"
    second = await clinic.book("physio", "jan", "thu 10:00", person="lee")
    assert ("Polish interpreter for Thursday, 10:00", "desk") in await clinic.tasks("jan")
    assert await clinic.person(second) == "lee", "Osman has no time"
    other = await clinic.book("physio", "ada", "thu 15:00", person="lee")
    assert await clinic.left("speaks-polish", other) == "contact.fields.language"


async def test_nobody_stays_on_a_day_on_which_the_clinic_is_closed(clinic: Shop) -> None:
    await clinic.before("physio", "ada", "2027-02-01 10:00", person="lee")
    booked = await clinic.book("physio", "ada", "thu+1 10:00", 30, person="lee")
    assert await clinic.left("closed-days", booked) == "starts"
    await clinic.change(booked, to="fri+1 10:00")
    assert await clinic.did("closed-days", booked)
    assert await clinic.starts(booked) == clinic.at("tue+2 10:00"), "Monday is a holiday, too"
    assert await clinic.tasks("ada") == []
    clinic.now_is("mon 21:00")
    at_night = await clinic.book("physio", "ada", "fri+1 15:00", 30, person="lee")
    assert await clinic.starts(at_night) == clinic.at("fri+1 15:00")
    assert await clinic.tasks("ada") == [("We are closed on 26 March 2027: find another time", "desk")]


async def test_of_two_who_overlap_the_later_one_moves(clinic: Shop) -> None:
    first = await clinic.book("check-ups", "ada", "thu 10:00", person="patel")
    assert await clinic.left("double-booked", first) == "clashes"
    second = await clinic.book("check-ups", "alan", "thu 10:00", person="patel")
    assert await clinic.did("double-booked", second)
    assert await clinic.starts(first) == clinic.at("thu 10:00")
    assert await clinic.starts(second) == clinic.at("thu 10:30")
    assert await clinic.tasks("alan") == [("Tell them that they were moved to Thursday, 10:30", "desk")]


async def test_who_cannot_be_moved_wakes_somebody(clinic: Shop) -> None:
    await clinic.house.call(
        "POST",
        "/calendars/events/block-slots",
        {
            "locationId": clinic.place.id,
            "assignedUserId": clinic.people["patel"],
            "startTime": clinic.at("thu 10:30").isoformat(),
            "endTime": clinic.at("fri+1 20:00").isoformat(),
        },
        status=201,
    )
    await clinic.book("check-ups", "ada", "thu 10:00", person="patel")
    second = await clinic.book("check-ups", "alan", "thu 10:00", person="patel")
    told = ["patel is booked twice on Thursday at 10:00, and not free later."]
    assert (await clinic.alerts("double-booked"), await clinic.tasks("alan")) == (told, [])
    assert await clinic.starts(second) == clinic.at("thu 10:00")


async def test_a_first_treatment_is_longer_where_there_is_time(clinic: Shop) -> None:
    first = await clinic.book("physio", "betty", "thu 10:00", 30, person="lee")
    assert await clinic.did("first-visit", first)
    now = await clinic.house.appointment(first)
    assert (await clinic.starts(first), now["endTime"][11:16]) == (clinic.at("thu 10:00"), "10:45")
    again = await clinic.book("physio", "betty", "fri 10:00", 30, person="lee")
    assert await clinic.left("first-visit", again) == "contact.bookings"
    squeezed = await clinic.book("physio", "alan", "thu 09:30", 30, person="lee")
    assert await clinic.house.notes(squeezed) == ["A first visit, for which there are 0.5 hours only."]


async def test_who_is_in_another_time_zone_reads_so(clinic: Shop) -> None:
    booked = await clinic.book("check-ups", "grace", "thu 15:00")
    assert await clinic.did("abroad", booked)
    assert await clinic.house.notes(booked) == ["15:00 is by our clock; theirs is America/New_York."]
    other = await clinic.book("check-ups", "alan", "thu 16:00")
    assert await clinic.left("abroad", other) == "contact.time_zone"


async def test_no_time_to_change_the_room_stands_on_the_booking(clinic: Shop) -> None:
    for name in ("ada", "jan"):
        await clinic.before("physio", name, "2027-02-01 10:00", person="lee")
    await clinic.book("vaccinations", "betty", "wed 09:45", person="lee")
    close = await clinic.book("physio", "ada", "wed 10:00", person="lee")
    assert await clinic.did("change-of-room", close)
    assert "Lee comes from the vaccinations, until 10:00." in await clinic.house.notes(close)
    later = await clinic.book("physio", "ada", "wed 10:45", person="lee")
    assert await clinic.left("change-of-room", later) == "previous.calendar, previous.gap"


async def test_who_has_not_confirmed_is_rung_up_in_time(clinic: Shop) -> None:
    await clinic.book("check-ups", "jan", "tue 12:00", appointmentStatus="new")
    sure = await clinic.book("check-ups", "ada", "tue 12:30")
    late = await clinic.book("check-ups", "grace", "tue 11:00", appointmentStatus="new")
    await clinic.until("tue 10:05")
    assert await clinic.did("ring-unconfirmed")
    assert await clinic.tasks("jan") == [("Ring Jan Example: +15550131", "desk")]
    await clinic.until("tue 10:06")
    assert await clinic.left("ring-unconfirmed", sure) == "status"
    assert await clinic.left("ring-unconfirmed", late), "less than an hour is left"


async def test_who_must_confirm_and_does_not_loses_the_appointment_the_day_before(clinic: Shop) -> None:
    lost = await clinic.book("check-ups", "alan", "wed 10:00", appointmentStatus="new")
    kept = await clinic.book("check-ups", "alan", "wed 11:00")
    others = await clinic.book("check-ups", "ada", "wed 12:00", appointmentStatus="new")
    await clinic.until("tue 17:01")
    assert await clinic.did("release-unconfirmed", lost) == ["cancel it; the client is told"]
    assert (await clinic.house.appointment(lost))["appointmentStatus"] == "cancelled"
    assert await clinic.left("release-unconfirmed", kept) == "status"
    assert await clinic.left("release-unconfirmed", others) == "contact.tags"


async def test_after_a_treatment_the_next_one_is_booked_with_the_same_person(clinic: Shop) -> None:
    treated = await clinic.book("physio", "ada", "tue 10:00", 30, person="lee")
    discharged = await clinic.book("physio", "betty", "tue 11:00", 30, person="lee")
    clinic.now_is("tue 12:00")
    for booked in (treated, discharged):
        await clinic.change(booked, status="showed")
    assert await clinic.did("next-treatment", treated)
    assert await clinic.left("next-treatment", discharged) == "contact.tags"
    listed = await clinic.house.call("GET", f"/contacts/{clinic.contacts['ada']}/appointments")
    [following] = [each for each in listed["events"] if each["id"] != treated]
    assert await clinic.starts(following["id"]) == clinic.at("tue+2 10:00")
    assert (await clinic.person(following["id"]), await clinic.title(following["id"])) == ("lee", "Ada: treatment")


async def test_who_is_ill_is_blocked_and_somebody_is_woken(clinic: Shop) -> None:
    over: dict[str, Any] = {
        "from": clinic.at("2027-03-08 08:00").isoformat(),
        "until": clinic.at("2027-03-08 18:00").isoformat(),
    }
    await clinic.tell("sick_day", employee="osman", **over)
    assert await clinic.left("sick-day") == "event.until", "it is over"
    hours: dict[str, Any] = {"from": clinic.at("tue 08:00").isoformat(), "until": clinic.at("tue 18:00").isoformat()}
    await clinic.tell("sick_day", employee="lee", **hours)
    assert await clinic.did("sick-day")
    assert await clinic.blocks("lee") == [("tue 08:00", "18:00")]
    assert await clinic.alerts("sick-day") == ["lee is ill until Tuesday, 18:00."]
    assert await clinic.blocks("osman") == []


async def test_too_many_checkups_on_one_day_are_told_of_once(clinic: Shop) -> None:
    *_, third, fourth, fifth = [
        await clinic.book("check-ups", "ada", f"thu {hour}:00", person="patel") for hour in (10, 11, 14, 15, 16)
    ]
    assert await clinic.left("long-day", third) == "load over day"
    assert await clinic.did("long-day", fourth) == ["alert: “Patel has 4 on Thursday.”"]
    assert "once" in await clinic.left("long-day", fifth)


async def test_of_many_moves_one_note_says_from_where_to_where(clinic: Shop) -> None:
    moved = await clinic.book("check-ups", "alan", "thu 10:00", person="patel")
    back = await clinic.book("check-ups", "betty", "fri 10:00", person="patel")
    for booked, hours in ((moved, (11, 12, 14)), (back, (11, 10))):
        day = "thu" if booked == moved else "fri"
        for hour in hours:
            await clinic.change(booked, to=f"{day} {hour}:00")
    await clinic.until(clinic.house.clock() + timedelta(minutes=3))
    assert await clinic.did("moved", moved)
    assert await clinic.house.notes(moved) == ["Moved from Thursday 10:00 to Thursday 14:00."]
    assert "starts" in await clinic.left("moved", back)
