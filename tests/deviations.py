"""The table of deliberate deviations from HighLevel's specification: its rows, read and written."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from itertools import product
from pathlib import Path

PAGE = Path(__file__).parent.parent / "service/highlevel/DEVIATIONS.md"
HEADINGS = ("file", "operation", "place", "specification", "ours", "reason")
UNTOLD = "why?"
"""The reason in a row that somebody still has to give one."""
FILES = ("2021-04-15", "v3")
WHOLE = re.compile(r"^Whole numbers: (.*?)\.$", re.MULTILINE | re.DOTALL)
NAMES = re.compile(r"{(.*?)}")


@dataclass(frozen=True, order=True)
class Difference:
    """One thing that one file says otherwise than we do."""

    file: str
    operation: str
    place: str
    specification: str
    ours: str

    @property
    def is_whole_number(self) -> bool:
        """They say number, we say integer: allowed by name, wherever it stands."""
        return (self.specification, self.ours) == ("number", "integer")

    @property
    def name(self) -> str:
        """Of the field."""
        return self.place.partition(" ")[0].rpartition(".")[2].rstrip("[]")


@dataclass(frozen=True)
class Row:
    """A line of the table: what its cells say, and the differences it stands for (all of them)."""

    line: str
    reason: str
    differences: frozenset[Difference]


def whole_numbers(page: str) -> list[str]:
    """The fields that the page says are whole numbers."""
    return [name for told in WHOLE.findall(page) for name in re.findall(r"`(\w+)`", told)]


def rows(page: str) -> list[Row]:
    """Of every table with our headings. `both` stands for both files; operations and names in braces are lists."""
    found, inside = [], False
    for line in page.splitlines():
        cells = [cell.strip().replace("`", "").replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if not line.startswith("|"):
            inside = False
        elif tuple(cells) == HEADINGS:
            inside = True
        elif inside and set(line) - set("|-: "):
            found.append(_row(line, *cells))
    return found


def _row(line: str, file: str, operations: str, place: str, specification: str, ours: str, reason: str) -> Row:
    files = FILES if file == "both" else (file,)
    names = NAMES.search(place)
    places = [NAMES.sub(name, place) for name in names[1].split(", ")] if names else [place]
    everywhere = product(files, operations.split(", "), places)
    return Row(line, reason, frozenset(Difference(*where, specification, ours) for where in everywhere))


def written(differences: Iterable[Difference], reason: str = UNTOLD) -> list[str]:
    """The rows that would stand for these differences, as few as can be."""
    files: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for file, operation, place, *said in sorted(map(astuple, differences)):
        files[operation, place, *said].append(file)
    operations: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for (operation, *rest), of in files.items():
        operations["both" if tuple(of) == FILES else of[0], *rest].append(operation)
    names: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for (file, place, *said), of in operations.items():
        where, _, aspect = place.partition(" ")
        before, dot, name = where.rpartition(".")
        names[file, ", ".join(of), f"{before}{dot}", aspect, *said].append(name)
    return [
        f"| {file} | {of} | `{_place(before, these, aspect)}` | {_cell(theirs)} | {_cell(ours)} | {reason} |"
        for (file, of, before, aspect, theirs, ours), these in names.items()
    ]


def _place(before: str, names: list[str], aspect: str) -> str:
    return f"{before}{names[0] if len(names) == 1 else '{' + ', '.join(names) + '}'} {aspect}".rstrip()


def _cell(text: str) -> str:
    """Code where Markdown would take signs for its own."""
    text = text.replace("|", "\\|")
    return f"`{text}`" if re.search(r"[\\*^_<>]", text) else text
