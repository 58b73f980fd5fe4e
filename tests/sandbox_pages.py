"""A small salon for the tests of the sandbox's page, and a hand that fills in its forms."""

import re
from datetime import datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import urlsplit

from service.sandbox.page.view import View, read_view
from service.sandbox.page.week import Box, Day, Week, week_of
from service.sandbox.seeds.seed import load_seed
from service.sandbox.world.records import Appointment, Location
from service.sandbox.world.world import World
from tests.sandboxes import ADA, ALEX, CUTS, DANA, KIM, LOCATION, MONDAY, ROOM, Sandbox

GRACE = "cGrc7YwP2kVb9HsD4tQx"
OTHER = "oThEr0c4ti0nFoRtEsTs"
SALON = f"""
locations:
  - id: {LOCATION}
    name: Leeds Salon
    timezone: Europe/London
    tokens: [pit-sandbox-demo]
    users: [{{id: {DANA}, name: Dana}}, {{id: {KIM}, name: Kim}}, {{id: {ALEX}, name: Alex}}]
    contacts: [{{id: {ADA}, name: Ada Example}}, {{id: {GRACE}, name: Grace Example}}]
    calendars:
      - id: {CUTS}
        name: Cuts
        team: [{DANA}, {KIM}]
        slot_minutes: 60
        interval_minutes: 30
        open_hours: [{{days: [Mon, Tue, Wed, Thu, Fri, Sat], opens: 09:00, closes: 17:00}}]
      - id: {ROOM}
        name: Training room
        type: event
        slot_minutes: 60
        interval_minutes: 60
        open_hours: [{{days: [Tue], opens: 10:00, closes: 12:00}}]
"""
TWO_SALONS = f"{SALON}  - {{id: {OTHER}, name: Barber, timezone: Europe/Paris}}\n"


def salon() -> tuple[World, Location]:
    """On a Monday at eight."""
    world = load_seed(SALON, clock=lambda: MONDAY, random=Random(3))
    return world, world.locations[LOCATION]


def at(clock: str, day: int = 23) -> datetime:
    """A time of that month in London, by UTC."""
    hours, minutes = clock.split(":")
    return MONDAY.replace(day=day, hour=int(hours), minute=int(minutes))


def book(world: World, starts: datetime, minutes: int = 60, **fields: Any) -> Appointment:
    """Put one there unchecked."""
    said: dict[str, Any] = {"calendar_id": CUTS, "contact_id": ADA, "assigned_user_id": DANA, **fields}
    appointment = Appointment(
        id=world.new_id(),
        location_id=LOCATION,
        start_time=starts,
        end_time=starts + timedelta(minutes=minutes),
        date_added=world.now(),
        date_updated=world.now(),
        **said,
    )
    world.diary.keep(appointment)
    return appointment


def view(world: World, **query: str) -> View:
    return read_view(world, query)


def week(world: World, **query: str) -> Week:
    return week_of(world, view(world, **query))


def boxes(day: Day) -> list[tuple[str, str]]:
    return [(box.entry.time, box.entry.name) for box in day.boxes]


def minutes_of(drawn: Week, box: Box) -> tuple[int, int]:
    """From and to which minute of the day it is drawn."""
    first = drawn.first_hour * 60
    return first + box.span.top * 5, first + box.span.bottom * 5


async def look(sandbox: Sandbox, path: str = "/_sandbox/", *, status: int = 200, **query: str) -> str:
    async with sandbox.client.get(path, params=query) as response:
        text = await response.text()
        assert response.status == status, text
        assert response.content_type == "text/html"
        return text


async def post(
    sandbox: Sandbox, path: str, form: dict[str, str], *, status: int = 303, headers: dict[str, str] | None = None
) -> str:
    """Where it leads to, or the page of a refusal."""
    async with sandbox.client.post(path, data=form, headers=headers, allow_redirects=False) as response:
        text = await response.text()
        assert response.status == status, text
        return response.headers["Location"] if status == 303 else text


async def book_by_hand(sandbox: Sandbox, start: str, **form: str) -> str:
    """The id of what was booked."""
    said = {"start": start, "contact": ADA, "person": "", "title": "", **form}
    led = await post(sandbox, f"/_sandbox/page/bookings?of=calendar:{CUTS}", said)
    return urlsplit(led).fragment.removeprefix("booking-")


def changes(page: str) -> list[str]:
    found = re.findall(r'<li><p class="foreign">(.*?)</p><p class="dim">.*?(?:API|page)\b.*?</p></li>', page)
    return [re.sub(r"</?a[^>]*>", "", each) for each in found]
