"""Calls: what was asked of HighLevel and what it answered. Never headers."""

import json
from typing import Any
from uuid import UUID

from service.highlevel.call import Call
from service.store.database import Connection
from service.store.identifiers import new_id

LARGEST = 8192
"""Bytes of JSON kept of a request and of an answer, each."""

INSERT = """
    INSERT INTO calls (
        call_id, delivery_id, step_id, location_id, operation, status, milliseconds, request, answer, error
    )
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8::jsonb, $9::jsonb, $10)
"""


async def keep(
    connection: Connection, call: Call, *, delivery_id: UUID, step_id: UUID | None, location_id: str
) -> None:
    await connection.execute(
        INSERT,
        new_id(),
        delivery_id,
        step_id,
        location_id,
        call.operation,
        call.status,
        call.milliseconds,
        _bounded(call.request),
        _bounded(call.answer),
        call.error,
    )


def _bounded(value: Any) -> Any:
    text = json.dumps(value)
    return value if len(text) <= LARGEST else {"cut": text[: LARGEST // 2], "length": len(text)}
