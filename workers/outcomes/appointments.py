"""Appointments and their notes looked for."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from service.highlevel.appointments import CreateAppointment, EditAppointment, GetAppointment, ListEvents
from service.highlevel.errors import NotFound
from service.highlevel.notes import CreateNote, notes_of
from service.highlevel.operation import Api, milliseconds
from service.store.appointments import OWNED
from service.trigger import Booking, differences
from workers.changes import SERIES, after, changed_words
from workers.outcomes.outcome import CLOCK_SKEW, Found, NotFoundYet, Outcome, Overtaken, Taken, ours


async def note(api: Api, wanted: CreateNote, planned_at: datetime, taken: Taken) -> Outcome:
    same = [
        each.id
        async for each in notes_of(api, wanted.appointment_id)
        if each.body == wanted.body and each.date_added >= planned_at - CLOCK_SKEW
    ]
    return await ours(same, taken)


async def new_appointment(api: Api, wanted: CreateAppointment, planned_at: datetime, taken: Taken) -> Outcome:
    """By its calendar, contact and start. Also one that somebody has cancelled or deleted since: it was booked."""
    start = datetime.fromisoformat(wanted.start_time)
    listing = ListEvents(
        location_id=wanted.location_id,
        calendar_id=wanted.calendar_id,
        start_time=milliseconds(start),
        end_time=milliseconds(start) + 1,
    )
    same = [
        event.id
        for event in (await api(listing)).events
        if (event.contact_id, event.start_time) == (wanted.contact_id, start)
        and (event.date_added is None or event.date_added >= planned_at - CLOCK_SKEW)
    ]
    return await ours(same, taken)


async def appointment(api: Api, wanted: EditAppointment, meant: Mapping[str, Any]) -> Outcome:
    """`meant`: that of its step. Raises HighLevelError."""
    series = meant.get(SERIES)
    if series is not None and series["of"] != wanted.event_id:
        return await _series(api, wanted, meant["before"], series)
    return _compared(wanted, await _read(api, wanted.event_id), meant["before"])


async def _series(api: Api, wanted: EditAppointment, before: Mapping[str, Any], series: Mapping[str, Any]) -> Outcome:
    """It shows in what stands for the series or, where nobody can read that, in the one that the step is about. What
    somebody has changed of that one since keeps the change from being sent."""
    single = await _read(api, series["of"])
    whole = await _read(api, wanted.event_id) if series["shown"] else single
    outcome = _compared(wanted, whole, before)
    if isinstance(outcome, NotFoundYet):
        of_it = _compared(wanted, single, series["before"])
        # The series shows that nothing came of it, whatever somebody else has made of the one.
        return replace(of_it, as_before=True) if isinstance(of_it, Overtaken) else outcome
    return replace(outcome, single=single) if isinstance(outcome, Found) else outcome


async def _read(api: Api, id_: str) -> Booking | None:
    try:
        return Booking.of((await api(GetAppointment(event_id=id_))).appointment)
    except NotFound:
        return None


def _compared(wanted: EditAppointment, now: Booking | None, before: Mapping[str, Any]) -> Outcome:
    if now is None:
        return Overtaken("HighLevel does not know the appointment any more")
    as_before = is_as_before(wanted, now, before)
    if now.deleted:
        return Overtaken("the appointment was deleted", as_before=as_before)
    was = Booking.model_validate({**now.model_dump(), **before})
    # What it sends along unchanged, the status first of all, is not what it was meant to bring about.
    if _agree(now, after(wanted, was), _brings_about(wanted, was)):
        return Found(updated=now.updated)
    if _agree(now, was, (*OWNED, "calendar_id")):
        return NotFoundYet()
    return Overtaken(f"somebody else changed its {changed_words(was, now)} since", as_before=as_before)


def is_as_before(wanted: EditAppointment, now: Booking, before: Mapping[str, Any]) -> bool:
    """Whether all that a write was to change is still what it was `before`."""
    was = Booking.model_validate({**now.model_dump(), **before})
    return _agree(now, was, _brings_about(wanted, was))


def brought_about(wanted: EditAppointment, now: Booking, before: Mapping[str, Any]) -> frozenset[str]:
    """What of a change of a whole series shows on one of it; `before`: the series."""
    was = Booking.model_validate({**now.model_dump(), **before})
    then = after(wanted, now)
    return frozenset(name for name in _brings_about(wanted, was) if getattr(then, name) == getattr(now, name))


def _brings_about(wanted: EditAppointment, was: Booking) -> frozenset[str]:
    return differences(was, after(wanted, was))


def _agree(one: Booking, other: Booking, fields: Iterable[str]) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in fields)
