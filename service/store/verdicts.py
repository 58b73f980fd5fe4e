"""Verdicts: every check of one rule for one delivery, kept whether or not it held."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from service.store.database import Connection


@dataclass(frozen=True)
class Verdict:
    """`held` is None when a check that decides it lacked its fact. `checks` are Checks as JSON."""

    place: int
    rule: str
    mode: str
    held: bool | None
    checks: Sequence[dict[str, Any]]


INSERT = "INSERT INTO verdicts (delivery_id, place, rule, mode, held, checks) VALUES ($1, $2, $3, $4, $5, $6::jsonb)"

OF_DELIVERY = "SELECT place, rule, mode, held, checks FROM verdicts WHERE delivery_id = $1 ORDER BY place"


async def keep(connection: Connection, delivery_id: UUID, verdicts: Sequence[Verdict]) -> None:
    await connection.executemany(
        INSERT, [(delivery_id, v.place, v.rule, v.mode, v.held, list(v.checks)) for v in verdicts]
    )


async def of_delivery(connection: Connection, delivery_id: UUID) -> list[Verdict]:
    return [Verdict(**row) for row in await connection.fetch(OF_DELIVERY, delivery_id)]
