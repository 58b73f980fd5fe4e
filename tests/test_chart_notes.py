"""What the chart tells its operator, in its notes and its runbook, and what it mounts for them."""

import re

import pytest

from tests.charts import HELM, NAMES, ROOT, render, values

RUNBOOK = " ".join((HELM / "RUNBOOK.md").read_text().split())


def lines(notes: str) -> list[str]:
    return [line.strip() for line in notes.splitlines() if re.search(r"\b(helm|kubectl) ", line)]


@pytest.mark.parametrize("name", NAMES)
def test_every_command_of_the_notes_says_in_which_namespace(name: str) -> None:
    told = lines(render(values(name)).notes)
    assert len(told) >= 4
    assert [line for line in told if not re.search(r"\b(helm|kubectl) -n salon ", line)] == []


def test_every_command_of_the_runbook_says_in_which_namespace() -> None:
    told = re.findall(r"`((?:helm|kubectl) [^`]*)`", RUNBOOK)
    commands = [command for command in told if command != "helm upgrade"]
    assert len(commands) > 5
    assert [command for command in commands if not re.match(r"(helm|kubectl) -n NAMESPACE ", command)] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_notes_look_whether_all_is_well_once_there_is_something_to_find(name: str) -> None:
    """Without a rule in force the doctor finds a fault, and there is none before the notes have said how."""
    steps = re.findall(r"^(\d)\. (.*)$", render(values(name)).notes, re.MULTILINE)
    assert [number for number, _ in steps] == ["1", "2", "3", "4", "5"]
    assert steps[-1][1].startswith("Look whether all is well")


@pytest.mark.parametrize("page", ["README.md", "helm/values.yaml"])
def test_that_the_secret_comes_first_is_said_where_it_is_read_before_the_install(page: str) -> None:
    """The notes come too late: the first Job waits for the Secret before Helm prints them."""
    text = " ".join((ROOT / page).read_text().split())
    assert re.search(r"(The Secret comes first|make it before helm install)", text)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_mounted_is_in_every_pod(name: str) -> None:
    given = values(name)
    volumes, mounts = given.get("extraVolumes", []), given.get("extraVolumeMounts", [])
    for which, pod in render(given).pods():
        [container] = pod["spec"]["containers"]
        own = ["rules"] if which.endswith("-rules") else []
        assert [one for one in pod["spec"].get("volumes", []) if one["name"] not in own] == volumes, which
        assert [one for one in container.get("volumeMounts", []) if one["name"] not in own] == mounts, which


def test_a_word_of_the_log_that_the_runbook_quotes_is_one_that_is_written() -> None:
    code = "\n".join(path.read_text() for room in ("service", "workers") for path in (ROOT / room).rglob("*.py"))
    quoted = re.findall(r'"([a-z][^"]*)"', RUNBOOK)
    assert len(quoted) >= 4
    assert [words for words in quoted if words not in code] == []
