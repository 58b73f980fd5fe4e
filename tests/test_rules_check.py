"""`slotwright rules check`: what it prints and how it ends, whatever the folder holds."""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.rule_files import CUTS, DANA, KIM, NAMES, rule
from tests.test_cli import say
from workers.cli.rules import findings
from workers.faults import Fault

FAULTY = Path(__file__).parent / "faulty"
NOTE = rule(more="  mode: live\n")
CANCEL = rule("two", then="{do: cancel, notify: false}", more="  priority: 5\n")


def folder(tmp_path: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return tmp_path


def test_a_fault_is_shown_with_its_line_and_a_caret(tmp_path: Path) -> None:
    text = NOTE + 'if: {}\n- name: two\n  when: appointment.created\n  if: {titel: "x y"}\n  then: []\n'
    result = say("rules", "check", folder(tmp_path, {"sub/a.yaml": text.replace("if: {}\n", "")}))
    assert (result.exit_code, result.stdout.splitlines()) == (
        1,
        [
            "sub/a.yaml:7:8: 'titel' is not known as a fact; did you mean 'title'?",
            '    7 |   if: {titel: "x y"}',
            "      |        ^^^^^",
            "sub/a.yaml:8:9: it must not be empty",
            "    8 |   then: []",
            "      |         ^",
            "2 faults.",
        ],
    )


@pytest.mark.parametrize(
    ("line", "column", "shown"),
    [
        ('  text: "two words" # and a remark', 9, "^^^^^^^^^^^"),
        ("  text: {{ fact | filter }} more", 9, "^" * len("{{ fact | filter }}")),
        ("  - {do: asign, to: x}", 10, "^^^^^"),
        ("  ключ: 会議 x", 9, "^^^^"),
        ("", 1, ""),
    ],
)
def test_a_caret_underlines_what_belongs_together(line: str, column: int, shown: str) -> None:
    told = findings.shown(Fault("a.yaml", 1, column, "wrong"), [line])
    assert re.findall(r"\^+", told) == ([shown] if shown else [])


def test_of_a_very_long_line_what_is_around_the_place_is_shown(tmp_path: Path) -> None:
    text = f"- {{name: {'x' * 90}, description: '{'y' * 3000}', when: appointment.created, thenn: []}}"
    result = say("rules", "check", folder(tmp_path, {"a.yaml": text}))
    [fault, line, caret, _] = result.stdout.splitlines()
    assert "'thenn' is not known in a rule; did you mean 'then'?" in fault
    assert len(line) < 200
    assert line[caret.index("^") :].startswith("thenn")


def test_as_json_faults_and_warnings_are_data(tmp_path: Path) -> None:
    result = say("rules", "check", "--format", "json", folder(tmp_path, {"a.yaml": NOTE, "b.yaml": "ruls: []"}))
    fault = {"kind": "error", "path": "b.yaml", "line": 1, "column": 1, "hint": "rules"}
    assert (result.exit_code, json.loads(result.stdout)) == (
        1,
        [{**fault, "message": "'ruls' is not known in a file"}],
    )
    (tmp_path / "b.yaml").write_text(CANCEL)
    [warning] = json.loads(say("rules", "check", "--format", "json", tmp_path).stdout)
    assert (warning["kind"], warning["path"], warning["line"]) == ("warning", "b.yaml", 3)
    assert json.loads(say("rules", "check", "--format", "json", folder(tmp_path, {"b.yaml": ""})).stdout) == []


def test_github_is_told_by_workflow_commands(tmp_path: Path) -> None:
    files = {"a, b.yaml": "ruls: 100%\n", "c.yaml": CANCEL}
    result = say("rules", "check", "--format", "github", folder(tmp_path, files))
    path = str(tmp_path / "a, b.yaml").replace(",", "%2C")
    assert result.stdout.splitlines() == [
        f"::error file={path},line=1,col=1::'ruls' is not known in a file; did you mean 'rules'?"
    ]
    (tmp_path / "a, b.yaml").unlink()
    [line] = say("rules", "check", "--format", "github", tmp_path).stdout.splitlines()
    assert line.startswith(
        f"::warning file={tmp_path}/c.yaml,line=3,col=10::it cancels up to 20 per hour in a location"
    )


def test_warnings_end_it_with_1_only_where_it_is_strict(tmp_path: Path) -> None:
    folder(tmp_path, {"a.yaml": NOTE + CANCEL})
    result = say("rules", "check", tmp_path)
    assert result.exit_code == 0
    assert result.stdout.startswith("warning: a.yaml:7:10: it cancels up to 20 per hour in a location")
    assert result.stdout.endswith("2 rules: 1 live, 1 shadow. 1 warning.\n")
    assert say("rules", "check", "--strict", tmp_path).exit_code == 1
    assert say("rules", "check", "--strict", folder(tmp_path, {"a.yaml": NOTE})).exit_code == 0


def test_the_order_is_by_priority_then_by_path_then_by_place(tmp_path: Path) -> None:
    last = rule("last", more="  priority: -1\n  mode: 'off'\n")
    folder(
        tmp_path,
        {"b.yaml": last + rule("b1"), "a.yaml": NOTE + CANCEL.replace("  prio", "  stop_others: true\n  prio")},
    )
    result = say("rules", "check", "--order", tmp_path)
    assert result.stdout.splitlines()[-4:] == [
        "1. two (shadow, priority 5, stops others) a.yaml:5",
        "2. one (live) a.yaml:1",
        "3. b1 (shadow) b.yaml:6",
        "4. last (off, priority -1) b.yaml:1",
    ]
    refused = say("rules", "check", "--order", "--format", "json", tmp_path)
    assert (refused.exit_code, refused.stdout) == (2, "")


def test_a_folder_without_rules_is_a_mistake(tmp_path: Path) -> None:
    result = say("rules", "check", tmp_path)
    assert (result.exit_code, result.stderr) == (1, f"Error: there is no rule file (*.yaml) in {tmp_path} or below\n")
    assert say("rules", "check", tmp_path / "nowhere").exit_code == 2


BOMBS: Mapping[str, tuple[str | bytes, str]] = {
    "laughs": (
        "people:\n  a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        + "".join(f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 20)),
        "7:47: more than 500,000 values, counting what aliases repeat",
    ),
    "within-itself": (
        "rules: &a [*a]\n",
        "1:12: nothing before this is called &a; a text that begins with * must be in quotes",
    ),
    "aliases": ("people: &x 5\nrules: [" + "*x, " * 5000 + "]\n", "2:4009: more than 1000 aliases"),
    "nested-aliases": (
        "people:\n  a0: &a0 [x]\n" + "".join(f"  a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 200)),
        "101:18: nested deeper than 100 levels, counting what aliases repeat",
    ),
    "ten-megabytes": ("- x\n" * 2_621_440, "1:1: the file is larger than 1024 KiB"),
    "no-utf-8": (b"- name: caf\xe9\n", "1:12: the file is not UTF-8: here is the byte 0xe9; save it as UTF-8"),
    "utf-16": ("- name: one\n".encode("utf-16"), "1:1: the file is not UTF-8: here is the byte 0xff; save it as UTF-8"),
    "nothing-but-zeros": (b"\0" * 1000, "1:1: the character '\\x00' is not allowed in YAML"),
    "brackets": ("[" * 100_000, "1:101: nested deeper than 100 levels"),
    "braces": ("{a: " * 100_000, "1:401: nested deeper than 100 levels"),
    "dashes": ("- " * 100_000, "1:201: nested deeper than 100 levels"),
    "keys-twice": ("rules: []\nrules: []\n", "2:1: 'rules' stands here twice, first in line 1"),
    "steps": (
        f"- {{name: x, when: appointment.created, then: [{'{do: add_note, text: x}, ' * 20_000}]}}",
        "1:46: at most 100 steps expected, found 20,000",
    ),
    "persons": (
        f"teams: {{a: [{', '.join(f'x{n}' for n in range(50_000))}]}}",
        "1:12: at most 1,000 people expected, found 50,000",
    ),
    "expression": (
        rule(more="  if: {title: {matches: '((a{100}){100}){100}'}}\n"),
        "4:25: not an expression: invalid repetition size: {100}",
    ),
    "misspelt": (
        rule("three", then="{do: add_note, text: '" + "{{ xyzzy }}" * 400 + "'}"),
        "3:35: 'xyzzy' is not known as a fact; slotwright rules words facts lists them",
    ),
    "text": (
        rule("two", then=f"{{do: add_note, text: '{{{{ {'(' * 2000}title'}}"),
        "3:31: not a text: it is nested too deep",
    ),
}
"""What is to take a program down, and the one thing that is to be said of it."""


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_one_message(name: str, tmp_path: Path) -> None:
    content, told = BOMBS[name]
    result = say("rules", "check", "--format", "json", folder(tmp_path, {"bomb.yaml": content}))
    found = json.loads(result.stdout)
    assert [f"{each['line']}:{each['column']}: {each['message']}" for each in found] == [told]
    assert result.exit_code == 1


def test_all_bombs_at_once_leave_the_process_alive(tmp_path: Path) -> None:
    folder(tmp_path, {f"{name}.yaml": content for name, (content, _) in BOMBS.items()})
    command = [sys.executable, "-m", "workers.cli", "rules", "check", str(tmp_path)]
    # Nobody waits as long; only what hangs does.
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    places = {f"{name}.yaml:{told}" for name, (_, told) in BOMBS.items()}
    assert places <= set(done.stdout.splitlines())
    assert done.stdout.endswith(f"\n{len(BOMBS)} faults.\n")


def test_what_would_move_the_cursor_is_not_printed(tmp_path: Path) -> None:
    result = say("rules", "check", folder(tmp_path, {"a.yaml": "ruls\x1b[2J: []\n"}))
    assert "\x1b" not in result.stdout
    assert "the character '\\x1b' is not allowed in YAML" in result.stdout


def test_every_fault_of_many_files_is_told_at_once() -> None:
    result = say("rules", "check", "--format", "json", FAULTY)
    found = json.loads(result.stdout)
    assert result.exit_code == 1
    # Names of a file without rules hold in the files beside it, so some are better off there.
    assert len({fault["path"] for fault in found}) > 200
    assert say("rules", "check", FAULTY).stdout.endswith(f"\n{len(found)} faults.\n")


def test_rules_of_the_example_are_right() -> None:
    result = say("rules", "check", Path(__file__).parents[1] / "helm" / "rules")
    assert result.exit_code == 0, result.stdout


def test_a_file_of_names_alone_has_no_rules_and_no_warnings(tmp_path: Path) -> None:
    assert {DANA, KIM, CUTS} <= set(re.findall(r"\w{20}", NAMES))
    assert say("rules", "check", folder(tmp_path, {"names.yaml": NAMES})).stdout == "No rules.\n"
