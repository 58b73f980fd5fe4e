"""The kinds of sources: HighLevel itself, a workflow in it, any other system."""

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime, timedelta

from aiohttp import web

from service.event import Event, read_event, read_external, read_workflow
from service.receiver.door import NotKnown, NotNow
from service.receiver.signature import HEADER, WebhookKeys
from service.receiver.sources import Sources
from service.standard_webhooks import NotProved, verify
from service.store.sources import Source

SENT_ALONG = "X-Slotwright-Secret"
"""The header that a workflow's action sends its secret in."""


class FromHighLevel:
    """Signed by HighLevel, with a key that all apps share: that an event is meant for us, its app id says."""

    name = "highlevel"

    def __init__(self, keys: WebhookKeys, app_ids: Collection[str]) -> None:
        self._keys = keys
        self._app_ids = frozenset(app_ids)

    def read(self, request: web.Request, body: bytes, source: Source) -> Event:
        if not self._keys.signed(body, request.headers):
            raise NotKnown(f"{HEADER} is not a signature of this body by a known key.")
        return read_event(body)

    def ignores(self, event: Event) -> str | None:
        if event.app_id is not None and event.app_id not in self._app_ids:
            return "the event is another app's" if self._app_ids else "HIGHLEVEL_APP_IDS names no app of ours"
        return None


class FromWorkflow:
    """Posted by the Webhook action of a HighLevel workflow, which can send a header along and sign nothing."""

    name = "workflow"

    def read(self, request: web.Request, body: bytes, source: Source) -> Event:
        if not source.knows(request.headers.get(SENT_ALONG, "")):
            raise NotKnown(f"{SENT_ALONG} is not a secret of this source.")
        event = read_workflow(body)
        return replace(event, location_id=event.location_id or source.only_location)

    def ignores(self, event: Event) -> str | None:
        return None


class FromElsewhere:
    """Signed as Standard Webhooks say, by a system of the author's choosing."""

    name = "external"

    def __init__(self, sources: Sources, clock: Callable[[], datetime], window: timedelta) -> None:
        self._sources = sources
        self._clock = clock
        self._window = window

    def read(self, request: web.Request, body: bytes, source: Source) -> Event:
        keys = self._sources.keys(source)
        if keys is None:
            raise NotNow
        try:
            proved = verify(keys, request.headers, body, now=self._clock(), window=self._window)
        except NotProved as error:
            raise NotKnown(str(error)) from None
        event = read_external(body, source.name, proved.id, source.paths)
        return event if "location" in source.paths else replace(event, location_id=source.only_location)

    def ignores(self, event: Event) -> str | None:
        return None
