"""Faulty rule files: each of those in tests/faulty begins with all that is to be said of it, as comments."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from workers.faults import Fault
from workers.scrutiny.scrutiny import looked_through

FOLDER = Path(__file__).parent / "faulty"
FILES = sorted(FOLDER.iterdir())
NOW = datetime(2027, 1, 1, tzinfo=UTC)


def announced(text: str) -> list[str]:
    """`line:column: message`, of each fault."""
    lines = text.splitlines()
    first = next((place for place, line in enumerate(lines) if not line.startswith("# ")), len(lines))
    return [line.removeprefix("# ") for line in lines[:first]]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_faulty_file_gives_exactly_the_messages_that_it_begins_with(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    found = looked_through({file.name: text}, NOW)
    assert [f"{fault.line}:{fault.column}: {fault.told}" for fault in found.faults] == announced(text)
    assert found.rulebook is None, "a file with faults is never put in force"
    assert announced(text), "a file without a fault proves nothing"


def test_there_are_many_of_them() -> None:
    assert len(FILES) > 200


def test_they_are_all_told_together_as_each_is_by_itself() -> None:
    texts = {file.name: file.read_text(encoding="utf-8") for file in FILES}
    alone = [
        f"{name}:{said}"
        for name, text in texts.items()
        for said in announced(text)
        if "there is a rule named" not in said
    ]
    together = [
        f"{fault.path}:{fault.line}:{fault.column}: {fault.told}"
        for fault in looked_through({f"{name[:-5]}/{name}": text for name, text in texts.items()}, NOW).faults
        if "there is a rule named" not in fault.message
    ]
    assert sorted(told.partition("/")[2] for told in together) == sorted(alone)


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        # A trigger that is misspelt is not news of nothing, and its moments are not none.
        ("when: appointment.deletd, then: [{do: cancel, notify: true}]", ["'appointment.deletd' is not known here"]),
        ("when: 2h before strat, late: 5m, then: [{do: cancel, notify: true}]", ["'strat' is nothing to count from"]),
        # What block_slot can act on hangs on its words.
        ("when: every day at 07:00, then: [{do: block_slot, form: '12:00', until: '13:00'}]", ["'form' is not known"]),
        # A test that is wrong is not one that is missing.
        ("when: appointment.created, if: {title: {contain: x}}, then: [{do: add_note, text: x}]", ["'contain' is not"]),
        ("when: appointment.created, if: {any: [{titel: x}]}, then: [{do: add_note, text: x}]", ["'titel' is not"]),
        # A word that is misspelt is not missing as well.
        ("when: appointment.created, then: [{do: add_note, txt: x}]", ["'txt' is not known in add_note"]),
        ("wen: appointment.created, then: [{do: cancel, notify: true}]", ["'wen' is not known in a rule"]),
        # Each of several faults of one rule, of different kinds.
        (
            "when: contact.updated, if: {titel: x}, then: [{do: cancel, notify: true}]",
            ["'titel' is not known", "cancel has nothing to act on"],
        ),
        (
            "when: [2h before start, 120m before start], mode: on, then: [{do: add_note, text: x}]",
            ["120m before start is said twice", "'on' is not known here"],
        ),
    ],
)
def test_what_follows_from_a_fault_is_no_further_fault(rule: str, told: list[str]) -> None:
    found = [fault.message for fault in looked_through({"rules.yaml": f"- {{name: one, {rule}}}"}, NOW).faults]
    assert len(found) == len(told), found
    assert all(message.startswith(said) for message, said in zip(found, told, strict=True)), found


def test_names_of_a_file_that_is_no_text_are_not_called_unknown() -> None:
    rules = "- {name: one, when: appointment.created, then: [{do: assign, to: dana}]}"
    unread = [Fault("names.yaml", 1, 1, "the file is not UTF-8")]
    assert looked_through({"rules.yaml": rules}, NOW, unread=unread).faults == tuple(unread)
    assert len(looked_through({"rules.yaml": rules}, NOW).faults) == 1
