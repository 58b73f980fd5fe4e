"""A load of bookings whose every effect is known beforehand, and what was lost or doubled of it in the end."""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from service.store import history
from tests.cluster import Cluster
from tests.house import LONDON, NAMES, event, now, signed
from tests.sandboxes import ALEX, DANA, FOREVER, KIM
from tests.test_order import booking

RULES = (
    NAMES
    + """
  - name: assigned
    mode: live
    when: appointment.created
    if: {starts: {before: "12:00"}}
    then: [{do: assign, to: kim, replace: anybody}]
  - name: blocked
    mode: live
    when: appointment.created
    if: {starts: {between: ["12:00", "15:00"]}}
    then: [{do: block_slot, after: 15m, follow: true}]
  - name: noted
    mode: live
    when: [appointment.created, appointment.updated]
    if: {starts: {after: "15:00"}}
    then: [{do: add_note, text: "{{ title }}"}]
"""
)

STILL_OPEN = "SELECT count(*) FROM deliveries WHERE delivery_id = ANY($1::uuid[]) AND finished_at IS NULL"

SENT = """
    SELECT action || ' sent at ' || coalesce(sent_at::text, 'no time') || ', ' || attempts || ' tries' AS words
    FROM steps WHERE appointment_id = $1 ORDER BY sent_at
"""

NOT_DONE = "SELECT action, state FROM steps WHERE delivery_id = ANY($1::uuid[]) AND state <> 'done'"

CLOCKS = (time(10), time(13), time(16))
TITLES = ("created", "change 1", "change 2")
"""Those of a booking that is noted; the others have one."""


class Load:
    """Customers who book and change it, several at a time, each with a day of their own."""

    def __init__(self, cluster: Cluster, *, at_once: int = 4, pace: float = 0.2, most: int = 2000) -> None:
        """`pace`: seconds between two posts of one customer; `most`: customers in all."""
        self._cluster = cluster
        self._at_once = at_once
        self._pace = pace
        self._most = most
        self._stopped = False
        self.customers = 0
        self.answers: dict[str, tuple[int, str]] = {}
        """The last answer to each webhook, by its id: the status and the delivery's id."""
        self.again: Counter[int] = Counter()
        """Answers that were none: the sender came again."""

    @contextlib.asynccontextmanager
    async def going(self) -> AsyncIterator["Load"]:
        """Load for the length of the body, at the end of which everything was answered."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(self._at_once):
                tasks.create_task(self._customers())
            try:
                yield self
            finally:
                self._stopped = True

    async def more(self, deliveries: int) -> None:
        """Return when so many more were answered."""
        wanted = len(self.answers) + deliveries
        async with asyncio.timeout(30):
            while len(self.answers) < wanted:
                assert self.customers < self._most, "the load came to its end before the test did"
                await asyncio.sleep(0.01)

    async def caught_up(self) -> None:
        """Return when all that was answered so far has ended, while more comes."""
        ids = [UUID(delivery) for _, delivery in self.answers.values()]
        async with asyncio.timeout(30):
            while await self._cluster.pool.fetchval(STILL_OPEN, ids):
                await asyncio.sleep(0.02)

    async def _customers(self) -> None:
        while not self._stopped and self.customers < self._most:
            number = self.customers
            self.customers += 1
            await self._customer(number)

    async def _customer(self, number: int) -> None:
        fields = _booking(number)
        await self._cluster.call("PUT", f"/_sandbox/appointments/{fields['id']}", fields)
        for change, title in enumerate(TITLES if number % 3 == 2 else TITLES[:1]):
            updated = datetime.fromisoformat(fields["dateAdded"]) + timedelta(seconds=change)
            type_ = "AppointmentUpdate" if change else "AppointmentCreate"
            body = event({**fields, "title": title, "dateUpdated": updated.isoformat()}, type_)
            self.answers[body["webhookId"]] = await self._post(body)
            await asyncio.sleep(self._pace)

    async def _post(self, body: Mapping[str, Any]) -> tuple[int, str]:
        """As HighLevel does: the same bytes until they are taken."""
        raw = json.dumps(body).encode()
        async with asyncio.timeout(30):
            while True:
                status, answer = await self._cluster.front.post(raw, signed(self._cluster.key, raw))
                if status in (200, 202):
                    return status, answer["delivery"]
                self.again[status] += 1
                await asyncio.sleep(0.05)

    async def settled(self, within: float = 40) -> None:
        """Return once the sandbox has told everything and everything that came has ended."""
        async with asyncio.timeout(within):
            quiet = 0
            while quiet < 3:
                self._cluster.check()
                waiting = (await self._cluster.call("GET", "/_sandbox/webhooks"))["waiting"]
                async with self._cluster.pool.acquire() as connection:
                    busy = await history.open_work(connection)
                quiet = 0 if waiting or busy else quiet + 1
                await asyncio.sleep(0.03)

    async def faults(self) -> list[str]:
        """What was lost and what was doubled, one line each; for when all has settled."""
        return [*await self._faults_in_the_record(), *await self._faults_in_the_world()]

    async def _faults_in_the_record(self) -> list[str]:
        rows = await self._cluster.pool.fetch(
            "SELECT delivery_id, state, convert_from(body, 'UTF8')::jsonb ->> 'webhookId' AS webhook FROM deliveries"
        )
        kept: dict[str, list[Any]] = {}
        for row in rows:
            kept.setdefault(row["webhook"], []).append(row)
        faults = [f"{webhook} is kept {len(found)} times" for webhook, found in kept.items() if len(found) != 1]
        for webhook, (_, delivery) in self.answers.items():
            found = [(row["delivery_id"], row["state"]) for row in kept.get(webhook, [])]
            if found != [(UUID(delivery), "done")]:
                faults.append(f"{webhook} was answered {delivery}; there is {found}")
        ids = [UUID(delivery) for _, delivery in self.answers.values()]
        steps = await self._cluster.pool.fetch(NOT_DONE, ids)
        return faults + [f"a step {row['action']} ended {row['state']}" for row in steps]

    async def _faults_in_the_world(self) -> list[str]:
        cluster = self._cluster
        calls = await cluster.call("GET", "/_sandbox/calls")
        done = [call for call in calls if call["operation"] == "EditAppointment" and call["carried_out"]]
        edits = Counter(call["path"].rpartition("/")[2] for call in done)
        answer = await cluster.call("GET", "/calendars/blocked-slots", userId=ALEX, **FOREVER)
        blocks = Counter(datetime.fromisoformat(block["startTime"]) for block in answer["events"])
        faults = []
        found: object
        wanted: object
        for number in range(self.customers):
            fields = _booking(number)
            id_, ends = fields["id"], datetime.fromisoformat(fields["endTime"])
            match number % 3:
                case 0:
                    path = f"/calendars/events/appointments/{id_}"
                    person = (await cluster.call("GET", path))["appointment"]["assignedUserId"]
                    found, wanted = (person, edits[id_]), (KIM, 1)
                case 1:
                    found, wanted = blocks[ends], 1
                case _:
                    path = f"/calendars/appointments/{id_}/notes"
                    notes = (await cluster.call("GET", path, limit=20, offset=0))["notes"]
                    found, wanted = tuple(note["body"] for note in notes), TITLES
            if found != wanted:
                sent = [row["words"] for row in await cluster.pool.fetch(SENT, id_)]
                came = [f"{call['operation']} at {call['at']}" for call in done_to(calls, id_)]
                faults.append(f"{id_}: {found} and not {wanted}; {sent}; {came}")
        return faults


def done_to(calls: list[Any], appointment_id: str) -> list[Any]:
    """The writes that were carried out, as the sandbox saw them."""
    return [
        call for call in calls if call["carried_out"] and appointment_id in call["path"] and call["method"] != "GET"
    ]


def _booking(number: int) -> dict[str, Any]:
    """A quarter of an hour on a weekday that no other booking is on."""
    today = datetime.now(LONDON).date()
    day = today + timedelta(days=7 - today.weekday() + 7 * (number // 5) + number % 5)
    starts = datetime.combine(day, CLOCKS[number % 3], LONDON)
    added = now().isoformat()
    return booking(
        f"load{number:04}x000000000",
        startTime=starts.isoformat(),
        endTime=(starts + timedelta(minutes=15)).isoformat(),
        assignedUserId=DANA if number % 3 == 0 else ALEX,
        title=TITLES[0],
        dateAdded=added,
        dateUpdated=added,
    )
