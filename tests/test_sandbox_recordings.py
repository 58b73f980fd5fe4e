"""Every answer recorded from the live API, beside the sandbox's to the same call: alike to the last key."""

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from service.sandbox.limits import Limits
from tests.recordings import RECORDED, recorded
from tests.sandboxes import ADA, APPOINTMENTS, DANA, FOREVER, HEADERS, LOCATION, Sandbox, milliseconds, running
from tests.specification import FOLDER

SEED = f"""
locations:
  - id: {LOCATION}
    timezone: Europe/Berlin
    tokens: [pit-sandbox-demo]
    users: [{{id: {DANA}, name: Dana}}]
    contacts: [{{id: {ADA}, name: Ada Example}}]
"""
START, END = "2026-07-20T10:00:00+00:00", "2026-07-20T11:00:00+00:00"
"""Sent in UTC, as it was when the answers were recorded; read in the location's zone."""
FORMS = {
    "id": re.compile(r"[A-Za-z0-9]{20}"),
    "instant": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"),
    "trace": re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
}
OF_THE_WAY_THERE = {"etag", "server", "x-envoy-upstream-service-time"}
"""Headers that HighLevel's edge and gateway add."""
COUNTED = {"x-ratelimit-remaining", "x-ratelimit-daily-remaining", "x-ratelimit-daily-reset"}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Asker:
    """Of one calendar, made through the API as those of the recordings were."""

    sandbox: Sandbox
    calendar_id: str

    async def ask(self, method: str, path: str, body: Any = None, **query: Any) -> Answer:
        async with self.sandbox.client.request(method, path, json=body, params=query, headers=HEADERS) as response:
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, headers, await response.json())

    async def book(self, **fields: Any) -> Answer:
        body = {
            "calendarId": self.calendar_id,
            "locationId": LOCATION,
            "contactId": ADA,
            "startTime": START,
            "endTime": END,
            "ignoreFreeSlotValidation": True,
        }
        return await self.ask("POST", APPOINTMENTS, body | fields)

    async def booked(self) -> str:
        return f"{APPOINTMENTS}/{(await self.book()).body['id']}"

    async def update(self) -> Answer:
        return await self.ask("PUT", await self.booked(), {"title": "Renamed"})

    async def read(self) -> Answer:
        return await self.ask("GET", await self.booked())

    async def delete(self) -> Answer:
        return await self.ask("DELETE", (await self.booked()).replace("/appointments", ""), {})

    async def read_deleted(self) -> Answer:
        path = await self.booked()
        await self.ask("DELETE", path.replace("/appointments", ""), {})
        return await self.ask("GET", path)

    async def events(self) -> Answer:
        return await self.ask("GET", "/calendars/events", calendarId=self.calendar_id, **FOREVER)

    async def one_event(self) -> Answer:
        await self.booked()
        return await self.events()

    async def calendar(self) -> Answer:
        return await self.ask("GET", f"/calendars/{self.calendar_id}")

    async def calendars(self) -> Answer:
        return await self.ask("GET", "/calendars/", locationId=LOCATION)

    async def update_calendar(self) -> Answer:
        return await self.ask("PUT", f"/calendars/{self.calendar_id}", {"name": "Consultation"})

    async def delete_calendar(self) -> Answer:
        await self.update_calendar()
        return await self.ask("DELETE", f"/calendars/{self.calendar_id}")

    async def free_slots(self) -> Answer:
        opens = {"openHour": 17, "openMinute": 0, "closeHour": 18, "closeMinute": 0}
        hours = [{"daysOfTheWeek": [2], "hours": [opens]}]
        await self.ask("PUT", f"/calendars/{self.calendar_id}", {"openHours": hours})
        day = milliseconds(self.sandbox.clock.now.replace(year=2027, month=1, day=19, hour=0))
        query = {"startDate": day, "endDate": day + 86_400_000, "timezone": "America/Chicago"}
        return await self.ask("GET", f"/calendars/{self.calendar_id}/free-slots", **query)

    async def book_taken(self) -> Answer:
        return await self.book(ignoreFreeSlotValidation=False, endTime="2026-07-20T10:30:00+00:00")

    async def block_a_team_calendar(self) -> Answer:
        made = await self.ask(
            "POST",
            "/calendars/",
            {
                "locationId": LOCATION,
                "name": "Team",
                "calendarType": "round_robin",
                "teamMembers": [{"userId": DANA}],
            },
        )
        body = {"locationId": LOCATION, "calendarId": made.body["calendar"]["id"], "startTime": START, "endTime": END}
        return await self.ask("POST", "/calendars/events/block-slots", body)

    async def events_of_nobody(self) -> Answer:
        return await self.ask("GET", "/calendars/events", **FOREVER)

    async def as_a_stranger(self) -> Answer:
        path = f"/calendars/{self.calendar_id}"
        async with self.sandbox.client.get(path, headers={**HEADERS, "Authorization": "Bearer other"}) as response:
            return Answer(response.status, {}, await response.json())

    async def too_often(self) -> Answer:
        await self.sandbox.call("POST", "/_sandbox/spend", {"location": LOCATION, "calls": 99})
        return await self.calendar()


CALLS: dict[str, Callable[[Asker], Awaitable[Answer]]] = {
    "create appointment": Asker.book,
    "update appointment": Asker.update,
    "get appointment": Asker.read,
    "get deleted appointment": Asker.read_deleted,
    "list events": Asker.one_event,
    "list events empty": Asker.events,
    "delete event": Asker.delete,
    "get calendar": Asker.calendar,
    "list calendars": Asker.calendars,
    "update calendar": Asker.update_calendar,
    "delete calendar": Asker.delete_calendar,
    "free slots": Asker.free_slots,
    "slot taken": Asker.book_taken,
    "not an event calendar": Asker.block_a_team_calendar,
    "validation": Asker.events_of_nobody,
    "unauthorised": Asker.as_a_stranger,
    "rate limited": Asker.too_often,
}
RECORDINGS = {recording.name: recording for recording in recorded()}


@asynccontextmanager
async def asking() -> AsyncIterator[Asker]:
    async with running(told=False, seed=SEED, limits=Limits()) as sandbox:
        body = {"locationId": LOCATION, "name": "Consultation", "calendarType": "event"}
        made = await sandbox.call("POST", "/calendars/", body)
        yield Asker(sandbox, made["calendar"]["id"])


def form(value: Any) -> Any:
    """All of an answer, but ids, instants and traces by their look."""
    match value:
        case dict():
            return {name: form(each) for name, each in value.items()}
        case list():
            return [form(each) for each in value]
        case str():
            return next((f"<{name}>" for name, looks in FORMS.items() if looks.fullmatch(value)), value)
        case _:
            return type(value).__name__, value


def slots_form(body: Any) -> Any:
    """Days and slots without their date, which the clock of a sandbox decides."""
    text = re.sub(r"\d{4}-\d\d-\d\d(?=T|\")", "<day>", json.dumps({**body, "traceId": form(body["traceId"])}))
    return json.loads(text)


def test_every_recording_has_its_call() -> None:
    assert CALLS.keys() == RECORDINGS.keys()


@pytest.mark.parametrize("name", RECORDINGS)
async def test_the_sandbox_answers_as_was_recorded(name: str) -> None:
    async with asking() as asker:
        answer = await CALLS[name](asker)
    theirs = RECORDINGS[name]
    looks = slots_form if name == "free slots" else form
    assert looks(answer.body) == looks(theirs.body)
    assert answer.status == theirs.status


async def test_a_success_has_the_recorded_headers() -> None:
    told = json.loads((FOLDER / RECORDED).read_text(encoding="utf-8"))["headersOn2xx"]
    assert told.keys() >= OF_THE_WAY_THERE | COUNTED
    async with asking() as asker:
        for call in (Asker.book, Asker.calendar, Asker.delete):
            answer = await call(asker)
            assert answer.status == 200
            for name, value in told.items():
                if name in COUNTED:
                    assert answer.headers[name].isdigit()
                elif name not in OF_THE_WAY_THERE:
                    assert answer.headers[name] == value
