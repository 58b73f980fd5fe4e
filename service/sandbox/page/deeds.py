"""Deeds: what is done by clicking, as the operations that the API has for it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar, get_args

from pydantic import ValidationError

from service.highlevel.appointments import AppointmentStatus, CreateAppointment, DeleteEvent, EditAppointment
from service.highlevel.notes import CreateNote
from service.highlevel.operation import Operation
from service.sandbox import refusals
from service.sandbox.api.appointments import book
from service.sandbox.desk import Desk
from service.sandbox.outcome import Outcome
from service.sandbox.page.view import Unclear
from service.sandbox.world.records import Appointment, CreatedBy, Location

OperationT = TypeVar("OperationT", bound=Operation[Any])
WIDGET = CreatedBy(source="booking_widget")
"""Who books on a page is what HighLevel calls its booking widget."""


async def carry_out(desk: Desk, location: Location, operation: Operation[Any]) -> Outcome:
    """Everything the page does goes through here. Raises Refusal."""
    try:
        if isinstance(operation, CreateAppointment):
            return desk.tell(location, book(desk.world, location, operation, WIDGET), by="page")
        return desk.carry_out(location, operation, by="page")
    except OverflowError:
        raise refusals.unprocessable("a date is out of range") from None


def booking(location: Location, calendar_id: str, form: Mapping[str, str]) -> CreateAppointment:
    """All of these raise Unclear for a form that no page of ours sends."""
    said = {
        "calendar_id": calendar_id,
        "location_id": location.id,
        "contact_id": form.get("contact", ""),
        "start_time": form.get("start", ""),
        "assigned_user_id": form.get("person") or None,
        "title": form.get("title") or None,
    }
    return _decided(CreateAppointment, {name: value for name, value in said.items() if value is not None})


def move(before: Appointment, form: Mapping[str, str]) -> EditAppointment:
    """It stays as long as it is; `unchecked` asks HighLevel not to look whether that is a slot."""
    said = {"event_id": before.id, "appointment_status": _status_of(before), "start_time": form.get("start", "")}
    end, unchecked = _end_of(before, said["start_time"]), bool(form.get("unchecked"))
    more = {"end_time": end, "ignore_free_slot_validation": unchecked or None}
    return _decided(EditAppointment, {**said, **{name: value for name, value in more.items() if value is not None}})


def status(before: Appointment, form: Mapping[str, str]) -> EditAppointment:
    return _decided(EditAppointment, {"event_id": before.id, "appointment_status": form.get("status", "")})


def deletion(before: Appointment, form: Mapping[str, str]) -> DeleteEvent:
    return _decided(DeleteEvent, {"event_id": before.id})


def note(before: Appointment, form: Mapping[str, str]) -> CreateNote:
    # Browsers send the ends of lines as the standard for forms has them.
    body = form.get("body", "").replace("\r\n", "\n")
    if not body.strip():
        raise Unclear(422, "Nothing to add", "A note needs some words.")
    return _decided(CreateNote, {"appointment_id": before.id, "body": body})


def _decided(operation: type[OperationT], said: Mapping[str, Any]) -> OperationT:
    try:
        return operation.model_validate(said)
    except ValidationError as error:
        words = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise Unclear(422, "The form was not understood", words) from None


def _end_of(before: Appointment, start: str) -> str | None:
    """None for one that has no length to keep, or for a start that is refused anyway."""
    try:
        ends = datetime.fromisoformat(start) + (before.end_time - before.start_time)
    except (ValueError, OverflowError):
        return None
    return ends.isoformat() if before.end_time > before.start_time else None


def _status_of(before: Appointment) -> str:
    """An appointment may have been placed with any; of what HighLevel does not take it makes `confirmed`."""
    known = before.appointment_status in get_args(AppointmentStatus)
    return before.appointment_status if known else "confirmed"
