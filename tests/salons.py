"""A salon with nothing booked yet, with services or without; beside it another location, with a token of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.sandboxes import (
    ADA,
    ALEX,
    CONSULTATIONS,
    CUTS,
    DANA,
    FOREVER,
    HEADERS,
    KIM,
    LOCATION,
    ROOM,
    Sandbox,
    at,
    running,
)

BOOKINGS, CATALOG = "/calendars/services/bookings", "/calendars/services/catalog"
PLACES, SCHEDULES = "/calendars/services/locations", "/calendars/schedules"
TAKEN = "The slot you have selected is no longer available."
ELSEWHERE = "oTh3rL0cAt1oNaBcDeFg"
SEED = f"""
locations:
  - id: {LOCATION}
    timezone: Europe/London
    tokens: [pit-sandbox-demo]
    users:
      - {{id: {DANA}, name: Dana}}
      - {{id: {KIM}, name: Kim}}
      - {{id: {ALEX}, name: Alex}}
    contacts:
      - {{id: {ADA}, name: Ada Example}}
    calendars:
      - id: {CUTS}
        name: Cuts
        team: [{DANA}, {KIM}, {ALEX}]
        slot_minutes: 60
        open_hours:
          - {{days: [Mon, Tue, Wed, Thu, Fri, Sat], opens: 09:00, closes: 20:00}}
      - id: {CONSULTATIONS}
        name: Consultations
        type: personal
        team: [{DANA}]
      - id: {ROOM}
        name: Training room
        type: event
        slot_minutes: 60
        interval_minutes: 60
        open_hours:
          - {{days: [Mon, Tue, Wed, Thu, Fri, Sat, Sun], opens: 00:00, closes: 24:00}}
  - id: {ELSEWHERE}
    timezone: Europe/Paris
    tokens: [pit-elsewhere]
"""


async def status_elsewhere(sandbox: Sandbox, method: str, path: str, body: Any = None) -> int:
    """What the other location's token is answered with."""
    headers = {**HEADERS, "Authorization": "Bearer pit-elsewhere"}
    async with sandbox.client.request(method, path, json=body, headers=headers) as response:
        return response.status


@dataclass(frozen=True)
class Salon:
    """Colour is done by Dana or Kim and takes an hour, a wash is done by Kim alone and says nothing of its length."""

    sandbox: Sandbox
    colour: str
    wash: str
    shop: str
    at_home: str

    async def book(self, start: str = "10:00", end: str = "11:00", *, answered: int = 201, **fields: Any) -> Any:
        query = {name: fields.pop(name) for name in ("overrideAvailability", "skipSchedulingNotice") if name in fields}
        body = {
            "locationId": LOCATION,
            "contactId": ADA,
            "startTime": at(start),
            "endTime": at(end),
            "timezone": "Europe/London",
            "services": [{"id": self.colour}],
            **fields,
        }
        return await self.sandbox.call("POST", BOOKINGS, body, status=answered, **query)

    async def edit(self, booking: Any, *, answered: int = 200, **fields: Any) -> Any:
        query = {name: fields.pop(name) for name in ("overrideAvailability", "skipSchedulingNotice") if name in fields}
        return await self.sandbox.call("PUT", path_of(booking), fields, status=answered, **query)

    async def read(self, booking: Any) -> Any:
        return without(await self.sandbox.call("GET", path_of(booking)), "traceId")

    async def listed(self, **query: Any) -> list[Any]:
        answer = await self.sandbox.call("GET", BOOKINGS, **{**FOREVER, **query})
        return list(answer["bookings"])


@asynccontextmanager
async def open_salon(*, workflow: bool = False) -> AsyncIterator[Salon]:
    async with running(told=False, workflow=workflow, seed=SEED) as sandbox:

        async def add(path: str, **fields: Any) -> str:
            answer = await sandbox.call("POST", path, {"locationId": LOCATION, **fields}, status=201)
            return str(answer.get("service", answer)["id"])

        yield Salon(
            sandbox,
            colour=await add(
                CATALOG,
                name="Colour",
                slug="colour",
                serviceDuration=1,
                serviceDurationUnit="hours",
                staff=staff(DANA, KIM),
            ),
            wash=await add(CATALOG, name="Wash", slug="wash", staff=staff(KIM)),
            shop=await add(PLACES, name="Shop", slug="shop"),
            at_home=await add(PLACES, name="At yours", slug="yours", locationType="ask_booker"),
        )


def staff(*people: str) -> list[dict[str, str]]:
    return [{"id": person} for person in people]


def path_of(booking: Any) -> str:
    return f"{BOOKINGS}/{booking['bookingId']}"


def without(answer: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name not in names}


def people(booking: Any) -> list[str]:
    return [service["serviceStaffId"] for service in booking["services"]]


def times(booking: Any) -> list[tuple[str, str]]:
    return [(service["serviceStartTime"], service["serviceEndTime"]) for service in booking["services"]]
