"""Calls as they went, for whoever keeps a record."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from service.highlevel.answer import Answer, json_of
from service.highlevel.errors import HighLevelError
from service.highlevel.limits import Limits
from service.highlevel.operation import Wire


@dataclass(frozen=True)
class Call:
    """One try of a call as it went, for the record. Of the headers nothing but the limits, so never a token."""

    operation: str
    request: dict[str, Any]
    status: int | None
    answer: Any
    error: str | None
    milliseconds: float
    limits: Limits | None = None


Recorder = Callable[[Call], Awaitable[None]]


def call_of(
    operation: str, wire: Wire, answer: Answer | None, error: HighLevelError | None, milliseconds: float
) -> Call:
    request = {"method": wire.method, "path": wire.path, "query": _object(wire.query), "body": wire.body}
    words = str(error) if error else None
    if answer is None:
        return Call(operation, request, None, None, words, milliseconds)
    return Call(operation, request, answer.status, json_of(answer.body), words, milliseconds, answer.limits)


def _object(query: tuple[tuple[str, str], ...]) -> dict[str, str | list[str]]:
    """A name that came several times has a list of its values."""
    pairs: dict[str, str | list[str]] = {}
    for name, value in query:
        before = pairs.get(name)
        if before is None:
            pairs[name] = value
        else:
            pairs[name] = [*([before] if isinstance(before, str) else before), value]
    return pairs
