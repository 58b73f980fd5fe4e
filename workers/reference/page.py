"""The tables of the page about rules: each stands between two marks, and all around them is written by hand."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from workers.reference.entries import Entry, entries
from workers.reference.takes import code

BEGIN, END = "<!-- {}: written by make docs -->", "<!-- end of {} -->"
PLACE: Final = re.compile(r"(?<=<!-- )\w+(?=: written by make docs -->)")


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *([_cell(each) for each in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _words(found: Iterable[Entry]) -> str:
    rows = [(code(each.word), each.takes, _begun(each.meaning), each.default) for each in found]
    return _table(("word", "takes", "what it does", "if unsaid"), rows)


def _triggers(found: Iterable[Entry]) -> str:
    return _table(("trigger", "what happened"), [(code(each.word), each.meaning) for each in found])


def _facts(found: Iterable[Entry]) -> str:
    rows = [(code(each.word), each.takes, each.meaning, each.more) for each in found]
    return _table(("fact", "is", "what it is", "costs"), rows)


def _tests(found: Iterable[Entry]) -> str:
    return _table(("test", "of", "holds where"), [(code(each.word), each.more, each.meaning) for each in found])


def _kinds(found: Iterable[Entry]) -> str:
    return _table(("kind", "written", "tests"), [(each.word, each.meaning, each.more) for each in found])


def _values(found: Iterable[Entry]) -> str:
    return _table(("value", "written"), [(each.word, each.meaning) for each in found])


def _filters(found: Iterable[Entry]) -> str:
    rows = [(code(each.word), each.takes, each.meaning, each.more, code(each.example)) for each in found]
    return _table(("filter", "of", "makes it", "in brackets", "for example"), rows)


def _ways(found: Iterable[Entry]) -> str:
    rows = [(code(each.word), each.meaning, "; ".join(_beside(word) for word in each.below)) for each in found]
    return _table(("way", "whom", "words"), rows)


def _beside(word: Entry) -> str:
    return f"{code(word.word)}: {word.takes}" + (f" ({word.default} if unsaid)" if "`" in word.default else "")


def _actions(found: Iterable[Entry]) -> str:
    parts = [f"### {each.word}\n\n{each.meaning}\n\n`{each.example}`\n\n{_words(each.below)}" for each in found]
    return "\n" + "\n".join(parts) + "\n"


def _begun(text: str) -> str:
    return text[:1].upper() + text[1:]


BLOCKS: Final[Mapping[str, Callable[[Iterable[Entry]], str]]] = MappingProxyType(
    {
        **dict.fromkeys(("file", "person", "source", "rule", "step", "within", "conduct"), _words),
        "triggers": _triggers,
        "facts": _facts,
        "tests": _tests,
        "kinds": _kinds,
        "values": _values,
        "actions": _actions,
        "ways": _ways,
        "filters": _filters,
    }
)


def renewed(page: str) -> str:
    """`page` with its tables as they should be. Raises ValueError where one has no place, or several."""
    if sorted(PLACE.findall(page)) != sorted(BLOCKS):
        raise ValueError(f"these places are wanted, each once: {', '.join(sorted(BLOCKS))}")
    for name, written in BLOCKS.items():
        begin, end = BEGIN.format(name), END.format(name)
        before, _, rest = page.partition(f"{begin}\n")
        _, found, after = rest.partition(end)
        if not found:
            raise ValueError(f"{begin} has no {end} behind it")
        page = f"{before}{begin}\n{written(entries(name))}{end}{after}"
    return page
