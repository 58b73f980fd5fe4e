"""Actions planned on a sandbox without the engine: what they decide, by themselves, of a booking that is there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

from service.highlevel.appointments import GetAppointment
from service.highlevel.client import HighLevel
from service.highlevel.connection import open_session
from service.highlevel.operation import Api
from service.highlevel.rate_limit import Unlimited
from service.outgoing.posting import Posting
from service.store.alerts import Alarm
from service.store.appointments import LastSeen
from service.store.blocks import Known
from service.store.follows import Bound
from service.store.reservations import Reservation
from service.store.turns import Turns
from service.trigger import Booking
from tests.clients import QUICK, TOKEN
from tests.house import LONDON
from tests.rule_files import action
from tests.sandboxes import ALEX, CONSULTATIONS, CUTS, DANA, KIM, LOCATION, ROOM, Sandbox, running
from workers.actions.action import Action, ActionContext, LeftAlone, Plan, Write
from workers.known_facts import facts_of
from workers.names import Names
from workers.week_hours import read_week_hours

DECLARED = f"""\
people: {{dana: {DANA}, kim: {KIM}, alex: {ALEX}}}
calendars: {{cuts: {CUTS}, consultations: {CONSULTATIONS}, room: {ROOM}}}
hours: {{mornings: {{mon-fri: "09:00-12:00"}}}}
holidays: {{bank: [2026-03-24]}}
"""


@dataclass
class Planning:
    """A sandbox of the demo seed on Monday 23 March 2026, eight in the morning in London, with nothing booked."""

    sandbox: Sandbox
    api: Api
    reservations: tuple[Reservation, ...] = ()
    others: frozenset[str] = frozenset()
    """What somebody else changed after we had."""
    known: Known = field(default_factory=Known)
    """What rules have blocked."""
    bound: Bound = field(default_factory=Bound)
    """What the rule has bound to the booking."""

    async def booked(self, start: str, **fields: Any) -> str:
        return str((await self.sandbox.book(start, **fields))["id"])

    async def read(self, appointment_id: str) -> Booking:
        return Booking.of((await self.api(GetAppointment(event_id=appointment_id))).appointment)

    async def decided(self, words: str, appointment_id: str, seen: Booking | None = None) -> Plan | LeftAlone:
        """What an action decides of a booking, as it is or as it was seen."""
        planned: Action = action(words, DECLARED)
        return await planned.plan(await self.context(seen or await self.read(appointment_id)))

    async def write(self, words: str, appointment_id: str) -> Write:
        plan = await self.decided(words, appointment_id)
        assert isinstance(plan, Plan), plan
        [write] = plan.writes
        return write

    async def left(self, words: str, appointment_id: str) -> LeftAlone:
        left = await self.decided(words, appointment_id)
        assert isinstance(left, LeftAlone), left
        return left

    async def done(self, words: str, appointment_id: str) -> Any:
        """Decide, send it, and tell what was sent."""
        operation = (await self.write(words, appointment_id)).operation
        assert not isinstance(operation, Posting | Alarm)
        await self.api(operation)
        return operation

    async def context(self, booking: Booking) -> ActionContext:
        names = Names(
            people={"dana": DANA, "kim": KIM, "alex": ALEX},
            calendars={"cuts": CUTS, "consultations": CONSULTATIONS, "room": ROOM},
            hours={"mornings": read_week_hours({"mon-fri": "09:00-12:00"})},
        )
        now = self.sandbox.clock()
        return ActionContext(
            api=self.api,
            rule="planned",
            delivery_id=uuid4(),
            location_id=LOCATION,
            zone=LONDON,
            now=now,
            last_seen=replace(LastSeen.first(booking), others=self.others),
            facts=facts_of(booking, was=None, at=now, zone=LONDON, names=names),
            names=names,
            turns=self._turns,
            reserved=self._reserved,
            blocked=self._blocked,
            bound=self._bound,
        )

    async def _turns(self, accounts: object) -> Turns:
        return Turns(7, {})

    async def _blocked(self, whose: object, starts: object, ends: object) -> Known:
        return self.known

    async def _bound(self) -> Bound:
        return self.bound

    async def _reserved(self, starts: object, ends: object) -> tuple[Reservation, ...]:
        return self.reservations


@asynccontextmanager
async def planning(*, told: bool = False) -> AsyncIterator[Planning]:
    """`told`: whether what happens there is posted, also by a workflow of the account."""
    async with running(told=told, workflow=told) as sandbox, open_session() as session:
        url = str(sandbox.client.make_url(""))
        api = HighLevel(url, TOKEN, session=session, rate_limit=Unlimited(), reads=QUICK, writes=QUICK)
        yield Planning(sandbox, api)
