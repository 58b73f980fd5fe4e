"""The file of a sandbox's state: who may have it, and what is said when it cannot be used."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from service.sandbox.state.file import StateError, StateFile
from tests.sandboxes import at, opened
from workers.cli.sandbox import sandbox as sandbox_command


def test_two_cannot_have_one_file(tmp_path: Path) -> None:
    path, link = tmp_path / "state.json", tmp_path / "link.json"
    link.symlink_to(path)
    with opened(path) as file:
        file.write("{}")
        for each in (path, link):
            with pytest.raises(StateError, match="in use by another sandbox: choose another file"):
                StateFile(each).open()
    path.unlink()
    with opened(link):
        pass


def change(**more: Any) -> str:
    world = {"strict": True, "ahead": 0, "locations": [], "clients": [], "tables": {}, "changes": []}
    key = base64.b64encode(bytes(32)).decode()
    state = {"program": "slotwright sandbox", "version": 1, "signing_key": key, "tokens": [], "webhooks": []}
    return json.dumps(
        {**state, "oauth": {"codes": [], "refreshes": []}, "world": {**world, **more.pop("world", {})}, **more}
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{\n"program": slotwright', "no JSON in line 2, column 12: "),
        ("[" * 100_000, "no JSON of ours, which is not that deep"),
        ("{}", "it is of another program"),
        ("[]", "it is of another program"),
        (change(version=2), "it is of another version than 1"),
        (change(signing_key="short"), "signing_key: not 32 bytes in base64"),
        (change(world={"locations": [{"id": "a"}]}), "world.locations[0].timezone: has to be said"),
        (change(world={"tables": {"seats": {}}}), "world.tables.seats: there is no such table"),
        (
            change(world={"tables": {"blocks": {"here": {"b1": {"id": "b1"}}}}}),
            "world.tables.blocks.here.b1.location_id: has to be said",
        ),
        (change(webhooks=[{"lane": "a"}]), "webhooks[0].channel: has to be said"),
        (
            change(
                oauth={
                    "codes": [],
                    "refreshes": [
                        {
                            "client": "x",
                            "location": None,
                            "scopes": [],
                            "token": "t",
                            "until": at("10:00"),
                            "used": None,
                            "gave": None,
                        }
                    ],
                }
            ),
            "oauth.refreshes[0].client: there is no such client",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_told_with_its_place_and_left_alone(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(text)
    answer = CliRunner().invoke(sandbox_command, ["--state", str(path), "--port", "0"])
    assert answer.exit_code == 1
    said = answer.stderr.splitlines()[-1]
    assert said.startswith(f"Error: the state {path} cannot be used: {why}")
    assert said.endswith(". Choose another file, or delete it to begin anew")
    assert path.read_text() == text


def test_a_file_that_cannot_be_had_is_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "bytes").write_bytes(b"\xff")
    for name, why in (
        ("folder", "Is a directory"),
        ("bytes", "it is not UTF-8"),
        ("no/file", "No such file or directory"),
    ):
        answer = CliRunner().invoke(sandbox_command, ["--state", str(tmp_path / name), "--port", "0"])
        assert (answer.exit_code, why in answer.stderr) == (1, True)
        assert answer.stderr.splitlines()[-1].startswith(f"Error: the state {tmp_path / name} cannot be ")


def test_a_state_has_its_own_location(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text(change(world={"locations": [{"id": "here", "timezone": "Etc/UTC", "tokens": ["pit-x"]}]}))
    answer = CliRunner().invoke(sandbox_command, ["--state", str(path), "--location", "there", "--port", "0"])
    assert "its location is here, not the one of --location. " in answer.stderr.splitlines()[-1]


def test_an_empty_file_is_no_state_yet(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text(" \n")
    with opened(path) as file:
        assert file.kept is None
