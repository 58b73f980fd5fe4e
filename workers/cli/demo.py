"""Sample bookings, made through the sandbox's API, and how each should end by the example rules."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
from rich.markup import escape
from rich.table import Table

from service.highlevel.appointments import Appointment, CreateAppointment, EditAppointment, GetAppointment
from service.highlevel.blocked_slots import BlockedSlot, ListBlockedSlots
from service.highlevel.client import Client, Endpoint
from service.highlevel.notes import notes_of
from service.settings import Settings
from service.store import history
from service.store.database import Pool
from workers.cli.roles import clock
from workers.cli.stack import Stack

LOCATION, TOKEN = "lFk3vTj0cQxW8mPzR2bN", "pit-sandbox-demo"
CUTS, CONSULTATIONS = "jc01T5GOBUSZGi6HWGK1", "kQ9sBv3XnE6yTf1LdJ7o"
DANA, KIM, ALEX = "u8jzPde0IgxLd6GncfBA", "epfJBd0Kh8oOOL8dKLzd", "aT4xQm7LrW2vYc9NhZ0s"
ADA, GRACE, ALAN = "cAdaX3mT8qLw5ZrK1vNp", "cGrc7YwP2kVb9HsD4tQx", "cAln5RjF6nMz0UgC8eWy"
ZONE = ZoneInfo("Europe/London")

SETTLE_WITHIN = 30.0
QUIET_FOR = 1.0


@dataclass(frozen=True)
class Outcome:
    """How one sample ended. `differs`: in what, from what its rule says; None when it ended so."""

    sample: str
    ended: str
    differs: str | None


class Differs(Exception):
    """A sample did not end as its rule says."""


class Demo:
    """The samples, one after the other: each rule's choice depends on the bookings that are there."""

    def __init__(self, stack: Stack, pool: Pool, settings: Settings, session: aiohttp.ClientSession) -> None:
        self._stack = stack
        self._pool = pool
        self._session = session
        self._api = Client(session, Endpoint(stack.sandbox_url, settings.highlevel_version, 10, 10), TOKEN)
        self._day = _next_thursday(clock().astimezone(ZONE))
        self._first: str = ""
        self._second: str = ""

    @property
    def samples(self) -> tuple[tuple[str, Callable[[], Awaitable[str]]], ...]:
        return (
            ("evening cut: assigned, swept up after, noted", self._evening_cut),
            ("second evening cut: goes to the other", self._second_evening_cut),
            ("evening cut cancelled: its block goes with it", self._cancelled),
            ("day cuts: go round; the evening rule does not hold", self._day_cuts),
            ("early consultation: moved to the next free time", self._early_consultation),
            ("rule in shadow: judged, nothing written", self._shadow),
            ("the same delivery again: known", self._again),
            ("a forged signature: refused", self._forged),
            ("another app's signed delivery: ignored", self._foreign),
        )

    async def _evening_cut(self) -> str:
        self._first = await self._book(CUTS, ADA, time(18), assignee=ALEX)
        booking = await self._read(self._first)
        _want(booking.assigned_user_id == DANA, "it should be Dana's, who is first of two with no bookings")
        [block] = await self._blocks(booking)
        _want(block.end_time - block.start_time == timedelta(minutes=15), "a quarter of an hour should be blocked")
        [note] = [note.body async for note in notes_of(self._api, booking.id)]
        _want(note == "Given to dana: fewest bookings on Thursday.", "the note should say who and why")
        return f"Dana; blocked {block.start_time.astimezone(ZONE):%H:%M} to {block.end_time.astimezone(ZONE):%H:%M}"

    async def _second_evening_cut(self) -> str:
        self._second = await self._book(CUTS, GRACE, time(19), assignee=ALEX)
        booking = await self._read(self._second)
        _want(booking.assigned_user_id == KIM, "it should be Kim's: Dana has one already")
        return "Kim, who had fewer"

    async def _cancelled(self) -> str:
        before = await self._read(self._second)
        _want(len(await self._blocks(before)) == 1, "there should be a block to go")
        await self._api(EditAppointment(event_id=self._second, appointment_status="cancelled"))
        await self._settled()
        _want(not await self._blocks(before), "the block should be gone")
        return "no block left"

    async def _day_cuts(self) -> str:
        first = await self._read(await self._book(CUTS, ALAN, time(11)))
        second = await self._read(await self._book(CUTS, ADA, time(14)))
        _want(first.assigned_user_id != second.assigned_user_id, "two in turn should be two people")
        verdicts = await self._verdicts(second.id)
        _want(verdicts.get("evening-cuts") == (False, []), "the evening rule should not hold")
        return "two people in turn"

    async def _early_consultation(self) -> str:
        booking = await self._read(await self._book(CONSULTATIONS, GRACE, time(9)))
        starts = booking.start_time.astimezone(ZONE)
        _want(starts == datetime.combine(self._day, time(10), ZONE), "it should be moved to ten")
        _want(booking.assigned_user_id == DANA, "its person should stay")
        return f"moved to {starts:%A %H:%M}, still Dana's"

    async def _shadow(self) -> str:
        verdicts = await self._verdicts(self._first)
        held, states = verdicts.get("long-notice", (None, []))
        _want(held is True and states == ["shadow"], "it should have held and stayed in shadow")
        notes = [note.body async for note in notes_of(self._api, self._first) if "day before" in note.body]
        _want(not notes, "a rule in shadow should write nothing")
        return "it would have written a note"

    async def _again(self) -> str:
        row = await self._delivery(self._first)
        answer = await self._post(bytes(row["body"]).decode(), "valid")
        _want(answer == {"status": 200, "answer": {"delivery": str(row["delivery_id"]), "known": True}}, f"{answer}")
        return "200, with the first one's id"

    async def _forged(self) -> str:
        row = await self._delivery(self._first)
        answer = await self._post(bytes(row["body"]).decode(), "forged")
        _want(answer["status"] == 401, f"it was answered {answer['status']}")
        return "401"

    async def _foreign(self) -> str:
        row = await self._delivery(self._first)
        body = {**json.loads(row["body"]), "appId": "f0" * 12, "webhookId": f"foreign-{row['delivery_id']}"}
        answer = await self._post(json.dumps({**body, "timestamp": clock().isoformat()}), "valid")
        _want(answer["status"] in (200, 202) and "ignored" in answer["answer"], f"{answer}")
        return f"{answer['status']}, ignored: {answer['answer']['ignored']}"

    async def _book(self, calendar: str, contact: str, at: time, assignee: str | None = None) -> str:
        wanted = CreateAppointment(
            calendar_id=calendar,
            location_id=LOCATION,
            contact_id=contact,
            start_time=datetime.combine(self._day, at, ZONE).isoformat(),
        )
        if assignee:
            wanted = wanted.model_copy(update={"assigned_user_id": assignee})
        booked = await self._api(wanted)
        await self._settled()
        return booked.id

    async def _settled(self) -> None:
        await settled(self._stack, self._pool, self._session, quiet_for=0.05)

    async def _read(self, appointment_id: str) -> Appointment:
        return (await self._api(GetAppointment(event_id=appointment_id))).appointment

    async def _blocks(self, booking: Appointment) -> list[BlockedSlot]:
        listing = ListBlockedSlots(
            location_id=LOCATION,
            user_id=booking.assigned_user_id,
            start_time=int(booking.start_time.timestamp() * 1000),
            end_time=int((booking.end_time + timedelta(hours=1)).timestamp() * 1000),
        )
        return [block for block in (await self._api(listing)).events if block.start_time == booking.end_time]

    async def _delivery(self, appointment_id: str) -> Any:
        """The first delivery about an appointment, whole."""
        async with self._pool.acquire() as connection:
            rows = await history.listed(connection, appointment=appointment_id, limit=100)
            _want(bool(rows), "there should be a delivery about it")
            return await history.shown(connection, rows[-1]["delivery_id"])

    async def _verdicts(self, appointment_id: str) -> dict[str, tuple[bool | None, list[str]]]:
        """What each rule said to an appointment's first delivery, and how its steps ended."""
        shown = await self._delivery(appointment_id)
        return {
            verdict["rule"]: (
                verdict["held"],
                [step["state"] for step in shown["steps"] if step["rule"] == verdict["rule"]],
            )
            for verdict in shown["verdicts"]
        }

    async def _post(self, raw: str, signature: str) -> Any:
        url = self._stack.sandbox_url + "/sandbox/webhooks"
        async with self._session.post(url, json={"raw": raw, "signature": signature}) as answer:
            return await answer.json()


async def run(stack: Stack, pool: Pool, settings: Settings, session: aiohttp.ClientSession) -> list[Outcome]:
    """Make every sample and tell how it ended; one that fails does not keep the others from being made."""
    outcomes = []
    for name, sample in Demo(stack, pool, settings, session).samples:
        try:
            outcomes.append(Outcome(name, await sample(), None))
        except (Differs, ValueError) as error:
            outcomes.append(Outcome(name, "", str(error) or type(error).__name__))
    return outcomes


async def settled(stack: Stack, pool: Pool, session: aiohttp.ClientSession, quiet_for: float = QUIET_FOR) -> None:
    """Return when nothing is open, the sandbox has no webhook to send, and nothing has come for a while.

    Raises Differs when that does not come about in time.
    """
    loop = asyncio.get_running_loop()
    until, quiet_since, last = loop.time() + SETTLE_WITHIN, loop.time(), -1
    while loop.time() < until:
        async with session.get(stack.sandbox_url + "/sandbox/webhooks") as answer:
            waiting = (await answer.json())["waiting"]
        async with pool.acquire() as connection:
            still_open, latest = await history.open_work(connection), await history.latest_arrival(connection)
        if waiting or still_open or latest != last:
            quiet_since, last = loop.time(), latest
        elif loop.time() - quiet_since >= quiet_for:
            return
        await asyncio.sleep(0.02)
    raise Differs(f"it has not settled within {SETTLE_WITHIN:.0f} s")


def table(outcomes: list[Outcome]) -> Table:
    """How the samples ended."""
    shown = Table("", "sample", "ended", title="Samples", title_justify="left")
    for outcome in outcomes:
        mark = "[red]✗[/]" if outcome.differs else "[green]✓[/]"
        shown.add_row(mark, outcome.sample, escape(outcome.differs or outcome.ended))
    return shown


def _next_thursday(now: datetime) -> Any:
    """The first Thursday that is more than two days away."""
    day = (now + timedelta(days=3)).date()
    return day + timedelta(days=(3 - day.weekday()) % 7)


def _want(true: bool, otherwise: str) -> None:
    if not true:
        raise Differs(otherwise)
