"""The clock that commands pass on: nothing below them looks at one."""

from datetime import UTC, datetime


def clock() -> datetime:
    return datetime.now(UTC)
