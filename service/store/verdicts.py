"""Verdicts: every check of one rule for one delivery, kept whether or not it held."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from service.store.database import Connection, as_json
from service.store.ledger import Entry, Sheet


@dataclass(frozen=True)
class Verdict:
    """`held` is None when a check that decides it lacked its fact. `checks` are Checks as JSON."""

    place: int
    rule: str
    mode: str
    held: bool | None
    checks: Sequence[dict[str, Any]]


INSERT = Sheet(
    20,
    """
    INSERT INTO verdicts (delivery_id, place, rule, mode, held, checks)
    SELECT delivery_id, place, rule, mode, held, checks::jsonb
    FROM unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::bool[], $6::text[])
        AS new (delivery_id, place, rule, mode, held, checks)
    """,
)

OF_DELIVERIES = """
    SELECT delivery_id, place, rule, mode, held, checks FROM verdicts
    WHERE delivery_id = ANY($1::uuid[]) ORDER BY delivery_id, place
"""


def given(delivery_id: UUID, verdict: Verdict) -> Entry:
    row = (delivery_id, verdict.place, verdict.rule, verdict.mode, verdict.held, as_json(list(verdict.checks)))
    return Entry(INSERT, (delivery_id, verdict.place), row)


async def of_deliveries(connection: Connection, deliveries: Sequence[UUID]) -> dict[UUID, list[Verdict]]:
    found: dict[UUID, list[Verdict]] = {delivery_id: [] for delivery_id in deliveries}
    for row in await connection.fetch(OF_DELIVERIES, list(deliveries)):
        values = dict(row)
        found[values.pop("delivery_id")].append(Verdict(**values))
    return found
