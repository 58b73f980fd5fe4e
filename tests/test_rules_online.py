"""`slotwright rules check --online`: ids of rule files held against what the accounts have."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from service.store.database import Pool
from tests.connecting import Office, by_hand
from tests.house import register
from tests.rule_files import CUTS, DANA, KIM, rule
from tests.sandboxes import ALEX, LOCATION
from tests.sandboxes import CUTS as CUTS_THERE
from tests.test_cli import say
from workers.scrutiny.accounts import Account, strangers
from workers.scrutiny.scrutiny import looked_through

NOW = datetime(2027, 1, 1, tzinfo=UTC)
LEEDS = Account(
    "leedsId0000000000000",
    "leeds",
    {"people": {DANA: "Dana Hill"}, "calendars": {CUTS: "Cuts"}, "fields": {"f1": "Preferred language"}},
)
BATH = Account("bathId00000000000000", "bath", {"people": {KIM: "Kim Moss"}, "calendars": {}, "fields": {}})
OTHER = "xxxxPde0IgxLd6GncfBA"


def strange(files: dict[str, str], *accounts: Account) -> list[str]:
    scrutiny = looked_through(files, NOW)
    assert scrutiny.faults == ()
    return [str(fault) for fault in strangers(scrutiny.draft, accounts)]


def test_an_id_that_the_account_does_not_have_is_told_where_it_is_declared() -> None:
    names = (
        f"people:\n  dana: {OTHER}\n  kim: {{id: {DANA}}}\ncalendars: {{cuts: {OTHER}}}\nfields: {{tongue: Language}}\n"
    )
    assert strange({"a.yaml": names + "rules:\n" + rule()}, LEEDS) == [
        f"a.yaml:2:9: there is no person '{OTHER}' in the account of leeds; did you mean '{DANA} (Dana Hill)'?",
        f"a.yaml:4:19: there is no calendar '{OTHER}' in the account of leeds; did you mean '{CUTS} (Cuts)'?",
        "a.yaml:5:18: there is no custom field 'Language' in the account of leeds; "
        "did you mean 'f1 (Preferred language)'?",
    ]


def test_what_the_account_has_is_not_told_nor_what_its_token_may_not_read() -> None:
    names = f"people: {{dana: {DANA}}}\ncalendars: {{cuts: {CUTS}}}\nfields: {{a: f1, b: ' preferred LANGUAGE'}}\n"
    assert strange({"a.yaml": names + "rules:\n" + rule()}, LEEDS) == []
    nobody = Account("id", "leeds", {})
    assert strange({"a.yaml": names + "rules:\n" + rule()}, nobody) == []


def test_names_are_of_the_locations_whose_rules_may_use_them() -> None:
    people = f"people: {{dana: {DANA}, kim: {KIM}}}\n"
    here = f"location: leeds\nrules:\n{rule('a')}"
    there = f"location: {BATH.location_id}\nrules:\n{rule('b')}"
    assert strange({"names.yaml": people, "a.yaml": here, "b.yaml": there}, LEEDS, BATH) == []
    [kim] = strange({"names.yaml": people, "a.yaml": here}, LEEDS, BATH)
    assert kim.startswith(f"names.yaml:1:43: there is no person '{KIM}' in the account of leeds")
    [dana] = strange({"b/names.yaml": people, "a.yaml": here, "b/b.yaml": there}, LEEDS, BATH)
    assert dana.startswith(f"b/names.yaml:1:16: there is no person '{DANA}' in the account of bath")


@pytest.mark.parametrize(
    ("then", "more", "place"),
    [
        (f"{{do: assign, to: {OTHER}}}", "", "3:27"),
        (f"{{do: assign, to: {{first_free: [{DANA}, {OTHER}]}}}}", "", "3:63"),
        (f"{{do: assign, to: {{weighted: {{{DANA}: 1, {OTHER}: 1}}}}}}", "", "3:64"),
        ("{do: add_note, text: x}", f"  if: {{load: {{of: {OTHER}, more_than: 3}}}}\n", "4:19"),
        (f"{{do: add_note, text: x, if: {{load: {{more_than: 3, of: {OTHER}}}}}}}", "", "3:64"),
        ("{do: add_note, text: x}", f"  if: {{load: {{of: {DANA}, more_than: 3}}}}\n", None),
        (f"{{do: block_slot, for: {OTHER}, from: '12:00', until: '13:00'}}", "", "3:32"),
        (f"{{do: book, to: next_free, calendar: {OTHER}, notify: false}}", "", "3:46"),
        ("{do: add_note, text: x}", f"  if: {{assignee: {{in: [nobody, {OTHER}]}}}}\n", "4:32"),
        ("{do: add_note, text: x}", f"  if: {{calendar: {OTHER}}}\n", "4:18"),
        (f"{{do: add_note, text: {OTHER}}}", "", None),
        (f"{{do: assign, to: {DANA}}}", f"  if: {{calendar: {CUTS}}}\n", None),
    ],
)
def test_an_id_that_stands_in_a_rule_is_compared_too(then: str, more: str, place: str | None) -> None:
    told = strange({"a.yaml": rule(then=then, more=more)}, LEEDS)
    wanted = f"a.yaml:{place}: there is no person or calendar '{OTHER}' in the account of leeds"
    assert told == ([wanted] if place else [])


@pytest.fixture
async def office(pool: Pool, database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    async with by_hand(pool, database_url, monkeypatch) as opened:
        yield opened


async def test_check_asks_the_accounts_of_the_locations_that_rules_are_for(
    office: Office, pool: Pool, tmp_path: Path
) -> None:
    names = f"people: {{alex: {ALEX}, dana: {OTHER}}}\ncalendars: {{cuts: {CUTS_THERE}}}\nrules:\n"
    workflow = "{do: start_workflow, workflow: 1c8a3f5e-0000-4000-8000-000000000000}"
    (tmp_path / "rules.yaml").write_text(names + rule(then="{do: assign, to: [alex, dana]}"))
    nowhere = await asyncio.to_thread(say, "rules", "check", "--online", tmp_path)
    assert nowhere.stderr == "Error: no location is registered that these rules are for: slotwright locations add\n"
    await register(office.pool)
    result = await asyncio.to_thread(say, "rules", "check", "--online", tmp_path)
    assert (result.exit_code, result.stderr) == (1, "")
    assert result.stdout.startswith(f"rules.yaml:1:44: there is no person '{OTHER}' in the account of ")
    (tmp_path / "rules.yaml").write_text((tmp_path / "rules.yaml").read_text().replace(OTHER, ALEX))
    await office.order("ListUsers:missing_scope*1")
    mute = await asyncio.to_thread(say, "rules", "check", "--online", tmp_path)
    assert mute.exit_code == 0
    assert ": people are not compared: " in mute.stderr
    assert "Workflows" not in mute.stderr
    (tmp_path / "workflows.yaml").write_text(rule("two", then=workflow))
    named = await asyncio.to_thread(say, "rules", "check", "--online", tmp_path)
    assert named.exit_code == 0
    assert named.stderr == "Workflows are not compared: an id that is wrong fails when its rule acts.\n"
    await office.order("ListCalendars:401*9")
    refused = await asyncio.to_thread(say, "rules", "check", "--online", tmp_path)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.startswith(f"Error: {LOCATION} has no token that is good")
