"""The console in a real browser: Debian's Chromium, driven by Playwright, over the whole house."""

import contextlib
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, async_playwright

from service.embedded import Servers
from service.store import holds, interventions
from service.store.database import Pool
from tests.consoles import HASH, PASSWORD, arrive, open_console, step
from tests.house import House, in_days, open_house, pool_of
from tests.sandboxes import ALEX
from tests.test_console_on_call import alert, hold_all

CHROMIUM = shutil.which("chromium")
ARGUMENTS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.dear,
]

HOSTILE = (
    "<script>document.title='ran'</script>\"><img src=x onerror=\"document.title='ran'\">"
    "<a href=javascript:alert(1)>{{ 7 * 7 }}</a> \u202egnp.exe\u2066\x1b[31m"
)
HARMLESS = HOSTILE.translate(dict.fromkeys([0x202E, 0x2066, 0x1B], "\N{REPLACEMENT CHARACTER}"))

RULES = """
  - {name: evening, mode: live, when: appointment.created, if: {starts: {after: "17:00"}, title: {contains: script}},
     then: [{do: add_note, text: "{{ title }}"}]}
"""


@dataclass
class Visit:
    """A page, and what its browser complained of and asked for meanwhile."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        def complain(message: ConsoleMessage) -> None:
            # That an answer is a 404 is said of every one.
            if not message.text.startswith("Failed to load resource"):
                self.complaints.append(message.text)

        def ask(request: Request) -> None:
            self.requests.append(request.url)

        self.page.on("console", complain)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        self.page.on("request", ask)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS.split())
        yield opened
        await opened.close()


@pytest_asyncio.fixture(loop_scope="module")
async def pool(database_url: str) -> AsyncIterator[Pool]:
    async with pool_of(database_url) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def house(database_url: str, servers: Servers) -> AsyncIterator[House]:
    async with open_house(database_url, servers.redis_url) as opened:
        yield opened


@contextlib.asynccontextmanager
async def phone(browser: Browser) -> AsyncIterator[BrowserContext]:
    context = await browser.new_context(viewport={"width": 360, "height": 740})
    yield context
    await context.close()


async def sideways(page: Page) -> int:
    """Pixels that a page is wider than its window."""
    return int(await page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


async def test_what_others_wrote_stays_text(house: House, browser: Browser) -> None:
    await house.rules(RULES)
    appointment = await house.book(in_days(7, "18:30"), assignedUserId=ALEX, title=HOSTILE)
    await house.settled()
    [delivery] = await house.deliveries(appointment)
    assert [each["state"] for each in delivery["steps"]] == ["done"]
    stranger = await arrive(
        house.pool, state="failed", event=HOSTILE.replace("\x1b", ""), appointment_id="javascript:alert(1)//<b>",
        reason=HOSTILE, source="<script>", location_id='"><svg onload=alert(1)>', body=HOSTILE.encode() + b"\xff",
    )  # fmt: skip
    await step(house.pool, stranger, "unknown", rule=HOSTILE, reason=HOSTILE)
    async with open_console(house.pool) as site:
        visit = Visit(await browser.new_page())
        for path in (
            f"/deliveries/{delivery['delivery_id']}",
            f"/deliveries/{stranger}",
            "/history",
            "/history?rule=%22%3E%3Cscript%3Edocument.title='ran'%3C/script%3E&status=%3Cb%3E&%3Ci%3E=1",
            "/now?refresh=0",
            "/deliveries/%3Cscript%3Edocument.title='ran'%3C%2Fscript%3E",
            f"/deliveries/{stranger}.json",
        ):
            await visit.page.goto(site.url + path)
            await visit.page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
            text = await visit.page.inner_text("body")
            assert await visit.page.title() != "ran", path
            assert await visit.page.evaluate("document.querySelectorAll('script, svg, b, main img').length") == 0
            assert await visit.page.locator("a[href^='javascript:' i]").count() == 0
            if not path.endswith(".json"):
                assert not set("\u202e\u2066\x1b") & set(text), path
            if path.startswith(f"/deliveries/{delivery['delivery_id']}") or path.startswith("/now"):
                assert HARMLESS in text, text
        assert visit.complaints == []
        assert [url for url in visit.requests if not url.startswith(f"{site.url}/")] == []


async def test_a_script_would_be_stopped_if_it_came_through(pool: Pool, browser: Browser) -> None:
    """The second wall: were a text not escaped, the page's policy would not let it run, load or send anything."""
    async with open_console(pool) as site:
        visit = Visit(await browser.new_page())
        await visit.page.goto(f"{site.url}/history")
        await visit.page.evaluate(
            """document.body.insertAdjacentHTML('beforeend', '<img src=x onerror="document.title=1">'
               + '<img src="http://127.0.0.2:1/x"><iframe src="/now"></iframe><p style="color: red">')"""
        )
        await visit.page.wait_for_timeout(200)
        assert "Slotwright" in await visit.page.title()
        assert len([one for one in visit.complaints if "Content Security Policy" in one]) >= 4, visit.complaints


async def test_every_page_fits_a_phone_by_day_and_by_night(house: House, browser: Browser) -> None:
    long = "x" * 300
    delivery = await arrive(
        house.pool, state="failed", appointment_id=long, event=long, reason=long, body=long.encode()
    )
    for state in ("unknown", "parked", "skipped"):
        await step(house.pool, delivery, state, rule=f"{state}{long}", reason=long)
    await hold_all(house.pool)
    for state in ("parked", "waiting"):
        await arrive(house.pool, state=state, reason=long)
    for kind in ("parked", "late", "breaker"):
        await alert(house.pool, kind, long, rule=long, delivery_id=delivery)
    async with house.pool.acquire() as connection:
        await holds.shut(connection, "rule", "paused", rule=long, reason=long, who=long)
        await interventions.note(connection, "retry", [delivery], long)
    async with open_console(house.pool) as site, phone(browser) as context:
        page = await context.new_page()
        for path in ("/history", "/history?status=nope", "/now?refresh=0", f"/deliveries/{delivery}", "/nowhere"):
            await page.goto(site.url + path)
            assert await sideways(page) == 0, path
            assert await page.locator("h1").count() == 1, path
            assert await page.locator("main, header, footer").count() == 3, path
            assert await page.evaluate(UNNAMED) == [], path
            for scheme in ("light", "dark"):
                await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
                assert await page.evaluate(FAINT) == [], (path, scheme)


async def test_the_history_is_read_with_the_keyboard_alone(house: House, browser: Browser) -> None:
    for number in range(60):
        await arrive(house.pool, appointment_id=f"app{number}", state="ignored" if number % 2 else "done")
    async with open_console(house.pool) as site:
        page = await browser.new_page()
        await page.goto(f"{site.url}/history")
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.textContent") == "Skip to the page"
        await page.get_by_role("link", name="Older →").focus()
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/history?before=*")
        assert await page.locator(".deliveries > li").count() == 10
        await page.get_by_role("link", name="Newer").click()
        assert page.url == f"{site.url}/history"
        await page.get_by_text("Filters").focus()
        await page.keyboard.press("Enter")
        await page.get_by_label("Delivery is").select_option("ignored")
        await page.get_by_label("Appointment or series", exact=True).fill("app59")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/history?status=ignored&*appointment=app59*")
        assert await page.locator(".deliveries > li").count() == 1
        await page.get_by_role("searchbox").fill("app58")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/history?appointment=app58")
        await page.get_by_role("link", name="AppointmentCreate").press("Enter")
        await page.wait_for_url("**/deliveries/*")
        await page.get_by_role("link", name="Now").press("Enter")
        assert await page.locator("nav [aria-current=page]").inner_text() == "Now"


async def test_signing_in_and_out_and_coming_by_a_link_of_another_site(
    pool: Pool, browser: Browser, tmp_path: Path
) -> None:
    async with open_console(pool, password_hash=HASH) as site:
        context = await browser.new_context()
        visit = Visit(await context.new_page())
        page = visit.page
        await page.goto(f"{site.url}/history?status=failed")
        for password in ("not the password", PASSWORD):
            await page.get_by_label("Password").fill(password)
            await page.keyboard.press("Enter")
            if password != PASSWORD:
                await page.get_by_role("alert").get_by_text("That is not the password.").wait_for()
        await page.wait_for_url(f"{site.url}/history?status=failed")
        cookies = await context.cookies()
        assert sorted(cookie["path"] for cookie in cookies) == ["/", "/sign-in"]
        for cookie in cookies:
            assert (cookie["httpOnly"], cookie["sameSite"], cookie["secure"]) == (True, "Strict", False)
        # A chat on another site names a delivery; whoever is signed in must not be asked again.
        chat = tmp_path / "chat.html"
        chat.write_text(f'<a href="{site.url}/now?refresh=0">look</a>')
        await page.goto(chat.as_uri())
        await page.get_by_text("look").click()
        await page.wait_for_selector("h1:has-text('Now')")
        await page.get_by_role("button", name="Sign out").click()
        await page.wait_for_url("**/sign-in")
        await page.goto(f"{site.url}/now")
        assert "/sign-in?next=%2Fnow" in page.url
        assert visit.complaints == []


UNNAMED = """
    [...document.querySelectorAll('input:not([type=hidden]), select, button, a[href]')]
        .filter(one => !(one.textContent.trim() || one.labels?.length || one.ariaLabel || one.ariaHidden))
        .map(one => one.outerHTML)
"""

FAINT = """
    (() => {
        const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
        const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
            .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
            .reduce((sum, v, place) => sum + v * [0.2126, 0.7152, 0.0722][place], 0);
        const ground = one => {
            for (; one; one = one.parentElement) {
                const colour = numbers(getComputedStyle(one).backgroundColor);
                if (colour.length < 4 || colour[3] > 0.9) return colour;
            }
            return [255, 255, 255];
        };
        const said = one => [...one.childNodes].some(child => child.nodeType === 3 && child.data.trim());
        return [...document.querySelectorAll('body *')].filter(said).filter(one => {
            const [ink, sheet] = [light(numbers(getComputedStyle(one).color)), light(ground(one))];
            return (Math.max(ink, sheet) + 0.05) / (Math.min(ink, sheet) + 0.05) < 4.5;
        }).map(one => one.outerHTML.slice(0, 100));
    })()
"""
