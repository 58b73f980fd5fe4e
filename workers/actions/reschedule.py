"""`reschedule`: another time for the appointment."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from service.highlevel.appointments import EditAppointment
from service.highlevel.calendars import Calendar, GetCalendar
from service.store.reservations import Reservation
from workers.actions.action import ActionContext, LeftAlone, Plan, Write
from workers.actions.notify import Whenever, told
from workers.actions.place import Place, find_place, slot_length
from workers.actions.placement import Placement
from workers.actions.present import as_status, before, present
from workers.changes import BRINGS
from workers.rescheduling.target import NEXT_FREE
from workers.values import elapsed, in_zone, write_duration, write_moment


class Reschedule(Placement):
    """Move the appointment to another time, on its calendar or another. Its person keeps it, unless the rule prefers
    that only, or the calendar that it moves to has another team. On another calendar it lasts as long as bookings
    there do, unless `lasts` says how long."""

    called: ClassVar[str] = "reschedule"
    example: ClassVar[str] = '{do: reschedule, to: next_free, within: {hours: "09:00-17:00"}, notify: true}'
    because: ClassVar[Mapping[str, str]] = {
        "notify": "a silent move is a missed visit",
        "to": "next_free, {shift: 1d} or a moment",
    }
    limited: ClassVar[bool] = True

    do: Literal["reschedule"]
    notify: Whenever
    """Whether the client, and the account's own automations, are told."""

    def writes(self) -> frozenset[str]:
        return frozenset({"starts", "ends"})

    async def plan(self, context: ActionContext) -> Plan | LeftAlone:
        appointment = await present(context)
        if isinstance(appointment, LeftAlone):
            return appointment
        booking = context.booking
        calendar_id = self.calendar.id if self.calendar else booking.calendar_id
        calendar = (await context.api(GetCalendar(calendar_id=calendar_id))).calendar
        elsewhere = calendar.id != booking.calendar_id
        place = await find_place(
            self,
            context,
            calendar,
            moved=True,
            must=self._must_keep_person(context, elsewhere=elsewhere),
            usual=slot_length(calendar) if elsewhere else booking.ends - booking.starts,
        )
        if isinstance(place, LeftAlone):
            return place
        changes_start = place.starts != booking.starts
        write = EditAppointment(
            event_id=appointment.id,
            appointment_status=as_status(appointment),
            start_time=place.start,
            end_time=place.ends.isoformat(),
            to_notify=changes_start if self.notify == "if_start_changes" else self.notify,
            **_besides(place, calendar if elsewhere else None),
        )
        meant: dict[str, Any] = {"before": before(booking)}
        if elsewhere:
            # What its webhook will tell besides; without a team nobody has it there.
            meant[BRINGS] = {"group_id": calendar.group_id} | ({} if place.person else {"assignee": None})
        if place.proved and place.person:
            meant |= Reservation(booking.id, place.person.id, place.starts, place.ends).meant()
        sentence = f"{self._sentence(context, place, calendar)}; {told(bool(write.to_notify))}"
        return Plan((Write(write, sentence, meant),), place.turn)

    def _must_keep_person(self, context: ActionContext, *, elsewhere: bool) -> bool:
        """Also whom somebody else chose after we had: people win."""
        if "person" in self.same or "assignee" in context.seen.others:
            return True
        return "person" not in self.prefer and not elsewhere

    def _sentence(self, context: ActionContext, place: Place, calendar: Calendar) -> str:
        booking = context.booking
        was, then = (write_moment(in_zone(moment, context.zone)) for moment in (booking.starts, place.starts))
        length = elapsed(place.starts, place.ends)
        longer = "" if length == booking.ends - booking.starts else f", to last {write_duration(length)}"
        if place.starts == booking.starts:
            words = f"keep it at {was}" if not longer else f"keep its start at {was}{longer}"
        else:
            words = f"move it from {was} to {then}{', the next free time' if self.to == NEXT_FREE else ''}{longer}"
        if calendar.id != booking.calendar_id:
            words += f", on {context.names.calendar_with(calendar.id)}"
        if place.person and place.person.id != booking.assignee:
            words += f", with {place.person}"
        return words


def _besides(place: Place, calendar: Calendar | None) -> dict[str, Any]:
    """What is said only where it must be."""
    besides: dict[str, Any] = {}
    if place.person:
        # Without it HighLevel's round robin might give the new time to somebody else.
        besides["assigned_user_id"] = place.person.id
    if calendar is not None:
        besides["calendar_id"] = calendar.id
    if place.proved:
        besides["ignore_free_slot_validation"] = True
    return besides
