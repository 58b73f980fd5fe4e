"""What is wrong with a request, in the words of HighLevel's own validator where they are known (public captures)."""

import re
from typing import Any

from pydantic import ValidationError
from pydantic.alias_generators import to_camel

from service.highlevel.appointments import ListEvents
from service.highlevel.blocked_slots import CreateBlockSlot, EditBlockSlot
from service.highlevel.contacts import SearchContacts
from service.highlevel.operation import Operation
from service.highlevel.service_bookings import CreateServiceBooking, EditServiceBooking, ListServiceBookings

AS_A_WHOLE: dict[type[Any], str] = {
    ListEvents: "Either of userId, calendarId or groupId is required",
    CreateBlockSlot: "Either calendarId or assignedUserId is required, not both",
    EditBlockSlot: "Either calendarId or assignedUserId is required, not both",
    CreateServiceBooking: "endTime must be after startTime",
    EditServiceBooking: "endTime must be after startTime",
    ListServiceBookings: "endTime must not be before startTime",
    SearchContacts: "Either page or searchAfter, not both",
}
"""The complaint when each field is fine and all together are not."""

KINDS_OF_NUMBER = re.compile(r"(int|float|constrained-int|constrained-float|finite-float)$")
"""What pydantic adds to the place where a number may be of either kind."""


def invalid(operation: type[Operation[Any]], error: ValidationError) -> list[str]:
    """One line for each fault, none twice."""
    return list(
        dict.fromkeys(_complaint(operation, item) for item in error.errors(include_url=False, include_input=False))
    )


def _complaint(operation: type[Operation[Any]], item: Any) -> str:
    loc = [part for part in item["loc"] if not KINDS_OF_NUMBER.search(str(part))]
    name, last = ".".join(str(part) for part in loc), loc[-1] if loc else ""
    either_kind = len(loc) < len(item["loc"])
    match item["type"]:
        case _ if not name:
            return AS_A_WHOLE.get(operation, _in_wire_names(operation, _plain(item)))
        case "extra_forbidden":
            return f"property {name} should not exist"
        case "missing" | "string_too_short" | "too_short":
            return f"{name} should not be empty"
        case "literal_error":
            return f"{name} must be a valid enum value"
        case "string_type":
            return f"{name} must be a string"
        case "string_too_long":
            return f"{name} must be shorter than or equal to {item['ctx']['max_length']} characters"
        case "tuple_type" | "list_type":
            return f"{name} must be an array"
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"{name} must be an object"
        case "bool_type" | "bool_parsing":
            return f"{name} must be a boolean value"
        case "float_type" | "float_parsing" | "finite_number":
            return f"{name} must be a number conforming to the specified constraints"
        case "int_parsing" | "int_type" | "int_from_float" | "int_parsing_size" if either_kind:
            return f"{name} must be a number conforming to the specified constraints"
        case "int_parsing" | "int_type" | "int_from_float":
            return f"{name} must be an integer number"
        case "less_than_equal":
            return f"{name} must not be greater than {item['ctx']['le']}"
        case "greater_than_equal":
            return f"{name} must not be less than {item['ctx']['ge']}"
        case "value_error" if last == "timezone":
            return f"{name} must be a valid IANA time zone"
        case "value_error" if str(last).endswith(("Time", "dueDate")):
            return f"{name} must be a valid ISO 8601 date string"
        case _:
            return f"{name}: {_plain(item)}"


def _plain(item: Any) -> str:
    return str(item["msg"]).removeprefix("Value error, ")


def _in_wire_names(operation: type[Operation[Any]], text: str) -> str:
    """Our own declarations speak of their fields as Python does."""
    names = sorted(operation.model_fields, key=len, reverse=True)
    words = re.compile(r"\b(" + "|".join(names) + r"|is_primary)\b") if names else None
    return words.sub(lambda name: to_camel(name[1]), text) if words else text
