"""Connections as sessions: what a new one asks, and that nothing is left in one for whoever uses it next."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from service.store.database import Pool
from tests.test_store import STATEMENTS


async def test_a_new_connection_has_asked_already_what_arrays_are_made_of(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[int]] = []
    usual: Any = asyncpg.Connection._introspect_types  # type: ignore[attr-defined]

    async def spy(connection: Any, oids: Iterable[int], timeout: float | None) -> Any:
        asked.append([*oids])
        return await usual(connection, asked[-1], timeout)

    monkeypatch.setattr(asyncpg.Connection, "_introspect_types", spy)
    async with pool.acquire() as connection:
        assert len(asked) == 1, "it was opened just now"
        for statement in STATEMENTS.values():
            await connection.prepare(statement)
    assert len(asked) == 1


LASTING = re.compile(
    r"(?i:set_config(?!.*,\s*true\))|pg_(try_)?advisory_lock|\btemp(orary)?\s+table|\binto\s+temp|_listener\()|"
    r"""["';]\s*(SET|LISTEN|PREPARE|DECLARE)\s"""
)


@pytest.mark.parametrize(
    "lasting",
    [
        '"SET x = 1"',
        '"""\n    SET SESSION x TO 1"""',
        "set_config('a', current_setting('b'), false)",
        "SELECT pg_advisory_lock(1)",
        '"LISTEN x"',
        "connection.add_listener(",
        "CREATE LOCAL TEMP TABLE x",
    ],
)
def test_what_outlasts_a_transaction_is_known_for_it(lasting: str) -> None:
    assert LASTING.search(lasting)


def test_no_statement_of_ours_outlasts_its_transaction() -> None:
    """Connections are handed on as they are, and behind a pooler transactions share sessions with strangers'."""
    texts = {path: path.read_text() for room in ("service", "workers") for path in Path(room).rglob("*.py")}
    assert any("set_config" in text for text in texts.values())
    assert {str(path): match[0] for path, text in texts.items() if (match := LASTING.search(text))} == {}
