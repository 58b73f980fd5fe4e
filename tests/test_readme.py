"""What the README says is true: its rule is one, its commands and settings exist."""

import re
from pathlib import Path

import click
import pytest

from service.settings import Settings
from workers.cli import slotwright
from workers.rulebook import files_in, read

ROOT = Path(__file__).parent.parent
RULES = ROOT / "helm" / "rules"
README = (ROOT / "README.md").read_text()


def test_its_rule_can_be_put_in_force() -> None:
    [text] = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    [entry] = read({"readme.yaml": text})
    assert entry.rule.mode == "live"


def test_every_setting_is_in_its_table_with_its_default() -> None:
    rows = re.findall(r"^\| (`[A-Z_`, ]+`) \|([^|]*)\|", README, re.MULTILINE)
    told = {name.lower(): default for names, defaults in rows for name, default in _pairs(names, defaults)}
    assert set(told) == set(Settings.model_fields)
    for name, field in Settings.model_fields.items():
        if isinstance(field.default, int | float):
            assert told[name] == f"{field.default:g}", name


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


def _pairs(names: str, defaults: str) -> list[tuple[str, str]]:
    listed = [name.strip().strip("`") for name in names.split(",")]
    values = [value.strip() for value in defaults.split(",")]
    return list(zip(listed, values if len(values) == len(listed) else [defaults.strip()] * len(listed), strict=True))
