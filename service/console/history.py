"""/history: deliveries newest first, by filters and page by page; /search: what somebody has an id of."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from aiohttp import web

from service.console.filters import STATES, STEP_STATES, Filters, history_link, read_filters
from service.console.pages import page
from service.console.record import Record
from service.console.words import zone_of
from service.store import history, overview

PAGE = 50
"""Deliveries on a page."""

DRAWN = 50
"""Rules that held, and steps, drawn of one delivery: its own page has more."""

FOLLOW = "follow"
"""The action of steps that no rule planned: a block goes with its booking."""

QUICK: Sequence[tuple[str, Mapping[str, str]]] = (
    ("All", {}),
    ("Open", {"status": "open"}),
    ("Parked", {"status": "parked"}),
    ("Failed", {"status": "failed"}),
    ("Steps failed", {"step": "failed"}),
    ("Steps unknown", {"step": "unknown"}),
    ("Ignored", {"status": "ignored"}),
)


class HistoryPages:
    def __init__(self, record: Record, clock: Callable[[], datetime]) -> None:
        self._record = record
        self._clock = clock

    async def list(self, request: web.Request) -> web.StreamResponse:
        async with self._record.read() as connection:
            locations = await overview.choices(connection)
            zones = {each["location_id"]: zone_of(each["time_zone"]) for each in locations}
            filters = read_filters(list(request.query.items()), self._clock(), zones)
            rows = [] if filters.faults else await history.listed(connection, **filters.values, limit=PAGE + 1)
        if "after" in filters.values and len(rows) <= PAGE and not filters.faults:
            # There is nothing newer than this page: it is the first one, and shown as that.
            raise web.HTTPSeeOther(filters.link())
        more = len(rows) > PAGE
        shown = rows[-PAGE:] if "after" in filters.values else rows[:PAGE]
        older = shown and (more or "after" in filters.values)
        return page(
            request,
            "history.html",
            status=400 if filters.faults else 200,
            filters=filters,
            rows=[{**row, "outcomes": steps_by_rule(row["held"][:DRAWN], row["steps"][:DRAWN])} for row in shown],
            quick=[(words, history_link(**wanted), filters.chosen == wanted) for words, wanted in QUICK],
            older=filters.link(before=shown[-1]["delivery_id"]) if older else None,
            newer=filters.link(after=shown[0]["delivery_id"]) if shown and _is_later_page(filters) else None,
            newest=filters.link() if _is_later_page(filters) else None,
            locations=locations,
            states=STATES,
            step_states=STEP_STATES,
        )

    async def search(self, request: web.Request) -> web.StreamResponse:
        """To the delivery whose id begins so, or to those about the appointment or series that is called so."""
        wanted = request.query.get("q", "").strip()
        if not wanted:
            raise web.HTTPSeeOther("/history")
        async with self._record.read() as connection:
            try:
                found = await history.beginning_with(connection, wanted, limit=1)
            except ValueError:
                found = []
        raise web.HTTPSeeOther(f"/deliveries/{wanted}" if found else history_link(appointment=wanted))


def steps_by_rule(held: Any, steps: Any) -> dict[str, list[Mapping[str, Any]]]:
    """The steps under each rule that held, and what follows the booking under a heading of its own."""
    by_rule: dict[str, list[Mapping[str, Any]]] = {rule: [] for rule in held}
    for step in steps:
        heading = "A block that follows" if step["action"] == FOLLOW else step["rule"]
        by_rule.setdefault(heading, []).append(step)
    return by_rule


def _is_later_page(filters: Filters) -> bool:
    return "before" in filters.values or "after" in filters.values
