"""The page about the client alone is true: its examples run, in its order, against a sandbox."""

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from service.highlevel import errors
from service.highlevel.client import HighLevel
from service.sandbox.limits import Limits
from tests.clients import TOKEN
from tests.sandboxes import ADA, CUTS, LOCATION, running

FOLDER = Path(errors.__file__).parent
PAGE = (FOLDER / "README.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


async def test_its_examples_run(capsys: pytest.CaptureFixture[str]) -> None:
    async with running(told=False, limits=Limits()) as sandbox:
        base = str(sandbox.client.make_url(""))
        async with HighLevel(base, TOKEN) as api:
            known: dict[str, Any] = {
                **{"base": base, "token": TOKEN, "api": api},
                **{"LOCATION": LOCATION, "CALENDAR": CUTS, "CONTACT": ADA},
            }
            for example in EXAMPLES:
                # What an example opens as `api` it closes; the next ones have ours.
                code = compile(example, "README.md", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
                waiting = eval(code, known)
                if inspect.iscoroutine(waiting):
                    await waiting
                known["api"] = api
    printed = capsys.readouterr().out
    for words in (
        "2026-03-24T09:00:00+00:00 2026-03-24 09:00:00+00:00",
        "Wants it short.",
        "6 of 6 read",
        "GetAppointment 404",
        "GetAppointment 200 ",
        "traceId",
    ):
        assert words in printed, printed
    assert known["last"].time.month == 8


def test_its_tree_of_errors_is_that_of_the_module() -> None:
    [tree] = re.findall(r"```text\n(HighLevelError\n.*?)```", PAGE, re.DOTALL)
    assert tree in str(errors.__doc__)
    drawn: dict[str, tuple[str, str]] = {}
    for name, retry, happened in re.findall(r"(\w+) .*again: (\w+) +happened: (\w+)", tree):
        drawn[name] = retry, happened
    for name, (retry, happened) in drawn.items():
        error = getattr(errors, name)
        assert (retry, happened) == ("yes" if error.retry else "no", "perhaps" if error.may_have_happened else "no")
    assert len(drawn) == 8


def test_what_it_links_to_is_there() -> None:
    links = re.findall(r"\]\((.+?)\)", PAGE)
    assert links
    assert [link for link in links if not (FOLDER / link).exists()] == []


def test_it_needs_nothing_else_of_ours() -> None:
    modules = [path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__"]
    program = f"""
import importlib, sys
for name in {modules}: importlib.import_module("service.highlevel." + name)
print(*(name for name in sys.modules if name.partition(".")[0] in ("service", "workers", "asyncpg", "redis", "arq")))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert len(loaded) > 20
    assert [name for name in loaded if name != "service" and not name.startswith("service.highlevel")] == []
