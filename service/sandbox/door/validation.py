"""What is wrong with a request, in the words of HighLevel's own validator where they are known (public captures)."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from pydantic.alias_generators import to_camel

from service.highlevel.operation import WRITTEN_MOMENT, Operation
from service.sandbox.world.moments import FIRST_YEAR, LAST_YEAR, is_out_of_range

AS_A_WHOLE = {
    "one of user_id, calendar_id or group_id is needed": "Either of userId, calendarId or groupId is required",
    "either calendar_id or assigned_user_id, not both": "Either calendarId or assignedUserId is required, not both",
    "calendar_id or assigned_user_id is empty": "Either calendarId or assignedUserId is required, not both",
    "either page or search_after, not both": "Either page or searchAfter, not both",
}
"""What our declarations say when each field is fine and all together are not, in HighLevel's words."""
BACKWARDS = "end_time is before start_time"
MOMENTS = ("startTime", "endTime", "eventStartTime", "dueDate")
"""Where a body says a time."""

KINDS_OF_NUMBER = re.compile(r"(int|float|constrained-int|constrained-float|finite-float)$")
"""What pydantic adds to the place where a number may be of either kind."""


def invalid(operation: type[Operation[Any]], error: ValidationError) -> list[str]:
    """One line for each fault, none twice; as HighLevel's validator has it, first what should not be there at all."""
    items = sorted(error.errors(include_url=False), key=lambda item: item["type"] != "extra_forbidden")
    return list(dict.fromkeys(_complaint(operation, item) for item in items))


def unknown(names: Iterable[str]) -> list[str]:
    return [f"property {name} should not exist" for name in sorted(names)]


def out_of_range(body: Mapping[str, Any]) -> list[str]:
    """A line for each time that is too early or too late, by its own clock or in UTC."""
    return [
        f"{name} is a date out of range: years are {FIRST_YEAR} to {LAST_YEAR}"
        for name in MOMENTS
        if _is_out_of_range(body.get(name))
    ]


def _is_out_of_range(text: Any) -> bool:
    if not isinstance(text, str) or not WRITTEN_MOMENT.fullmatch(text):
        return False
    try:
        return is_out_of_range(datetime.fromisoformat(text))
    except ValueError:
        return False  # no date at all, which is said of it anyway


def _complaint(operation: type[Operation[Any]], item: Any) -> str:
    loc = [part for part in item["loc"] if not KINDS_OF_NUMBER.search(str(part))]
    name, last = ".".join(str(part) for part in loc), loc[-1] if loc else ""
    either_kind = len(loc) < len(item["loc"])
    match item["type"]:
        case _ if not name:
            return _as_a_whole(operation, _plain(item))
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
        case "value_error" if last in MOMENTS:
            return f"{name} {_no_moment(item['input'])}"
        case _:
            return f"{name}: {_plain(item)}"


def _as_a_whole(operation: type[Operation[Any]], words: str) -> str:
    if words == BACKWARDS:
        return f"endTime must {'not be before' if operation.method == 'GET' else 'be after'} startTime"
    return AS_A_WHOLE.get(words) or _in_wire_names(operation, words)


def _no_moment(said: Any) -> str:
    """HighLevel's words are for what is no date at all."""
    try:
        datetime.fromisoformat(said)
    except (TypeError, ValueError):
        return "must be a valid ISO 8601 date string"
    return "is written as in 2026-03-26T18:00:00+01:00, with its offset: which instant it is depends on it"


def _plain(item: Any) -> str:
    return str(item["msg"]).removeprefix("Value error, ")


def _in_wire_names(operation: type[Operation[Any]], text: str) -> str:
    """Our own declarations speak of their fields as Python does."""
    names = sorted(operation.model_fields, key=len, reverse=True)
    words = re.compile(r"\b(" + "|".join(names) + r"|is_primary)\b") if names else None
    return words.sub(lambda name: to_camel(name[1]), text) if words else text
