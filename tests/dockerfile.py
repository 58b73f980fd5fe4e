"""The Dockerfile as data, and its steps carried out in a folder, as far as that goes without an engine."""

import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLACES = re.compile(r"(?<![\w./-])/(opt|build)\b")
"""Where the image keeps things; elsewhere that is below a folder."""


@dataclass(frozen=True)
class Instruction:
    name: str
    words: str

    @property
    def listed(self) -> list[str]:
        """The words of the JSON form."""
        return [str(word) for word in json.loads(self.words)]


@dataclass(frozen=True)
class Stage:
    """What stands between one FROM and the next."""

    base: str
    instructions: tuple[Instruction, ...]

    def all(self, name: str) -> list[Instruction]:
        return [instruction for instruction in self.instructions if instruction.name == name]

    def one(self, name: str) -> Instruction:
        [found] = self.all(name)
        return found

    @property
    def environment(self) -> dict[str, str]:
        pairs = (word.partition("=") for found in self.all("ENV") for word in found.words.split())
        return {name: value for name, _, value in pairs}


def stages(text: str) -> list[Stage]:
    joined = re.sub(r"\\\n", " ", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE))
    lines = [line.split(None, 1) for line in joined.splitlines() if line.strip()]
    found: list[Stage] = []
    for name, words in lines:
        if name == "FROM":
            found.append(Stage(words, ()))
        elif found:
            found[-1] = Stage(found[-1].base, (*found[-1].instructions, Instruction(name, words.strip())))
    return found


def ignored(path: str, patterns: Sequence[str]) -> bool:
    """Whether .dockerignore leaves a path out of the build: the last pattern that matches it or a folder above says."""
    left_out = False
    above = ["/".join(path.split("/")[: end + 1]) for end in range(path.count("/") + 1)]
    for pattern in patterns:
        plain = pattern.removeprefix("!")
        names = [part for one in above for part in (one, one.rsplit("/", 1)[-1] if plain.startswith("**/") else one)]
        if any(fnmatch.fnmatch(name, plain.removeprefix("**/")) for name in names):
            left_out = not pattern.startswith("!")
    return left_out


def tracked() -> list[str]:
    """What is in the tree or about to be."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def context() -> list[str]:
    """The files that a build gets to see."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    return [name for name in tracked() if not ignored(name, patterns)]


QUICKER = Path(sys.executable).with_name("uv")
QUICK = """
case "$*" in "-m pip --python "*" install "*" -r requirements-image.lock")
    target="$4"; shift 5
    exec "{uv}" pip install --quiet --compile-bytecode --link-mode copy --python "$target" "$@";;
esac
"""


@dataclass(frozen=True)
class Build:
    """A stage's steps, carried out below `place` with a Python that has nothing installed."""

    stage: Stage
    place: Path
    quickly: bool = False
    """Let uv install what the longest lock names, told as pip is; it takes a second where pip takes half a minute."""

    def run(self) -> None:
        self._provide_python()
        at = self.place
        for instruction in self.stage.instructions:
            match instruction.name:
                case "WORKDIR":
                    at = Path(self.below(instruction.words))
                    at.mkdir(parents=True, exist_ok=True)
                case "COPY":
                    *sources, target = instruction.words.split()
                    self._copy(sources, at / target)
                case "RUN":
                    self._shell(self.below(instruction.words), at)
                case "ENV" | "ARG":
                    pass
                case other:
                    raise NotImplementedError(other)

    def below(self, words: str) -> str:
        """The image's places, as they are here."""
        return PLACES.sub(rf"{self.place}/\1", words)

    def _provide_python(self) -> None:
        """As the base image has it: a Python with pip, and what else is installed beside it is not seen by others."""
        program = self.place / "bin" / "python"
        program.parent.mkdir()
        program.write_text("#!/bin/sh\n" + QUICK.format(uv=QUICKER) * self.quickly + f'exec "{sys.executable}" "$@"\n')
        program.chmod(0o755)

    def _copy(self, sources: Sequence[str], target: Path) -> None:
        for source in sources:
            files = list(self._files(source))
            assert files, f"COPY {source} finds nothing in the build's context"
            for name in files:
                inside = target / Path(name).relative_to(source) if name != source else target / Path(name).name
                inside.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / name, inside)

    def _files(self, source: str) -> Iterator[str]:
        return (name for name in context() if name == source or name.startswith(f"{source}/"))

    def _shell(self, command: str, at: Path) -> None:
        # The machine's own index and certificates; nothing of ours. Its cache of downloads is not part of the steps.
        kept = {
            name: value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_", "SSL_", "HTTP", "NO_"))
        }
        environment = {**kept, **self.stage.environment, "PATH": f"{self.place}/bin:/usr/bin:/bin"}
        environment |= {"HOME": os.environ.get("HOME", "/"), "PIP_QUIET": "1"}
        environment.pop("PIP_NO_CACHE_DIR", None)
        done = subprocess.run(["sh", "-euc", command], cwd=at, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
