"""Folders that `slotwright rules check` is given: what in them is no rule file, or cannot be read, or was not meant."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.test_cli import say
from tests.test_rules_check import NOTE, folder


def test_whatever_a_folder_holds_is_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "folder.yaml" / "rules.yaml").write_text(NOTE)
    (tmp_path / "broken.yaml").symlink_to("nowhere")
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    (tmp_path / "round").symlink_to(".")
    (tmp_path / "endless.yaml").symlink_to("/dev/zero")
    # It is a regular file, and nobody may read from its beginning.
    (tmp_path / "unreadable.yaml").symlink_to("/proc/self/mem")
    os.mkfifo(tmp_path / "pipe.yaml")
    os.mkfifo(tmp_path / "pipe.txt")
    Path(os.fsdecode(bytes(tmp_path) + b"/\xff\x1b[2J.yaml")).write_text("- 5")
    result = say("rules", "check", tmp_path)
    assert (result.exit_code, result.stderr) == (1, "")
    assert [line for line in result.stdout.splitlines() if ".yaml:" in line] == [
        "broken.yaml:1:1: this is a link that leads to no file",
        "endless.yaml:1:1: this is a link that leads to no file",
        "loop.yaml:1:1: this is a link that leads to no file",
        "pipe.yaml:1:1: this is no regular file",
        "unreadable.yaml:1:1: the file cannot be read (Input/output error)",
        "��[2J.yaml:1:1: the file's name has signs in it that nobody can read",
        "��[2J.yaml:1:3: a rule such as {name: …, when: …, then: …} expected, found the number 5",
    ]


@contextmanager
def as_somebody() -> Iterator[None]:
    """Root may read everything, so for once it is nobody; all that is loaded must be loaded by then."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_what_may_not_be_read_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    # Not below pytest's own folder, which others may not enter.
    place = Path(tempfile.mkdtemp(prefix="swcheck-"))
    try:
        place.chmod(0o755)
        monkeypatch.chdir(place)  # where this tree lies may be closed to others, too
        folder(place, {"a.yaml": NOTE, "b/c.yaml": NOTE})
        assert say("rules", "check", place).exit_code == 1, "a rule is there twice"
        for path in (place / "a.yaml", place / "b"):
            path.chmod(0)
        with as_somebody():
            told = say("rules", "check", place).stdout.splitlines()
        (place / "b").chmod(0o700)
    finally:
        shutil.rmtree(place)
    assert told[:2] == [
        "a.yaml:1:1: the file cannot be read (Permission denied)",
        "b:1:1: the folder cannot be read (Permission denied)",
    ]


FOREIGN = "this is no rule file: it begins with apiVersion; rule files begin with rules, location, people, teams, …"


def test_a_file_of_something_else_is_one_message_though_it_knows_a_word_of_ours(tmp_path: Path) -> None:
    values = "".join(f"{word}: {{}}\n" for word in ("image", "secrets", "receiver", "workers", "ingress", "podLabels"))
    folder(tmp_path, {"a.yaml": "apiVersion: v1\nkind: x\n", "b.yaml": values + "rules: {}\nlisten: 5\nextra: []\n"})
    assert say("rules", "check", tmp_path).stdout.splitlines() == [
        f"a.yaml:1:1: {FOREIGN}",
        f"b.yaml:1:1: {FOREIGN.replace('apiVersion', 'image')}",
        "2 faults.",
    ]
    ours = folder(tmp_path, {"a.yaml": "rules: []\nversion: 1\nauthor: x\n", "b.yaml": NOTE})
    assert [line.partition(";")[0] for line in say("rules", "check", ours).stdout.splitlines()[::3]] == [
        "a.yaml:2:1: 'version' is not known in a file",
        "a.yaml:3:1: 'author' is not known in a file",
        "2 faults.",
    ]


def test_of_a_folder_of_something_else_a_few_files_are_told(tmp_path: Path) -> None:
    folder(tmp_path, {f"{number:03}.yaml": "apiVersion: v1\nkind: x\n" for number in range(300)})
    (tmp_path / "names.yaml").write_text("peple: {}\n")
    *files, last = [line for line in say("rules", "check", tmp_path).stdout.splitlines() if line[:1] != " "]
    more = f"this is no rule file either, nor are 296 more: is {tmp_path} the folder that you mean?"
    assert files == [
        *(f"{number:03}.yaml:1:1: {FOREIGN}" for number in range(3)),
        f"003.yaml:1:1: {more}",
        "names.yaml:1:1: 'peple' is not known in a file; did you mean 'people'?",
    ]
    assert last == "5 faults."


def test_a_file_in_the_place_of_its_folder_is_told_which(tmp_path: Path) -> None:
    path = folder(tmp_path, {"a.yaml": NOTE}) / "a.yaml"
    refused = say("rules", "check", path)
    assert (refused.exit_code, f"{path} is a file: give its folder, {tmp_path}" in refused.stderr) == (2, True)
