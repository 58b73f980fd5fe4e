"""The demo's salon: who is there, and when it has time for samples."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import aiohttp

from service.highlevel.appointments import ListEvents
from service.highlevel.errors import HighLevelError
from service.highlevel.free_slots import FreeSlots
from service.highlevel.operation import Api, milliseconds
from workers.cli.beginning import Beginning
from workers.cli.clock import clock
from workers.cli.stack import Stack
from workers.client import client

LOCATION, TOKEN = "lFk3vTj0cQxW8mPzR2bN", "pit-sandbox-demo"
CUTS, CONSULTATIONS = "jc01T5GOBUSZGi6HWGK1", "kQ9sBv3XnE6yTf1LdJ7o"
DANA, KIM, ALEX = "u8jzPde0IgxLd6GncfBA", "epfJBd0Kh8oOOL8dKLzd", "aT4xQm7LrW2vYc9NhZ0s"
ADA, GRACE, ALAN = "cAdaX3mT8qLw5ZrK1vNp", "cGrc7YwP2kVb9HsD4tQx", "cAln5RjF6nMz0UgC8eWy"
ZONE = ZoneInfo("Europe/London")

WEEK = timedelta(days=7)
AT_ONCE = timedelta(days=28)
"""What is asked for in one call."""
YEARS = 2
"""So far ahead a day is looked for."""
OF_CUTS = (time(11), time(14), time(17), time(18))
OF_CONSULTATIONS = (time(9), time(10))
"""The times that samples take or are moved to."""


class NoDay(Exception):
    """There is no day for samples."""


def is_there(beginning: Beginning) -> bool:
    """Whether the sandbox begins with the salon, to be entered by the token that the samples have."""
    return any(each.id == LOCATION and TOKEN in each.tokens for each in beginning.locations)


async def first_thursday(stack: Stack, session: aiohttp.ClientSession) -> date:
    """The first that is more than a week away by the sandbox's clock and by ours: later than the demo seed's bookings
    of whom the samples are about, which would count when a rule looks for whoever has the fewest."""
    async with session.get(stack.sandbox_url + "/_sandbox/clock") as answer:
        shown = datetime.fromisoformat((await answer.json())["now"])
    day = (max(clock(), shown).astimezone(ZONE) + timedelta(days=9)).date()
    return day + timedelta(days=(3 - day.weekday()) % 7)


async def free_thursday(api: Api, first: date) -> date:
    """The first, from this one on, on which Dana and Kim have nothing and all that the samples take is free: samples of
    an earlier start stay. Raises NoDay."""
    for start in _starts(first):
        end = start + AT_ONCE
        since, until = milliseconds(start), milliseconds(end)
        booked: set[date] = set()
        for person in (DANA, KIM):
            asked = ListEvents(location_id=LOCATION, user_id=person, start_time=since, end_time=until)
            listed = await api(asked)
            booked |= {event.start_time.astimezone(ZONE).date() for event in listed.events}
        cuts = [await _free(api, CUTS, start, end, person) for person in (DANA, KIM, ALEX)]
        consultations = await _free(api, CONSULTATIONS, start, end)
        for week in range(AT_ONCE // WEEK):
            day = start.date() + week * WEEK
            wanted, also = _moments(day, OF_CUTS), _moments(day, OF_CONSULTATIONS)
            if day not in booked and all(wanted <= free for free in cuts) and also <= consultations:
                return day
    raise NoDay(f"no Thursday of the next {YEARS} years is free for it")


async def example_call(stack: Stack, session: aiohttp.ClientSession) -> str:
    """A booking for the shell, at a time that is free and no sample takes; empty if there is none."""
    start = datetime.combine(await first_thursday(stack, session), time(), ZONE)
    try:
        free = await _free(client(stack.settings, session, TOKEN), CUTS, start, start + AT_ONCE)
    except HighLevelError:
        return ""  # somebody has changed the salon
    evenings = [moment for moment in sorted(free) if (moment.weekday(), moment.time()) == (4, time(18))]
    others = [moment for moment in sorted(free) if moment.weekday() != 3]
    for starts in (evenings + others)[:1]:
        return (
            f"  curl {stack.sandbox_url}/calendars/events/appointments \\\n"
            f"    -H 'Authorization: Bearer {TOKEN}' -H 'Version: 2021-04-15' \\\n"
            f'    -d \'{{"locationId": "{LOCATION}",\n'
            f'         "calendarId": "{CUTS}",\n'
            f'         "contactId": "{ADA}",\n'
            f'         "startTime": "{starts.isoformat()}"}}\'\n'
        )
    return ""


def _starts(first: date) -> Iterator[datetime]:
    for number in range(YEARS * 365 // AT_ONCE.days):
        yield datetime.combine(first + number * AT_ONCE, time(), ZONE)


def _moments(day: date, times: tuple[time, ...]) -> set[datetime]:
    return {datetime.combine(day, at, ZONE) for at in times}


async def _free(api: Api, calendar: str, start: datetime, end: datetime, person: str | None = None) -> set[datetime]:
    asked = FreeSlots(calendar_id=calendar, start_date=milliseconds(start), end_date=milliseconds(end), user_id=person)
    return {slot.time.astimezone(ZONE) for slot in (await api(asked)).slots}
