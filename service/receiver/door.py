"""A door: prove who posts, keep what came, acknowledge it. What proves a sender differs by the kind of source."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

import structlog
from aiohttp import web

from service.event import Event, NotAnEvent
from service.problem import problem
from service.receiver.intake import CannotKeep, Intake
from service.receiver.sources import Sources
from service.store.arrivals import Arrival, Recorded
from service.store.sources import HIGHLEVEL, Source
from service.telemetry import Tally
from service.telemetry.traces import Tracer

log = structlog.get_logger()

LARGEST_BODY = 256 * 1024
COME_AGAIN = 10
"""Seconds until a sender should try again when a delivery cannot be kept."""


UNKNOWN = "unknown"
"""What a source is counted as that is none of ours: its name is whatever somebody wrote into an address."""


class Refused(Exception):
    """Answered already."""

    def __init__(self, answer: web.Response) -> None:
        super().__init__(answer.status)
        self.answer = answer


class NotKnown(Exception):
    """Nothing proves that the request is from a source; the words are for its sender."""


class NotNow(Exception):
    """Whether it is from the source cannot be told at the moment."""


class Kind(Protocol):
    """What is particular about a kind of source."""

    name: str

    def read(self, request: web.Request, body: bytes, source: Source) -> Event:
        """Prove and read a body. Raises NotKnown, NotNow or NotAnEvent."""

    def ignores(self, event: Event) -> str | None:
        """Why no rule will be asked about an event that the source may well post."""


class Door:
    """Answers 202 with the delivery's id after the commit, 200 with the first id for one already known."""

    def __init__(
        self,
        kind: Kind,
        sources: Sources,
        intake: Intake,
        clock: Callable[[], datetime],
        tally: Tally,
        tracer: Tracer,
    ) -> None:
        self._kind = kind
        self._sources = sources
        self._intake = intake
        self._clock = clock
        self._tally = tally
        self._tracer = tracer
        self._strangers = 0
        self._log = log.bind()

    async def receive(self, request: web.Request) -> web.Response:
        began = self._clock()
        name = request.match_info.get("source", HIGHLEVEL)
        source = None
        try:
            body = await _body(request)
            # Not before: a body may take its time, and the source be removed meanwhile.
            source = self._sources.find(name, self._kind.name)
            if source is None:
                raise NotKnown(f"There is no source {name!r} at this door.") if self._sources.known else NotNow
            event = self._kind.read(request, body, source)
            arrival = Arrival(source.name, event, body, began, self._ignored(source, event))
            kept = await self._intake.keep(arrival)
        except Refused as refused:
            return self._refuse(source, refused.answer)
        except NotAnEvent as error:
            return self._refuse(source, problem(400, "Not an event", f"A delivery is a JSON object; {error}."))
        except NotKnown as unknown:
            self._note_stranger()
            return self._refuse(source, problem(401, "Not known", str(unknown)))
        except (NotNow, CannotKeep):
            return self._put_off(source)
        return self._acknowledge(source, kept, began)

    def _acknowledge(self, source: Source, kept: Recorded, began: datetime) -> web.Response:
        answer = "known" if kept.known else "ignored" if kept.ignored else "accepted"
        self._tally.add("arrivals", source=source.name, answer=answer)
        self._tracer.received(
            kept.delivery_id, began, self._clock(), source=source.name, answer=answer, known=kept.known
        )
        told: dict[str, object] = {
            "delivery": str(kept.delivery_id) if kept.delivery_id else None,
            "known": kept.known,
        }
        if kept.ignored:
            told["ignored"] = kept.ignored
        self._log.debug("acknowledged", answer=answer, delivery=told["delivery"], source=source.name)
        return web.json_response(told, status=200 if kept.known else 202)

    def _put_off(self, source: Source | None) -> web.Response:
        """By default 429 and never the balancer's 503: HighLevel has at times retried nothing but 429."""
        self._tally.add("arrivals", source=source.name if source else UNKNOWN, answer="busy")
        status = source.busy_status if source else 429
        return problem(status, "Come again", "The delivery cannot be kept just now.", retry_after=COME_AGAIN)

    def _refuse(self, source: Source | None, answer: web.Response) -> web.Response:
        self._tally.add("arrivals", source=source.name if source else UNKNOWN, answer="refused")
        return answer

    def _ignored(self, source: Source, event: Event) -> str | None:
        if reason := self._kind.ignores(event) or event.not_understood:
            return reason
        return None if source.speaks_for(event.location_id) else "the source was not given this location to speak for"

    def _note_stranger(self) -> None:
        """The first, second, fourth, …: a wrong secret shows in the log, and a flood does not fill it."""
        self._strangers += 1
        if self._strangers & (self._strangers - 1) == 0:
            log.warning("not from a known source", door=self._kind.name, so_far=self._strangers)


async def _body(request: web.Request) -> bytes:
    """Raises Refused."""
    try:
        body = await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise Refused(_too_large()) from None
    except (web.RequestPayloadError, ConnectionError):
        answer = problem(400, "Not readable", "The body broke off, or is not encoded as its headers say.")
        answer.force_close()  # what else comes on this connection cannot be told from the body
        raise Refused(answer) from None
    if len(body) > LARGEST_BODY:
        raise Refused(_too_large())
    return body


def _too_large() -> web.Response:
    return problem(413, "Too large", f"A delivery may have {LARGEST_BODY} bytes.")
