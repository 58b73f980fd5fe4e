"""A finding: one thing looked at, what was found, what to do about it. And how long a look may take."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal
from urllib.parse import parse_qs, urlsplit

import aiohttp
import asyncpg

from service.store.database import AWAY

State = Literal["ok", "warning", "failed", "skipped"]
PATIENCE = 5.0
"""Seconds that one look may take."""

LISTED = 5
"""Ids named in a line; of the rest their number is."""


@dataclass(frozen=True)
class Finding:
    """`advice` is what to do; empty where there is nothing to do."""

    name: str
    state: State
    found: str
    advice: str = ""


def ok(name: str, found: str, advice: str = "") -> Finding:
    return Finding(name, "ok", found, advice)


def warning(name: str, found: str, advice: str) -> Finding:
    return Finding(name, "warning", found, advice)


def failed(name: str, found: str, advice: str) -> Finding:
    return Finding(name, "failed", found, advice)


def skipped(name: str, why: str, advice: str = "") -> Finding:
    return Finding(name, "skipped", why, advice)


class Looks:
    """Runs looks until the whole time given is over; what goes wrong in one is a finding, never an error."""

    def __init__(self, within: float) -> None:
        """`within` counts from now, in seconds."""
        self._until = asyncio.get_running_loop().time() + within

    async def look(self, name: str, check: Callable[[], Awaitable[Sequence[Finding]]]) -> Sequence[Finding]:
        left = self._until - asyncio.get_running_loop().time()
        if left <= 0:
            return [failed(name, "not looked at: the time was over", "give more of it with --within")]
        patience = min(PATIENCE, left)
        try:
            async with asyncio.timeout(patience):
                return await check()
        except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError):
            return [skipped(name, "not looked at: the schema is not that of this version")]
        except TimeoutError:
            return [
                failed(
                    name, f"no answer within {round(patience, 1):g} s", "look whether it is overloaded, or out of reach"
                )
            ]
        except aiohttp.ClientError as error:  # before AWAY: some of them are OSErrors
            return [failed(name, f"no answer ({type(error).__name__})", "look whether it is up and within reach")]
        except AWAY as error:
            return [failed(name, f"the database went away ({type(error).__name__})", "look into its log")]
        except Exception as error:  # its words may quote anything
            return [failed(name, f"could not be looked at ({type(error).__name__})", "tell those who build Slotwright")]


def address(url: str) -> str:
    """Host and path of a URL: never a user, a password, or what may hold one."""
    parts = urlsplit(url)
    if "@" in parts.path + parts.query + parts.fragment:
        return "an address that is not shown: it may hold a password"
    host = parts.netloc.rpartition("@")[2] or ", ".join(parse_qs(parts.query).get("host", []))
    return f"{host}{parts.path}"


def listed(names: Sequence[str]) -> str:
    """The first few, and how many more there are."""
    more = len(names) - LISTED
    return ", ".join(names[:LISTED]) + (f" and {more} more" if more > 0 else "")


def counted(number: int, one: str, many: str = "") -> str:
    """`many`: the plural, where it is not made with an s."""
    return f"{number} {one}" if number == 1 else f"{number} {many or f'{one}s'}"


def ago(time: timedelta) -> str:
    """How long ago, in the unit that a person would choose."""
    seconds = max(0, int(time.total_seconds()))
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}s"
    return counted(seconds, "second")
