"""The gallery of rules: every word of the language is in it, and each rule is shown to act and to leave alone."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from tests import gallery_page, gallery_words
from tests.gallery import RULES, text_of
from tests.gallery_page import TRADES, stories
from workers.cli.commands import slotwright
from workers.cli.rules.book import rules_in
from workers.cli.up import examples
from workers.rulebook import read
from workers.yaml_nodes import compose

TESTS = sorted(Path(__file__).parent.glob("test_gallery_*.py"))
BOOK = {entry.rule.name: entry for trade in TRADES for entry in read({f"{trade}.yaml": text_of(trade)})}


def named(word: str) -> set[str]:
    """The rules of which a test says `did`, or `left`."""
    return {name for path in TESTS for name in _named(ast.parse(path.read_text(encoding="utf-8")), word)}


def _named(tree: ast.Module, word: str) -> Iterator[str]:
    tests = [node for node in tree.body if isinstance(node, ast.AsyncFunctionDef) and node.name.startswith("test_")]
    for node in (inner for test in tests for inner in ast.walk(test)):
        match node:
            case ast.Call(func=ast.Attribute(attr=attribute), args=[ast.Constant(value=str(name)), *_]):
                if attribute == word:
                    yield name


def written() -> Mapping[str, Mapping[str, Any]]:
    """The rules as they stand in their files."""
    roots = [compose(text_of(trade))[0] for trade in TRADES]
    rules = [rule for root in roots if root for rule in root.data["rules"]]
    return {rule["name"]: rule for rule in rules}


def test_each_rule_is_seen_to_act_and_to_leave_alone() -> None:
    acting = {name for name, entry in BOOK.items() if entry.rule.mode != "off"}
    assert acting == named("did")
    assert set(BOOK) == named("left")


def test_every_word_of_the_language_is_in_a_rule_that_a_test_shows() -> None:
    tested = named("did") | named("left")
    rules = written()
    found = frozenset[str]().union(*(gallery_words.said(BOOK[name], rules[name]) for name in tested))
    assert sorted(gallery_words.declared() - found) == []


def test_the_word_counter_sees_what_is_missing() -> None:
    found = gallery_words.said(BOOK["lunch"], written()["lunch"])
    assert {"actions: block_slot.if_taken skip", "moments: every", "step: for", "within: days"} & found == {
        "actions: block_slot.if_taken skip",
        "moments: every",
        "step: for",
    }
    assert "actions: block_slot.if_taken alert" in gallery_words.declared() - found


def test_no_word_of_warning_is_left() -> None:
    told = CliRunner().invoke(slotwright, ["rules", "check", str(RULES), "--strict"])
    assert (told.exit_code, told.output.count("\n")) == (0, 1), told.output


def test_each_rule_is_told_by_what_it_does_to_one_booking() -> None:
    told = {name: story for trade in TRADES for name, story in stories(trade).items()}
    assert list(told) == list(BOOK)
    assert all(80 < len(story) < 500 for story in told.values())
    assert all(entry.rule.description for entry in BOOK.values())


def test_the_page_is_current() -> None:
    assert gallery_page.PAGE.read_text(encoding="utf-8") == gallery_page.page(), (
        "the gallery has changed: run make docs"
    )


def test_there_are_rules_of_several_trades() -> None:
    assert {path.stem for path in RULES.glob("*.yaml")} == set(TRADES)
    assert len(BOOK) >= 15


def test_the_gallery_is_no_part_of_what_a_start_puts_in_force() -> None:
    assert not {entry.rule.name for entry in rules_in(examples(), below=False)} & set(BOOK)
    assert {entry.rule.name for entry in rules_in(examples())} > set(BOOK), "but it comes with the program"
    assert all(entry.location for entry in BOOK.values())
