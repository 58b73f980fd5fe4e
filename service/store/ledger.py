"""The ledger: what several lanes write down at once, each of them whole or not at all, in one transaction.

A statement that takes arrays costs for fifty lanes little more than for one, and so does the commit.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

from service.store import lanes
from service.store.database import Connection
from service.store.lanes import Lane


@dataclass(frozen=True)
class Sheet:
    """A statement that writes any number of rows; it takes an array for each column. Sheets are written in the order
    of their `place`."""

    place: int
    statement: str


@dataclass(frozen=True)
class Entry:
    """A row of a sheet. Of several with one `key` in one page the last is written."""

    sheet: Sheet
    key: Hashable
    row: tuple[Any, ...]


RELEASED = Sheet(90, lanes.RELEASE)


def released(lane: Lane, after: timedelta) -> Entry:
    """Given back: ready `after` a while if anything in it is open, else at rest."""
    return Entry(RELEASED, lane.lane_id, (lane.lane_id, lane.fence, after))


Entries: TypeAlias = Mapping[tuple[Sheet, Hashable], Entry]


@dataclass(frozen=True)
class Page:
    """What one lane has to write."""

    lane: Lane
    entries: Entries


async def write(connection: Connection, pages: Sequence[Page], *, wait: bool = True) -> list[bool]:
    """Write the pages of all lanes that are still held: for each page whether it was. The caller owns the transaction.

    They stay held to its end. `wait`: for lanes of which somebody has the row just now, which are else passed over.
    """
    held = await lanes.hold(connection, [page.lane for page in pages], wait=wait)
    theirs = [page.lane in held for page in pages]
    sheets: dict[Sheet, dict[Hashable, tuple[Any, ...]]] = {}
    for page, ours in zip(pages, theirs, strict=True):
        for entry in page.entries.values() if ours else ():
            sheets.setdefault(entry.sheet, {})[entry.key] = entry.row
    for sheet in sorted(sheets, key=lambda sheet: sheet.place):
        await connection.execute(sheet.statement, *map(list, zip(*sheets[sheet].values(), strict=True)))
    return theirs


async def write_down(connection: Connection, entries: Sequence[Entry]) -> None:
    """Write entries of one sheet in the caller's transaction."""
    await connection.execute(
        entries[0].sheet.statement, *map(list, zip(*(entry.row for entry in entries), strict=True))
    )
