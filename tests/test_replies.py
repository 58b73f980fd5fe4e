"""What all replies share: what must be there, what null and nothing are read as, what is no answer at all."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import AliasChoices, TypeAdapter, ValidationError

from service.highlevel import operations
from service.highlevel.appointments import Appointment, DeletedReply, EventsReply
from service.highlevel.calendars import Calendar, CalendarsReply
from service.highlevel.contacts import ContactAppointment, Task
from service.highlevel.operation import Operation
from service.highlevel.reply import Done, Reply

SIX, SEVEN = "2026-03-26T18:00:00+01:00", "2026-03-26T19:00:00+01:00"
EVENT: dict[str, Any] = {"id": "e1", "calendarId": "cuts", "locationId": "place", "startTime": SIX, "endTime": SEVEN}
ODD = {"status": 400, "message": "MongoError: no such thing", "name": "HttpException", "traceId": "t"}
"""An answer that HighLevel has been seen to give in place of a list."""

KNOWN = [known for known in Operation.known.values() if known.__module__.startswith("service.highlevel.")]
NEEDS_NOTHING = {"FreeSlots", "GetNotification"}
"""Their answers may be without any field, and are no confirmation."""


def kinds(of: type[Reply] = Reply) -> Iterator[type[Reply]]:
    for kind in of.__subclasses__():
        if kind.__module__.removeprefix("service.highlevel.") in operations.__all__:
            yield kind
        yield from kinds(kind)


def wire_name(kind: type[Reply], name: str) -> str:
    alias = kind.model_fields[name].validation_alias
    return str(alias.choices[0] if isinstance(alias, AliasChoices) else alias)


FIELDS = sorted(
    {
        (kind, name)
        for kind in kinds()
        for name, field in kind.model_fields.items()
        if not field.is_required() and name != "texts"
    },
    key=str,
)


@pytest.mark.parametrize("operation", KNOWN, ids=lambda known: known.__name__)
def test_an_answer_without_what_was_asked_for_is_not_read(operation: type[Operation[Any]]) -> None:
    reply = operation.reply_type()
    lenient = operation.__name__ in NEEDS_NOTHING
    assert lenient != any(field.is_required() for field in reply.model_fields.values()) or issubclass(reply, Done)
    if not lenient and not issubclass(reply, Done):
        with pytest.raises(ValidationError):
            reply.read_json(b'{"traceId": "t"}')


@pytest.mark.parametrize("operation", KNOWN, ids=lambda known: known.__name__)
@pytest.mark.parametrize("said", [ODD, {"statusCode": 422, "message": ["no"]}], ids=["odd", "refusal"])
def test_a_refusal_with_a_good_status_is_never_read_as_success(operation: type[Operation[Any]], said: Any) -> None:
    with pytest.raises(ValidationError):
        operation.reply_type().read_json(json.dumps(said).encode())


@pytest.mark.parametrize("said", [{"status": "booked"}, {"status": True}, {"status": 200}, {"name": "Ada"}], ids=str)
def test_a_status_that_is_no_refusal_is_no_matter(said: Any) -> None:
    assert DeletedReply.read_json(json.dumps(said).encode()).succeeded


@pytest.mark.parametrize(("kind", "name"), FIELDS, ids=lambda each: getattr(each, "__name__", each))
def test_null_is_read_as_what_a_field_is_when_it_is_left_out(kind: type[Reply], name: str) -> None:
    """Also where the rest of the answer is not what was expected, which no other field is to blame for."""
    alias = wire_name(kind, name)
    field = kind.model_fields[name]
    others = {wire_name(kind, each): None for each, other in kind.model_fields.items() if other.is_required()}
    text = json.dumps({**others, alias: None})
    if not others:
        assert getattr(kind.model_validate_json(text), name) == field.default
        return
    with pytest.raises(ValidationError) as refused:
        kind.model_validate_json(text)
    assert {error["loc"][0] for error in refused.value.errors()} <= others.keys() | {"appointment", "event"}


def test_one_null_costs_no_list() -> None:
    names = ["title", "appointmentStatus", "users", "isRecurring", "assignedResources", "deleted", "dateAdded"]
    text = json.dumps({"events": [{**EVENT, name: None} for name in names]})
    plain = Appointment.read(EVENT)
    assert list(EventsReply.read_json(text.encode()).events) == [plain] * len(names)
    assert list(EventsReply.read(json.loads(text)).events) == [plain] * len(names)
    unset = dict.fromkeys(("name", "slotDuration", "teamMembers", "openHours", "autoConfirm", "notifications"))
    (calendar,) = CalendarsReply.read({"calendars": [{"id": "c", "locationId": "place", **unset}]}).calendars
    assert calendar == Calendar.read({"id": "c", "locationId": "place"})


def test_what_is_said_is_not_taken_for_null() -> None:
    """A whole number stands where another number may."""
    told = Calendar.read({"id": "c", "locationId": "place", "slotDuration": 7.5, "autoConfirm": False, "name": "Cuts"})
    assert (told.slot_duration, told.auto_confirm, told.name) == (7.5, False, "Cuts")
    for wrong in ({"slotDuration": "soon"}, {"autoConfirm": "maybe"}, {"name": 5}, {"teamMembers": [None]}):
        with pytest.raises(ValidationError):
            Calendar.read({"id": "c", "locationId": "place", **wrong})


def test_an_empty_text_is_no_time() -> None:
    event = Appointment.read({**EVENT, "dateAdded": "", "dateUpdated": ""})
    assert (event.date_added, event.date_updated) == (None, None)
    listed = ContactAppointment.read(
        {"id": "e1", "startTime": "2026-03-26 18:00:00", "endTime": "2026-03-26 19:00:00", "dateAdded": ""}
    )
    assert (listed.date_added, Task.read({"id": "t", "dueDate": ""}).due_date) == (None, None)
    with pytest.raises(ValidationError):
        Appointment.read({**EVENT, "startTime": ""})
    with pytest.raises(ValidationError):
        Appointment.read({**EVENT, "dateAdded": "2026-03-26T18:00:00"})


@pytest.mark.parametrize("operation", KNOWN, ids=lambda known: known.__name__)
def test_an_empty_body_is_read_where_there_is_nothing_to_tell(operation: type[Operation[Any]]) -> None:
    reply = operation.reply_type()
    if issubclass(reply, Done):
        assert operation.changes
        assert [reply.read_json(body) for body in (b"", b" \n")] == [reply.read_json(b"{}")] * 2
    else:
        with pytest.raises(ValidationError):
            reply.read_json(b"")


def test_what_a_reply_is_written_as_is_read_again_the_same() -> None:
    event = Appointment.read({**EVENT, "users": ["kim"], "createdBy": {"source": "booking"}, "new": {"a": [1]}})
    assert Appointment.read_json(event.model_dump_json(by_alias=True).encode()) == event
    assert TypeAdapter(Appointment).json_schema()["properties"]["title"]["default"] == ""
