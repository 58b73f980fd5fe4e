"""The client as the settings want it."""

import aiohttp

from service.highlevel.call import Recorder
from service.highlevel.client import HighLevel, Patience
from service.highlevel.rate_limit import RateLimit
from service.highlevel.tokens import Tokens
from service.settings import Settings

WAITS_FOR_BUDGET = 0.5
"""Seconds that a call may hold its worker for want of budget; what would wait longer is put back."""


def client(
    settings: Settings,
    session: aiohttp.ClientSession,
    token: str | Tokens,
    *,
    location: str = "",
    rate_limit: RateLimit | None = None,
    urgent: bool = False,
    record: Recorder | None = None,
) -> HighLevel:
    """An Api for one location, in a session that is somebody else's to close."""
    return HighLevel(
        settings.highlevel_url,
        token,
        location=location,
        version=settings.highlevel_version,
        session=session,
        rate_limit=rate_limit,
        urgent=urgent,
        # A read that hangs leaves time for another. A write is sent once, for each time it goes out is kept before it
        # does; again only with a new token, when HighLevel said no to the old one.
        reads=_patience(settings.read_timeout, settings.read_timeout / 2, tries=4),
        writes=_patience(settings.write_timeout, settings.write_timeout, tries=1),
        record=record,
    )


def _patience(total: float, read: float, tries: int) -> Patience:
    return Patience(connect=min(total, 3.0), read=read, total=total, rate_limit=WAITS_FOR_BUDGET, tries=tries)
