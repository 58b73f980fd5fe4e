"""Calls: what was asked of HighLevel and what it answered. Never headers."""

from datetime import datetime
from typing import Any
from uuid import UUID

from service.highlevel.call import Call
from service.store.database import as_json
from service.store.identifiers import new_id
from service.store.ledger import Entry, Sheet

LARGEST = 8192
"""Bytes of JSON kept of a request and of an answer, each."""

INSERT = Sheet(
    60,
    """
    INSERT INTO calls (
        call_id, delivery_id, step_id, location_id, operation, status, milliseconds, request, answer, error, called_at
    )
    SELECT call_id, delivery_id, step_id, location_id, operation, status, milliseconds, request::jsonb, answer::jsonb,
        error, called_at
    FROM unnest(
        $1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::int[], $7::real[], $8::text[], $9::text[],
        $10::text[], $11::timestamptz[]
    ) AS new (
        call_id, delivery_id, step_id, location_id, operation, status, milliseconds, request, answer, error, called_at
    )
    """,
)


def made(call: Call, *, delivery_id: UUID, step_id: UUID | None, location_id: str, called_at: datetime) -> Entry:
    """`called_at`: when its answer was there."""
    call_id = new_id()
    row = (
        call_id,
        delivery_id,
        step_id,
        location_id,
        call.operation,
        call.status,
        call.milliseconds,
        _bounded(call.request),
        _bounded(call.answer),
        call.error,
        called_at,
    )
    return Entry(INSERT, call_id, row)


def _bounded(value: Any) -> str | None:
    """As jsonb is written, and no longer than LARGEST."""
    if value is None:
        return None
    text = as_json(value)
    return text if len(text) <= LARGEST else as_json({"cut": text[: LARGEST // 2], "length": len(text)})
