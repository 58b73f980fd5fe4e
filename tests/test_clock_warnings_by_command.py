"""Who checks or applies rules is told of clock times that a night has not, or has twice, where the locations are."""

import asyncio
import re
from datetime import UTC, datetime
from pathlib import Path

from service.store import locations
from service.store.database import Pool
from tests.house import register
from tests.nights import LONDON, NEW_YORK
from tests.sandboxes import LOCATION
from tests.test_cli import say
from workers.scrutiny.clock_changes import Change, changes

QUEENS = "abcDEF1234567890abcd"
RULE = """\
- name: {0}
  when: appointment.created
  if: {{starts: {{after: "02:30"}}}}
  then: [{{do: add_note, text: x}}]
"""


async def test_clock_times_are_judged_where_the_locations_are(pool: Pool, database_url: str, tmp_path: Path) -> None:
    async def warned(*words: object) -> list[str]:
        given = ("rules", "apply", tmp_path, *words)
        result = await asyncio.to_thread(say, *given, env={"DATABASE_URL": database_url})
        assert result.exit_code == 0, result.output
        found = re.finditer(r"^Warning: (\S+) starts after 02:30: the clocks change in (\S+) on ", result.stderr, re.M)
        return [f"{each[1]} {each[2]}" for each in found]

    (tmp_path / "shared.yaml").write_text(RULE.format("everywhere"))
    assert await warned() == ["shared.yaml:3:17: America/New_York"], "no location: some zones are asked"
    await register(pool)
    (tmp_path / "leeds.yaml").write_text(f"location: {LOCATION}\nrules:\n" + RULE.format("leeds"))
    assert await warned() == []
    await register(pool, QUEENS)
    async with pool.acquire() as connection:
        await locations.set_time_zone(connection, QUEENS, "America/New_York", chosen=True, read=None)
    (tmp_path / "queens.yaml").write_text(f"location: {QUEENS}\nrules:\n" + RULE.format("queens"))
    found = ["queens.yaml:5:17: America/New_York", "shared.yaml:3:17: America/New_York"]
    assert await warned() == found
    for name in ("leeds", "queens"):
        (tmp_path / f"{name}.yaml").unlink()
    assert await warned("--location", QUEENS) == found[1:]
    assert await warned("--location", LOCATION) == []


async def test_a_check_is_for_the_zones_of_the_locations_where_a_database_is_at_hand(
    pool: Pool, database_url: str, tmp_path: Path
) -> None:
    async def warned(*words: str, url: str = database_url) -> list[str]:
        result = await asyncio.to_thread(say, "rules", "check", tmp_path, *words, env={"DATABASE_URL": url})
        assert (result.exit_code, result.stderr) == (0, "")
        found = re.finditer(r"^warning: (\S+) starts after 02:30: the clocks change in (\S+) on ", result.stdout, re.M)
        return [f"{each[1]} {each[2]}" for each in found]

    (tmp_path / "shared.yaml").write_text(RULE.format("everywhere"))
    stand_for_all = ["shared.yaml:3:17: America/New_York"]
    assert await warned() == stand_for_all
    await register(pool)
    assert await warned() == []
    assert await warned("--time-zone", "America/New_York") == stand_for_all
    assert await warned(url="postgresql://somebody@127.0.0.1:1/x") == stand_for_all, "it does not answer"
    await register(pool, QUEENS)
    async with pool.acquire() as connection:
        await locations.set_time_zone(connection, QUEENS, "America/New_York", chosen=True, read=None)
    (tmp_path / "leeds.yaml").write_text(f"location: {LOCATION}\nrules:\n" + RULE.format("leeds"))
    assert await warned() == stand_for_all


async def test_who_applies_is_told_how_many_other_warnings_there_are(
    pool: Pool, database_url: str, tmp_path: Path
) -> None:
    async def told(*words: str) -> list[str]:
        """But what is told of the clocks."""
        result = await asyncio.to_thread(say, "rules", "apply", tmp_path, *words, env={"DATABASE_URL": database_url})
        assert result.exit_code == 0, result.output
        return [line for line in result.stderr.splitlines() if "the clocks change" not in line]

    rules, check = "rules:\n" + RULE.format("everywhere"), f"slotwright rules check {tmp_path}"
    (tmp_path / "rules.yaml").write_text(rules)
    assert await told() == []
    (tmp_path / "rules.yaml").write_text("areas: {north: [LS]}\n" + rules)
    assert await told() == [f"1 warning besides: {check}"]
    (tmp_path / "rules.yaml").write_text("areas: {north: [LS], south: [BN]}\n" + rules)
    assert await told() == [f"2 warnings besides: {check}"]
    assert await told("--from", "a-chart") == [], "nobody reads it there"


def test_a_check_is_for_the_zones_that_are_named_or_for_those_that_stand_for_all(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(RULE.format("one").replace("02:30", "01:30"))

    def warned(*words: str) -> str:
        result = say("rules", "check", tmp_path, *words)
        assert (result.exit_code, result.stderr) == (0, "")
        *warnings, _ = result.stdout.splitlines(keepends=True)
        return "".join(warnings)

    def told(change: Change) -> str:
        said = f"starts after 01:30: {change}, and 01:30 {change.how}; a time that every night has once is safer"
        line = '  if: {starts: {after: "01:30"}}'
        return f"warning: rules.yaml:3:17: {said}\n    3 | {line}\n      | {' ' * 16}^^^^^\n"

    now = datetime.now(UTC)
    assert warned("--time-zone", "Europe/London") == told(changes(LONDON, now)[0])
    back = next(change for change in changes(NEW_YORK, now) if not change.leaves_out)
    assert warned() == warned("--time-zone", "UTC", "--time-zone", "America/New_York") == told(back)
    assert warned("--time-zone", "Australia/Sydney", "--time-zone", "UTC") == ""
