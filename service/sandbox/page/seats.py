"""Seats: how many bookings there is room for in a slot that takes several."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from service.availability.intervals import Interval
from service.availability.slots import Offer, Terms
from service.highlevel.calendars import Calendar
from service.sandbox.world.world import World


def seats_of(world: World, calendar: Calendar, offers: Sequence[Offer]) -> Mapping[datetime, str]:
    """As in `4 of 6 seats left`, by start; nothing for a calendar whose slots take one booking of each person."""
    terms = Terms.of(calendar) if offers else None
    if terms is None or terms.per_slot < 2:
        return {}
    extent = Interval(offers[0].start, offers[-1].start + terms.duration)
    taken: Counter[datetime] = Counter()
    held: Counter[tuple[datetime, str]] = Counter()
    for appointment in world.diary.appointments_of(("calendar", calendar.id), extent):
        if appointment.takes_time:
            taken[appointment.start_time] += 1
            held.update((appointment.start_time, person) for person in appointment.people or ("",))
    words = {}
    for start, people in offers:
        room = [terms.per_slot - held[start, person] for person in people or ("",)]
        left = min(room) if terms.together else sum(room)
        words[start] = f"{left} of {left + taken[start]} seats left"
    return words
