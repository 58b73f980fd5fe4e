"""Drafts: the steps that a decision is stored as, before anything of it is sent."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from service.highlevel.appointments import EditAppointment
from service.highlevel.blocked_slots import CreateBlockSlot
from service.store.identifiers import new_id
from service.store.steps import Step
from service.trigger import Booking, Subject
from workers.actions import Action
from workers.actions.action import CannotAct, LeftAlone, Plan, SoAlready, Write
from workers.actions.present import before
from workers.record import Record
from workers.rulebook import Entry

FOLLOW = "follow"
"""The action of steps that bring a bound block along."""


@dataclass(frozen=True)
class Drafts:
    """Of one delivery; `at` is when that happened which it tells of."""

    record: Record
    location_id: str
    clock: Callable[[], datetime]
    at: datetime

    @property
    def booking(self) -> Booking | None:
        """As it is now; None at an event that is about none."""
        if self.record.delivery.appointment_id is None or self.record.seen is None:
            return None
        return self.record.seen.booking

    def rows(
        self, entry: Entry, place: int, action: str, decided: Plan | LeftAlone | CannotAct, booking: Booking | None
    ) -> list[Step]:
        """What an action decided."""
        rule = entry.rule.name
        match decided:
            case Plan(writes):
                return [
                    self._within(entry, self.row(rule, place, part, action, "planned", booking, write), booking)
                    for part, write in enumerate(writes)
                ]
            case LeftAlone(reason, otherwise=otherwise, meant=meant):
                row = self.row(rule, place, 0, action, "unchanged", booking, reason=reason)
                known = {"otherwise": otherwise, "so_already": isinstance(decided, SoAlready)}
                return [replace(row, meant={**meant, **{word: True for word, is_so in known.items() if is_so}})]
            case CannotAct():
                return [self.row(rule, place, 0, action, "failed", booking, reason=str(decided))]

    def parked(self, entry: Entry, place: int, action: Action, reason: str) -> Step:
        """Nothing is decided yet: whoever takes it up again decides."""
        return self.row(entry.rule.name, place, 0, action.do, "parked", self.booking, reason=reason)

    def row(
        self,
        rule: str,
        place: int,
        part: int,
        action: str,
        state: str,
        booking: Booking | None,
        write: Write | None = None,
        reason: str | None = None,
    ) -> Step:
        return Step(
            step_id=new_id(),
            delivery_id=self.record.delivery.delivery_id,
            rule=rule,
            place=place,
            part=part,
            action=action,
            state=state,
            sentence=write.sentence if write else action.replace("_", " "),
            reason=reason,
            operation=write.operation.stored() if write else None,
            meant=self._meant(action, write, booking) if write else {},
            location_id=self.location_id,
            appointment_id=booking.id if booking else None,
            series_id=booking.series_id if booking else None,
            contact_id=booking.contact_id if booking else self.record.delivery.contact_id,
            planned_at=self.clock(),
        )

    def _within(self, entry: Entry, step: Step, booking: Booking | None) -> Step:
        """Not sent after what its rule says."""
        ahead = entry.rule.at_latest(step.place)
        if ahead is None or booking is None:
            return step
        return replace(step, meant={**step.meant, "until": (booking.starts - ahead).isoformat()})

    def _meant(self, action: str, write: Write, booking: Booking | None) -> dict[str, Any]:
        """What the write was decided on, and until when it may be sent. A follow asks no leave of the booking; nor does
        what is done about a service booking, of which we write nothing."""
        if booking is None or action == FOLLOW or booking.subject is Subject.SERVICE_BOOKING:
            return dict(write.meant)
        meant = {"before": before(booking), **write.meant}
        if self.at < booking.starts and isinstance(write.operation, EditAppointment | CreateBlockSlot):
            meant["until"] = booking.starts.isoformat()
        return meant
