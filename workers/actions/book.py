"""`book`: another appointment for the same contact, a follow-up."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from service.highlevel.appointments import CreateAppointment
from service.highlevel.calendars import GetCalendar
from service.store.reservations import Reservation
from workers.actions.action import ActionContext, LeftAlone, Plan, Write
from workers.actions.notify import Notify, told
from workers.actions.place import find_place, slot_length
from workers.actions.placement import Placement
from workers.actions.present import present
from workers.templates import Text
from workers.values import in_zone, write_duration, write_moment


class Book(Placement):
    """Book a follow-up for the contact of the appointment, on its calendar or another; with the same person, or if they
    have no time there with somebody else of the team. What it books sets off no rule that does not hear of our own
    changes; and a rule that books, whatever it says, is set off by a booking that a rule has made only if somebody else
    does something to it: it waits for none of its moments."""

    called: ClassVar[str] = "book"
    example: ClassVar[str] = "{do: book, to: {shift: 14d}, same: person, notify: true}"
    because: ClassVar[Mapping[str, str]] = {
        "notify": "whether the client hears of it",
        "to": "next_free, {shift: 14d} or a moment",
    }
    needs_contact: ClassVar[bool] = True
    limited: ClassVar[bool] = True

    do: Literal["book"]
    title: Text | None = None
    """What it is called; as its calendar calls its bookings, where nothing is said."""

    notify: Notify
    """Whether the client, and the account's own automations, are told."""

    async def plan(self, context: ActionContext) -> Plan | LeftAlone:
        appointment = await present(context)
        if isinstance(appointment, LeftAlone):
            return appointment
        booking = context.booking
        if booking.contact_id is None:
            return LeftAlone("the booking is nobody's: for whom to book?")
        calendar_id = self.calendar.id if self.calendar else booking.calendar_id
        calendar = (await context.api(GetCalendar(calendar_id=calendar_id))).calendar
        place = await find_place(
            self, context, calendar, moved=False, must="person" in self.same, usual=slot_length(calendar)
        )
        if isinstance(place, LeftAlone):
            return place
        said: dict[str, Any] = {}
        if self.title is not None and (title := self.title.render(context.facts).strip()):
            said["title"] = title
        if place.person:
            said["assigned_user_id"] = place.person.id
        if place.proved:
            said["ignore_free_slot_validation"] = True
        write = CreateAppointment(
            calendar_id=calendar.id,
            location_id=booking.location_id,
            contact_id=booking.contact_id,
            start_time=place.start,
            end_time=place.ends.isoformat(),
            to_notify=self.notify,
            **said,
        )
        meant: dict[str, Any] = {}
        if place.proved and place.person:
            # Of no appointment that has an id yet.
            meant |= Reservation("", place.person.id, place.starts, place.ends).meant()
        when = write_moment(in_zone(place.starts, context.zone))
        whom = f" with {place.person}" if place.person else ""
        long = f" for {write_duration(place.ends - place.starts)}" if place.proved else ""
        on = f" on {context.names.calendar_with(calendar.id)}" if calendar.id != booking.calendar_id else ""
        return Plan((Write(write, f"book {when}{long}{on}{whom}; {told(self.notify)}", meant),), place.turn)
