"""/deliveries/{id}: one delivery, explained; as JSON for programs; and which ones begin with some digits."""

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from service.console.errors import Refused
from service.console.explanation import explain
from service.console.pages import page
from service.console.record import Record
from service.store import history
from service.store.deliveries import OPEN

MOST = 20
"""Deliveries named when several begin alike."""


class DeliveryPages:
    def __init__(self, record: Record) -> None:
        self._record = record

    async def show(self, request: web.Request) -> web.StreamResponse:
        """The delivery; for the first digits of its id a redirect to it, or a choice."""
        wanted = request.match_info["delivery_id"]
        async with self._record.read() as connection:
            try:
                found = await history.beginning_with(connection, wanted, limit=MOST + 1)
            except ValueError:
                found = []
            if not found:
                raise _unknown()
            if len(found) > 1:
                return page(request, "deliveries.html", wanted=wanted, found=found[:MOST], more=len(found) > MOST)
            if wanted != str(found[0]):
                raise web.HTTPSeeOther(f"/deliveries/{found[0]}")
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                shown = await history.shown(connection, found[0])
        if shown is None:
            raise _unknown()
        return page(request, "delivery.html", delivery=shown, explained=explain(shown), retried=_may_be_retried(shown))

    async def as_json(self, request: web.Request) -> web.StreamResponse:
        """All that `slotwright history show --json` prints, on one line: indented, what is nested deeply would grow
        to many times its size."""
        async with self._record.read() as connection:
            try:
                found = await history.beginning_with(connection, request.match_info["delivery_id"], limit=2)
            except ValueError:
                found = []
            shown = await history.shown(connection, found[0]) if len(found) == 1 else None
        if shown is None:
            raise _unknown()
        text = json.dumps(history.with_body(shown), default=history.plain, ensure_ascii=False)
        return web.Response(text=text, content_type="application/json")


def _may_be_retried(shown: Mapping[str, Any]) -> bool:
    """Whether it stands as somebody may want to change: what was skipped they wanted so."""
    states = {shown["state"], *(step["state"] for step in shown["steps"])}
    return shown["state"] not in OPEN and not states.isdisjoint(("parked", "failed", "unknown"))


def _unknown() -> Refused:
    return Refused(404, "No such delivery", "Nothing that was kept has an id that begins so. The history has what was.")
