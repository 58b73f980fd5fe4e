"""`reschedule`: another time for the appointment."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Literal
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field

from service.highlevel.appointments import EditAppointment
from service.highlevel.free_slots import FreeSlots
from service.highlevel.operation import milliseconds
from workers.actions.action import Action, ActionContext, LeftAlone, Plan, Write
from workers.actions.present import as_status, before, present
from workers.values import Hours, HoursRange, Weekdays, in_zone, one_or_many, write_moment
from workers.words import Words, shown, wrong

LOOKS_AHEAD = timedelta(days=31)
"""The longest range that HighLevel tells free slots of in one call."""


class Within(Words):
    """The days and hours that a new time may have."""

    called: ClassVar[str] = "within"

    days: Weekdays | None = None
    hours: Annotated[tuple[Hours, ...], BeforeValidator(one_or_many), Field(min_length=1)] | None = None

    def holds(self, starts: datetime, ends: datetime) -> bool:
        """Whether a booking from `starts` to `ends`, on the location's clock, lies within, its end included."""
        if self.days is not None and starts.weekday() not in self.days:
            return False
        return self.hours is None or any(_inside(hours, starts, ends) for hours in self.hours)


def _inside(hours: HoursRange, starts: datetime, ends: datetime) -> bool:
    """On the day the booking starts, or in the night that began the day before."""
    for day in (starts.date(), starts.date() - timedelta(days=1)):
        opens = datetime.combine(day, hours.start, starts.tzinfo)
        last = day + timedelta(days=1) if hours.over_midnight else day
        if opens <= starts and ends <= datetime.combine(last, hours.end, starts.tzinfo):
            return True
    return False


def _flag_or_word(value: object) -> object:
    """To Python, and so to pydantic, 1 is true."""
    if not isinstance(value, bool | str):
        raise wrong(f"true, false or if_start_changes expected, found {shown(value)}")
    return value


class Reschedule(Action):
    """Move the appointment to a free time of its calendar."""

    called: ClassVar[str] = "reschedule"
    because: ClassVar[Mapping[str, str]] = {
        "notify": "a silent move is a missed visit",
        "to": "next_free is what is known",
    }

    do: Literal["reschedule"]
    to: Literal["next_free"]
    within: Within | None = None
    notify: Annotated[Literal[True, False, "if_start_changes"], BeforeValidator(_flag_or_word)]

    def writes(self) -> frozenset[str]:
        return frozenset({"starts", "ends"})

    async def plan(self, context: ActionContext) -> Plan | LeftAlone:
        appointment = await present(context)
        if isinstance(appointment, LeftAlone):
            return appointment
        booking = context.booking
        earliest = max(booking.starts, context.now)
        offered = await context.api(
            FreeSlots(
                calendar_id=booking.calendar_id,
                start_date=milliseconds(earliest),
                end_date=milliseconds(earliest + LOOKS_AHEAD),
                timezone=context.zone.key,
                user_id=booking.assignee or None,
            )
        )
        slot = self._first(offered.slots, booking.starts, booking.ends, earliest, context.zone)
        if slot is None:
            where = " within its days and hours" if self.within else ""
            return LeftAlone(f"no free time{where} in {LOOKS_AHEAD.days} days ({len(offered.slots)} slots looked at)")
        starts = datetime.fromisoformat(slot)
        write = EditAppointment(
            event_id=appointment.id,
            appointment_status=as_status(appointment),
            start_time=slot,
            end_time=(starts + (booking.ends - booking.starts)).isoformat(),
            to_notify=self.notify is not False,
        )
        if booking.assignee:
            # Without it HighLevel's round robin might give the new time to somebody else.
            write = write.model_copy(update={"assigned_user_id": booking.assignee})
        was, then = (write_moment(in_zone(moment, context.zone)) for moment in (booking.starts, starts))
        told = "the client is told" if write.to_notify else "nobody is told"
        sentence = f"move it from {was} to {then}, the next free time; {told}"
        return Plan((Write(write, sentence, {"before": before(booking)}),))

    def _first(
        self, slots: tuple[str, ...], was_starts: datetime, was_ends: datetime, earliest: datetime, zone: ZoneInfo
    ) -> str | None:
        """The first offered slot that is another time than now, after `earliest`, and within what the rule says."""
        for slot in slots:
            starts = datetime.fromisoformat(slot)
            ends = starts + (was_ends - was_starts)
            allowed = self.within is None or self.within.holds(in_zone(starts, zone), in_zone(ends, zone))
            if starts >= earliest and starts != was_starts and allowed:
                return slot
        return None
