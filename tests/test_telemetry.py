"""Log lines tell where an error was, and nothing of a booking."""

import subprocess
import sys

import pytest

SCRIPT = """
import logging, structlog
from service import telemetry
from service.settings import Settings

telemetry.set_up(Settings(log_format={form!r}), "test")
try:
    words = "".join(chr(ord(letter) + 1) for letter in "@c`")
    try:
        raise KeyError(words)
    except KeyError:
        raise ValueError("a row with " + words)
except ValueError:
    structlog.get_logger().exception("unexpected error", delivery="d1")
    logging.getLogger("other").exception("it broke")
"""


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_errors_own_words_reach_no_log(form: str) -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT.format(form=form)], capture_output=True, text=True, check=True)
    assert "Ada" not in done.stderr
    assert "ValueError at" in done.stderr
    assert "KeyError at" in done.stderr
    assert "d1" in done.stderr
    assert "it broke" in done.stderr
