"""/oauth/callback: where HighLevel sends the browser of whoever allowed our app a location or an agency."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from aiohttp import web
from pydantic import SecretStr

from service.access import app
from service.access.connection import AppRemoved, Connected, Connector, NoTimeZone
from service.console.errors import Refused
from service.console.pages import page
from service.console.words import cut
from service.highlevel.connection import open_session, proxy_for
from service.highlevel.errors import HighLevelError
from service.settings import Settings
from service.store.connecting import StateRefused
from service.store.database import Pool

log = structlog.get_logger()

AGAIN = "Begin anew with slotwright locations connect."
WHAT_CAME = "What it connected, slotwright locations list shows; for another, slotwright locations connect."
LONGEST = 300
"""Letters shown of what HighLevel says."""


@dataclass(frozen=True)
class Brought:
    """What the browser brings from HighLevel. `told` is what that says where it gives no code."""

    state: SecretStr
    code: SecretStr
    told: str


class CallbackPage:
    """The state is the proof that somebody of us asked: it is known, new, and used once, whoever brings it."""

    def __init__(self, settings: Settings, pool: Pool, clock: Callable[[], datetime]) -> None:
        """`pool` stays the caller's."""
        self._settings = settings
        self._pool = pool
        self._clock = clock

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Neither the state nor the code is logged, or shown."""
        if wanting := app.missing(self._settings):
            raise Refused(503, "Not set up", f"The console needs {', '.join(wanting)} to connect a location.")
        brought = _brought(request)
        async with open_session(2, proxy_for(self._settings.highlevel_url)) as session:
            connector = Connector(self._settings, self._pool, session, self._clock)
            try:
                asked = await connector.use(brought.state.get_secret_value())
            except StateRefused as refused:
                if refused.used_at is not None:
                    detail = f"{refused.used_at.astimezone(UTC):It was at %H:%M UTC.} {WHAT_CAME}"
                    raise Refused(400, "Used already", f"{refused} {detail}") from None
                raise Refused(400, "Nothing was connected", f"{refused} {AGAIN}") from None
            if not brought.code:
                raise Refused(400, "Nothing was connected", f"HighLevel says: {brought.told}. {AGAIN}")
            try:
                connected = await connector.finish(asked, brought.code)
            except HighLevelError as error:
                log.warning("nothing was connected", error=type(error).__name__, status=error.status)
                raise Refused(502, "Nothing was connected", f"{_refusal(error)} {AGAIN}") from None
            except NoTimeZone as error:
                told = f"HighLevel does not say its time zone ({cut(str(error), LONGEST)}): choose one by --time-zone."
                raise Refused(502, "Nothing was connected", f"{told} {AGAIN}") from None
            except AppRemoved as removed:
                raise Refused(409, "Nothing was connected", f"{removed} {AGAIN}") from None
        log.info("connected", user_type=connected.user_type, id=connected.id)
        detail, then = _words(connected)
        return page(request, "connected.html", title="Connected", detail=detail, then=then)


def _brought(request: web.Request) -> Brought:
    query = request.query
    told = query.get("error_description") or query.get("error") or "it gave no code"
    return Brought(SecretStr(query.get("state", "")), SecretStr(query.get("code", "")), cut(told, LONGEST))


def _refusal(error: HighLevelError) -> str:
    """Whoever reads this knows none of our names for calls."""
    words = cut(error.message, LONGEST).rstrip(".")
    return f"HighLevel says: {words}." if error.status else f"HighLevel was asked in vain: {words}."


def _words(connected: Connected) -> tuple[str, str]:
    """What was connected, and the command that comes next."""
    if connected.user_type == "Company":
        detail = f"The agency {connected.id} is connected. Its token gives those of its locations."
        return detail, "slotwright locations connect --location LOCATION_ID"
    detail = f"{connected.name or connected.id} is registered; its clock is {connected.time_zone}."
    return detail, f"slotwright locations check {connected.id}"
