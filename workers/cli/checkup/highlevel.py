"""HighLevel: whether it answers, keeps the same time, and knows each location by its token."""

from collections.abc import Callable, Sequence
from datetime import datetime
from time import perf_counter

import aiohttp

from service.access.refresh import Mendable
from service.access.tokens import TokenKeeper
from service.highlevel.errors import (
    Forbidden,
    HighLevelError,
    NotSent,
    RateLimited,
    ScopeMissing,
    Unauthorized,
    VersionRefused,
)
from service.highlevel.locations import GetLocation
from service.highlevel.locations import Location as Told
from service.settings import HIGHLEVEL_URL, Settings
from service.store.database import Pool
from service.store.locations import Location
from workers.cli.checkup import clocks
from workers.cli.checkup.finding import Finding, address, failed, ok, warning
from workers.cli.live import said
from workers.client import client

LONGEST = 160
"""Letters shown of what HighLevel says."""


class HighLevel:
    def __init__(
        self, settings: Settings, pool: Pool, session: aiohttp.ClientSession, clock: Callable[[], datetime]
    ) -> None:
        self._settings = settings
        self._session = session
        self._clock = clock
        self._tokens = TokenKeeper(settings, pool, session, clock)

    async def reach(self) -> Sequence[Finding]:
        """Anybody may ask for a page that there is not; its answer has a date."""
        url = self._settings.highlevel_url.rstrip("/")
        where = address(url) + ("" if url == HIGHLEVEL_URL else " (not HighLevel's own address)")
        started, before = perf_counter(), self._clock()
        try:
            async with self._session.get(f"{url}/", allow_redirects=False) as answer:
                took, after = perf_counter() - started, self._clock()
        except (aiohttp.ClientError, OSError) as error:
            advice = "look whether this machine may reach it, and at HIGHLEVEL_URL"
            return [failed("highlevel", f"{where} does not answer ({type(error).__name__})", advice)]
        finding = ok("highlevel", f"{where} answers in {took * 1000:.0f} ms")
        theirs = clocks.read_date(answer.headers.get("Date"))
        if theirs is None:
            return [finding]
        return [finding, clocks.compared("highlevel clock", theirs, before, after, exact_to=1.0)]

    async def location(self, location: Location) -> Sequence[Finding]:
        """`location` has its token; one that has ended is refreshed, as a worker would."""
        name = f"location {location.location_id}"
        api = client(self._settings, self._session, self._tokens.of(location))
        try:
            reply = await api(GetLocation(location_id=location.location_id))
        except HighLevelError as error:
            return [of_refusal(name, error, connected=location.grant is not None)]
        return [of_location(name, location, reply.location)]


def of_location(name: str, ours: Location, theirs: Told) -> Finding:
    told = f"{said(theirs.name or ours.name or 'without a name')}, {ours.time_zone}, {ours.mode}"
    if theirs.timezone not in (None, ours.time_zone) and not ours.time_zone_chosen:
        advice = f"slotwright locations time-zone {ours.location_id} takes HighLevel's, or chooses another for good"
        return warning(name, f"{told}; HighLevel says {said(theirs.timezone)}", advice)
    return ok(name, told)


def of_refusal(name: str, error: HighLevelError, *, connected: bool = False) -> Finding:
    """In HighLevel's words, from which the client has taken the token should they quote it."""
    words = said(error.reason if isinstance(error, Mendable) else error)
    words = words if len(words) <= LONGEST else f"{words[:LONGEST]}…"
    advice = advice_for(error, connected=connected)
    return warning(name, words, advice) if isinstance(error, RateLimited) else failed(name, words, advice)


def advice_for(error: HighLevelError, *, connected: bool = True) -> str:
    """What to do about it. `connected`: by OAuth."""
    if isinstance(error, Mendable):
        advice = error.advice
    elif isinstance(error, RateLimited):
        advice = "its budget is used up for now; look again later"
    elif isinstance(error, VersionRefused):
        advice = "set HIGHLEVEL_VERSION to one that HighLevel knows, such as 2021-04-15"
    elif isinstance(error, ScopeMissing | Forbidden):
        advice = "give its token the scopes for locations and calendars, or the token that belongs to it"
    elif isinstance(error, Unauthorized):
        advice = (
            "connect it again: slotwright locations connect"
            if connected
            else "give it a new token: slotwright locations add"
        )
    elif connected and error.operation == "RefreshToken":
        advice = (
            "a new token is asked for again by itself; if that goes on to fail, look at OAUTH_CLIENT_ID, "
            "OAUTH_CLIENT_SECRET and HighLevel's status page"
        )
    elif isinstance(error, NotSent):
        advice = "look whether this machine may reach HighLevel"
    else:
        advice = "look at HighLevel's status page, then at the location there"
    return advice
