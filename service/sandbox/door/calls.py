"""The calls the sandbox has received, for counting what was written."""

from collections import deque
from datetime import datetime
from typing import Any

from service.sandbox.world.moments import stamp_text

KEPT = 10_000


class Calls:
    """The last ten thousand, newest last."""

    def __init__(self) -> None:
        self._calls: deque[dict[str, Any]] = deque(maxlen=KEPT)

    def add(
        self, *, method: str, path: str, status: int | None, at: datetime, operation: str | None, carried_out: bool
    ) -> None:
        """`operation` is the class's name, None for a path that nobody knows; `status` is None when nothing was
        answered; `carried_out` says whether the call did what it asked for, whatever was answered."""
        self._calls.append(
            {
                "method": method,
                "path": path,
                "status": status,
                "at": stamp_text(at),
                "operation": operation,
                "carried_out": carried_out,
            }
        )

    def clear(self) -> None:
        self._calls.clear()

    def listed(self) -> list[dict[str, Any]]:
        return list(self._calls)
