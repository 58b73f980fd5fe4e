"""The Dockerfile: what it says, and what the build gets to see."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.dockerfile import ROOT, Build, Instruction, Stage, context, ignored, stages

TEXT = (ROOT / "Dockerfile").read_text()
BUILDER, FINAL = stages(TEXT)
INSTALLS = [command for run in BUILDER.all("RUN") for command in run.words.split("&&") if " install " in f"{command} "]


def test_the_linter_has_nothing_to_say() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_names_no_registry() -> None:
    [base] = [line for line in TEXT.splitlines() if line.startswith("ARG PYTHON=")]
    name, _, tag = base.removeprefix("ARG PYTHON=").partition(":")
    assert "/" not in name
    assert tag.startswith("3.")
    assert "://" not in TEXT


def test_it_runs_on_the_python_that_the_tests_run_on() -> None:
    assert f"ARG PYTHON=python:{sys.version_info.major}.{sys.version_info.minor}-slim" in TEXT


def test_what_comes_from_outside_is_pinned_by_hash_and_not_compiled() -> None:
    outside = [command for command in INSTALLS if "--no-index" not in command]
    assert len(outside) == 2
    assert [command for command in outside if "--require-hashes --only-binary :all: -r" not in command] == []


def test_the_last_stage_gets_the_environment_and_nothing_else() -> None:
    assert FINAL.one("COPY").words == "--from=builder /opt/slotwright /opt/slotwright"
    assert FINAL.all("RUN") == FINAL.all("ADD") == []


def test_nobody_is_root_and_nothing_is_written() -> None:
    user, group = FINAL.one("USER").words.split(":")
    assert int(user) > 0
    assert int(group) > 0
    environment = FINAL.environment
    assert environment["PYTHONDONTWRITEBYTECODE"] == environment["PYTHONUNBUFFERED"] == "1"
    assert environment["LOG_FORMAT"] == "json"
    assert FINAL.one("ENTRYPOINT").listed == ["slotwright"]
    assert FINAL.one("STOPSIGNAL").words == "SIGTERM"


def test_its_label_says_the_version_of_the_project() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f'org.opencontainers.image.version="{version}"' in FINAL.one("LABEL").words


def test_the_build_sees_what_the_wheel_is_made_of_and_nothing_else() -> None:
    seen = context()
    assert {name.split("/")[0] for name in seen} == {
        *("LICENSE", "README.md", "helm", "migrations", "pyproject.toml", "service", "workers"),
        *("requirements-build.lock", "requirements-image.lock"),
    }
    assert {name.split("/")[1] for name in seen if name.startswith("helm/")} == {"rules"}


@pytest.mark.parametrize(
    ("path", "out"),
    [
        ("service/settings.py", False),
        ("service/__pycache__/settings.pyc", True),
        (".git/config", True),
        (".slotwright/settings.json", True),
        ("tests/conftest.py", True),
        ("helm/values.yaml", True),
        ("helm/rules/salon.yaml", False),
    ],
)
def test_dockerignore_is_read_as_the_engine_reads_it(path: str, out: bool) -> None:
    patterns = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert ignored(path, patterns) is out


def test_a_step_that_fails_stops_the_build(tmp_path: Path) -> None:
    build = Build(
        Stage("python", (Instruction("WORKDIR", "/build"), Instruction("RUN", "echo no >&2 && false"))), tmp_path
    )
    with pytest.raises(AssertionError, match="no"):
        build.run()


def test_the_builders_lock_pins_by_hash_what_the_other_locks_pin() -> None:
    def pins(name: str) -> dict[str, str]:
        text = (ROOT / name).read_text()
        assert "://" not in text
        return dict(re.findall(r"^([\w.-]+)==\S+ \\\n +--hash=(sha256:[0-9a-f]{64})", text, re.MULTILINE))

    built = pins("requirements-build.lock")
    assert "hatchling" in built
    assert built.items() <= pins("requirements-embedded.lock").items()
    assert len(re.findall(r"^\w", (ROOT / "requirements-build.lock").read_text(), re.MULTILINE)) == len(built)
