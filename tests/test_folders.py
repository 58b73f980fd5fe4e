"""Folders of rules given at a start: what of them is put in force, what waits, and what is refused."""

import asyncio
from pathlib import Path

import click
import pytest

from service.store import folders, layings, overview, rulebooks
from service.store.database import Pool
from service.store.folders import Outcome
from service.store.rulebooks import Stays, Version
from tests.house import register
from tests.sandboxes import LOCATION
from tests.test_apply import rule
from tests.test_deliveries import rows
from workers.cli.rules.start import give, given_by
from workers.faults import RulebookFaults


async def take(pool: Pool, digest: str, folder: str = "chart", location: str | None = None) -> tuple[int, Outcome]:
    async with pool.acquire() as connection, connection.transaction():
        files = {"a.yaml": f"# {digest}"}
        return await folders.take(connection, location, folder, files, digest, "why", author="Helm", modes={})


async def apply(pool: Pool, digest: str, *, release: bool = False) -> tuple[int, bool]:
    async with pool.acquire() as connection, connection.transaction():
        return await rulebooks.apply(connection, None, {"a.yaml": f"# {digest}"}, digest, "", release=release)


async def roll_back(pool: Pool, version: int) -> int:
    async with pool.acquire() as connection, connection.transaction():
        wanted = await rulebooks.numbered(connection, None, version)
        assert wanted is not None
        return await rulebooks.roll_back(connection, None, wanted.rulebook_id, {"live": 1}, "too much", "ada")


async def in_force(pool: Pool) -> Version:
    async with pool.acquire() as connection:
        newest = await rulebooks.latest(connection, None)
        [book] = await rulebooks.in_force(connection)
        found = await rulebooks.in_force_for(connection, [LOCATION])
    assert newest is not None
    assert book.rulebook_id == found[LOCATION] == newest.rulebook_id
    return newest


async def test_a_folder_is_put_in_force_where_it_differs_from_what_was_last_taken_from_it(pool: Pool) -> None:
    assert await take(pool, "a") == (1, "new")
    assert await take(pool, "a") == (1, "in force")
    assert await apply(pool, "by hand") == (2, True)
    assert await take(pool, "a") == (2, "known"), "what somebody put in force stays over a restart"
    assert await take(pool, "a", "another") == (3, "new"), "of that nothing was ever taken"
    assert await take(pool, "b") == (4, "new")
    assert await take(pool, "a") == (5, "new")
    newest = await in_force(pool)
    assert (newest.author, newest.message, newest.folder, newest.stays) == ("Helm", "why", "chart", False)


async def test_what_was_in_force_already_counts_as_taken(pool: Pool) -> None:
    await apply(pool, "a")
    assert await take(pool, "a") == (1, "in force")
    await apply(pool, "b")
    assert await take(pool, "a") == (2, "known")


async def test_after_a_release_that_wrote_down_no_folder_what_differs_is_taken(pool: Pool) -> None:
    await take(pool, "a")
    await apply(pool, "b")
    await rows(pool, "UPDATE rulebooks SET folder = NULL, author = '' WHERE version = 2")
    assert await take(pool, "a") == (3, "new")


async def test_while_a_rollback_stays_what_a_folder_gives_waits_and_the_newest_of_it_comes_with_the_release(
    pool: Pool,
) -> None:
    await take(pool, "a")
    await take(pool, "b")
    assert await roll_back(pool, 1) == 3
    assert await take(pool, "b") == (3, "known"), "a restart gives nothing new"
    assert await take(pool, "c") == (3, "waits")
    assert await take(pool, "d") == (3, "waits")
    assert await take(pool, "d") == (3, "waits"), "also when it is given again"
    newest = await in_force(pool)
    assert (newest.version, newest.digest, newest.rollback_of, newest.stays) == (3, "a", 1, True)
    async with pool.acquire() as connection, connection.transaction():
        listed = [(each.version, each.digest) for each in await rulebooks.listed(connection, None, 10)]
        assert listed == [(3, "a"), (2, "b"), (1, "a"), (0, "d")]
        assert await rulebooks.staying(connection) == [newest]
        assert await rulebooks.release(connection, None) == 4
        assert await rulebooks.release(connection, None) is None
        assert await rulebooks.staying(connection) == []
    newest = await in_force(pool)
    assert (newest.version, newest.digest, newest.folder) == (4, "d", "chart")
    assert await take(pool, "d") == (4, "in force")


async def test_a_folder_that_gives_again_what_is_in_force_waits_no_more(pool: Pool) -> None:
    await take(pool, "a")
    await take(pool, "b")
    await roll_back(pool, 1)
    assert await take(pool, "c") == (3, "waits")
    assert await take(pool, "a") == (3, "in force")
    async with pool.acquire() as connection, connection.transaction():
        assert await rulebooks.release(connection, None) is None
    assert (await in_force(pool)).version == 3


async def test_somebody_applies_over_a_rollback_only_by_releasing_it(pool: Pool) -> None:
    await apply(pool, "a")
    await apply(pool, "b")
    await roll_back(pool, 1)
    await take(pool, "c")
    with pytest.raises(Stays) as stays:
        await apply(pool, "d")
    assert (stays.value.version.version, stays.value.version.author) == (3, "ada")
    assert await apply(pool, "a") == (3, False)
    assert (await in_force(pool)).stays, "the same files again release nothing"
    assert await apply(pool, "d", release=True) == (4, True)
    assert [row[0] for row in await rows(pool, "SELECT version FROM rulebooks ORDER BY version")] == [1, 2, 3, 4]
    assert await take(pool, "c") == (4, "known"), "it was given before somebody decided otherwise"
    await roll_back(pool, 1)
    await take(pool, "e")
    assert await apply(pool, "a", release=True) == (5, False)
    assert not (await in_force(pool)).stays
    assert await rows(pool, "SELECT FROM rulebooks WHERE version = 0") == [], "nor does it wait any more"


async def test_folders_taken_and_rolled_back_at_once_leave_a_rollback_in_force(pool: Pool) -> None:
    await take(pool, "a")
    await take(pool, "b")
    taken = [take(pool, digest, digest) for digest in "cdefg"]
    await asyncio.gather(*taken[:2], roll_back(pool, 1), *taken[2:])
    newest = await in_force(pool)
    assert (newest.digest, newest.stays) == ("a", True)
    numbers = [row[0] for row in await rows(pool, "SELECT version FROM rulebooks WHERE version > 0 ORDER BY version")]
    assert numbers == [*range(1, newest.version + 1)]


async def test_a_location_has_versions_of_its_own_until_it_is_put_back_under_the_shared_ones(pool: Pool) -> None:
    await register(pool)
    await take(pool, "a")
    assert await take(pool, "own", location=LOCATION) == (1, "new")
    assert await take(pool, "b") == (2, "new")

    async def digest() -> str:
        async with pool.acquire() as connection:
            found = await rulebooks.in_force_for(connection, [LOCATION])
            stored = await rulebooks.find(connection, found[LOCATION])
            books = {book.location_id for book in await rulebooks.in_force(connection)}
            [laying] = await layings.wanted(connection, 10)
            [shown] = await connection.fetch(overview.LOCATIONS, 10)
        assert stored is not None
        assert (laying.rulebook_id, shown["version"]) == (stored.rulebook_id, stored.version)
        assert shown["own"] == (stored.location_id is not None)
        assert books == ({None} if stored.location_id is None else {None, LOCATION})
        return stored.digest

    assert await digest() == "own"
    async with pool.acquire() as connection, connection.transaction():
        assert await rulebooks.share(connection, LOCATION, "no more", "ada") == 2
        assert await rulebooks.share(connection, LOCATION, "no more", "ada") is None
    assert await digest() == "b"
    [(kept,)] = await rows(pool, "SELECT digest FROM rulebooks WHERE location_id IS NOT NULL AND version = 2")
    assert kept == "b", "a release before goes by that"
    await take(pool, "c")
    assert await digest() == "c", "it follows the shared ones"
    assert await take(pool, "d", location=LOCATION) == (3, "new")
    assert await digest() == "d"


def written(folder: Path, text: str) -> Path:
    (folder / "rules.yaml").write_text(text)
    return folder


GOOD = f"rules: [{rule('note', 'appointment.created', 'do: add_note, text: seen')[4:].strip()}]"


async def test_a_broken_folder_at_a_start_leaves_what_is_in_force_and_is_said(
    pool: Pool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = written(tmp_path, "rules: [{nmae: x}]")
    with pytest.raises(RulebookFaults):
        given_by(broken, asked=True, first=True)
    with pytest.raises(RulebookFaults):
        await give(pool, given_by(broken, asked=True, first=False), "slotwright up")
    await give(pool, given_by(written(tmp_path, GOOD), asked=True, first=True), "slotwright up")
    await give(pool, given_by(written(tmp_path, "rules: [{nmae: x}]"), asked=True, first=False), "slotwright up")
    told = capsys.readouterr().err.splitlines()
    assert told[0].startswith("rules.yaml:1:")
    assert told[-1] == "Nothing was changed: version 1 stays in force."
    (tmp_path / "rules.yaml").unlink()
    await give(pool, given_by(tmp_path, asked=True, first=False), "slotwright up")
    assert capsys.readouterr().err.startswith(f"there is no rule file (*.yaml) in {tmp_path} or below\n")
    assert (await in_force(pool)).version == 1
    async with pool.acquire() as connection:
        [refused] = await folders.refused(connection)
    assert refused.refused.startswith("there is no rule file")
    await give(pool, given_by(written(tmp_path, GOOD), asked=True, first=False), "slotwright up")
    async with pool.acquire() as connection:
        assert await folders.refused(connection) == []
    assert capsys.readouterr().err == ""
    with pytest.raises(click.ClickException):
        given_by(tmp_path / "nowhere", asked=True, first=True)


async def test_the_examples_are_for_a_start_with_nothing_in_force(
    pool: Pool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await give(pool, given_by(written(tmp_path, GOOD), asked=False, first=True), "slotwright up")
    await apply(pool, "by hand")
    other = written(tmp_path, GOOD.replace("seen", "read"))
    await give(pool, given_by(other, asked=False, first=False), "slotwright up")
    assert (await in_force(pool)).version == 2
    await give(pool, given_by(written(tmp_path, GOOD), asked=True, first=False), "slotwright up")
    assert capsys.readouterr().err == (
        "Nothing has changed since these were taken from slotwright up: version 2, which was put in force after that, "
        "stays in force.\n"
    )
    assert (await in_force(pool)).version == 2
