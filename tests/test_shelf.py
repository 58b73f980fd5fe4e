"""The shelf: rulebooks are taken up once, beside what else a worker does, and not all of them are kept."""

import asyncio
import threading
from collections.abc import Mapping
from uuid import UUID

import pytest

from service.store import rulebooks
from tests.house import House
from tests.rule_files import rule
from workers import rulebook, shelf
from workers.faults import RulebookFaults
from workers.rulebook import Rulebook
from workers.shelf import Shelf


async def applied(house: House, text: str) -> UUID:
    async with house.pool.acquire() as connection, connection.transaction():
        await rulebooks.apply(connection, None, {"rules.yaml": text}, text, "a test")
        return (await rulebooks.in_force_for(connection, ["north"]))["north"]


async def test_a_rulebook_is_read_once_however_many_ask_and_not_where_lanes_are_worked_on(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[int] = []
    take_up = rulebook.taken_up

    def seen(files: Mapping[str, str]) -> Rulebook:
        reads.append(threading.get_ident())
        return take_up(files)

    monkeypatch.setattr(rulebook, "taken_up", seen)
    books, id_ = Shelf(house.pool), await applied(house, rule())
    impatient = asyncio.create_task(books.rulebook(id_))
    await asyncio.sleep(0)
    impatient.cancel()
    one, other = await asyncio.gather(books.rulebook(id_), books.rulebook(id_))
    assert one is other is await books.rulebook(id_)
    assert len(reads) == 1
    assert threading.get_ident() not in reads


async def test_what_was_found_unreadable_is_not_read_again(house: House) -> None:
    books, id_ = Shelf(house.pool), await applied(house, "rules: [{}]")
    for _ in range(2):
        with pytest.raises(RulebookFaults, match="a rule must say name"):
            await books.rulebook(id_)
        async with house.pool.acquire() as connection:
            await connection.execute("DELETE FROM rulebooks")


async def test_what_was_asked_for_least_lately_goes_first(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    books, ids = Shelf(house.pool), [await applied(house, rule(name)) for name in ("one", "two", "three")]
    monkeypatch.setattr(shelf, "ROOM", 2 * shelf.LEAST)
    one, two = [await books.rulebook(id_) for id_ in ids[:2]]
    assert await books.rulebook(ids[0]) is one
    await books.rulebook(ids[2])
    assert await books.rulebook(ids[0]) is one
    assert await books.rulebook(ids[1]) is not two


async def test_what_is_larger_than_all_room_is_kept_alone(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    books, ids = Shelf(house.pool), [await applied(house, rule(name)) for name in ("one", "two")]
    monkeypatch.setattr(shelf, "ROOM", 1)
    for id_ in ids:
        assert await books.rulebook(id_) is await books.rulebook(id_)
