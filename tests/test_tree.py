"""The tree itself: what every file in it keeps to."""

import ast
import gc
import re
import subprocess
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

pytestmark = pytest.mark.dear

ROOT = Path(__file__).parent.parent
LONGEST = 300
LOCKS = (
    "requirements.lock",
    "requirements-image.lock",
    "requirements-embedded.lock",
    "requirements-dev.lock",
)
OURS = ("service", "workers", "migrations")
SQL = re.compile(r"\s*(SELECT|WITH|INSERT INTO|UPDATE|DELETE FROM)\s+[\w(*]")


def files(pattern: str) -> list[str]:
    """What is in the tree or about to be: tracked, or neither tracked nor ignored."""
    if not (ROOT / ".git").exists():
        pytest.skip("no working copy")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", pattern],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).exists()]


@cache
def parsed() -> dict[str, ast.Module]:
    gc.disable()  # nothing of the trees is garbage, and most of the time went into looking for some
    try:
        found = {name: ast.parse((ROOT / name).read_text(encoding="utf-8"), name) for name in files("*.py")}
    finally:
        gc.enable()
    assert len(found) > 100
    return found


def test_no_module_is_too_long_to_be_read_at_once() -> None:
    lengths = {name: len((ROOT / name).read_text(encoding="utf-8").splitlines()) for name in files("*.py")}
    assert len(lengths) > 100
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


def test_every_module_says_in_its_first_line_what_lives_there() -> None:
    silent = []
    for name, module in parsed().items():
        says = ast.get_docstring(module)
        if not says or module.body[0].lineno != 1 or not says.splitlines()[0].strip():
            silent.append(name)
    assert silent == []


def test_every_import_names_its_module_in_full() -> None:
    assert [
        f"{name}:{node.lineno}"
        for name, module in parsed().items()
        for node in ast.walk(module)
        if isinstance(node, ast.ImportFrom) and node.level
    ] == []


def test_sql_lives_in_the_store_and_nowhere_else() -> None:
    assert [
        f"{name}:{node.lineno}"
        for name, module in parsed().items()
        if name.startswith(("service/", "workers/")) and not name.startswith("service/store/")
        for node in ast.walk(module)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.match(node.value)
    ] == []


def test_no_other_distribution_provides_our_import_names() -> None:
    """They are plain words, and the first on the path would win."""
    provided = packages_distributions()
    assert "pytest" in provided
    assert {name: found for name in OURS if (found := set(provided.get(name, ())) - {"slotwright"})} == {}


def test_nothing_of_the_tests_is_called_like_a_package_of_ours() -> None:
    assert [name for name in files("tests/**") if set(Path(name).parts[1:]) & set(OURS)] == []


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_hashes_and_no_place_to_fetch_from(name: str) -> None:
    """Each machine has its own index; the hashes say that what it gives is what was locked."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    assert [
        line for line in lines if "://" in line or line.lstrip().startswith(("-i", "-f", "--index", "--find"))
    ] == []
    pinned = [number for number, line in enumerate(lines) if re.match(r"[\w.\[\]-]+==", line)]
    assert len(pinned) > 15
    assert [lines[number] for number in pinned if "--hash=sha256:" not in lines[number + 1]] == []


def test_what_runs_in_production_is_pinned_the_same_in_every_lock() -> None:
    def pins(name: str) -> set[str]:
        text = (ROOT / name).read_text(encoding="utf-8")
        return set(re.findall(r"^[\w.\[\]-]+==[^\s;\\]+", text, re.MULTILINE))

    run_time = pins("requirements.lock")
    assert run_time - pins("requirements-embedded.lock") == set()
    assert run_time - pins("requirements-image.lock") == set()
    assert pins("requirements-image.lock") - pins("requirements-dev.lock") == set()
    assert pins("requirements-embedded.lock") - pins("requirements-dev.lock") == set()
