"""How long the sandbox's page takes to draw a week: its answer, and Chromium to load it.

The world is that of ten people with five hundred bookings, spread over 31 days or all in the one week. What Chromium
needs to load anything at all is told by a page with next to nothing on it.
"""

import asyncio
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter

import aiohttp
from playwright.async_api import async_playwright

from tests.benchmarks.client import sandbox

ROUNDS = 20
PEOPLE = 10
BOOKINGS = 500
BAR = 100.0
"""Milliseconds that the median answer may take."""

MONDAY = datetime(2030, 1, 7, 9, tzinfo=UTC)
LOCATION, CALENDAR = "lFk3vTj0cQxW8mPzR2bN", "bK7dGc8PzA2uWk4YxS0i"
CONTACTS = {f"contact{number:013}": f"Customer {number} Example" for number in range(40)}
STAFF = {f"person{number:014}": f"Person {number}" for number in range(PEOPLE)}
SEED = f"""
locations:
  - id: {LOCATION}
    name: Leeds Salon
    timezone: Europe/London
    tokens: [pit-benchmark-salon]
    users: [{", ".join(f"{{id: {key}, name: {name}}}" for key, name in STAFF.items())}]
    contacts: [{", ".join(f"{{id: {key}, name: {name}}}" for key, name in CONTACTS.items())}]
    calendars:
      - id: {CALENDAR}
        name: Cuts
        team: [{", ".join(STAFF)}]
        slot_minutes: 45
        interval_minutes: 15
        open_hours: [{{days: [Mon, Tue, Wed, Thu, Fri, Sat, Sun], opens: 09:00, closes: 19:00}}]
"""
PATH = f"/_sandbox/?week={MONDAY.date()}&of=calendar:{CALENDAR}"
NOTHING = f"/_sandbox/page/levers?{CALENDAR}"


def bookings(days: int) -> dict[str, dict[str, object]]:
    """Spread over the people and so many days, eight a day at most for each."""
    found: dict[str, dict[str, object]] = {}
    people, contacts = list(STAFF), list(CONTACTS)
    for number in range(BOOKINGS):
        person, count = number % PEOPLE, number // PEOPLE
        start = MONDAY + timedelta(days=count % days, minutes=count // days * 75 + person % 4 * 15)
        found[f"event{number:015}"] = {
            "calendarId": CALENDAR,
            "locationId": LOCATION,
            "contactId": contacts[number % len(contacts)],
            "assignedUserId": people[person],
            "title": f"Cut number {number}",
            "appointmentStatus": ("confirmed", "new", "cancelled", "showed")[number % 4],
            "startTime": start.isoformat(),
            "endTime": (start + timedelta(minutes=45)).isoformat(),
        }
    return found


async def answered(url: str) -> tuple[list[float], int]:
    """Milliseconds of each answer, and its size."""
    times, size = [], 0
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        for _ in range(ROUNDS + 1):
            began = perf_counter()
            async with session.get(url) as response:
                size = len(await response.read())
            times.append((perf_counter() - began) * 1000)
    return times[1:], size  # the first one compiles the templates


async def loaded(url: str, chromium: str) -> list[float]:
    """Milliseconds from going there to the end of the load event, as the browser has them."""
    times = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = await browser.new_page()
        for _ in range(ROUNDS + 1):
            await page.goto(url)
            await page.wait_for_function("performance.getEntriesByType('navigation')[0].loadEventEnd > 0")
            drawn = await page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
            times.append(float(drawn))
        await browser.close()
    return times[1:]


def line(name: str, times: list[float], told: str) -> str:
    return f"{name:32}{f'{min(times):.1f} ms':>12}{f'{median(times):.1f} ms':>12}  {told}"


def main() -> None:
    chromium = shutil.which("chromium")
    missed = False
    for days in (31, 7):
        with tempfile.TemporaryDirectory() as folder, sandbox(Path(folder), SEED, lambda: bookings(days)) as url:  # noqa: B023
            print(f"A week of {PEOPLE} people who have {BOOKINGS} bookings in {days} days; {ROUNDS} rounds\n")
            print(f"{'':32}{'best':>12}{'median':>12}")
            times, size = asyncio.run(answered(url + PATH))
            print(line("the page's answer", times, f"(at most {BAR:.0f} ms; {size // 1024} KiB)"))
            missed |= median(times) > BAR
            if chromium is not None:
                print(line("until Chromium has loaded it", asyncio.run(loaded(url + PATH, chromium)), ""))
                print(line("and a page with nothing on it", asyncio.run(loaded(url + NOTHING, chromium)), "\n"))
            else:
                print("chromium is not installed\n")
    if missed:
        raise SystemExit("a bar is missed")


if __name__ == "__main__":
    main()
