"""Bookings of our own making: what `book` made is no news but to rules that hear of our own changes.

A write is noted as sent before it is sent, so whenever a webhook comes of what it made, its step can be found: by the
id that its answer told, or while there is none by what it booked. No worker that dies in between changes that.
"""

from dataclasses import replace
from typing import Final

from service.store.bookings import booked_by
from service.store.database import Pool
from service.trigger import Trigger
from workers.judge import Meaning, NoNews
from workers.outcomes import CLOCK_SKEW

FIRST: Final = frozenset({Trigger.CREATED, Trigger.UPDATED})
"""What the first sight of a booking is news of by itself: an update, where it does not say that it was added since its
location was connected."""

CHOSEN: Final = ("id", "starts", "ends", "assignee")
"""What of a booking was our choice, and stays so until somebody changes it: that there is one always."""


async def as_ours(pool: Pool, found: Meaning | NoNews) -> Meaning | NoNews:
    """The same, where it is the first that is heard of a booking that we made ourselves: not as news, but as the echo
    of a write of ours."""
    if isinstance(found, NoNews) or found.seen is None or found.was is not None:
        return found
    news = found.triggers & FIRST
    if not news:
        return found
    booking = found.seen.booking
    async with pool.acquire() as connection:
        rule = await booked_by(connection, booking, skew=CLOCK_SKEW)
    if rule is None:
        return found
    told = booking.model_dump(mode="json")
    return replace(
        found,
        seen=replace(found.seen, ours={name: told[name] for name in CHOSEN}),
        triggers=found.triggers - news,
        own=found.own | news,
        own_rules=(rule,),
    )
