"""Rounds: what a worker does again and again beside its lanes, whatever happens."""

import asyncio
from collections.abc import Awaitable, Callable

from service.store.database import AWAY
from service.telemetry import Outage


async def rounds(act: Callable[[], Awaitable[object]], every: float, outage: Outage) -> None:
    """Act every so many seconds, until cancelled. `outage` tells once what goes wrong, and that it is over."""
    while True:
        await asyncio.sleep(every)
        try:
            await act()
        except AWAY:
            continue  # which the sweep tells of
        except Exception as error:
            # Whatever it is, it must not end what runs beside it.
            outage.met(error)
        else:
            outage.over()
