"""Facts of a booking: what a webhook tells, and what it was before."""

from datetime import datetime
from typing import Final

from service.trigger import Booking
from workers.facts import MISSING, Answer, Fact, Sight, status_word
from workers.kinds import Kind
from workers.names import Named
from workers.values import elapsed


def _calendar(on: Sight) -> Answer:
    return on.names.calendar_with(on.calendar_id) if on.calendar_id else MISSING


def _text(value: str | None) -> Answer:
    """What is blank is missing: nobody means the empty address by `address`."""
    return value if value and value.strip() else MISSING


def _name(value: Answer) -> Answer:
    return value.name if isinstance(value, Named) and value.name else MISSING


def _status(booking: Booking | None) -> Answer:
    return status_word(booking.status) if booking else MISSING


def _starts(booking: Booking | None) -> datetime | None:
    return booking.starts if booking else None


def _since_booked(on: Sight) -> Answer:
    return elapsed(on.now.added, on.now.starts) if on.now.added else MISSING


BOOKING_FACTS: Final = (
    Fact("calendar", Kind.CALENDAR, "the calendar booked", _calendar, of_booking=False),
    Fact("calendar.name", Kind.TEXT, "its name under `calendars`", lambda on: _name(_calendar(on)), of_booking=False),
    Fact("group", Kind.TEXT, "the id of the calendar's group", lambda on: _text(on.now.group_id)),
    Fact("status", Kind.STATUS, "the status now", lambda on: _status(on.now)),
    Fact("source", Kind.TEXT, "what the booking was made with", lambda on: _text(on.now.source)),
    Fact("title", Kind.TEXT, "the title", lambda on: _text(on.now.title)),
    Fact("starts", Kind.MOMENT, "when it starts", lambda on: on.clock(on.now.starts)),
    Fact("ends", Kind.MOMENT, "when it ends", lambda on: on.clock(on.now.ends)),
    Fact("duration", Kind.DURATION, "how long it takes", lambda on: elapsed(on.now.starts, on.now.ends)),
    Fact("assignee", Kind.PERSON, "the person it is assigned to", lambda on: on.person(on.now)),
    Fact("assignee.name", Kind.TEXT, "their name under `people`", lambda on: _name(on.person(on.now))),
    Fact("address", Kind.TEXT, "where it takes place", lambda on: _text(on.now.address)),
    Fact("recurring", Kind.FLAG, "whether it is one of a series", lambda on: on.now.series_id is not None),
    Fact("was.starts", Kind.MOMENT, "when it started before this event", lambda on: on.clock(_starts(on.was))),
    Fact("was.assignee", Kind.PERSON, "its assignee before this event", lambda on: on.person(on.was)),
    Fact("was.assignee.name", Kind.TEXT, "their name under `people`", lambda on: _name(on.person(on.was))),
    Fact("was.status", Kind.STATUS, "its status before this event", lambda on: _status(on.was)),
    Fact("booked", Kind.MOMENT, "when the booking was made", lambda on: on.clock(on.now.added)),
    Fact("lead", Kind.DURATION, "from when it was made to its start", _since_booked),
    Fact("notice", Kind.DURATION, "from this event to the start", lambda on: elapsed(on.at, on.now.starts)),
    Fact("now", Kind.MOMENT, "the time of this event", lambda on: on.clock(on.at), of_booking=False),
)
