"""The sheet of one service booking: what is known of it, to be read."""

from service.highlevel.service_bookings import ServiceBooking
from service.sandbox.api.service_booking_answers import as_shown
from service.sandbox.page.sheet import Fact, Sheet, answer_text
from service.sandbox.page.view import View
from service.sandbox.page.words import day_and_clock, mark_of, name_of, span_words, status_words, times_words
from service.sandbox.world.world import World


def service_sheet_of(world: World, view: View, booking: ServiceBooking) -> Sheet:
    status = booking.status or ""
    contact = booking.contact_id or ""
    name = name_of(world.contact(view.location, contact), contact)
    return Sheet(
        id=booking.booking_id,
        heading=name or booking.title or "Nobody",
        when=span_words(booking.start_time, booking.end_time, view.zone),
        deleted=booking.deleted,
        status_words=status_words(status),
        mark=mark_of(status),
        facts=tuple(fact for fact in _facts(world, view, booking, Fact("Contact", name, contact)) if fact.value),
        notes=(),
        choices=(),
        answer=answer_text(lambda: as_shown(booking, view.location)),
    )


def _facts(world: World, view: View, booking: ServiceBooking, contact: Fact) -> list[Fact]:
    facts = [Fact("Title", booking.title or "")]
    for booked in booking.services:
        service = world.services.find(view.location.id, booked.id)
        facts.append(Fact("Service", service.name if service else booked.id, booked.id))
        staff = booked.service_staff_id or ""
        facts.append(Fact("Person", name_of(world.user(view.location, staff), staff) if staff else "", staff))
        if booked.service_start_time and booked.service_end_time:
            times = times_words(booked.service_start_time, booked.service_end_time, view.zone)
            facts.append(Fact("From and to", times))
    place_id = booking.service_location_id or ""
    place = world.service_locations.find(view.location.id, place_id)
    made_by = "" if booking.created_by is None else booking.created_by.source or ""
    return [
        *facts,
        contact,
        Fact("Place", (place.name if place else "") or place_id, place_id),
        Fact("Address", booking.meeting_location or ""),
        Fact("Booked through", made_by),
        Fact("Added", day_and_clock(booking.date_added, view.zone) if booking.date_added else ""),
    ]
