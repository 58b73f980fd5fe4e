"""The sandbox's page in a real browser: Debian's Chromium, driven by Playwright."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Route, async_playwright, expect

from tests.sandbox_pages import SALON, book_by_hand
from tests.sandboxes import CUTS, DANA, KIM, MONDAY, Sandbox, at, running, until
from tests.test_browser import ARGUMENTS, CHROMIUM, FAINT, UNNAMED, Visit, sideways

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.dear,
]


expect.set_options(timeout=20_000)  # two seconds go by until a page looks again, more on a busy machine


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS.split())
        yield opened
        await opened.close()


@pytest_asyncio.fixture(loop_scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running(seed=SALON) as running_sandbox:
        yield running_sandbox


@pytest_asyncio.fixture(loop_scope="module")
async def visit(browser: Browser, sandbox: Sandbox) -> AsyncIterator[Visit]:
    context = await browser.new_context(base_url=str(sandbox.client.make_url("/")))
    yield Visit(await context.new_page())
    await context.close()


async def test_booking_moving_cancelling_and_a_no_show_by_clicking(sandbox: Sandbox, visit: Visit) -> None:
    page = visit.page
    newest = page.locator(".changes li").first
    await page.goto("/_sandbox/")
    # What the mouse does, on the week as it is drawn.
    monday = page.locator("#day-2026-03-23")
    await monday.get_by_role("link", name="Book 09:30").click()
    await page.get_by_label("Contact").select_option("Grace Example")
    await page.get_by_label("Person").select_option("Kim")
    await page.get_by_role("button", name="Book").click()
    await expect(newest).to_contain_text("Grace Example booked Cuts with Kim for Mon 23 Mar 09:30")
    box = monday.get_by_role("link", name="09:30 Grace Example")
    await expect(box).to_contain_text("confirmed")

    await box.click()
    await page.get_by_label("Move to").select_option("2026-03-24T11:00:00+00:00")
    await page.get_by_role("button", name="Move").click()
    await expect(page.locator("#done")).to_have_text("Moved to Tue 24 Mar 2026, 11:00–12:00.")
    await page.get_by_role("link", name="The week").click()
    await expect(newest).to_contain_text("moved from Mon 23 Mar 09:30 to Tue 24 Mar 11:00")
    box = page.locator("#day-2026-03-24").get_by_role("link", name=re.compile("11:00.* Grace Example"))
    sandbox.clock.now = MONDAY + timedelta(days=1, hours=4)
    await box.click()
    for button, words in (("No-show", "no-show"), ("Cancel", "cancelled")):
        await page.get_by_role("button", name=button).click()
        await expect(page.locator("#done")).to_have_text(f"Set to {words}.")
    await page.get_by_role("link", name="The week").click()
    await expect(newest).to_contain_text("set to cancelled")
    await expect(box).to_contain_text("cancelled")

    await until(lambda: len(sandbox.receiver.bodies) == 4)
    assert [body["type"].removeprefix("Appointment") for body in sandbox.receiver.bodies] == ["Create", *["Update"] * 3]
    statuses = [body["appointment"]["appointmentStatus"] for body in sandbox.receiver.bodies]
    assert statuses == ["confirmed", "confirmed", "noshow", "cancelled"]
    assert visit.complaints == []
    assert {url.split("/_sandbox/")[0] for url in visit.requests} == {str(sandbox.client.make_url("")).rstrip("/")}


async def test_a_free_place_beside_a_booking_is_hit_by_an_ordinary_click(sandbox: Sandbox, visit: Visit) -> None:
    page = visit.page
    await sandbox.book(at("09:30"), assignedUserId=KIM)
    await sandbox.book(at("10:00"), assignedUserId=KIM, ignoreFreeSlotValidation=True)
    for width in (1280, 390):
        await page.set_viewport_size({"width": width, "height": 900})
        await page.goto("/_sandbox/")
        await page.locator("#day-2026-03-23").get_by_role("link", name="Book 10:00").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Book Cuts")
        await expect(page.get_by_label("Person").locator("option")).to_have_text(["anybody", "Dana"])


async def test_what_the_api_does_appears_by_itself_and_leaves_the_keyboard_where_it_is(
    sandbox: Sandbox, visit: Visit
) -> None:
    page = visit.page
    await page.goto("/_sandbox/")
    place = page.locator("#day-2026-03-25").get_by_role("link", name="Book 12:00")
    await place.focus()
    booked = (await sandbox.book(at("14:00"), assignedUserId=DANA))["id"]
    await expect(page.locator(f"#booking-{booked}")).to_be_visible()
    await expect(page.locator(".changes li")).to_have_count(1)
    await expect(place).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Book Cuts")
    await page.goto(f"/_sandbox/page/bookings/{booked}")
    await page.get_by_role("textbox", name="Note").fill("half a thou")
    notes = f"/calendars/appointments/{booked}/notes"
    await sandbox.call("POST", notes, {"body": "Written by a rule"}, status=201)
    await expect(page.locator(".notes li")).to_contain_text("Written by a rule")
    assert await page.get_by_role("textbox", name="Note").input_value() == "half a thou"
    assert visit.complaints == []


async def test_what_appears_leaves_what_was_scrolled_and_pointed_out_as_it_was(sandbox: Sandbox, visit: Visit) -> None:
    page = visit.page
    await page.set_viewport_size({"width": 1280, "height": 300})
    booked = await book_by_hand(sandbox, at("09:00"), person=DANA)
    for number in range(8):
        await sandbox.call("POST", f"/calendars/appointments/{booked}/notes", {"body": f"{number}"}, status=201)
    await page.goto(f"/_sandbox/#booking-{booked}")
    pointed_out = page.locator(f"#booking-{booked}")
    outline = await pointed_out.evaluate("one => getComputedStyle(one).outlineWidth")
    await page.locator(".lately").evaluate("one => { one.scrollTop = 70 }")
    await sandbox.book(at("09:00"), assignedUserId=KIM)
    await page.evaluate("look()")
    await expect(page.locator(".changes li")).to_have_count(10)
    assert await page.locator(".lately").evaluate("one => one.scrollTop") == 70
    assert (outline, await pointed_out.evaluate("one => getComputedStyle(one).outlineWidth")) == ("3px", "3px")


async def test_a_sheet_that_is_open_offers_nothing_to_a_booking_that_is_deleted_elsewhere(
    sandbox: Sandbox, visit: Visit
) -> None:
    booked = await book_by_hand(sandbox, at("09:00"))
    await visit.page.goto(f"/_sandbox/page/bookings/{booked}")
    move = visit.page.get_by_role("button", name="Move")
    await expect(move).to_be_visible()
    await sandbox.call("DELETE", f"/calendars/events/{booked}")
    await visit.page.evaluate("look()")
    await expect(move).to_be_hidden()
    await expect(visit.page.get_by_role("button")).to_have_count(0)


async def test_a_form_is_sent_once_however_often_its_button_is_clicked(sandbox: Sandbox, visit: Visit) -> None:
    page = visit.page
    await page.goto(f"/_sandbox/page/new?of=calendar:{CUTS}&start=2026-03-24T09:00:00%2B00:00")
    button = page.get_by_role("button", name="Book")
    sent: list[str] = []

    async def stay(route: Route) -> None:
        sent.append(route.request.method)
        await route.fulfill(status=204)  # a browser stays where it is then

    await page.route("**/page/bookings*", stay)
    await button.click()
    await expect(button).to_be_disabled()
    await page.get_by_label("Title").press("Enter")
    await expect(button).to_be_disabled()
    assert sent == ["POST"]


async def test_every_page_fits_a_phone_and_reads_well_by_day_and_by_night(sandbox: Sandbox, visit: Visit) -> None:
    long = "x" * 200
    place = {"calendarId": CUTS, "contactId": long, "assignedUserId": KIM, "title": long, "address": long}
    for number, status in enumerate(("confirmed", "new", "cancelled", "noshow", "showed", "invalid", "confirmed")):
        hours = {"startTime": at(f"{9 + number // 2:02}:00"), "endTime": at(f"{10 + number}:00")}
        await sandbox.call(
            "PUT", f"/_sandbox/appointments/number{number}", {**place, **hours, "appointmentStatus": status}
        )
    await sandbox.call("POST", "/calendars/appointments/number0/notes", {"body": long}, status=201)
    await book_by_hand(sandbox, at("16:00"))
    for width in (390, 1280):
        await visit.page.set_viewport_size({"width": width, "height": 900})
        for path in (
            "/_sandbox/",
            f"/_sandbox/?of=person:{KIM}&list=1",
            "/_sandbox/page/bookings/number0",
            "/_sandbox/page/new?start=2026-03-24T09:00:00%2B00:00",
            "/_sandbox/page/levers",
            f"/_sandbox/?week={long}",
        ):
            await visit.page.goto(path)
            assert await sideways(visit.page) == 0, (path, width)
            assert await visit.page.locator("h1").count() == 1, path
            assert await visit.page.evaluate(UNNAMED) == [], path
            for scheme in ("light", "dark"):
                await visit.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
                assert await visit.page.evaluate(FAINT) == [], (path, scheme)
    assert visit.complaints == []


async def test_without_a_script_it_is_links_and_forms(browser: Browser, sandbox: Sandbox) -> None:
    context = await browser.new_context(base_url=str(sandbox.client.make_url("/")), java_script_enabled=False)
    page = await context.new_page()
    await page.goto("/_sandbox/")
    await page.get_by_label("Calendar or person").select_option("Dana")
    await page.get_by_label("Time zone").select_option("Asia/Tokyo")
    await page.get_by_role("button", name="Show").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Dana")
    await expect(page.get_by_text("Times are those of Asia/Tokyo (UTC+09:00)")).to_be_visible()
    await page.get_by_role("link", name="Next").click()
    await expect(page.get_by_text("30 March – 5 April 2026", exact=True)).to_be_visible()
    booked = await book_by_hand(sandbox, "2026-03-31T09:00:00+01:00", person=DANA)
    await expect(page.locator(f"#booking-{booked}")).to_have_count(0)
    await page.get_by_role("link", name="Look again").click()
    await page.locator(f"#booking-{booked} a").click()
    await page.get_by_text("Delete the booking").click()
    await page.get_by_role("button", name="Really delete").click()
    await expect(page.locator(".changes li").first).to_contain_text("deleted")
    await page.get_by_role("link", name="Today").click()
    await expect(page.locator("h3[aria-current=date]")).to_contain_text("Mon 23")
    await context.close()
