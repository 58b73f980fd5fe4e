"""Where webhooks go, and how they are received there."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlsplit

import structlog

log = structlog.get_logger()

Channel = Literal["app", "workflow"]
"""What goes to the app is signed, what a workflow posts is not."""
CHANNELS: Final[tuple[Channel, ...]] = ("app", "workflow")
OPTIONS: Final[Mapping[Channel, str]] = {"app": "--webhook-url", "workflow": "--workflow-url"}
"""Where the addresses come from."""


@dataclass(frozen=True)
class Address:
    url: str
    headers: Callable[[bytes], Mapping[str, str]]
    """What goes with a body."""


class Reception:
    """How an address takes what is posted to it; the log is told when that changes. Times are the loop's."""

    def __init__(self, channel: Channel, address: Address) -> None:
        self._channel = channel
        self.url = address.url
        self.shown = _without_secrets(address.url)
        """For people and for logs."""
        self.last_error: str | None = None
        """A status, or why there was no answer."""
        self.failed_at: float | None = None
        self._down = False
        self._due: dict[int, float] = {}
        """When each that was refused is tried again, by its number."""

    @property
    def next_try(self) -> float | None:
        return min(self._due.values(), default=None)

    def refused(self, number: int, reason: str, now: float, delay: float | None) -> None:
        """`delay`: seconds until it is tried again; None if it is not."""
        self.last_error, self.failed_at = reason, now
        if delay is None:
            self._due.pop(number, None)
            return
        self._due[number] = now + delay
        if not self._down:
            self._down = True
            self._tell(log.warning, "webhooks are not taken", reason=reason, next_try_in=f"{delay:.1f} s")

    def taken(self, number: int) -> None:
        self._due.pop(number, None)
        if self._down:
            self._down = False
            self._tell(log.info, "webhooks are taken again")

    def gave_up(self, number: int, about: str, *, tries: int) -> None:
        self._due.pop(number, None)
        self._tell(log.error, "a webhook is given up", about=about, reason=self.last_error, tries=tries)

    def _tell(self, say: Callable[..., object], event: str, **more: object) -> None:
        say(event, channel=self._channel, address=self.shown, **more)


def no_answer(error: Exception) -> str:
    """Why nobody answered, without what was sent or where to."""
    number = error.errno if isinstance(error, OSError) else None
    words = os.strerror(number) if number is not None and number > 0 else type(error).__name__
    return f"no answer ({words})"


def _without_secrets(url: str) -> str:
    """Keys stand in queries, passwords before the host."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}" + ("?…" if parts.query else "")
