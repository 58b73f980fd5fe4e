"""What came back for a call, before it is read as the reply."""

import json
import math
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from service.highlevel.errors import HighLevelError, Unreadable, error_for
from service.highlevel.limits import Limits

LONGEST_TOLD = 1000
"""Letters of HighLevel's words that an error keeps."""


LONGEST_ASKED = 1e9
"""Seconds of a Retry-After; more is not meant."""


@dataclass(frozen=True)
class Answer:
    status: int
    limits: Limits | None
    retry_after: float | None
    body: bytes


def refusal(operation: str, answer: Answer) -> HighLevelError:
    """The error that an answer which is no 2xx means."""
    told = json_of(answer.body)
    trace_id = told.get("traceId") if isinstance(told, dict) else None
    message = _message(told, answer.body)
    return error_for(answer.status, message)(
        operation,
        message,
        status=answer.status,
        trace_id=trace_id[:LONGEST_TOLD] if isinstance(trace_id, str) else None,
        retry_after=answer.retry_after,
    )


def unreadable(operation: str, faults: ValidationError, status: int) -> Unreadable:
    """The error that an answer which is a 2xx and no reply means: in which places, and not what stood there."""
    places = ", ".join(".".join(map(str, fault["loc"])) or "the whole" for fault in faults.errors()[:3])
    return Unreadable(operation, f"the answer is not what was expected at: {places}", status=status)


def json_of(body: bytes) -> Any:
    """None for what is no JSON."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _message(answer: Any, body: bytes) -> str:
    """HighLevel's own words: a string, or a list of them at 422."""
    message = answer.get("message") if isinstance(answer, dict) else None
    if message is None:
        message = body[:400].decode(errors="replace").strip()[:200]
    words = "; ".join(map(str, message)) if isinstance(message, list) else str(message)
    words = words if len(words) <= LONGEST_TOLD else f"{words[:LONGEST_TOLD]}…"
    # Half a surrogate pair or a NUL can be sent in JSON, and kept nowhere.
    return words.encode(errors="replace").decode().replace("\0", "") or "no message"


def seconds(header: str | None) -> float | None:
    """Of a Retry-After; None when it is none, or a date."""
    try:
        told = float(header) if header else math.nan
    except ValueError:
        return None
    return min(max(0.0, told), LONGEST_ASKED) if math.isfinite(told) else None
