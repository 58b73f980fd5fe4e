"""A body as a JSON object, whoever sent it, and what stands in it where."""

import json
import re
from datetime import datetime
from typing import Any

from service.instants import reckoned

DEEPEST = 100
"""Brackets within brackets that a body may have."""

STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*(?:"|\\?\Z)', re.DOTALL)
BRACKETS = re.compile(rb"[\[\]{}]")


LONGEST_NAME = 200


class NotAnEvent(ValueError):
    """Not JSON, or JSON that is no object."""


def read_object(body: bytes) -> dict[str, Any]:
    """Raises NotAnEvent."""
    if _too_deep(body):
        raise NotAnEvent(f"the body is nested more than {DEEPEST} deep")
    try:
        value = DECODER.decode(body.decode(json.detect_encoding(body), "surrogatepass"))
    except (ValueError, RecursionError):
        raise NotAnEvent("the body is not JSON") from None
    if not isinstance(value, dict):
        raise NotAnEvent("the body is JSON but not an object")
    return value


def at_path(value: Any, path: str) -> Any:
    """What stands at `data.items.0.id`; None where nothing does."""
    for name in path.split("."):
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list) and name.isascii() and name.isdecimal() and int(name[:6]) < len(value):
            value = value[int(name[:6])]
        else:
            return None
    return value


def read_name(value: Any) -> str | None:
    """A short text that can be shown; None for anything else."""
    return value if isinstance(value, str) and 0 < len(value) <= LONGEST_NAME and value.isprintable() else None


def read_instant(value: Any) -> datetime | None:
    """ISO 8601 with an offset, of a year that is reckoned with; None for anything else."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo and reckoned(moment.year) else None


def _too_deep(body: bytes) -> bool:
    """Told from the body alone: how deep Python can read depends on where it is asked."""
    if body.count(b"[") + body.count(b"{") <= DEEPEST:
        return False
    depth = 0
    for sign in BRACKETS.findall(STRINGS.sub(b"", body)):
        depth += 1 if sign in b"[{" else -1
        if depth > DEEPEST:
            return True
    return False


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON, though Python reads it")


DECODER = json.JSONDecoder(parse_constant=_refuse)
"""Made once, and not for each body."""
