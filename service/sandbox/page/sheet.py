"""The sheet of one booking: what is known of it, its notes, and where it could be moved."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from service.availability.intervals import Interval, merged
from service.sandbox.api.appointment_answers import read
from service.sandbox.booking.offers import Offers
from service.sandbox.page.view import YEARS, View
from service.sandbox.page.words import (
    clock,
    day_and_clock,
    length_words,
    mark_of,
    moment_words,
    name_of,
    span_words,
    status_words,
)
from service.sandbox.world.moments import local_text
from service.sandbox.world.records import Appointment, Note
from service.sandbox.world.world import World

AHEAD = timedelta(days=14)
"""So far from now a booking can be moved on the page."""
AROUND = timedelta(days=7)
"""And so far from where it is."""
CHOICES = (("confirmed", "Confirm"), ("showed", "Showed"), ("noshow", "No-show"), ("cancelled", "Cancel"))
"""Statuses that a click gives, and the words on their buttons."""
ONCE_BEGUN = frozenset({"showed", "noshow"})


@dataclass(frozen=True)
class Fact:
    name: str
    value: str
    id: str = ""


@dataclass(frozen=True)
class Written:
    """A note, as it is shown."""

    body: str
    at: str
    by: str


@dataclass(frozen=True)
class Sheet:
    id: str
    heading: str
    when: str
    deleted: bool
    status_words: str
    mark: str
    facts: tuple[Fact, ...]
    notes: tuple[Written, ...]
    choices: tuple[tuple[str, str], ...]
    answer: str
    """As the API answers it."""
    lengths: tuple[str, str] | None = None
    """Its own, and of its calendar's slots, where that is another."""


def sheet_of(world: World, view: View, appointment: Appointment) -> Sheet:
    status, begun = appointment.appointment_status, appointment.start_time <= world.now()
    return Sheet(
        id=appointment.id,
        heading=name_of(world.contact(view.location, appointment.contact_id), appointment.contact_id) or "Nobody",
        when=span_words(appointment.start_time, appointment.end_time, view.zone),
        deleted=appointment.deleted,
        status_words=status_words(status),
        mark=mark_of(status),
        facts=tuple(fact for fact in _facts(world, view, appointment) if fact.value),
        notes=tuple(_written(world, view, note) for note in world.notes.of(appointment.id)),
        choices=tuple(
            (choice, words)
            for choice, words in CHOICES
            if choice != status and (begun or choice not in ONCE_BEGUN) and not appointment.deleted
        ),
        answer=answer_text(lambda: read(appointment, view.location)),
        lengths=_lengths(world, view, appointment),
    )


def answer_text(answer: Callable[[], Mapping[str, Any]]) -> str:
    try:
        return json.dumps(answer(), indent=2, ensure_ascii=False)
    except OverflowError:
        return "A date of it is out of range."


def moves(world: World, view: View, appointment: Appointment) -> dict[str, list[tuple[str, str]]]:
    """Free slots by day: how each is asked for and how it is written."""
    calendar = world.calendar(view.location, appointment.calendar_id)
    if calendar is None or appointment.deleted:
        return {}
    person = appointment.assigned_user_id
    now, start = world.now(), appointment.start_time
    windows = [Interval(now, now + AHEAD)]
    if start.year in YEARS:
        windows = merged([*windows, Interval(max(now, start - AROUND), max(now, start + AROUND))])
    offers, people = Offers(world, view.location, calendar), None if person is None else (person,)
    try:
        free = [each for window in windows for each in offers.between(window, people=people, but=appointment.id)]
    except ValueError:
        return {}
    days: dict[str, list[tuple[str, str]]] = {}
    for offer in free:
        if offer.start != start:
            local = offer.start.astimezone(view.zone)
            value = local_text(offer.start, view.location.timezone)
            words = f"{local:%a %-d %b} {clock(offer.start, view.zone)}"
            days.setdefault(f"{local:%A %-d %B %Y}", []).append((value, words))
    return days


def _lengths(world: World, view: View, appointment: Appointment) -> tuple[str, str] | None:
    calendar = world.calendar(view.location, appointment.calendar_id)
    length = appointment.end_time - appointment.start_time
    slots = length if calendar is None else timedelta(minutes=calendar.slot_minutes)
    return (length_words(length), length_words(slots)) if length and length != slots else None


def _facts(world: World, view: View, appointment: Appointment) -> list[Fact]:
    calendar = world.calendar(view.location, appointment.calendar_id)
    people = [(person, name_of(world.user(view.location, person), person)) for person in appointment.people]
    return [
        Fact("Title", appointment.title),
        Fact("Calendar", (calendar.name if calendar else "") or appointment.calendar_id, appointment.calendar_id),
        *(Fact("Also" if number else "Person", name, person) for number, (person, name) in enumerate(people)),
        Fact(
            "Contact",
            name_of(world.contact(view.location, appointment.contact_id), appointment.contact_id),
            appointment.contact_id,
        ),
        Fact("Address", appointment.address),
        Fact("Description", appointment.description),
        Fact("Said by the booker", appointment.notes),
        Fact("Group", appointment.group_id or ""),
        Fact("Series", appointment.master_event_id or ""),
        Fact("Rule", appointment.rrule or ""),
        Fact("Booked through", appointment.created_by.source, appointment.created_by.user_id or ""),
        Fact("Added", day_and_clock(appointment.date_added, view.zone)),
        Fact("Updated", moment_words(appointment.date_updated, view.zone)),
    ]


def _written(world: World, view: View, note: Note) -> Written:
    author = "" if note.user_id is None else name_of(world.user(view.location, note.user_id), note.user_id)
    return Written(note.body, moment_words(note.date_added, view.zone), author)
