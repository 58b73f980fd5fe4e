"""What the engine's tests do to a house: a worker comes and goes, faults, bookings of any time, somebody meddles."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from service.highlevel.client import Patience
from service.highlevel.operation import Operation
from service.store import holds
from service.store.locations import Location
from tests.house import House, event
from tests.sandboxes import ADA, CUTS, LOCATION
from workers.jobs import Drainer
from workers.record import Record
from workers.workplace import Workplace

SOON = timedelta(milliseconds=10)


@contextlib.asynccontextmanager
async def at_work(work: Workplace) -> AsyncIterator[Drainer]:
    """A worker runs meanwhile."""
    drainer = Drainer(work)
    sweeping = asyncio.create_task(drainer.sweep())
    try:
        yield drainer
    finally:
        await drainer.stop()
        await sweeping


async def until(true: Callable[[], Awaitable[object]]) -> None:
    """Return once it is so."""
    async with asyncio.timeout(15):
        while not await true():
            await asyncio.sleep(0.01)


async def fault(house: House, text: str) -> None:
    """Order one, as on the command line."""
    async with house.api.post("/_sandbox/faults", data=text) as answer:
        assert answer.status == 201, await answer.text()


async def heal(house: House) -> None:
    """Forget every fault."""
    await house.call("DELETE", "/_sandbox/faults", status=204)


async def alerts(house: House) -> dict[tuple[str, str], int]:
    """How often each kind was raised for each rule."""
    rows = await house.pool.fetch("SELECT kind, rule, sum(times)::int AS times FROM alerts GROUP BY kind, rule")
    return {(row["kind"], row["rule"]): row["times"] for row in rows}


async def held(house: House) -> list[tuple[str, str, str]]:
    """Scope, kind and rule of each hold."""
    async with house.pool.acquire() as connection:
        return [(hold.scope, hold.kind, hold.rule) for hold in await holds.every(connection)]


async def states(house: House, what: str = "steps") -> Counter[str]:
    """How many of all steps, or deliveries, are in which state."""
    rows = await house.pool.fetch(f"SELECT state, count(*) AS number FROM {what} GROUP BY state")
    return Counter({row["state"]: row["number"] for row in rows})


async def calls(house: House, operation: str, *, answered: int | None = None) -> list[Any]:
    """Those that reached the sandbox, in their order; of them only those `answered` so."""
    return [
        call
        for call in await house.call("GET", "/_sandbox/calls")
        if call["operation"] == operation and answered in (None, call["status"])
    ]


def booking(number: int, starts: datetime, *, minutes: int = 60, **fields: Any) -> dict[str, Any]:
    """A new one at any time, to the second, in a webhook's words."""
    starts = starts.replace(microsecond=0)
    added = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)  # after any location was connected
    return {
        "id": f"book{number:03}x0000000000",
        "title": "A cut",
        "calendarId": CUTS,
        "contactId": ADA,
        "appointmentStatus": "confirmed",
        "startTime": starts.isoformat(),
        "endTime": (starts + timedelta(minutes=minutes)).isoformat(),
        "dateAdded": added.isoformat(),
        "dateUpdated": added.isoformat(),
        **fields,
    }


async def tell(house: House, told: dict[str, Any], location: str = LOCATION) -> UUID:
    """Put a booking into the sandbox and post its webhook; the delivery's id."""
    await house.call("PUT", f"/_sandbox/appointments/{told['id']}", {**told, "locationId": location})
    body = event(told, timestamp=house.clock().isoformat(), locationId=location)
    status, answer = await house.post(body)
    assert status == 202, answer
    return UUID(answer["delivery"])


Meddling = Callable[[], Awaitable[object]]


def meddle(patch: pytest.MonkeyPatch, plans: dict[tuple[str, int], Meddling]) -> Counter[str]:
    """Somebody does something right before the worker makes its so many-th call of an operation; the calls are
    counted."""
    made: Counter[str] = Counter()
    usual = Workplace.client

    def client(work: Workplace, location: Location, record: Record, step_id: UUID | None = None) -> Any:
        api = usual(work, location, record, step_id)

        async def call(operation: Operation[Any]) -> Any:
            name = type(operation).__name__
            made[name] += 1
            if plan := plans.get((name, made[name])):
                await plan()
            return await api(operation)

        return call

    patch.setattr(Workplace, "client", client)
    return made


def hasten(patch: pytest.MonkeyPatch, *, breakers: bool = True) -> None:
    """Pauses after errors, and between probes, last for milliseconds; without `breakers` nothing is ever shut."""
    patch.setattr("workers.pauses.SHORTEST", 0.002)
    patch.setattr("workers.pauses.LONGEST", 0.005)
    patch.setattr("workers.breakers.FIRST_PROBE", SOON)
    patch.setattr("workers.breakers.LOOK_EVERY", 0.02)
    patch.setattr(Workplace, "settle_after", property(lambda _: SOON))
    impatient(patch)
    if not breakers:
        patch.setattr("workers.breakers.IN_A_ROW", 1_000_000)


def impatient(patch: pytest.MonkeyPatch) -> None:
    """A read that failed on its way is tried again at once, and no call waits for the budget."""
    patch.setattr("workers.client._patience", lambda total, read, tries: Patience(total, read, total, 0.0, tries, 0.0))
