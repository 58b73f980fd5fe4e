"""A body as a JSON object, whoever sent it."""

import json
import re
from typing import Any

DEEPEST = 100
"""Brackets within brackets that a body may have."""

STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*(?:"|\\?\Z)', re.DOTALL)
BRACKETS = re.compile(rb"[\[\]{}]")


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
