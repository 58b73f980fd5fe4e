"""A house in which webhooks stay away and the reconciler looks: what its tests share."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from service.store import history, reconcilers
from tests.house import House, in_days
from tests.sandboxes import ADA, CUTS, DANA
from tests.test_deliveries import rows
from workers.reconciliation.findings import Remembered, lay_again
from workers.reconciliation.watch import take_up
from workers.workplace import Workplace


async def hold(house: House, held: bool = True) -> None:
    """Webhooks wait in the sandbox, or come now."""
    await house.call("PUT", "/_sandbox/webhooks", {"hold": held})


async def released(house: House) -> None:
    """What was held has come, and was worked on."""
    await hold(house, False)
    await house.settled()


async def worked(house: House) -> None:
    """Nothing that came is open."""
    async with asyncio.timeout(20):
        while True:
            async with house.pool.acquire() as connection:
                if not await history.open_work(connection):
                    return
            await asyncio.sleep(0.01)


def workplace(house: House, **settings: Any) -> Workplace:
    """Which looks a month ahead: one window for each list."""
    return replace(house.work, settings=house.settings.model_copy(update={"reconcile_ahead": 29, **settings}))


async def due(house: House) -> None:
    """The location is to be looked through now."""
    async with house.pool.acquire() as connection:
        await reconcilers.ensure(connection, timedelta())
        await connection.execute("UPDATE reconcilers SET next_at = now()")


async def look(house: House, remembered: Remembered = lay_again, **settings: Any) -> dict[str, Any]:
    """One pass now, and all that comes of it; what it found."""
    await due(house)
    assert await take_up(workplace(house, **settings), remembered) == 1
    await worked(house)
    return await found(house)


async def found(house: House) -> dict[str, Any]:
    """By the last pass that came to its end."""
    [(last,)] = await rows(house.pool, "SELECT found FROM reconcilers")
    return dict(last or {})


async def inventory(house: House) -> dict[str, Any]:
    """The first pass: what is there already was there before the location was connected."""
    async with house.pool.acquire() as connection:
        await connection.execute("UPDATE locations SET connected_at = clock_timestamp()")
    return await look(house)


async def place(house: House, number: int, **fields: Any) -> str:
    """A booking that nobody is told of, one for each number."""
    at = datetime.now(UTC)
    starts = datetime.fromisoformat(in_days(3, "00:00")) + timedelta(minutes=20 * number)
    booking = {
        "id": f"pLaced00000000000{number:03}",
        "calendarId": CUTS,
        "contactId": ADA,
        "assignedUserId": DANA,
        "appointmentStatus": "confirmed",
        "startTime": starts.isoformat(),
        "endTime": (starts + timedelta(minutes=20)).isoformat(),
        "dateAdded": at.isoformat(),
        "dateUpdated": at.isoformat(),
        **fields,
    }
    await house.call("PUT", f"/_sandbox/appointments/{booking['id']}", booking)
    return str(booking["id"])


async def told(house: House, appointment_id: str) -> list[tuple[str, list[str]]]:
    """Who told of the appointment, and of what."""
    return [(each["source"], each["triggers"]) for each in await house.deliveries(appointment_id)]
