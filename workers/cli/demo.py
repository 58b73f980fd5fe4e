"""Sample bookings, made through the sandbox's API, and how each should end by the example rules."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import aiohttp
import click
from rich.table import Table
from rich.text import Text

from service.highlevel.appointments import Appointment, CreateAppointment, EditAppointment, GetAppointment
from service.highlevel.blocked_slots import BlockedSlot, ListBlockedSlots
from service.highlevel.notes import notes_of
from service.store import history
from service.store.database import Pool
from workers.cli.clock import clock
from workers.cli.live import MARKS, plain_table, said
from workers.cli.salon import (
    ADA,
    ALAN,
    ALEX,
    CONSULTATIONS,
    CUTS,
    DANA,
    GRACE,
    KIM,
    LOCATION,
    TOKEN,
    ZONE,
    NoDay,
    first_thursday,
    free_thursday,
)
from workers.cli.stack import Stack
from workers.client import client

PEOPLE = {DANA: "Dana", KIM: "Kim", ALEX: "Alex", "": "nobody"}

SETTLE_WITHIN = 30.0
QUIET_FOR = 1.0
"""Seconds without anything new after which all has settled."""


@dataclass(frozen=True)
class Outcome:
    """How one sample ended. `differs`: in what, from what its rule says; None when it ended so."""

    sample: str
    ended: str
    differs: str | None


class Differs(Exception):
    """A sample did not end as its rule says."""


class NotSettled(click.ClickException):
    """Something is still open after all this time."""


class Demo:
    """The samples, one after the other: each rule's choice depends on the bookings that are there."""

    def __init__(self, stack: Stack, pool: Pool, session: aiohttp.ClientSession) -> None:
        self._stack = stack
        self._pool = pool
        self._session = session
        self._api = client(stack.settings, session, TOKEN)
        self._day: date | None = None
        self._first = ""
        self._second = ""

    async def evening_cut(self) -> str:
        self._first = await self._book(CUTS, ADA, time(18), assignee=ALEX)
        booking = await self._settled(self._first)
        _want(
            _whose(booking) == "Dana", f"it should be Dana's, first of two with no bookings; it is {_whose(booking)}'s"
        )
        lengths = [block.end_time - block.start_time for block in await self._blocks(booking)]
        _want(
            lengths == [timedelta(minutes=15)], f"15 minutes after it should be blocked once; {len(lengths)} blocks are"
        )
        notes = [note.body async for note in notes_of(self._api, booking.id)]
        _want(notes == ["Given to dana: fewest bookings on Thursday."], f"a note should say who and why; found {notes}")
        return "Dana's; blocked 19:00 to 19:15; noted"

    async def second_evening_cut(self) -> str:
        self._second = await self._book(CUTS, GRACE, time(17), assignee=ALEX)
        booking = await self._settled(self._second)
        _want(_whose(booking) == "Kim", f"it should be Kim's, for Dana has one already; it is {_whose(booking)}'s")
        return "Kim's, who had fewer"

    async def cancelled(self) -> str:
        before = await self._settled(self._second)
        _want(len(await self._blocks(before)) == 1, "there should be one block to go")
        await self._api(EditAppointment(event_id=before.id, appointment_status="cancelled"))
        await self._settled(before.id)
        _want(not await self._blocks(before), "the block should be gone")
        return "no block left"

    async def day_cuts(self) -> str:
        first = await self._settled(await self._book(CUTS, ALAN, time(11)))
        second = await self._settled(await self._book(CUTS, ADA, time(14)))
        _want(_whose(first) != _whose(second), f"two in turn should be two people; both are {_whose(first)}'s")
        held, _ = await self._verdict(second.id, "evening-cuts")
        _want(held is False, "the evening rule should be asked and not hold")
        return f"{_whose(first)}'s, then {_whose(second)}'s"

    async def early_consultation(self) -> str:
        booking = await self._settled(await self._book(CONSULTATIONS, GRACE, time(9)))
        starts = booking.start_time.astimezone(ZONE)
        ten = datetime.combine(await self._thursday(), time(10), ZONE)
        _want(starts == ten, f"it should be moved to ten; it starts on {starts:%A at %H:%M}")
        _want(_whose(booking) == "Dana", f"its person should stay; it is {_whose(booking)}'s")
        return f"moved to {starts:%A %H:%M}, still Dana's"

    async def shadow(self) -> str:
        held, states = await self._verdict(self._first, "long-notice")
        _want(held is True, "the rule should hold")
        _want(states == ["shadow"], f"its one step should stay in shadow; its steps are {states}")
        notes = [note.body async for note in notes_of(self._api, self._first) if "day before" in note.body]
        _want(not notes, "a rule in shadow should write nothing")
        return "it would have written a note"

    async def again(self) -> str:
        row = await self._delivery(self._first)
        answer = await self._post(bytes(row["body"]).decode(), "valid")
        known = {"status": 200, "answer": {"delivery": str(row["delivery_id"]), "known": True}}
        _want(answer == known, f"it should be known; the answer is {answer}")
        return "200, with the first one's id"

    async def forged(self) -> str:
        row = await self._delivery(self._first)
        answer = await self._post(bytes(row["body"]).decode(), "forged")
        _want(answer["status"] == 401, f"it should be refused; it was answered {answer['status']}")
        return "401"

    async def foreign(self) -> str:
        row = await self._delivery(self._first)
        body = {**json.loads(row["body"]), "appId": "f0" * 12, "webhookId": f"foreign-{row['delivery_id']}"}
        answer = await self._post(json.dumps({**body, "timestamp": clock().isoformat()}), "valid")
        _want("ignored" in answer["answer"], f"it should be ignored; the answer is {answer}")
        return f"{answer['status']}, ignored: {answer['answer']['ignored']}"

    async def _book(self, calendar: str, contact: str, at: time, assignee: str | None = None) -> str:
        wanted = CreateAppointment(
            calendar_id=calendar,
            location_id=LOCATION,
            contact_id=contact,
            start_time=datetime.combine(await self._thursday(), at, ZONE).isoformat(),
        )
        if assignee:
            wanted = wanted.model_copy(update={"assigned_user_id": assignee})
        return (await self._api(wanted)).id

    async def _thursday(self) -> date:
        """The same for all samples, and at each start another, for what was booked before is still there."""
        if self._day is None:
            try:
                self._day = await free_thursday(self._api, await first_thursday(self._stack, self._session))
            except NoDay as error:
                raise Differs(str(error)) from None
        return self._day

    async def _settled(self, appointment_id: str) -> Appointment:
        """A booking once all has settled that was set off by it."""
        _want(bool(appointment_id), "the booking that it is about was not made")
        await settled(self._stack, self._pool, self._session, quiet_for=0.05)
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
        _want(bool(appointment_id), "the booking that it is about was not made")
        async with self._pool.acquire() as connection:
            rows = await history.listed(connection, appointment=appointment_id, limit=100)
            _want(bool(rows), "there should be a delivery about it")
            return await history.shown(connection, rows[-1]["delivery_id"])

    async def _verdict(self, appointment_id: str, rule: str) -> tuple[bool | None, list[str]]:
        """What a rule said to an appointment's first delivery, and how its steps ended."""
        shown = await self._delivery(appointment_id)
        held = {verdict["rule"]: verdict["held"] for verdict in shown["verdicts"]}
        return held.get(rule), [step["state"] for step in shown["steps"] if step["rule"] == rule]

    async def _post(self, raw: str, signature: str) -> Any:
        url = self._stack.sandbox_url + "/_sandbox/webhooks"
        async with self._session.post(url, json={"raw": raw, "signature": signature}) as answer:
            return await answer.json()


SAMPLES: tuple[tuple[str, Callable[[Demo], Awaitable[str]]], ...] = (
    ("evening cut: assigned, swept up after, noted", Demo.evening_cut),
    ("second evening cut: goes to the other", Demo.second_evening_cut),
    ("evening cut cancelled: its block goes with it", Demo.cancelled),
    ("day cuts: go round; the evening rule does not hold", Demo.day_cuts),
    ("early consultation: moved to the next free time", Demo.early_consultation),
    ("rule in shadow: judged, nothing written", Demo.shadow),
    ("the same delivery again: known", Demo.again),
    ("a forged signature: refused", Demo.forged),
    ("another app's signed delivery: ignored", Demo.foreign),
)


async def outcomes(stack: Stack, pool: Pool, session: aiohttp.ClientSession) -> AsyncIterator[Outcome]:
    """Make every sample and tell how it ended; one that fails does not keep the others from being made."""
    demo = Demo(stack, pool, session)
    for name, sample in SAMPLES:
        try:
            outcome = Outcome(name, await sample(demo), None)
        except Differs as error:
            outcome = Outcome(name, "", str(error))
        except Exception as error:
            stack.check()
            outcome = Outcome(name, "", f"{type(error).__name__}: {error}")
        yield outcome


def not_made(made: Iterable[Outcome]) -> list[Outcome]:
    """Those that are missing when there was no time for all."""
    names = {outcome.sample for outcome in made}
    return [Outcome(name, "", "interrupted before its end") for name, _ in SAMPLES if name not in names]


async def settled(stack: Stack, pool: Pool, session: aiohttp.ClientSession, *, quiet_for: float) -> None:
    """Return when nothing is open, the sandbox has no webhook to send, and nothing has come for so many seconds.

    Raises NotSettled when that does not come about in time.
    """
    loop = asyncio.get_running_loop()
    until, quiet_since, last = loop.time() + SETTLE_WITHIN, loop.time(), -1
    while loop.time() < until:
        async with session.get(stack.sandbox_url + "/_sandbox/webhooks") as answer:
            waiting = (await answer.json())["channels"]["app"]["waiting"]
        async with pool.acquire() as connection:
            still_open, latest = await history.open_work(connection), await history.latest_arrival(connection)
        if waiting or still_open or latest != last:
            quiet_since, last = loop.time(), latest
        elif loop.time() - quiet_since >= quiet_for:
            return
        await asyncio.sleep(0.02)
    raise NotSettled(
        f"it has not settled within {SETTLE_WITHIN:.0f} s: "
        f"{waiting} webhooks wait, {still_open} deliveries and steps are open"
    )


def table(outcomes: Iterable[Outcome]) -> Table:
    """How the samples ended."""
    shown = plain_table("", "sample", "ended", title="Samples")
    for outcome in outcomes:
        mark = MARKS["failed" if outcome.differs else "done"]
        shown.add_row(Text(*mark), outcome.sample, Text(said(outcome.differs or outcome.ended)))
    return shown


def _whose(booking: Appointment) -> str:
    return PEOPLE.get(booking.assigned_user_id or "", "somebody else")


def _want(true: bool, otherwise: str) -> None:
    if not true:
        raise Differs(otherwise)
