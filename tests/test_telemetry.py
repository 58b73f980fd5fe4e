"""Log lines: one form whoever writes them, ids on each, where an error was, and nothing of a booking."""

import json
import logging
import os
import socket
import subprocess
import sys
import uuid
from typing import Any

import pytest
import structlog

from service.telemetry import working_on
from service.telemetry.logs import OthersLines
from service.telemetry.subject import carried_by

SCRIPT = """
import asyncio, logging, threading, warnings, structlog
from service import telemetry
from service.settings import read_settings

telemetry.set_up(read_settings(log_format={form!r}), "test")
words = "".join(chr(ord(letter) + 1) for letter in "@c`")
log = structlog.get_logger()

def fail(again=False):
    try:
        raise KeyError(words)
    except KeyError:
        error = ValueError("a row with " + words)
        error.add_note("for " + words)
        raise error

async def main():
    log.info("ours", number=7)
    with telemetry.working_on(delivery="d1", rule="r1"):
        logging.getLogger("other").warning("it said %s to %d of %s\\nand %s", words, 7, [words], words)
        try:
            with telemetry.working_on(step="s1"):
                fail()
        except ValueError:
            log.exception("unexpected error")
            logging.getLogger("other").exception("it broke")
    logging.getLogger("other").info("not of interest")
    logging.getLogger("other").error("%s", words)
    logging.getLogger("other").error("misfilled %d", words)
    warnings.warn("a warning of " + words)
    asyncio.get_running_loop().call_soon(fail, words)
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    asyncio.create_task(asyncio.sleep(0)).add_done_callback(lambda _: fail())
    await asyncio.sleep(0.01)

asyncio.run(main())
fail()
"""


def run(form: str) -> str:
    done = subprocess.run([sys.executable, "-c", SCRIPT.format(form=form)], capture_output=True, text=True, check=False)
    assert done.returncode == 1, "the last error was not caught"
    assert done.stdout == ""
    return done.stderr


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_errors_own_words_reach_no_log(form: str) -> None:
    said = run(form)
    assert "Ada" not in said
    for words in ("ValueError at", "KeyError at", "d1", "it broke", "it said"):
        assert words in said


def test_for_machines_every_line_is_an_object_whoever_wrote_it() -> None:
    lines: list[dict[str, Any]] = [json.loads(line) for line in run("json").splitlines()]
    for line in lines:
        assert {"event", "level", "timestamp", "role"} <= set(line)
        assert line["timestamp"].endswith("Z")
        assert (line["role"], line["level"].islower()) == ("test", True)
    events = [line["event"] for line in lines]
    assert events == [
        "ours",
        "it said … to 7 of …",
        "unexpected error",
        "it broke",
        "…",
        "misfilled %d",
        "a warning of Python's",
        "uncaught error in a thread",
        "Exception in callback fail",
        "Exception in callback main.<locals>.<lambda>",
        "uncaught error",
    ]
    carried = {event: {name: line[name] for name in ("delivery", "rule", "step") if name in line}
               for event, line in zip(events, lines, strict=True)}  # fmt: skip
    assert carried["it said … to 7 of …"] == {"delivery": "d1", "rule": "r1"}
    assert carried["unexpected error"] == carried["it broke"] == {"delivery": "d1", "rule": "r1", "step": "s1"}
    assert carried["ours"] == carried["uncaught error"] == {}
    assert all("ValueError at" in line["exception"] for line in lines if "rror" in line["event"])


BOOKING = {"title": "Ada Lovelace", "phone": "+44 20 7946 0123", "address": "12 St James's Square"}


@pytest.mark.parametrize(
    ("template", "given", "told"),
    [
        ("cannot handle %r", (BOOKING,), "cannot handle '…'"),
        ("cannot handle %(title)s of %(phone)s", (BOOKING,), "cannot handle %(title)s of %(phone)s"),
        ("%s: status %d for %.20s", (BOOKING["title"], 500, str(BOOKING)), "…: status 500 for …"),
        ("Error handling request from %s", (BOOKING["address"], BOOKING["phone"]), "Error handling request from %s"),
        ("misfilled %d", (BOOKING["phone"],), "misfilled %d"),
        ("%s", (ValueError(BOOKING["title"]),), "…"),
    ],
)
def test_a_booking_in_what_another_librarys_line_is_filled_with_is_not_shown(
    template: str, given: tuple[object, ...], told: str
) -> None:
    record = logging.LogRecord("aiohttp.server", logging.ERROR, "", 0, template, given, None)
    line = OthersLines(structlog.processors.JSONRenderer(ensure_ascii=False), "test").format(record)
    assert json.loads(line)["event"] == told
    for word in ("Ada", "Lovelace", "7946", "James"):
        assert word not in line


def test_the_words_that_a_role_ends_with_are_a_line_too() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        told = {
            "LOG_FORMAT": "json",
            "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
            "REDIS_URL": "redis://127.0.0.1:1",
            "PORT": str(taken.getsockname()[1]),
            "SECRET_KEY": "A" * 43 + "=",
        }
        command = [sys.executable, "-m", "workers.cli", "receive"]
        done = subprocess.run(command, env={**os.environ, **told}, capture_output=True, text=True, check=False)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert (done.returncode, lines[-1]["level"], lines[-1]["role"]) == (1, "critical", "receive")
    assert "choose another" in lines[-1]["event"]


def test_an_error_carries_what_was_worked_on_where_it_arose() -> None:
    step = uuid.uuid4()

    def work() -> None:
        with working_on(delivery="d1", step="outer"):
            try:
                with working_on(rule="r1", step=step):
                    raise ValueError
            except ValueError as error:
                raise RuntimeError from error

    with pytest.raises(RuntimeError) as found:
        work()
    assert carried_by(found.value) == {"delivery": "d1", "step": "outer", "rule": "r1"}
    assert carried_by(found.value.__cause__) == {"rule": "r1", "step": str(step)}
    assert structlog.contextvars.get_contextvars().keys() & {"delivery", "step", "rule"} == set()


def test_causes_that_go_in_a_ring_are_walked_once() -> None:
    one, two = ValueError(), KeyError()
    one.__cause__, two.__cause__ = two, one
    assert carried_by(one) == {}
