"""What is wrong with what somebody wrote for the sandbox: a line each, with its place."""

from typing import Any

from pydantic import ValidationError

IN_PLACE_OF = {
    "extra_forbidden": "there is no such field",
    "missing": "has to be said",
    "model_type": "should be an object with fields",
    "tuple_type": "should be a list",
    "too_short": "needs one at least",
}
"""Words of our own for kinds of pydantic's that speak of Python."""


def complaints(error: ValidationError) -> list[str]:
    """As in `locations[0].calendars[2].slot_minutes: should be greater than 0`, without the value that was written."""
    found = []
    for item in error.errors(include_url=False, include_input=False, include_context=False):
        words = IN_PLACE_OF.get(item["type"], plain(item))
        place = _place(item["loc"])
        found.append(f"{place}: {words}" if place else words)
    return found


def plain(item: Any) -> str:
    """Of one of pydantic's errors, as it stands behind a place."""
    said: str = item["msg"]
    return said.removeprefix("Value error, ").removeprefix("Input ").partition(", unable to parse")[0]


def _place(parts: tuple[int | str, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).removeprefix(".")
