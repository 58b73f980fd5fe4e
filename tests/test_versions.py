"""`slotwright rules`: versions of rules, what is different in them, and back to an earlier one."""

import asyncio
from pathlib import Path

import pytest

from service.store.database import Pool
from tests.house import SECRET, register
from tests.sandboxes import LOCATION
from tests.test_apply import rule
from tests.test_cli import say
from tests.test_deliveries import rows


class Desk:
    """Whoever types commands, and the folder of their rules."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder

    def write(self, *rules: str) -> Path:
        (self.folder / "salon.yaml").write_text("rules:" + "".join(rules))
        return self.folder

    async def say(self, *words: object) -> str:
        result = await asyncio.to_thread(say, "rules", *words, env={"DATABASE_URL": self.url, "COLUMNS": "200"})
        assert (result.exit_code, result.stderr) == (0, ""), result.output
        return result.stdout

    async def complaint(self, *words: object) -> str:
        result = await asyncio.to_thread(say, "rules", *words, env={"DATABASE_URL": self.url})
        assert (result.exit_code, result.stdout) == (1, ""), result.output
        return result.stderr.removeprefix("Error: ").rstrip("\n")


@pytest.fixture
async def desk(pool: Pool, database_url: str, tmp_path: Path) -> Desk:
    await register(pool)
    return Desk(database_url, tmp_path)


NOTE = rule("note", "appointment.created", "do: add_note, text: one")
SHY = rule("shy", "appointment.created", "do: add_note, text: two", mode="shadow")


async def test_versions_say_by_whom_when_why_and_which_is_in_force(desk: Desk, pool: Pool) -> None:
    assert await desk.say("versions") == "No rules were ever applied.\n"
    told = await desk.say("apply", desk.write(NOTE), "-m", "a beginning", "--author", "ada")
    assert told == "Version 1 is in force.\n1 rule: 1 live.\n"
    await desk.say("apply", desk.write(NOTE, SHY), "-m", "one more", "--from", "booking-rules", "--author", "Helm")
    await rows(pool, "UPDATE rulebooks SET applied_at = '2027-07-05T10:00Z', digest = 'abcdef0123456789' || version")
    assert [" ".join(line.split()) for line in (await desk.say("versions")).splitlines()][2:] == [
        "2 in force 2027-07-05 10:00 UTC Helm 1 live, 1 shadow abcdef012345 from booking-rules: one more",
        "1 2027-07-05 10:00 UTC ada 1 live abcdef012345 a beginning",
    ]
    assert "2 in force" in await desk.say("versions", "--limit", 1)


async def test_a_rollback_stays_until_it_is_released_by_name(desk: Desk, pool: Pool) -> None:
    chart = ("--from", "booking-rules", "--author", "Helm")
    await desk.say("apply", desk.write(NOTE), *chart)
    await desk.say("apply", desk.write(NOTE.replace("one", "wrong")), *chart)
    assert await desk.say("rollback", 1, "-m", "wrong words", "--author", "ada") == (
        "Version 3 is in force, with the files of version 1.\n1 rule: 1 live.\n"
        "It stays, whatever is applied or a restart brings, until slotwright rules release rollback\n"
    )
    stays = "version 3 stays in force, a rollback to version 1 (by ada: wrong words)"
    ends = "slotwright rules release rollback ends that"
    told = await desk.say("apply", desk.write(NOTE, SHY), *chart)
    assert told == (
        "These wait, and are not in force: slotwright rules diff waiting shows what is new.\n"
        f"Not changed: {stays}; {ends}.\n"
    )
    assert await desk.complaint("apply", desk.folder) == (
        f"{stays}. To end that and apply these, add --release rollback; to end that alone, slotwright rules release "
        "rollback"
    )
    assert await desk.say("diff", "waiting") == (
        "version 3, which is in force → what waits\n+ rule shy (salon.yaml:4)\n"
    )
    listed = await desk.say("versions")
    assert [line.split()[0] for line in listed.splitlines()[2:-1]] == ["3", "2", "1", "–"]
    assert "rollback of 1: wrong words" in listed
    assert listed.endswith(f"\nVersion 3 stays, a rollback to version 1 (by ada: wrong words): {ends}.\n")
    assert await desk.say("override") == f"{stays}; {ends}.\n"
    assert await desk.say("release", "rollback", "--by", "ben") == (
        "Released: version 3, a rollback to version 1 (by ada: wrong words). Version 4, which waited for that, is in "
        "force now.\n"
    )
    assert await desk.say("apply", desk.folder, *chart) == (
        "Nothing has changed: version 4 stays in force.\n2 rules: 1 live, 1 shadow.\n"
    )
    assert await desk.complaint("release", "rollback") == (
        "no rollback stays: slotwright rules override shows what stays"
    )
    noted = await rows(pool, "SELECT what, who FROM interventions ORDER BY intervened_at")
    assert noted == [("rules rollback 1", "ada"), ("rules release rollback", "ben")]


async def test_somebody_who_has_mended_the_rules_releases_the_rollback_with_them(desk: Desk) -> None:
    for text in ("one", "wrong"):
        await desk.say("apply", desk.write(NOTE.replace("one", text)))
    await desk.say("rollback", 1)
    told = await desk.say("apply", desk.write(NOTE, SHY), "--release", "rollback")
    assert told == (
        "Version 4 is in force.\n2 rules: 1 live, 1 shadow.\nRules: 1 added. slotwright rules diff 3 4 shows what.\n"
    )
    await desk.say("rollback", 1)
    assert await desk.say("release", "rollback") == (
        f"Released: version 5, {(await told_of(desk, 5))}. It is in force until other rules are applied.\n"
    )
    assert (await desk.say("apply", desk.write(SHY))).startswith("Version 6 is in force.\n")


async def told_of(desk: Desk, version: int) -> str:
    """Whose rollback to the first version it was."""
    line = next(line for line in (await desk.say("versions")).splitlines() if line.startswith(f"{version} "))
    return f"a rollback to version 1 (by {line.split('UTC')[1].split()[0]})"


async def test_what_would_change_nothing_or_cannot_be_put_in_force_is_not_rolled_back_to(
    desk: Desk, pool: Pool
) -> None:
    assert await desk.complaint("rollback", 1) == (
        "there is no version 1 of the shared rules: slotwright rules versions lists them"
    )
    for text in ("one", "two", "one"):
        await desk.say("apply", desk.write(NOTE.replace("one", text)))
    assert await desk.complaint("rollback", 3) == "version 3 is in force already"
    assert await desk.complaint("rollback", 1) == "version 3, which is in force, has the very files of 1"
    await rows(pool, 'UPDATE rulebooks SET files = \'{"a.yaml": "rules: [{nmae: x}]"}\' WHERE version = 2')
    refused = await desk.complaint("rollback", 2)
    assert refused.startswith("version 2 cannot be put in force, this release finds faults in it:\na.yaml:1:")
    await rows(pool, "UPDATE rulebooks SET stays = true, rollback_of = 1 WHERE version = 3")
    await rows(pool, "UPDATE rulebooks SET version = 0 WHERE version = 2")
    refused = await desk.complaint("release", "rollback")
    assert refused.startswith("what waits cannot be put in force, this release finds faults in it:\na.yaml:1:")
    assert await rows(pool, "SELECT version, stays FROM rulebooks ORDER BY 1") == [(0, False), (1, False), (3, True)]


async def test_versions_and_folders_are_compared(desk: Desk) -> None:
    for rules in ((NOTE,), (NOTE, SHY), (SHY,)):
        await desk.say("apply", desk.write(*rules))
    assert await desk.say("diff", 1, 2) == "version 1 → version 2\n+ rule shy (salon.yaml:4)\n"
    now = "version 3, which is in force"
    assert await desk.say("diff", 2) == f"version 2 → {now}\n- rule note (salon.yaml:2)\n"
    folder = desk.write(SHY, NOTE)
    assert await desk.say("diff", folder) == f"{now} → {folder}\n+ rule note (salon.yaml:4)\n"
    assert await desk.say("diff", 3, desk.write(SHY)) == f"version 3 → {folder}\nNo difference.\n"
    told = await desk.say("diff", 3, desk.write("\n  # shy", SHY))
    assert told.endswith("\nOnly comments, layout or files' names differ.\n")
    for words, why in (
        (("4",), "there is no version 4 of the shared rules: slotwright rules versions lists them"),
        (("0",), "there is no version 0 of the shared rules: slotwright rules versions lists them"),
        (("9" * 30,), f"there is no version {2**31 - 1} of the shared rules: slotwright rules versions lists them"),
        (("waiting",), "nothing of the shared rules waits"),
        (("nowhere",), "nowhere is neither the number of a version nor a folder, nor waiting"),
    ):
        assert await desk.complaint("diff", *words) == why


async def test_a_location_may_have_rules_of_its_own_and_go_back_to_the_shared_ones(desk: Desk) -> None:
    salon = ("--location", "leeds salon")
    await desk.say("apply", desk.write(NOTE))
    assert await desk.say("versions", *salon) == (
        "Leeds Salon has no rules of its own.\nThe shared rules are in force there.\n"
    )
    assert (
        await desk.say("apply", desk.write(SHY), *salon)
        == "Version 1 for Leeds Salon is in force.\n1 rule: 1 shadow.\n"
    )
    assert (await desk.say("versions")).endswith("With rules of their own, which --location lists: Leeds Salon.\n")
    await desk.say("apply", desk.write(SHY, NOTE), *salon)
    told = await desk.say("rollback", 1, *salon, "--author", "ada")
    assert told.startswith("Version 3 is in force for Leeds Salon, with the files of version 1.\n")
    assert await desk.complaint("share", LOCATION) == (
        "version 3 stays in force for Leeds Salon, a rollback to version 1 (by ada): "
        f"slotwright rules release rollback --location {LOCATION} ends that"
    )
    assert "Not changed: version 3 stays in force for Leeds Salon" in await desk.say("apply", desk.write(SHY, NOTE))
    await desk.say("release", "rollback", *salon)
    assert await desk.say("share", "leeds salon", "-m", "one for all") == (
        "The shared rules are in force for Leeds Salon.\n"
    )
    listed = await desk.say("versions", *salon)
    assert "back to the shared rules: one for all" in listed
    assert listed.endswith("\nThe shared rules are in force there.\n")
    assert await desk.complaint("share", LOCATION) == "Leeds Salon goes by the shared rules already"
    (desk.folder / "salon.yaml").write_text(f"location: Bath Salon\nrules:{NOTE}")
    assert await desk.complaint("apply", desk.folder, *salon) == (
        "salon.yaml:3:5: note is a rule of Bath Salon, and would never act for Leeds Salon"
    )


async def test_a_broken_folder_that_is_applied_by_itself_says_what_stays_in_force(desk: Desk) -> None:
    chart = ("--from", "booking-rules")
    folder = desk.write("\n  - {nmae: x}\n")
    assert "stays in force" not in await desk.complaint("apply", folder, *chart), "nothing is"
    await desk.say("apply", desk.write(NOTE), *chart)
    desk.write("\n  - {nmae: x}\n")
    for by in (chart, ()):
        first, *_, last = (await desk.complaint("apply", folder, *by)).splitlines()
        assert first.startswith("salon.yaml:2:")
        assert last.endswith(" faults. Nothing was changed: version 1 stays in force.")
    await desk.say("apply", desk.write(NOTE), *chart)


@pytest.mark.parametrize("by", [(), ("--from", "booking-rules")])
async def test_files_without_a_rule_switch_nothing_off(desk: Desk, by: tuple[str, ...]) -> None:
    await desk.say("apply", desk.write(NOTE), *by)
    for text in ("", "people: {}\n", "rules: []\n"):
        (desk.folder / "salon.yaml").write_text(text)
        told = await desk.complaint("apply", desk.folder, *by)
        assert told.startswith(f"there is no rule in {desk.folder}, in 1 rule file: "), text
        assert told.endswith("slotwright rules override RULE off. Nothing was changed: version 1 stays in force.")
    assert "1 in force" in " ".join((await desk.say("versions")).split())


async def test_who_applies_rules_is_told_how_much_they_change(desk: Desk) -> None:
    assert "diff" not in await desk.say("apply", desk.write(NOTE)), "there was nothing before"
    told = await desk.say("apply", desk.write(NOTE.replace("one", "two"), SHY))
    assert told.endswith("\nRules: 1 added, 1 changed. slotwright rules diff 1 2 shows what.\n")
    told = await desk.say("apply", desk.write(SHY), "--from", "booking-rules")
    assert told.endswith(
        "\nRules: 1 removed. slotwright rules diff 2 3 shows what.\nA rule that is not in these files is in force no "
        "more; slotwright rules rollback 2 -m WHY brings it back.\n"
    )
    assert "diff" not in await desk.say("apply", desk.folder)
    salon = ("--location", LOCATION)
    assert "diff" not in await desk.say("apply", desk.folder, *salon)
    told = await desk.say("apply", desk.write("  # shy", SHY), *salon)
    assert told.splitlines()[2] == (
        f"No rule is another than before. slotwright rules diff 1 2 --location {LOCATION} shows what."
    )


async def test_a_location_that_nobody_registered_is_told_by_apply_and_check(desk: Desk) -> None:
    (desk.folder / "salon.yaml").write_text(f"location: Leeds Saloon\nrules:{SHY}")
    told = "no location Leeds Saloon is registered, so its rules wait for it; did you mean 'Leeds Salon'?"
    for command, warning in (("apply", f"Warning: {told}\n"), ("check", f"warning: salon.yaml:1:11: {told}\n")):
        result = await asyncio.to_thread(say, "rules", command, desk.folder, env={"DATABASE_URL": desk.url})
        assert (result.exit_code, warning in result.output) == (0, True), result.output
    online = ("check", "--online", desk.folder)
    secret = SECRET.get_secret_value()
    result = await asyncio.to_thread(say, "rules", *online, env={"DATABASE_URL": desk.url, "SECRET_KEY": secret})
    assert told in result.stderr
