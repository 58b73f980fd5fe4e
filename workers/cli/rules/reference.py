"""`slotwright rules words` and `slotwright rules schema`: what a rule may say, for people and for editors."""

import json
from collections.abc import Iterator

import click

from workers.reference.entries import MOMENT, SECTIONS, Entry, entries, every, moment_like
from workers.reference.schema import rule_files
from workers.words import nearest


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
    for name, section in SECTIONS.items():
        yield f"{section.title}: {', '.join(entry.word for entry in entries(name))}"


def _about(word: str) -> Iterator[str]:
    meant = [entry for entry in every() if _is_meant(entry, word)]
    if not meant:
        near = nearest(word, {entry.word for entry in every()})
        raise click.ClickException(f"no word is {word!r}" + (f"; did you mean {near!r}?" if near else ""))
    yield "\n\n".join("\n".join(_told(entry)) for entry in meant)


def _is_meant(entry: Entry, word: str) -> bool:
    """`event.person` is one of `event.…`, and `moment` is the kind `a moment`, and every moment."""
    family = entry.word.removesuffix("…")
    if family != entry.word and (word.startswith(family) or f"{word}." == family):
        return True
    if entry.what == MOMENT:
        return entry.word == moment_like(word) or word in ("moment", "moments")
    return entry.word in (word, f"a {word}")


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
