"""The sales team of the gallery: what each of its rules does to a booking, and which it leaves alone."""

import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from service.embedded import Servers
from tests.gallery import Shop
from tests.other_systems import Receiver
from tests.trades import open_trade


@pytest.fixture
async def crm() -> AsyncIterator[Receiver]:
    receiver, app = Receiver(), web.Application()
    app.router.add_post("/bookings", receiver.take)
    async with TestServer(app) as server:
        receiver.url = str(server.make_url("/bookings"))
        yield receiver


@pytest.fixture
async def sales(database_url: str, servers: Servers, crm: Receiver) -> AsyncIterator[Shop]:
    async with open_trade("sales", database_url, servers, receiver=crm.url) as opened:
        yield opened


async def test_students_are_moved_to_the_next_webinar_and_no_salesperson_is_looked_for(sales: Shop) -> None:
    booked = await sales.book("demos", "tim", "mon 14:00", person="sam")
    assert await sales.did("students-to-webinar", booked)
    now = await sales.house.appointment(booked)
    assert (now["calendarId"], await sales.starts(booked)) == (sales.calendars["webinar"], sales.at("tue 12:00"))
    assert await sales.left("demos", booked) == "stop_others"
    other = await sales.book("demos", "ada", "mon 15:00")
    assert await sales.left("students-to-webinar", other) == "contact.email"


async def test_demos_go_to_who_owns_the_contact_to_who_speaks_german_or_by_shares(sales: Shop) -> None:
    adas = await sales.book("demos", "ada", "tue 10:00", person="sam")
    assert await sales.did("demos", adas)
    assert await sales.person(adas) == "rio"
    heidis = await sales.book("demos", "heidi", "tue 11:00", person="sam")
    assert await sales.person(heidis) == "jo"
    graces = await sales.book("demos", "grace", "tue 12:00", person="jo")
    assert await sales.person(graces) == "sam", "who has half of them"
    webinar = await sales.book("webinar", "tim", "thu 12:00")
    assert await sales.left("demos", webinar)
    assert await sales.person(webinar) == "jo"


async def test_who_gives_the_first_demo_owns_the_contact(sales: Shop) -> None:
    booked = await sales.book("demos", "grace", "tue 12:00", person="jo")
    assert await sales.did("owner-follows-demo", booked) == ["give the contact to sam"]
    assert (await sales.contact("grace"))["assignedTo"] == sales.people["sam"]
    owned = await sales.book("demos", "ada", "tue 13:00")
    assert await sales.left("owner-follows-demo", owned) == "contact.owner"
    assert (await sales.contact("ada"))["assignedTo"] == sales.people["rio"]


async def test_demos_for_big_companies_are_prepared(sales: Shop) -> None:
    booked = await sales.book("demos", "grace", "tue 12:00")
    assert not any("told" in each for each in await sales.did("big-companies", booked))
    assert await sales.title(booked) == "DEMOS: Grace Example (1000+)"
    assert await sales.blocks("sam") == [("tue 11:30", "12:00"), ("tue 12:30", "12:45")]
    other = await sales.book("demos", "ada", "tue 14:00")
    assert await sales.left("big-companies", other) == "contact.fields.company_size"


async def test_who_left_no_number_is_asked_for_it(sales: Shop) -> None:
    booked = await sales.book("demos", "alan", "tue 12:00")
    assert await sales.did("no-number", booked)
    assert await sales.tasks("alan") == [("Ask alan@company.example.com for a number", "sam")]
    assert await sales.house.notes(booked) == ["No telephone number, US."]
    other = await sales.book("demos", "ada", "tue 14:00")
    assert await sales.left("no-number", other) == "contact.phone"


async def test_who_did_not_come_to_a_demo_gets_another_one_once(sales: Shop) -> None:
    missed = await sales.book("demos", "ada", "mon 10:00", person="rio")
    sales.now_is("mon 11:00")
    await sales.change(missed, status="noshow")
    assert await sales.did("second-chance", missed)
    listed = await sales.house.call("GET", f"/contacts/{sales.contacts['ada']}/appointments")
    [again] = [each["id"] for each in listed["events"] if each["id"] != missed]
    assert (await sales.starts(again), await sales.person(again)) == (sales.at("tue 10:00"), "rio")
    sales.now_is("tue 11:00")
    await sales.change(again, status="noshow")
    assert await sales.left("second-chance", again) == "contact.no_shows"


async def test_what_was_booked_online_and_is_not_answered_within_an_hour_is_told(sales: Shop) -> None:
    waits = await sales.online("demos", "alan", "thu 12:00", status="new")
    answered = await sales.online("demos", "grace", "thu 14:00", status="new")
    by_hand = await sales.book("demos", "ada", "thu 15:00", appointmentStatus="new")
    await sales.change(answered, status="confirmed")
    await sales.until("mon 10:01")
    assert await sales.did("slow-answer", waits)
    assert await sales.alerts("slow-answer") == ["Booked Monday at 09:00, and not confirmed yet: demos."]
    assert await sales.left("slow-answer", answered) == "status"
    assert await sales.left("slow-answer", by_hand) == "source"


async def test_who_has_answered_is_not_chased_any_more(sales: Shop) -> None:
    chase, *_ = [each.names.workflows["chase"] for each in sales.rules]
    booked = [await sales.book("demos", name, "thu 12:00", appointmentStatus="new") for name in ("ada", "grace")]
    gone = await sales.book("demos", "alan", "thu 15:00")
    for name in ("ada", "grace", "alan"):
        await sales.house.call("POST", f"/contacts/{sales.contacts[name]}/workflow/{chase}", {})
    await sales.change(booked[0], status="confirmed")
    await sales.change(booked[1], status="cancelled")
    await sales.delete(gone)
    for each in booked:
        assert await sales.did("chase-no-more", each)
    assert [await sales.workflows(name) for name in ("ada", "grace", "alan")] == [set(), set(), {"chase"}]
    assert "was.status" in await sales.left("chase-no-more", gone), "it had been answered before"


async def test_leads_who_opt_out_are_let_alone(sales: Shop) -> None:
    nurture, *_ = [each.names.workflows["nurture"] for each in sales.rules]
    for name in ("alan", "ada"):
        await sales.house.call("POST", f"/contacts/{sales.contacts[name]}/workflow/{nurture}", {})
        await sales.house.call("POST", f"/contacts/{sales.contacts[name]}/tags", {"tags": ["seen"]}, status=201)
        await sales.settled()
    assert await sales.left("opted-out") == "contact.tags"
    for name in ("alan", "ada"):
        await sales.house.call("POST", f"/contacts/{sales.contacts[name]}/tags", {"tags": ["opted out"]}, status=201)
        await sales.settled()
    assert await sales.did("opted-out") == ["take the contact out of the workflow nurture", "remove the tag lead"]
    assert [await sales.workflows(name) for name in ("alan", "ada")] == [set(), {"nurture"}]
    assert (await sales.contact("ada"))["assignedTo"] == sales.people["rio"]


async def test_of_big_deals_the_team_hears_and_their_onboarding_begins(sales: Shop) -> None:
    for name, stage, value in (("ada", "won", 900), ("alan", "lost", 70000)):
        await sales.tell("crm", {"contact": sales.contacts[name]}, deal={"stage": stage, "value": value})
    assert await sales.left("deal-won") == "event.value, event.stage"
    await sales.tell("crm", {"contact": sales.contacts["grace"]}, deal={"stage": "won", "value": 48000})
    assert await sales.did("deal-won")
    assert await sales.alerts("deal-won") == ["A deal of $48,000.00 is won."]
    assert [await sales.workflows(name) for name in ("grace", "ada", "alan")] == [{"onboarding"}, set(), set()]


async def test_the_crm_hears_of_a_demo_once_it_is_quiet(sales: Shop, crm: Receiver) -> None:
    booked = await sales.book("demos", "ada", "tue 10:00", person="rio")
    webinar = await sales.book("webinar", "tim", "thu 12:00")
    await sales.change(booked, to="tue 11:00")
    assert crm.got == []
    await sales.until("mon 09:02")
    assert await sales.did("tell-the-crm", booked)
    [(_, body)] = crm.got
    assert json.loads(body) == {"starts": "Tuesday 16 March 2027, 11:00", "status": "confirmed", "rep": "rio"}
    assert await sales.left("tell-the-crm", webinar) == "debounce, calendar.name"


async def test_too_many_demos_in_a_week_are_told_on_monday_morning(sales: Shop) -> None:
    for number in range(3):
        await sales.book("demos", "alan", f"wed+2 {10 + number}:00")
    sales.now_is("sun 22:00")
    await sales.until("mon+1 08:01")
    assert await sales.left("busy-week") == "load of sam, over week"
    await sales.until("mon+2 08:01")
    assert await sales.did("busy-week") == ["alert: “Sam has more than two demos this week.”"]


async def test_what_is_tried_out_on_a_fifth_writes_nothing(sales: Shop) -> None:
    without, among = [await sales.online("demos", "ada", f"tue {hour}:00") for hour in (10, 15)]
    await sales.until("mon 16:01")
    assert await sales.did("reminders-on-trial", among) == ["write the note “Remind them of Tuesday, 15:00.”"]
    assert await sales.left("reminders-on-trial", without) == "rollout"
    assert [await sales.house.notes(booked) for booked in (without, among)] == [[], []]
