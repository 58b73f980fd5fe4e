"""Three ways to make the same calls: our client, the official SDK, and aiohttp alone. Each in a process of its own."""

import asyncio
import json
import resource
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import aiohttp
import uvloop

from service.highlevel.appointments import CreateAppointment, ListEvents
from service.highlevel.client import VERSION, HighLevel
from service.highlevel.free_slots import FreeSlots, FreeSlotsReply
from service.highlevel.rate_limit import Unlimited
from tests.benchmarks.salon import BOOKED, CONTACT, DAYS, EVENTS, FULL, LOCATION, OPEN, SLOTS, STARTS, TOKEN

Calls = Mapping[str, Callable[[], Awaitable[Any]]]
"""By name: one call, and what it answered."""

FROM, UNTIL = int(STARTS.timestamp() * 1000), int((STARTS + DAYS).timestamp() * 1000)
START, END = "2030-01-10T10:00:00+00:00", "2030-01-10T10:30:00+00:00"
BOOKING: dict[str, Any] = {
    "calendarId": BOOKED,
    "locationId": LOCATION,
    "contactId": CONTACT,
    "startTime": START,
    "endTime": END,
    "title": "Cut for Ada Example",
    "address": "Hollyhock Lane 7",
    "appointmentStatus": "confirmed",
    "ignoreFreeSlotValidation": True,
    "toNotify": False,
}


@asynccontextmanager
async def ours(url: str) -> AsyncIterator[Calls]:
    async with HighLevel(url, TOKEN, rate_limit=Unlimited()) as api:
        yield {
            "create appointment": lambda: api(
                CreateAppointment(
                    calendar_id=BOOKED,
                    location_id=LOCATION,
                    contact_id=CONTACT,
                    start_time=START,
                    end_time=END,
                    title="Cut for Ada Example",
                    address="Hollyhock Lane 7",
                    appointment_status="confirmed",
                    ignore_free_slot_validation=True,
                    to_notify=False,
                )
            ),
            "free slots": lambda: api(FreeSlots(calendar_id=OPEN, start_date=FROM, end_date=UNTIL)),
            "list events": lambda: api(
                ListEvents(location_id=LOCATION, calendar_id=FULL, start_time=FROM, end_time=UNTIL)
            ),
        }


@asynccontextmanager
async def bare(url: str) -> AsyncIterator[Calls]:
    headers = {"Authorization": f"Bearer {TOKEN}", "Version": VERSION, "Accept": "application/json"}
    async with aiohttp.ClientSession() as session:

        async def call(method: str, path: str, query: Mapping[str, Any], body: Any = None) -> Any:
            target = f"{url}{path}?{urlencode(query)}" if query else url + path
            async with session.request(method, target, json=body, headers=headers) as answer:
                return await answer.json()

        yield {
            "create appointment": lambda: call("POST", "/calendars/events/appointments", {}, BOOKING),
            "free slots": lambda: call("GET", f"/calendars/{OPEN}/free-slots", {"startDate": FROM, "endDate": UNTIL}),
            "list events": lambda: call(
                "GET",
                "/calendars/events",
                {"locationId": LOCATION, "calendarId": FULL, "startTime": FROM, "endTime": UNTIL},
            ),
        }


@asynccontextmanager
async def official(url: str) -> AsyncIterator[Calls]:
    from highlevel import HighLevel as Official

    sdk = Official(private_integration_token=TOKEN)
    sdk.http_client.base_url = url
    yield {
        "create appointment": lambda: sdk.calendars.create_appointment(dict(BOOKING)),
        "free slots": lambda: sdk.calendars.get_slots(calendar_id=OPEN, start_date=FROM, end_date=UNTIL),
        "list events": lambda: sdk.calendars.get_calendar_events(
            location_id=LOCATION, calendar_id=FULL, start_time=str(FROM), end_time=str(UNTIL)
        ),
    }
    await sdk.http_client.aclose()


CONTENDERS = {"ours": ours, "official": official, "bare": bare}


def things(answer: Any) -> int:
    """How many slots or events an answer holds; one when it is an appointment."""
    if isinstance(answer, FreeSlotsReply):
        return len(answer.slots)
    told = answer if isinstance(answer, dict) else answer.model_dump(by_alias=True)
    if "events" in told:
        return len(told["events"])
    days = [day["slots"] for day in told.values() if isinstance(day, dict)]
    return sum(map(len, days)) if days else len({told["id"]})


EXPECTED = {"create appointment": 1, "free slots": SLOTS, "list events": EVENTS}


async def serve(name: str, url: str) -> None:
    """For each line (calls, and of what) say how much CPU time they took in all, in seconds."""
    async with CONTENDERS[name](url) as calls:
        while line := await asyncio.to_thread(sys.stdin.readline):
            times, _, case = line.strip().partition(" ")
            call = calls[case]
            found = things(await call())
            if found != EXPECTED[case]:
                raise ValueError(f"{name}, {case}: {found} instead of {EXPECTED[case]}")
            before = resource.getrusage(resource.RUSAGE_SELF)
            for _ in range(int(times)):
                await call()
            after = resource.getrusage(resource.RUSAGE_SELF)
            spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            print(json.dumps(spent), flush=True)


if __name__ == "__main__":
    uvloop.run(serve(*sys.argv[1:]))
