"""Facts of a booking that its calendar, the catalogue and lists of bookings tell: slot, series, services."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

from service.highlevel.calendars import Calendar
from service.highlevel.contacts import ContactAppointment
from service.trigger import TAKES_NO_TIME, series_of
from workers.facts import MISSING, Answer, Fact, Sight, looked_up, status_word
from workers.kinds import Kind
from workers.lookups import Lookup
from workers.lookups.calendars import CalendarLookup, ServicesLookup
from workers.lookups.contacts import ContactBookingsLookup
from workers.lookups.diaries import Engagement, SlotLookup

CLASS: Final = "class_booking"
"""The type of a calendar whose seats are not those of one person."""

SHORTEST: Final = timedelta(minutes=1)


def _calendar(on: Sight) -> CalendarLookup | None:
    return CalendarLookup(on.calendar_id) if on.calendar_id else None


def seats(calendar: Calendar) -> int:
    """How many bookings share one slot: of a class all of them, on other calendars those of one person."""
    return max(int(calendar.appointment_per_slot or 1), 1)


def _slot(on: Sight) -> SlotLookup | None:
    if not on.now.calendar_id:
        return None
    return SlotLookup(on.now.calendar_id, on.now.starts, max(on.now.ends, on.now.starts + SHORTEST))


def _in_slot(tell: Callable[[Calendar, int], float]) -> Callable[[Sight, tuple[Engagement, ...]], Answer | Lookup]:
    """Of the calendar, and of how many bookings start at the very same time; this one is among them."""

    def told(on: Sight, listed: tuple[Engagement, ...]) -> Answer | Lookup:
        wanted = CalendarLookup(on.now.calendar_id)
        if wanted not in on.looked:
            return wanted
        calendar: Calendar | None = on.looked[wanted]
        if calendar is None:
            return MISSING
        sharing = {each.id for each in listed if each.starts == on.now.starts and _shares(on, calendar, each)}
        sharing.discard(on.now.id)
        stands = not on.now.deleted and on.now.status not in TAKES_NO_TIME
        return tell(calendar, len(sharing) + stands)

    return told


def _shares(on: Sight, calendar: Calendar, other: Engagement) -> bool:
    return calendar.calendar_type == CLASS or other.assignee == on.now.assignee


def _series(on: Sight) -> ContactBookingsLookup | None:
    return ContactBookingsLookup(on.now.contact_id) if on.now.series_id and on.now.contact_id else None


def _in_series(on: Sight, listed: tuple[ContactAppointment, ...]) -> Answer:
    of_it = [each for each in listed if series_of(each.id) == on.now.series_id]
    standing = [
        each for each in of_it if not each.deleted and status_word(each.appointment_status or "") != "cancelled"
    ]
    # Where the list does not show the single ones, nothing is known of their number.
    return float(len(standing)) if of_it else MISSING


def _services(on: Sight) -> ServicesLookup | None:
    return ServicesLookup() if on.now.kind == "service" else None


def _titles(on: Sight, catalogue: Mapping[str, str]) -> Answer:
    return tuple(catalogue.get(id_) or id_ for id_ in on.now.services)


CALENDAR_FACTS: Final = (
    Fact(
        "calendar.type",
        Kind.TEXT,
        "its type: round_robin, personal, event, collective, class_booking or service_booking",
        looked_up(_calendar, lambda on, calendar: calendar.calendar_type),
        of_booking=False,
        is_looked_up=True,
    ),
    Fact(
        "series.count",
        Kind.NUMBER,
        "of a recurring booking: how many the series has, without cancelled ones",
        looked_up(_series, _in_series),
        is_looked_up=True,
    ),
    Fact(
        "services",
        Kind.LIST,
        "of a service booking: the names of its services in the catalogue",
        looked_up(_services, _titles),
        is_looked_up=True,
    ),
    Fact(
        "add_ons",
        Kind.LIST,
        "of a service booking: the ids of its add-ons, of which HighLevel tells no names",
        lambda on: on.now.add_ons if on.now.kind == "service" else MISSING,
    ),
    Fact(
        "slot.seats",
        Kind.NUMBER,
        "how many bookings the calendar takes at one time: of a class, or else of one person",
        looked_up(_calendar, lambda on, calendar: float(seats(calendar))),
        is_looked_up=True,
    ),
    Fact(
        "slot.taken",
        Kind.NUMBER,
        "how many it has at the very time of this one, which counts too",
        looked_up(_slot, _in_slot(lambda calendar, taken: float(taken))),
        is_looked_up=True,
    ),
    Fact(
        "slot.left",
        Kind.NUMBER,
        "how many seats are left then",
        looked_up(_slot, _in_slot(lambda calendar, taken: float(max(seats(calendar) - taken, 0)))),
        is_looked_up=True,
    ),
)
