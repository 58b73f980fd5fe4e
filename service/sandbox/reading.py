"""From a request to the operation it asks for, or to what HighLevel says when it cannot be read."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from service.highlevel.appointments import EditAppointment, ListEvents
from service.highlevel.blocked_slots import CreateBlockSlot, EditBlockSlot
from service.highlevel.operation import Operation
from service.highlevel.reply import WIRE_NAMES
from service.sandbox import refusals

ABSENT: dict[type[Any], dict[str, Any]] = {EditAppointment: {"appointmentStatus": "confirmed"}}
"""What a body that leaves a field out means. A PUT without status has been seen to set it back to `confirmed`."""

AS_A_WHOLE: dict[type[Any], str] = {
    ListEvents: "Either of userId, calendarId or groupId is required",
    CreateBlockSlot: "Either calendarId or assignedUserId is required, not both",
    EditBlockSlot: "Either calendarId or assignedUserId is required, not both",
}
"""The complaint when each field is fine and all together are not."""


def read_operation(
    operation: type[Operation[Any]], path: Mapping[str, str], query: Mapping[str, str], raw: bytes
) -> Operation[Any]:
    """Fields are taken only from where the declaration puts them. Raises Refusal."""
    in_path = {wire_name(operation, name): value for name, value in path.items()}
    in_query = dict(query)
    in_body = {} if operation.method == "GET" else _read_object(raw)
    misplaced = in_path.keys() & (in_query.keys() | in_body.keys())
    if operation.method == "DELETE":
        misplaced |= in_body.keys()
    elif operation.method != "GET":
        may = {wire_name(operation, name) for name in operation.query}
        misplaced |= (in_query.keys() - may) | (in_body.keys() & may)
    if misplaced:
        raise refusals.unprocessable(*(f"property {name} should not exist" for name in sorted(misplaced)))
    try:
        return operation.model_validate(
            {**ABSENT.get(operation, {}), **in_query, **in_body, **in_path}, by_alias=True, by_name=False
        )
    except ValidationError as error:
        raise refusals.unprocessable(*_complaints(operation, error)) from error


def wire_name(operation: type[Operation[Any]], name: str) -> str:
    field = operation.model_fields[name]
    return str(field.validation_alias or WIRE_NAMES.generate_aliases(name)[0] or name)


def _read_object(raw: bytes) -> dict[str, Any]:
    if not raw:
        return {}
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise refusals.bad_request("Unexpected token in JSON") from error
    if not isinstance(body, dict):
        raise refusals.bad_request("The body is no JSON object")
    return body


def _complaints(operation: type[Operation[Any]], error: ValidationError) -> list[str]:
    """In the words of HighLevel's own validator where they are known (public captures)."""
    found = []
    for item in error.errors(include_url=False, include_input=False):
        name = ".".join(str(part) for part in item["loc"])
        match item["type"]:
            case _ if not name:
                found.append(AS_A_WHOLE.get(operation, item["msg"].removeprefix("Value error, ")))
            case "extra_forbidden":
                found.append(f"property {name} should not exist")
            case "missing" | "string_too_short":
                found.append(f"{name} should not be empty")
            case "literal_error":
                found.append(f"{name} must be a valid enum value")
            case "string_type":
                found.append(f"{name} must be a string")
            case "string_too_long":
                longest = item["ctx"]["max_length"]
                found.append(f"{name} must be shorter than or equal to {longest} characters")
            case "value_error":
                found.append(f"{name} must be a valid ISO 8601 date string")
            case "int_parsing" | "int_type" | "int_from_float":
                found.append(f"{name} must be an integer number")
            case "less_than_equal":
                found.append(f"{name} must not be greater than {item['ctx']['le']}")
            case "greater_than_equal":
                found.append(f"{name} must not be less than {item['ctx']['ge']}")
            case _:
                found.append(f"{name}: {item['msg']}")
    return found
