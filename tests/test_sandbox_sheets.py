"""The sheets of bookings on the sandbox's page: what they show, what is done on them and what is said of it."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from service.sandbox.page.forms import MOST_SENT, Sent
from tests.sandbox_pages import SALON, book_by_hand, changes, look, post
from tests.sandboxes import ADA, APPOINTMENTS, CUTS, DANA, KIM, LOCATION, MONDAY, Sandbox, at, running, until

BOOKING = "/_sandbox/page/bookings"
NEW = {"calendarId": CUTS, "locationId": LOCATION, "contactId": ADA}


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running(seed=SALON) as running_sandbox:
        yield running_sandbox


async def test_a_booking_is_moved_to_one_of_the_slots_that_its_sheet_names(sandbox: Sandbox) -> None:
    booked = await book_by_hand(sandbox, at("09:00"), person=DANA)
    sheet = await look(sandbox, f"{BOOKING}/{booked}")
    slots = re.findall(r'<option value="(2026[^"]+)"', sheet)
    assert (slots[0], slots[-1]) == (at("09:30"), "2026-04-04T16:00:00+01:00")
    assert f'<option value="{slots[-1]}">Sat 4 Apr 16:00</option>' in sheet
    assert f'value="{booked}" readonly' in sheet
    led = await post(sandbox, f"{BOOKING}/{booked}/move", {"start": slots[-1]})
    assert led == f"{BOOKING}/{booked}?done=move"
    sheet = await look(sandbox, led)
    assert "Moved to Sat 4 Apr 2026, 16:00–17:00." in sheet
    assert f'href="/_sandbox/?week=2026-04-04#booking-{booked}"' in sheet
    kept = await sandbox.read(booked)
    assert (kept["startTime"], kept["endTime"]) == (slots[-1], "2026-04-04T17:00:00+01:00")
    await until(lambda: len(sandbox.receiver.bodies) == 2)
    assert sandbox.receiver.bodies[1]["type"] == "AppointmentUpdate"
    await sandbox.book(at("12:00"), assignedUserId=DANA)
    page = await post(sandbox, f"{BOOKING}/{booked}/move", {"start": at("12:00")}, status=400)
    assert "The slot you have selected is no longer available." in page
    assert (await sandbox.read(booked))["startTime"] == slots[-1]


@pytest.mark.parametrize(
    ("status", "words"),
    [("cancelled", "cancelled"), ("noshow", "no-show"), ("showed", "showed"), ("confirmed", "confirmed")],
)
async def test_a_status_is_given_by_a_click(sandbox: Sandbox, status: str, words: str) -> None:
    booked = await book_by_hand(sandbox, at("09:00"))
    before = "showed" if status == "confirmed" else "confirmed"
    await sandbox.call("PUT", f"/calendars/events/appointments/{booked}", {"appointmentStatus": before})
    sandbox.clock.now = MONDAY + timedelta(hours=1)
    sheet = await look(sandbox, f"{BOOKING}/{booked}")
    buttons = re.findall(r'name="status" value="(\w+)"', sheet)
    assert (status in buttons, before in buttons) == (True, False)
    led = await post(sandbox, f"{BOOKING}/{booked}/status", {"status": status})
    assert f"Set to {words}." in await look(sandbox, led)
    assert (await sandbox.read(booked))["appointmentStatus"] == status
    await until(lambda: len(sandbox.receiver.bodies) == 3)
    assert sandbox.receiver.bodies[2]["appointment"]["appointmentStatus"] == status
    box = (await look(sandbox)).partition(f'id="booking-{booked}"')[2].partition("</li>")[0]
    assert words in box


async def test_a_deleted_booking_is_not_drawn_and_nothing_can_be_done_to_it(sandbox: Sandbox) -> None:
    booked = await book_by_hand(sandbox, at("09:00"))
    sheet = await look(sandbox, f"{BOOKING}/{booked}")
    unfolded = sheet.partition('<details class="delete"><summary>')[2].partition("</details>")[0]
    assert f'action="{BOOKING}/{booked}/delete"' in unfolded
    assert await post(sandbox, f"{BOOKING}/{booked}/delete", {}) == "/_sandbox/?week=2026-03-23"
    assert (await sandbox.read(booked))["deleted"]
    await until(lambda: [body["type"] for body in sandbox.receiver.bodies][1:] == ["AppointmentDelete"])
    assert f'id="booking-{booked}"' not in await look(sandbox)
    sheet = await look(sandbox, f"{BOOKING}/{booked}")
    assert ("deleted" in sheet, "<form" in sheet) == (True, False)
    page = await post(sandbox, f"{BOOKING}/{booked}/status", {"status": "showed"}, status=400)
    assert "The appointment has been deleted." in page


async def test_notes_are_added_and_shown_with_those_that_the_api_wrote(sandbox: Sandbox) -> None:
    booked = await book_by_hand(sandbox, at("09:00"))
    led = await post(sandbox, f"{BOOKING}/{booked}/notes", {"body": "Wants it\r\nshort"})
    assert led == f"{BOOKING}/{booked}?done=notes"
    assert "The note is added." in await look(sandbox, led)
    path = f"/calendars/appointments/{booked}/notes"
    await sandbox.call("POST", path, {"body": "By a rule", "userId": DANA}, status=201)
    sheet = await look(sandbox, f"{BOOKING}/{booked}", part="1")
    assert "<html" not in sheet
    assert re.findall(r'<li><p class="foreign">(.*?)</p>', sheet, re.DOTALL) == ["Wants it\nshort", "By a rule"]
    page = await post(sandbox, f"{BOOKING}/{booked}/notes", {"body": "x" * 5001}, status=422)
    assert "not understood" in page


async def test_showed_and_no_show_are_offered_once_it_has_begun(sandbox: Sandbox) -> None:
    booked = await book_by_hand(sandbox, at("09:00"))
    sandbox.clock.now = MONDAY + timedelta(minutes=59)
    assert re.findall(r'name="status" value="(\w+)"', await look(sandbox, f"{BOOKING}/{booked}")) == ["cancelled"]
    sandbox.clock.now = MONDAY + timedelta(minutes=60)
    sheet = await look(sandbox, f"{BOOKING}/{booked}")
    assert re.findall(r'name="status" value="(\w+)"', sheet) == ["showed", "noshow", "cancelled"]


async def test_a_booking_that_is_far_away_can_be_moved_within_its_own_weeks_and_to_the_next_days(
    sandbox: Sandbox,
) -> None:
    booked = await book_by_hand(sandbox, "2026-12-18T09:00:00+00:00", person=DANA)
    sheet = await look(sandbox, f"{BOOKING}/{booked}")
    days = re.findall(r'<optgroup label="([^"]+)">', sheet)
    assert (days[0], days[11], days[12], days[-1]) == (
        "Monday 23 March 2026",
        "Saturday 4 April 2026",
        "Friday 11 December 2026",
        "Thursday 24 December 2026",
    )
    assert '<option value="2026-12-21T09:00:00+00:00">Mon 21 Dec 09:00</option>' in sheet


async def test_what_changed_lately_leads_to_the_booking_and_to_the_week_in_which_it_is_now(sandbox: Sandbox) -> None:
    booked = await book_by_hand(sandbox, at("09:00"))
    await post(sandbox, f"{BOOKING}/{booked}/move", {"start": "2026-04-01T09:00:00+01:00"})
    await post(sandbox, f"{BOOKING}/{booked}/notes", {"body": "Short"})
    page = await look(sandbox)
    assert changes(page) == [
        "Ada Example on Wed 01 Apr 09:00: note &#39;Short&#39;",
        "Ada Example: moved from Mon 23 Mar 09:00 to Wed 01 Apr 09:00",
        "Ada Example booked Cuts with Dana for Mon 23 Mar 09:00",
    ]
    lately = page.partition('id="lately"')[2]
    assert lately.count(f'<a href="{BOOKING}/{booked}">') == 3
    assert lately.count(f'<a href="/_sandbox/?week=2026-04-01#booking-{booked}">its week</a>') == 3


async def test_a_service_booking_has_a_sheet_to_be_read() -> None:
    async with running(told=False) as demo:
        services = [{"id": "sWGhcb5yJZ42OXwjtLlL", "staffId": KIM}]
        said = {"locationId": LOCATION, "contactId": ADA, "timezone": "Europe/London", "services": services}
        times = {"startTime": at("10:00"), "endTime": at("11:30")}
        booked = await demo.call("POST", "/calendars/services/bookings", {**said, **times}, status=201)
        page = await look(demo, of=f"person:{KIM}")
        [link] = re.findall(
            r'<a href="([^"]*/service-bookings/[^"]*)" title="10:00–11:30 Ada Example, Kim · Colour', page
        )
        assert f'<a href="{link.replace("&", "&amp;")}">Ada Example - Colour' in page.partition('id="lately"')[2]
        sheet = await look(demo, link)
        assert f'value="{booked["bookingId"]}" readonly' in sheet
        for fact in ("Mon 23 Mar 2026, 10:00–11:30", "confirmed", "Colour", "Kim", "Ada Example", "The salon"):
            assert fact in sheet, fact
        assert '<form method="post"' not in sheet
        await look(demo, "/_sandbox/page/service-bookings/nothing", status=404)


async def test_a_form_that_is_sent_again_leads_to_the_booking_that_it_made(sandbox: Sandbox) -> None:
    form = await look(sandbox, "/_sandbox/page/new", of=f"calendar:{CUTS}", start=at("09:00"))
    [number] = re.findall(r'name="once" value="([^"]+)"', form)
    assert number not in await look(sandbox, "/_sandbox/page/new", of=f"calendar:{CUTS}", start=at("09:00"))
    said = {"once": number, "contact": ADA, "person": "", "title": ""}
    booked = await book_by_hand(sandbox, at("09:00"), **said)
    assert [await book_by_hand(sandbox, at("09:00"), **said) for _ in range(2)] == [booked] * 2
    assert len(changes(await look(sandbox))) == 1
    # What says something else is another.
    assert await book_by_hand(sandbox, at("10:00"), **said) != booked


async def test_a_form_is_remembered_for_as_long_as_somebody_may_click_again() -> None:
    sent = Sent()
    for number in range(MOST_SENT + 1):
        sent.keep(CUTS, {"once": str(number)}, f"/{number}")
    assert [sent.led_to(CUTS, {"once": each}) for each in ("0", "1", str(MOST_SENT))] == [None, "/1", f"/{MOST_SENT}"]
    sent.keep(CUTS, {"start": at("09:00")}, "/unnumbered")
    assert sent.led_to(CUTS, {"start": at("09:00")}) is None


async def test_a_booking_that_is_moved_keeps_its_length(sandbox: Sandbox) -> None:
    long = {"startTime": at("09:00"), "endTime": at("11:00"), "ignoreFreeSlotValidation": True, "assignedUserId": DANA}
    booked = (await sandbox.call("POST", APPOINTMENTS, {**NEW, **long}))["id"]
    sheet = await look(sandbox, f"{BOOKING}/{booked}")
    assert "This booking lasts 2 h, slots of its calendar 1 h" in sheet
    said = {"start": at("13:00")}
    page = await post(sandbox, f"{BOOKING}/{booked}/move", said, status=400)
    assert "Selected slot duration is not a valid duration option for this calendar" in page
    await post(sandbox, f"{BOOKING}/{booked}/move", {**said, "unchecked": "yes"})
    kept = await sandbox.read(booked)
    assert (kept["startTime"], kept["endTime"]) == (at("13:00"), at("15:00"))
    usual = await book_by_hand(sandbox, at("09:00"), person=KIM)
    assert 'name="unchecked"' not in await look(sandbox, f"{BOOKING}/{usual}")


async def test_a_note_of_blanks_is_refused_in_plain_words(sandbox: Sandbox) -> None:
    booked = await book_by_hand(sandbox, at("09:00"))
    for body in ("", " \r\n\t "):
        page = await post(sandbox, f"{BOOKING}/{booked}/notes", {"body": body}, status=422)
        assert "A note needs some words." in page
    assert len(changes(await look(sandbox))) == 1


async def test_changes_say_the_day_on_which_something_ends(sandbox: Sandbox) -> None:
    over_night = {"startTime": at("22:00"), "endTime": "2026-03-25T06:00:00+00:00"}
    block = {"locationId": LOCATION, "assignedUserId": DANA, "title": "Away", **over_night}
    await sandbox.call("POST", "/calendars/events/block-slots", block, status=201)
    booked = (await sandbox.call("POST", APPOINTMENTS, {**NEW, "startTime": at("09:00"), "assignedUserId": KIM}))["id"]
    longer = {**over_night, "ignoreFreeSlotValidation": True}
    await sandbox.call("PUT", f"{APPOINTMENTS}/{booked}", longer)
    told = changes(await look(sandbox))
    assert told[2] == "Blocked Dana Mon 23 Mar 22:00 to Wed 25 Mar 06:00 (Away)"
    assert told[0].endswith("moved from Mon 23 Mar 09:00 to Mon 23 Mar 22:00, until Wed 25 Mar 06:00 now")
