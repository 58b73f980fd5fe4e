"""From a request to the operation it asks for, or to what HighLevel says when it cannot be read."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, get_args, get_origin

from multidict import MultiMapping
from pydantic import ValidationError

from service.highlevel.appointments import CreateAppointment, EditAppointment
from service.highlevel.calendar_settings import CreateCalendar, EditCalendar
from service.highlevel.free_slots import FreeSlots
from service.highlevel.operation import Operation
from service.sandbox import refusals
from service.sandbox.door.validation import invalid, out_of_range, unknown

ABSENT: dict[type[Any], dict[str, Any]] = {EditAppointment: {"appointmentStatus": "confirmed"}}
"""What a body that leaves a field out means. A PUT without status has been seen to set it back to `confirmed`."""

UNHEEDED: dict[type[Any], tuple[str, str]] = {
    CreateAppointment: ("rrule", "ignoreFreeSlotValidation"),
    EditAppointment: ("rrule", "ignoreFreeSlotValidation"),
}
"""A field that counts for nothing unless another is true. Our own client refuses it then, lest it be missed."""

TOLERATED: dict[type[Any], tuple[str, ...]] = {
    FreeSlots: ("enableLookBusy",),
    CreateCalendar: ("meetingLocation",),
    EditCalendar: ("meetingLocation",),
}
"""Fields that our client does not have and others send: undocumented or deprecated. They count for nothing."""
HALF_A_PAIR = re.compile("[\ud800-\udfff]")
"""JSON can say it and no text can hold it: neither a file nor an answer could be written with it."""
IN_MEMBERS = ("meetingLocation", "meetingLocationType")
"""The same in each of a calendar's `teamMembers`."""


def read_operation(
    operation: type[Operation[Any]], path: Mapping[str, str], query: MultiMapping[str], raw: bytes
) -> Operation[Any]:
    """Fields are taken only from where the declaration puts them. Raises Refusal."""
    layout = operation.layout()
    in_path = {layout.path[name]: value for name, value in path.items()}
    in_query = _read_query(operation, query)
    in_body = {} if operation.method == "GET" else _read_body(operation, raw)
    _require_text([*path.values(), *query.keys(), *query.values()], in_body)
    _let_pass(operation, in_query, in_body)
    foreign = _taken_out(in_query, layout.query.values()) | _taken_out(in_body, layout.body.values())
    wrong = [*unknown(foreign), *out_of_range(in_body)]
    try:
        read = operation.model_validate(
            {**ABSENT.get(operation, {}), **in_query, **in_body, **in_path}, by_alias=True, by_name=False
        )
    except ValidationError as error:
        raise refusals.unprocessable(*wrong, *invalid(operation, error)) from error
    if wrong:
        raise refusals.unprocessable(*wrong)
    return read


def _taken_out(said: dict[str, Any], known: Iterable[str]) -> set[str]:
    """What has no place here, which must not hide what else is wrong."""
    foreign = said.keys() - set(known)
    for name in foreign:
        del said[name]
    return foreign


def _let_pass(operation: type[Operation[Any]], in_query: dict[str, Any], in_body: dict[str, Any]) -> None:
    """Take out what counts for nothing."""
    for name in TOLERATED.get(operation, ()):
        in_query.pop(name, None)
        in_body.pop(name, None)
        members = in_body.get("teamMembers")
        for member in members if isinstance(members, list) else ():
            for deprecated in IN_MEMBERS if isinstance(member, dict) else ():
                member.pop(deprecated, None)
    unheeded, unless = UNHEEDED.get(operation, ("", ""))
    if in_body.get(unless) is not True:
        in_body.pop(unheeded, None)


def _require_text(address: list[str], body: dict[str, Any]) -> None:
    if any(map(HALF_A_PAIR.search, address)) or HALF_A_PAIR.search(json.dumps(body, ensure_ascii=False)):
        raise refusals.unprocessable("half of a surrogate pair is no text")


def _read_query(operation: type[Operation[Any]], query: MultiMapping[str]) -> dict[str, Any]:
    """A list comes as its name repeated, with brackets or without; how HighLevel wants it is not published."""
    lists = {alias for name, alias in operation.layout().query.items() if _is_list(operation, name)}
    found: dict[str, Any] = {}
    for name, value in query.items():
        plain = name.removesuffix("[]")
        if plain in lists:
            found.setdefault(plain, []).append(value)
        else:
            found[name] = value
    return found


def _is_list(operation: type[Operation[Any]], name: str) -> bool:
    kind = operation.model_fields[name].annotation
    return any(get_origin(each) is tuple for each in (kind, *get_args(kind)))


def _read_body(operation: type[Operation[Any]], raw: bytes) -> dict[str, Any]:
    if not raw:
        return {}
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise refusals.bad_request("Unexpected token in JSON") from error
    if operation.whole_body:
        if not isinstance(body, list):
            raise refusals.bad_request("The body is no JSON array")
        return {operation.layout().body[operation.whole_body]: body}
    if not isinstance(body, dict):
        raise refusals.bad_request("The body is no JSON object")
    return body
