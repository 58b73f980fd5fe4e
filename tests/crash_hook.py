"""A hook that strikes a worker at a chosen await, by death or by an error.

Only tests have it. Of the engine it knows one name, LANE; the rest is `slotwright work` as it stands.
"""

import asyncio
import functools
import importlib
import os
import signal
import time
import types
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, ContextVar
from typing import Any, ClassVar, TypeVar, cast

T = TypeVar("T")

LANE = "workers.jobs.Drainer._take"
"""The coroutine function that claims lanes; in it, or in tasks that it starts, they are worked on and closed."""


class Unthought(Exception):
    """An error that nobody thought of."""


class Awaits:
    """Counts how often the work on lanes gave way to the loop, and strikes at one of these times: kills the process, or
    has an error raised there, once.

    Every await between claim and close that can be told from outside is one: what stands between two of them is done
    in one go. Counted are those of the lane's own coroutine and of each task that was started for it (such as the one
    that renews its lease), for each can be cut off. `before`: when the request is out and its answer is not here;
    `after`: when the answer is here and nothing was done with it;
    `raised`: the error then comes in its place.
    """

    most: ClassVar[int] = 0
    """Of the longest take of lanes in this process."""

    raised: ClassVar[bool] = False

    def __init__(self, strike_at: int, side: str, told: str) -> None:
        self._strike_at = strike_at
        self._side = side
        self._told = told
        self.number = 0

    def suspended(self) -> int:
        self.number += 1
        if not self._strike_at and self.number > Awaits.most:
            Awaits.most = self.number
            tell(self._told, str(self.number))
        self._passed("before", self.number)
        return self.number

    def resumed(self, number: int) -> None:
        self._passed("after", number)

    def surprise(self, number: int) -> Unthought | None:
        """What is raised in place of the answer to this await."""
        if self._side != "raised" or number != self._strike_at or Awaits.raised:
            return None
        Awaits.raised = True
        tell(self._told, str(time.time()))
        return Unthought(f"at await {number}")

    def _passed(self, side: str, number: int) -> None:
        if side == self._side and number == self._strike_at:
            tell(self._told, str(time.time()))
            os.kill(os.getpid(), signal.SIGKILL)


_awaits: ContextVar[Awaits | None] = ContextVar("awaits", default=None)


@types.coroutine
def counted(inner: Coroutine[Any, Any, T], awaits: Awaits) -> Generator[Any, Any, T]:
    """`inner`, each of whose suspensions is counted."""
    go_on: Callable[[Any], Any] = inner.send
    value: Any = None
    while True:
        try:
            awaited = go_on(value)
        except StopIteration as stop:
            result: T = stop.value
            return result
        number = awaits.suspended()
        try:
            value = yield awaited
        except BaseException as error:
            go_on, value = inner.throw, error
        else:
            go_on = inner.send
            if surprise := awaits.surprise(number):
                go_on, value = inner.throw, surprise
        awaits.resumed(number)


async def _as_coroutine(inner: Coroutine[Any, Any, T], awaits: Awaits) -> T:
    return await counted(inner, awaits)


def count_tasks(
    loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, T], context: Context | None = None
) -> "asyncio.Task[T]":
    """A task factory: whatever the work on a lane starts is counted with it."""
    awaits = _awaits.get()
    inner = coroutine if awaits is None else _as_coroutine(coroutine, awaits)
    return asyncio.Task(inner, loop=loop, context=context)


def watch(strike_at: int, side: str, told: str) -> None:
    """Strike this process at the await of that number; at 0 never, and `told` is how many there were."""
    path, _, name = LANE.rpartition(".")
    module, _, class_name = path.rpartition(".")
    owner = getattr(importlib.import_module(module), class_name)
    original = getattr(owner, name)

    @functools.wraps(original)
    async def watched(*values: Any, **named: Any) -> Any:
        asyncio.get_running_loop().set_task_factory(cast(Any, count_tasks))
        awaits = Awaits(strike_at, side, told)
        _awaits.set(awaits)
        try:
            return await counted(original(*values, **named), awaits)
        finally:
            _awaits.set(None)

    setattr(owner, name, watched)


def tell(path: str, text: str) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.write(file, text.encode())
    os.close(file)
