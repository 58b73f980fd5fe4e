"""POST /hooks/highlevel: prove, keep, acknowledge."""

from collections.abc import Callable, Collection
from datetime import datetime

import structlog
from aiohttp import web

from service.event import Event, NotAnEvent, read_event
from service.problem import problem
from service.receiver.intake import CannotKeep, Intake
from service.receiver.signature import HEADER, WebhookKeys
from service.store.arrivals import Arrival

log = structlog.get_logger()

LARGEST_BODY = 256 * 1024
COME_AGAIN = 10
"""Seconds until a sender should try again when the database is away."""

SOURCE = "highlevel"


class HighLevelHook:
    """Answers 202 with the delivery's id after the commit, 200 with the first id for one already known."""

    def __init__(
        self, keys: WebhookKeys, app_ids: Collection[str], intake: Intake, clock: Callable[[], datetime]
    ) -> None:
        self._keys = keys
        self._app_ids = frozenset(app_ids)
        self._intake = intake
        self._clock = clock
        self.strangers = 0
        """Requests without a valid signature since the start."""

    async def receive(self, request: web.Request) -> web.Response:
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return _too_large()
        except (web.RequestPayloadError, ConnectionError):
            refusal = problem(400, "Not readable", "The body broke off, or is not encoded as its headers say.")
            refusal.force_close()  # what else comes on this connection cannot be told from the body
            return refusal
        if len(body) > LARGEST_BODY:
            return _too_large()
        if not self._keys.signed(body, request.headers.get(HEADER)):
            self.strangers += 1
            if self.strangers & (self.strangers - 1) == 0:
                # The first, second, fourth, …: a wrong key shows, and a flood does not fill the log.
                log.warning("not signed by a known key", so_far=self.strangers)
            return problem(401, "Not signed", f"{HEADER} is not a signature of this body by a known key.")
        try:
            event = read_event(body)
        except NotAnEvent as error:
            return problem(400, "Not an event", f"A delivery is a JSON object; {error}.")
        arrival = Arrival(SOURCE, event, body, self._clock(), self._ignored(event))
        try:
            kept = await self._intake.keep(arrival)
        except CannotKeep:
            # Never the balancer's 503: HighLevel has at times retried nothing but 429.
            return problem(429, "Come again", "The delivery cannot be kept just now.", retry_after=COME_AGAIN)
        answer = {"delivery": str(kept.delivery_id) if kept.delivery_id else None, "known": kept.known}
        if kept.ignored:
            answer["ignored"] = kept.ignored
        return web.json_response(answer, status=200 if kept.known else 202)

    def _ignored(self, event: Event) -> str | None:
        if event.app_id is not None and event.app_id not in self._app_ids:
            return "the event is another app's" if self._app_ids else "HIGHLEVEL_APP_IDS names no app of ours"
        return event.not_understood


def _too_large() -> web.Response:
    return problem(413, "Too large", f"A delivery may have {LARGEST_BODY} bytes.")
