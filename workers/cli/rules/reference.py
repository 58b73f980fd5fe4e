"""`slotwright rules words` and `slotwright rules schema`: what a rule may say, for people and for editors."""

import json
import re
from collections.abc import Iterator
from typing import Final

import click

from workers.other_words import nearest
from workers.reference.entries import MOMENT, SECTIONS, Entry, entries, every, moment_like
from workers.reference.schema import rule_files

LISTED: Final = frozenset({"triggers", "facts", "tests", "kinds", "actions", "ways", "filters"})
"""Words for kinds of words."""


@click.command()
@click.argument("word", nargs=-1)
def words(word: tuple[str, ...]) -> None:
    """Say what WORD means in a rule file, wherever it may stand; without one, what words there are.

    A moment, such as `1 day before start at 16:00`, is one word.
    """
    wanted = " ".join(" ".join(word).split())
    click.echo("\n".join(_about(wanted) if wanted else _all()))


@click.command()
def schema() -> None:
    """Print the JSON schema of rule files, by which editors complete and explain them."""
    click.echo(json.dumps(rule_files(), indent=2, ensure_ascii=False))


def _all() -> Iterator[str]:
    yield from map(_words_of, SECTIONS)


def _words_of(section: str) -> str:
    return f"{SECTIONS[section].title}: {', '.join(entry.word for entry in entries(section))}"


def _about(word: str) -> Iterator[str]:
    listed = next((name for name in SECTIONS if name in LISTED and word.casefold() in (name, name[:-1])), None)
    found = [entry for entry in every() if _is_meant(entry, word)]
    if listed:
        yield _words_of(listed)
    elif not found:
        # What may stand behind a word is explained there.
        found = [entry for entry in every() if _is_value_of(entry, word)]
    if not found and not listed:
        near = nearest(word, {entry.word for entry in every()})
        hint = f"did you mean {near!r}?" if near else "slotwright rules words lists them all"
        raise click.ClickException(f"no word is {word!r}; {hint}")
    if found:
        yield "\n\n".join("\n".join(_told(entry)) for entry in dict.fromkeys(found))


def _is_meant(entry: Entry, word: str) -> bool:
    """`event.person` is one of `event.…`, `moment` is the kind `a moment`, and every moment, and `team` is `teams`."""
    family = entry.word.removesuffix("…")
    if family != entry.word and (word.startswith(family) or f"{word}." == family):
        return True
    if entry.what == MOMENT:
        return entry.word == moment_like(word) or word in ("moment", "moments")
    one = word.removesuffix("s")
    return entry.word in (word, f"a {word}", f"{word}s", one, f"a {one}")


def _is_value_of(entry: Entry, word: str) -> bool:
    """`next_free` is one of `to`, and so is `shift`."""
    value = re.compile(rf"[`{{]{re.escape(word.casefold())}[`:]")
    return any(value.search(text) for text in (entry.takes, entry.meaning, entry.more))


def _told(entry: Entry) -> Iterator[str]:
    yield f"{entry.word}: {entry.what}"
    if entry.meaning:
        yield f"  {entry.meaning}"
    for label, text in entry.details:
        yield f"  {label}: {text}"
    for each in entry.below:
        besides = "; ".join(part for part in (each.takes, _unsaid(each)) if part)
        yield f"  {each.word}: {besides}"
        if each.meaning:
            yield f"    {each.meaning}"


def _unsaid(entry: Entry) -> str:
    return f"{entry.default} if unsaid" if "`" in entry.default else entry.default
