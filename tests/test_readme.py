"""What the README says is true: its rule is one, its commands and settings exist."""

import re
from pathlib import Path

import click
import pytest

from service.settings import Settings
from tests import settings_table
from workers.cli.commands import slotwright
from workers.rule_folder import files_in
from workers.rulebook import read

ROOT = Path(__file__).parent.parent
RULES = ROOT / "helm" / "rules"
README = (ROOT / "README.md").read_text()


def test_its_rules_can_be_put_in_force() -> None:
    """The first is a file of its own, the second is added to the salon's."""
    whole, added = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    [entry] = read({"readme.yaml": whole})
    assert entry.rule.mode == "live"
    salon = (RULES / "salon.yaml").read_text()
    assert len(read({"salon.yaml": f"{salon}\n{added}"})) == len(read({"salon.yaml": salon})) + 1


def test_its_table_of_settings_is_that_of_the_model() -> None:
    assert settings_table.current(README), "the settings have changed: run make docs"


def test_the_table_of_settings_shows_each_one_with_its_default_and_nothing_of_an_address() -> None:
    rows = {
        name.lower(): default for name, default in re.findall(r"^\| `(\w+)` \| (.+?) \|", settings_table.table(), re.M)
    }
    assert set(rows) == set(Settings.model_fields)
    assert (rows["port"], rows["write_timeout"], rows["highlevel_legacy_signature"]) == ("8080", "4", "false")
    assert (rows["secret_key"], rows["database_url"], rows["highlevel_app_ids"]) == ("none", "none", "none")
    assert "leadconnector" not in settings_table.table()


def test_a_table_of_settings_that_is_out_of_date_is_noticed_and_renewed() -> None:
    stale = README.replace("| `PORT` | 8080 |", "| `PORT` | 80 |")
    assert not settings_table.current(stale)
    assert settings_table.renewed(stale) == README
    with pytest.raises(ValueError, match="0 places are marked"):
        settings_table.renewed(README.replace(settings_table.END, ""))


@pytest.mark.parametrize(
    "line", re.findall(r"^(?:\.venv/bin/)?slotwright (.*?)(?: *#.*| < .*)?$", README, re.MULTILINE)
)
def test_every_command_in_it_exists(line: str) -> None:
    command: click.Command | None = slotwright
    for word in line.split():
        if not isinstance(command, click.Group):
            break
        command = command.get_command(click.Context(command), word)
        assert command is not None, line


def test_what_the_page_about_rules_shows_can_be_put_in_force() -> None:
    for number, text in enumerate(re.findall(r"```yaml\n(.*?)```", (RULES / "README.md").read_text(), re.DOTALL)):
        assert len(read({f"{number}.yaml": text})) == 1


def test_the_examples_can_be_put_in_force() -> None:
    assert len(read(files_in(RULES))) > 0
