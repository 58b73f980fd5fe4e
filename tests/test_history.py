"""History as whoever is on call reads it: what came, what was judged, what was done."""

import asyncio
import base64
import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner, Result
from rich.console import Console
from rich.text import Text

from service.embedded import Postgres, Servers
from service.settings import LEFT_BY_UP
from service.store import migrations
from service.store.database import Pool
from service.store.identifiers import new_id
from tests.house import House, in_days, pool_of
from tests.sandboxes import ALEX, LOCATION
from workers.cli.commands import slotwright
from workers.cli.live import Cropped, deliveries_table

RULES = """
  - {name: evening, mode: live, when: appointment.created, if: {starts: {after: "17:00"}},
     then: [{do: assign, to: kim, replace: automatic}, {do: add_note, text: "For {{ assignee.name }}."}]}
  - {name: morning, mode: live, when: appointment.created, if: {starts: {before: "10:00"}},
     then: [{do: add_note, text: early}]}
"""


def say(url: str, *words: object) -> Result:
    return CliRunner().invoke(slotwright, ["history", *map(str, words)], env={"DATABASE_URL": url})


async def told(house: House, *words: object) -> str:
    result = await asyncio.to_thread(say, house.settings.database_url, *words)
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    return result.stdout


async def listed(house: House, *words: object) -> list[Any]:
    return [json.loads(line) for line in (await told(house, "list", "--json", *words)).splitlines()]


async def keep(pool: Pool, delivery_id: UUID, **columns: Any) -> None:
    """A delivery as nobody would send it."""
    row = {"source": "highlevel", "received_at": datetime.now(UTC), "state": "ignored", "body": b"{}", **columns}
    places = ", ".join(f"${number}" for number in range(2, len(row) + 2))
    async with pool.acquire() as connection:
        await connection.execute(
            f"INSERT INTO deliveries (delivery_id, {', '.join(row)}) VALUES ($1, {places})", delivery_id, *row.values()
        )


async def test_each_filter_finds_its_deliveries(house: House) -> None:
    await house.rules(RULES)
    evening = await house.book(in_days(7, "18:30"), assignedUserId=ALEX)
    await house.settled()
    noon = await house.book(in_days(7, "12:30"), assignedUserId=ALEX)
    await house.settled()
    await keep(house.pool, new_id(), reason="another app's", received_at=datetime.now(UTC) - timedelta(days=3))

    async def found(*words: object) -> set[Any]:
        return {row["appointment_id"] for row in await listed(house, *words)}

    assert await found() == {evening, noon, None}
    assert await found("--status", "ignored") == {None}
    assert await found("--rule", "morning", "--status", "done") == {evening, noon}
    assert await found("--appointment", noon) == {noon}
    assert await found("--since", "1h") == {evening, noon}
    assert await found("--since", (datetime.now(UTC) - timedelta(days=4)).isoformat()) == {evening, noon, None}
    assert await found("--step", "done") == {evening}
    assert await found("--step", "failed") == set()
    assert await found("--source", "highlevel", "--location", LOCATION) == {evening, noon}
    assert await found("--source", "another") == await found("--location", "another") == await found("--status", "open")
    assert await found("--until", "1h") == {None}
    assert len(await listed(house, "--limit", "1")) == 1
    ids = [row["delivery_id"] for row in await listed(house)]
    assert ids == sorted(ids, reverse=True)
    [row] = await listed(house, "--step", "done")
    assert row["held"] == ["evening"]
    assert [(step["rule"], step["action"], step["state"]) for step in row["steps"]] == [
        ("evening", "assign", "done"),
        ("evening", "add_note", "done"),
    ]
    assert await told(house, "list", "--status", "failed") == "Nothing of that kind.\n"
    assert await told(house, "list", "--status", "failed", "--rule", "evening") == "Nothing of that kind.\n"
    for command in (("list",), ("retry", "--yes")):
        for rule, why in (("evenig", "did you mean evening?"), ("", "those in force are evening, morning")):
            refused = await asyncio.to_thread(say, house.settings.database_url, *command, "--rule", rule)
            expected = f"Error: no rule {rule or repr(rule)} is in force: {why}\n"
            assert (refused.exit_code, refused.stderr) == (1, expected)


def test_no_length_of_time_is_in_seconds() -> None:
    refused = say("postgresql://nowhere/x", "list", "--since", "20s")
    assert (refused.exit_code, "90m, 2h or 3d (minutes are the least)" in refused.stderr) == (2, True)


async def test_a_delivery_is_shown_with_its_checks_steps_calls_and_body(house: House) -> None:
    await house.rules(RULES)
    appointment = await house.book(in_days(7, "18:30"), assignedUserId=ALEX, title="Grüße")
    await house.settled()
    [row] = await listed(house, "--step", "done")
    shown = await told(house, "show", row["delivery_id"])
    in_order = [
        row["delivery_id"],
        appointment,
        "created",
        "✓ evening (live)",
        "✓ starts after 17:00   was ",
        "→ ✓ done  assign kim",
        "EditAppointment answered 200",
        "→ ✓ done  write the note “For kim.”",
        "CreateNote answered 201",
        "✗ morning (live)",
        "✗ starts before 10:00   was ",
        "read to judge and to decide",
        '"title": "Grüße"',
    ]
    places = [shown.index(words) for words in in_order]
    assert places == sorted(places)
    as_json = json.loads(await told(house, "show", row["delivery_id"], "--json"))
    assert json.loads(as_json["body"])["appointment"]["id"] == appointment
    assert [verdict["held"] for verdict in as_json["verdicts"]] == [True, False]
    assert as_json["verdicts"][0]["checks"][0]["expected"] == "17:00"
    assert all(call.keys() >= {"operation", "status", "milliseconds", "request", "answer"} for call in as_json["calls"])
    assert "Authorization" not in json.dumps(as_json)


async def test_a_prefix_that_is_unique_names_a_delivery(database_url: str, pool: Pool) -> None:
    one, other = UUID("01a1fd46-7ca0-70bb-8867-8109a995f04d"), UUID("01a1fd46-7c46-7c34-9129-0207cf247e2b")
    for delivery_id in (one, other):
        await keep(pool, delivery_id)

    async def answer(prefix: str) -> tuple[int, str]:
        result = await asyncio.to_thread(say, database_url, "show", prefix, "--json")
        return result.exit_code, json.loads(result.stdout)["delivery_id"] if result.stdout else result.stderr

    for prefix in ("01a1fd46-7ca", "01A1FD467CA", str(one)):
        assert await answer(prefix) == (0, str(one))
    assert await answer("01a1fd46-7c") == (
        1,
        f"Error: more than one delivery begins with 01a1fd46-7c: {other}, {one}\n",
    )
    assert (await answer("02"))[1] == "Error: there is no delivery 02: slotwright history list shows what there is\n"
    unlike = "an id is hexadecimal, and its first digits will do"
    for prefix in ("xyz", "", "0x1", f"{one}0"):
        assert await answer(prefix) == (1, f"Error: no delivery is called {prefix!r}: {unlike}\n")


async def test_a_body_is_kept_raw_and_what_a_terminal_would_obey_is_not_shown(database_url: str, pool: Pool) -> None:
    bodies = {new_id(): body for body in (b'{"a":  1, "b": "\xc2\x9b2J"}', b"\xff\x1b[2J", b"[" * 5000)}
    for delivery_id, body in bodies.items():
        await keep(pool, delivery_id, body=body, appointment_id="\x1b]0;title\x07", reason="\x1b[31mred")
        shown = (await asyncio.to_thread(say, database_url, "show", delivery_id)).stdout
        assert not any(control in shown for control in "\x1b\x07\x9b")
        as_json = json.loads((await asyncio.to_thread(say, database_url, "show", delivery_id, "--json")).stdout)
        raw = as_json["body"].encode() if "body" in as_json else base64.b64decode(as_json["body_base64"])
        assert raw == body
        assert ("body" in as_json) == (b"\xff" not in body)
    first = (await asyncio.to_thread(say, database_url, "show", next(iter(bodies)))).stdout
    assert first.endswith('{\n  "a": 1,\n  "b": "\N{REPLACEMENT CHARACTER}2J"\n}\n')
    assert "\x1b" not in (await asyncio.to_thread(say, database_url, "list")).stdout


async def test_eighty_columns_cut_no_id(database_url: str, pool: Pool) -> None:
    delivery_id, appointment_id = new_id(), "a" * 20 + "_1764097200000_1800"
    await keep(
        pool, delivery_id, appointment_id=appointment_id, reason="a reason " * 20, triggers=["appointment.created"]
    )
    for words in (["list"], ["show", str(delivery_id)]):
        text = await asyncio.to_thread(on_terminal, database_url, words)
        assert str(delivery_id) in text
        assert appointment_id in text
        assert max(map(len, text.splitlines())) <= 80


def on_terminal(url: str, words: list[str]) -> str:
    """What a terminal of 80 columns gets, without its colours."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    command = [sys.executable, "-m", "workers.cli", "history", *words]
    process = subprocess.Popen(command, env={**environment, "DATABASE_URL": url, "TERM": "xterm"}, stdout=theirs)
    os.close(theirs)
    chunks = []
    try:
        while chunk := os.read(ours, 65536):
            chunks.append(chunk)
    except OSError:  # how Linux says that the other end is closed
        pass
    os.close(ours)
    assert process.wait(10) == 0
    return Text.from_ansi(b"".join(chunks).decode().replace("\r\n", "\n")).plain


async def test_a_reader_that_stops_reading_causes_no_traceback(database_url: str, pool: Pool) -> None:
    for _ in range(300):
        await keep(pool, new_id(), reason="r" * 500)
    for words in (["list", "--limit", "300"], ["list", "--json", "--limit", "300"]):
        process = await asyncio.to_thread(
            subprocess.run,
            ["sh", "-c", '"$@" | head -1', "sh", sys.executable, "-m", "workers.cli", "history", *words],
            env={**os.environ, "DATABASE_URL": database_url},
            capture_output=True,
            text=True,
        )
        assert (process.stdout.count("\n"), process.stderr) == (1, "")


@pytest.mark.processes
def test_without_a_running_up_its_database_is_started_for_the_length_of_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    postgres = Postgres(tmp_path)
    postgres.start()
    migrations.migrate(postgres.url)
    delivery_id = new_id()

    async def fill() -> None:
        async with pool_of(postgres.url) as pool:
            await keep(pool, delivery_id)

    asyncio.run(fill())
    postgres.stop()
    (tmp_path / LEFT_BY_UP).write_text(json.dumps({"database_url": postgres.url}))
    begun = time.monotonic()
    result = CliRunner().invoke(slotwright, ["history", "list", "--json", "--folder", str(tmp_path)])
    assert time.monotonic() - begun < 5
    assert json.loads(result.stdout)["delivery_id"] == str(delivery_id)
    assert not (tmp_path / "postgres" / "postmaster.pid").exists()
    # Two at once take turns.
    command = [sys.executable, "-m", "workers.cli", "history", "list", "--json", "--folder", str(tmp_path)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for process in both:
        said, complained = process.communicate(timeout=20)
        assert (process.returncode, complained, said.count("\n")) == (0, "", 1)


def test_a_named_database_leaves_the_folder_alone(database_url: str, servers: Servers, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / LEFT_BY_UP).write_text(json.dumps({"database_url": "postgresql://nowhere/x"}))
    assert say(database_url, "list", "--folder", folder).output == "Nothing of that kind.\n"
    assert [path.name for path in folder.iterdir()] == [LEFT_BY_UP]


@pytest.mark.parametrize("size", [(80, 24), (80, 50), (160, 12)])
def test_the_live_table_fits_its_terminal_and_tells_what_happened(size: tuple[int, int]) -> None:
    step = {"rule": "evening", "action": "assign", "state": "done", "sentence": "assign kim " * 12, "reason": None}
    follow = {"rule": "evening", "action": "follow", "state": "failed", "sentence": "move the block", "reason": "gone"}
    row = {"received_at": datetime(2026, 3, 23, 12, tzinfo=UTC), "appointment_id": "q7BnPdH4xW", "waits_for": None}
    came = {**row, "state": "done", "reason": None, "triggers": ["appointment.created"], "held": ["evening"]}
    ignored = {**row, "state": "ignored", "reason": "another app's", "triggers": [], "held": [], "steps": []}
    table = deliveries_table([ignored, *[{**came, "steps": [step, follow]}] * 15], date(2026, 3, 23))
    console = Console(width=size[0], height=size[1], force_terminal=True, color_system=None)
    with console.capture() as captured:
        console.print(Cropped(table, Text("below")))
    lines = captured.get().splitlines()
    assert len(lines) == size[1] - 1
    assert max(map(len, lines)) <= size[0]
    text = " ".join(captured.get().split())
    assert "- ignored: another app's" in text
    assert "evening created ✓ done assign kim" in text
    assert "q7BnPdH4x…" in text
    if size[1] == 50:
        assert "a block that follows ✗ failed move the block: gone" in text
    assert text.endswith("below")
