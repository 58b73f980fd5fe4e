"""Faults on order: answers held back, refused or lost after the write was done."""

import asyncio
import re
from collections.abc import Iterable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from service.highlevel.operation import Operation


class Fault(BaseModel):
    """What befalls the next calls of one operation, named by method and path as declared (parameter names are free)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str
    path: str
    times: int = Field(default=1, ge=1)
    hold: float = Field(default=0, ge=0, allow_inf_nan=False)
    """Seconds between the write and the answer to it."""
    when: Literal["after"] = "after"
    status: int | None = Field(default=None, ge=400, le=599)
    """Answered instead of what the call came to."""
    retry_after: int | None = Field(default=None, ge=0)
    after_write: bool = False
    """Whether the call is carried out before `status` is answered."""

    @model_validator(mode="after")
    def does_something(self) -> "Fault":
        if self.status is None and not self.hold:
            raise ValueError("a fault holds the answer or answers a status")
        return self

    @property
    def before_write(self) -> bool:
        return self.status is not None and not self.after_write


class Faults:
    """Those still to come, oldest first, and the answers being held."""

    def __init__(self, operations: Iterable[type[Operation[Any]]]) -> None:
        self._known = {(operation.method, _nameless(operation.path)): operation for operation in operations}
        self._waiting: list[tuple[type[Operation[Any]], Fault]] = []
        self._release = asyncio.Event()

    def order(self, fault: Fault) -> None:
        """Raises KeyError when no operation is called that."""
        operation = self._known[fault.method.upper(), _nameless(fault.path)]
        self._waiting.extend([(operation, fault)] * fault.times)

    def take(self, operation: type[Operation[Any]]) -> Fault | None:
        """The oldest for this operation, used up."""
        for at, (wanted, fault) in enumerate(self._waiting):
            if wanted is operation:
                del self._waiting[at]
                return fault
        return None

    def clear(self) -> None:
        """Forget them all, and let the held answers go."""
        self._waiting.clear()
        self._release.set()
        self._release = asyncio.Event()

    async def hold(self, seconds: float) -> None:
        release = self._release
        try:
            async with asyncio.timeout(seconds):
                await release.wait()
        except TimeoutError:
            return


def _nameless(path: str) -> str:
    return re.sub(r"{\w+}", "{}", path).rstrip("/")
