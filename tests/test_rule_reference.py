"""The page about rules and `rules words`: every word is there, as it is declared."""

import json
import re

import pytest
from click.testing import CliRunner, Result

from tests.rule_files import CUTS, DANA, KIM
from tests.rule_pages import FOLDER, PAGE, SCHEMA
from workers.actions import ACTIONS, Action, Cancel
from workers.cli.commands import slotwright
from workers.comparisons import COMPARISONS
from workers.filters import FILTERS
from workers.kinds import Kind
from workers.known_facts import KNOWN
from workers.moments import read_moment
from workers.reference.docstrings import described
from workers.reference.entries import EXAMPLES_OF_MOMENTS, MUST, every, moment_like
from workers.reference.page import renewed
from workers.rule_folder import files_in
from workers.rulebook import read

NAMES = f"""\
people: {{dana: {DANA}, kim: {KIM}}}
teams: {{evening: [dana, kim]}}
calendars: {{cuts: {CUTS}}}
workflows: {{reminders: 1f2e3d4c-5b6a-7988-a7b6-c5d4e3f2a1b0}}
rules:
"""


def rules(*arguments: str) -> Result:
    return CliRunner().invoke(slotwright, ["rules", *arguments])


def test_its_tables_are_those_of_the_declarations() -> None:
    assert renewed(PAGE.read_text()) == PAGE.read_text(), "the rule language has changed: run make docs"


def test_a_table_that_is_out_of_date_is_renewed_and_what_stands_around_it_stays() -> None:
    page = PAGE.read_text()
    stale = page.replace("| `priority` |", "| `urgency` |").replace("| `assignee.name` |", "| `who` |")
    assert stale != page
    assert renewed(stale) == page


def test_a_table_without_its_place_is_not_left_out_in_silence() -> None:
    page = PAGE.read_text()
    with pytest.raises(ValueError, match=r"these places are wanted, each once: .*facts"):
        renewed(page.replace("<!-- facts: written by make docs -->", ""))
    with pytest.raises(ValueError, match=r"facts: .* has no .*end of facts"):
        renewed(page.replace("<!-- end of facts -->", ""))


def test_it_names_the_actions_that_are_done_at_an_event_about_no_booking() -> None:
    _, _, told = PAGE.read_text().partition("On an event about none ")
    told, _, _ = told.partition("Its other actions")
    anywhere, _, contact = told.partition("; so are ")
    kinds = [kind for kind in ACTIONS if kind.needs_booking is not Action.needs_booking]
    without = {kind.called for kind in kinds if not kind.needs_contact}
    assert set(re.findall(r"`(\w+)`", anywhere)) - {"from", "until"} == without
    assert set(re.findall(r"`(\w+)`", contact)) == {kind.called for kind in kinds} - without


def test_every_word_is_on_it_with_what_it_means() -> None:
    page = PAGE.read_text()
    for entry in every():
        assert f"`{entry.word}`" in page or f"| {entry.word} |" in page or f"### {entry.word}\n" in page, entry.word
        assert entry.meaning or entry.what.startswith("beside"), f"{entry.word}, {entry.what}"


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.called)
def test_the_example_of_each_action_can_be_put_in_force(action: type[Action]) -> None:
    text = f"{NAMES}- name: one\n  when: appointment.created\n  then: [{action.example}]\n"
    [entry] = read({"rules.yaml": text})
    assert [step.do for step in entry.rule.then] == [action.called]


def test_beside_the_examples_only_rule_files_are_read_as_such() -> None:
    assert files_in(FOLDER).keys() == {str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.yaml")}


def test_the_command_says_of_an_action_what_may_be_said_and_what_must() -> None:
    said = rules("words", "cancel")
    assert said.exit_code == 0
    assert said.output == (
        "cancel: an action\n"
        "  Cancel the appointment.\n"
        "  example: {do: cancel, notify: true}\n"
        f"  notify: `true` or `false`; {MUST}\n"
        "    Whether the client, and the account's own automations, are told.\n"
    )


def test_the_command_knows_a_word_wherever_it_may_stand() -> None:
    said = rules("words", "within").output
    assert [line for line in said.splitlines() if line.startswith("within: ")] == [
        "within: beside a test of contact.bookings",
        "within: beside a test of contact.no_shows",
        "within: a word of reschedule",
        "within: a word of book",
    ]
    assert "  takes: a duration (`90m`)\n" in said


def test_the_command_knows_what_a_file_declares_by_its_family() -> None:
    assert rules("words", "contact.fields.language").output.startswith("contact.fields.…: a fact\n")


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("moment", ["2h before start", "1 day before start at 16:00", "every day at 07:00", "a moment"]),
        ("90m after end", ["2h before start"]),
        ("1 day before start at 16:00", ["1 day before start at 16:00"]),
        ("every  Weekday", ["every day at 07:00"]),
        ("before", ["before", "before"]),
        ("contact.fields", ["contact.fields.…"]),
        ("true or false", ["true or false"]),
        ("nobody", ["nobody"]),
        ("nothing", ["nothing"]),
        ("anybody", ["anybody"]),
        ("team", ["teams"]),
        ("holiday", ["holidays"]),
        ("weekdays", ["a weekday"]),
        ("clock time", ["a clock time"]),
        ("external.sick_day", ["external.…"]),
        ("live", ["mode"]),
        ("month", ["over", "over"]),
        ("shift", ["to", "to"]),
    ],
)
def test_the_command_knows_what_authors_call_a_thing(asked: str, told: list[str]) -> None:
    for words in ([asked], asked.split()):
        said = rules("words", *words).output
        assert [line.partition(": a ")[0] for line in said.splitlines() if re.match(r"\S.*: a ", line)] == told


def test_the_moments_that_are_explained_are_such() -> None:
    for word in EXAMPLES_OF_MOMENTS:
        assert read_moment(word)
        assert moment_like(word) == word


def test_the_command_without_a_word_tells_them_all() -> None:
    said = rules("words").output
    for word in (
        *KNOWN,
        *(word for tests in COMPARISONS.values() for word in tests),
        *(each.called for each in ACTIONS),
    ):
        assert word in said


@pytest.mark.parametrize("word", ["filter", "Filters"])
def test_the_command_lists_the_words_of_a_kind(word: str) -> None:
    assert rules("words", word).output == f"Filters: {', '.join(FILTERS)}\n"


@pytest.mark.parametrize(
    ("word", "meant"),
    [("asign", "assign"), ("and", "all"), ("no_shows", "contact.no_shows"), ("task", "create_task"), ("xyzzy", None)],
)
def test_the_command_asks_whether_the_nearest_word_was_meant(word: str, meant: str | None) -> None:
    said = rules("words", word)
    hint = f"did you mean {meant!r}?" if meant else "slotwright rules words lists them all"
    assert (said.exit_code, said.output) == (1, f"Error: no word is {word!r}; {hint}\n")


def test_the_command_prints_the_schema() -> None:
    assert json.loads(rules("schema").output) == json.loads(SCHEMA.read_text())


def test_a_word_is_described_by_what_stands_below_it_in_its_class_or_where_it_was_first_declared() -> None:
    assert described(Cancel)["on_error"] == described(Action)["on_error"] != ""
    assert described(Cancel)["notify"] == "Whether the client, and the account's own automations, are told."
    assert described(Kind)["NUMBER"] == "A number, `5` or `2.5`."
    assert all("\n" not in text for action in ACTIONS for text in described(action).values())
