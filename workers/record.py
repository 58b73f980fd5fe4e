"""One delivery as it is worked on: what changes of it here is noted, and written with the next commit."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog

from service.highlevel.errors import HighLevelError
from service.store import alerts, appointments, conduct, deliveries, follows, holds, steps, verdicts
from service.store.appointments import LastSeen
from service.store.deliveries import Delivery
from service.store.follows import Follow
from service.store.steps import OPEN, Step
from service.store.verdicts import Verdict
from service.store.work import Work
from service.telemetry import Tally
from service.trigger import Booking
from workers.lease import Lease
from workers.pauses import pause, policy

log = structlog.get_logger()

TOO_LATE = "too late: "
"""How the reason begins of a step that was not done in time."""


class Record:
    """The delivery, the booking last seen with its bound blocks, the verdicts and the steps, as they stand now."""

    def __init__(self, lease: Lease, work: Work) -> None:
        assert work.delivery is not None
        self.lease = lease
        self.delivery: Delivery = work.delivery
        self.seen: LastSeen | None = work.seen
        self.follows: list[Follow] = list(work.follows)
        self.verdicts: Sequence[Verdict] = work.verdicts
        self.steps: list[Step] = list(work.steps)
        self.read: tuple[float, Booking] | None = None
        """How the booking looked when HighLevel was asked last, and when that was, by `elapsed`."""
        self.acted = False
        """Something was sent of which the store does not know how it ended."""
        self.ended: list[Step] = []
        """The steps that came to an end."""
        self.counts: list[tuple[str, dict[str, str]]] = []

    def change(self, **fields: Any) -> None:
        """Of the delivery's row."""
        self.delivery = replace(self.delivery, **fields)
        self.lease.note(deliveries.changed(self.delivery))

    def judge(self, judged: Sequence[Verdict]) -> None:
        self.verdicts = judged
        self.lease.note(*(verdicts.given(self.delivery.delivery_id, verdict) for verdict in judged))

    def see(self, seen: LastSeen) -> None:
        """The booking looks like this now, or we know more of who made it so."""
        self.seen = seen
        self.lease.note(appointments.kept(seen))

    def keep(self, rows: Iterable[Step]) -> None:
        """A step that is new, or has changed."""
        for row in rows:
            known = next((index for index, step in enumerate(self.steps) if step.step_id == row.step_id), None)
            if known is None:
                self.steps.append(row)
            else:
                self.steps[known] = row
            self.lease.note(steps.kept(row))

    def bind(self, follow: Follow) -> None:
        """A block is bound to the booking, or stands elsewhere."""
        self.follows = [each for each in self.follows if each.follow_id != follow.follow_id] + [follow]
        self.lease.note(follows.kept(follow))

    def unbind(self, follow_id: UUID) -> None:
        self.follows = [each for each in self.follows if each.follow_id != follow_id]
        self.lease.note(follows.forgotten(follow_id))

    async def commit(self) -> None:
        await self.lease.commit()
        self.acted = False

    def count(self, tally: Tally) -> None:
        """What was written is counted."""
        for name, labels in self.counts:
            tally.add(name, **labels)
        self.counts = []

    def steps_of(self, rule: str, place: int | None = None) -> list[Step]:
        """The steps so far of a rule, or of one of its actions."""
        return [step for step in self.steps if step.rule == rule and place in (None, step.place)]

    def met(self, error: HighLevelError, tries: int) -> timedelta:
        """How long to wait after an error that passes. What it keeps the whole location from is held, and the lane is
        ready behind it: then the most urgent of all that waits goes first."""
        wait = pause(error, tries)
        kept = policy(error)
        if kept is not None and kept.holds == "budget":
            urgent = self.lease.lane.urgent
            self.lease.note(holds.budget_spent(self.delivery.location_id, wait, urgent=urgent))
            return timedelta()
        if kept is not None and kept.holds == "token":
            self.lease.note(holds.token_refused(self.delivery.location_id))
            self.alert("token", "HighLevel refuses the location's token: its deliveries wait for another")
            # Refused again after a probe found it well, it comes back later each time: others have it meanwhile.
            return wait if tries > 1 else timedelta()
        return wait

    def alert(self, kind: str, text: str, rule: str = "") -> None:
        """For whoever is on call; `text` names no person."""
        delivery = self.delivery
        self.lease.note(
            alerts.raised(kind, text, location_id=delivery.location_id, rule=rule, delivery_id=delivery.delivery_id)
        )

    def late(self, action: str, rule: str) -> None:
        """A step is not done, for it is too late; of those of a rule the first one is told."""
        if not any((step.reason or "").startswith(TOO_LATE) for step in self.steps_of(rule)):
            self.alert("late", f"{action} was not done in time", rule)

    def miss(self, rule: str, moment: str) -> None:
        """A live rule was not asked in time at a moment that it waited for."""
        delivery = self.delivery
        log.warning("a moment was missed", location=delivery.location_id, rule=rule, moment=moment, times=1)
        self.lease.note(alerts.missed(moment, delivery.location_id, rule, delivery.delivery_id))
        self.counts.append(("moments_missed", {}))

    def wait(self, wait: timedelta, reason: str, *, failed: bool = False) -> None:
        """Taken up again after a while, and what it waits for. `failed`: something that it needed could not be read."""
        self.change(waits_for=reason, wait=wait, attempts=self.delivery.attempts + failed)

    def end(self, state: str, reason: str | None = None) -> None:
        """Close it; what a failed one leaves open is closed with it, for nobody will come back to it. One of whose
        steps is parked is parked."""
        if state in ("failed", "ignored"):
            for step in [step for step in self.steps if step.state in OPEN]:
                self.close(step.given_up())
            self.lease.note(*conduct.given_back(self.steps))
        if state == "done" and (parked := next((step for step in self.steps if step.state == "parked"), None)):
            state, reason = "parked", parked.reason
        self.change(state=state, reason=reason or self.delivery.reason, waits_for=None, wait=timedelta())
        self.counts.append(("deliveries", {"outcome": state}))

    def close(self, step: Step) -> None:
        """Keep a step that has ended, or that nobody works on until somebody says so."""
        self.keep([step])
        self.counts.append(("steps", {"action": step.action, "state": step.state}))
        self.ended.append(step)
        if step.state == "parked":
            self.alert("parked", f"{step.action} waits for somebody: {step.reason}", step.rule)
