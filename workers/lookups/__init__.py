"""Lookups: what must be read before some facts are known. Each is a value; equal ones are read once for a delivery."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from service.highlevel.operation import Api
from service.store.reservations import Reservation


@dataclass(frozen=True)
class Reading:
    """What lookups are read with."""

    api: Api
    location_id: str
    reserved: Callable[[datetime, datetime], Awaitable[Sequence[Reservation]]]
    """Who was chosen for a time between these, and may not show at HighLevel yet."""


@dataclass(frozen=True)
class Lookup:
    """Something to be read."""

    async def read(self, reading: Reading) -> Any:
        """What is there; None where nothing is. Raises HighLevelError."""
        # Not abstract: whether a value is a lookup is asked at every test, and takes ten times as long of an ABC.
        raise NotImplementedError
