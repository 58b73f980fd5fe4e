"""The index of rules: which are asked, without a look at each of them; and rules that are read when they first are."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr, TypeAdapter

from service.store.locations import Location
from tests.rule_files import CUTS, NAMES, faults, rule
from workers.condition_words import If
from workers.faults import RulebookFaults
from workers.names import NAMES as IN_CONTEXT
from workers.names import Names
from workers.rule_index import EXPLAINED, calendars_of, calendars_said
from workers.rulebook import Rulebook, read, taken_up
from workers.timetable import waiting

COLOUR = "Pv1qIbRpeTdk3nQz8Ywa"
KNOWN = Names(calendars={"cuts": CUTS, "colour": COLOUR})
HERE = Location("north", "Uptown", "Europe/London", "live", datetime(2027, 1, 1, tzinfo=UTC), SecretStr(""))


def book(*rules: str, top: str = "") -> Rulebook:
    return read({"rules.yaml": f"{top}calendars: {{cuts: {CUTS}, colour: {COLOUR}}}\nrules:\n{''.join(rules)}"})


def asked(rulebook: Rulebook, *words: str, calendar: str | None = CUTS, location: Location = HERE) -> list[str]:
    places = rulebook.index.listening(words, location, calendar)
    return [rulebook.entries[place].heading.name for place in places]


def many(conditions: str, count: int = EXPLAINED) -> Iterable[str]:
    return (rule(f"many-{number}", more=f"  if: {conditions}\n") for number in range(count))


def test_rules_are_found_by_each_word_they_listen_to_in_their_order() -> None:
    rulebook = book(
        rule("both", when="[appointment.created, appointment.cancelled]"),
        rule("cancelled", when="appointment.cancelled", more="  priority: 1\n"),
        rule("moved", when="appointment.rescheduled"),
    )
    assert asked(rulebook, "appointment.cancelled") == ["cancelled", "both"]
    assert asked(rulebook, "appointment.created", "appointment.cancelled") == ["cancelled", "both"], "each once"
    assert asked(rulebook, "appointment.noshow") == []


@pytest.mark.parametrize(
    ("said", "found"), [("", True), ("location: north\n", True), ("location: Uptown\n", True), ("location: y\n", False)]
)
def test_a_rule_is_for_every_location_or_for_one_by_its_id_or_its_name(said: str, found: bool) -> None:
    rulebook = book(rule(when="[appointment.created, 2h before start]"), top=said)
    assert asked(rulebook, "appointment.created") == ["one"] * found
    assert rulebook.index.waiting(HERE) == [0] * found


def test_a_location_named_by_its_id_has_each_rule_once() -> None:
    alike = Location("north", "north", "Europe/London", "live", datetime(2027, 1, 1, tzinfo=UTC), SecretStr(""))
    rulebook = book(rule(when="2h before start"), top="location: north\n")
    assert rulebook.index.waiting(alike) == [0]
    assert asked(rulebook, "2h before start", location=alike) == ["one"]
    rulebook = book(*many("{calendar: colour}"), top="location: north\n")
    assert len(asked(rulebook, "appointment.created", location=alike)) == EXPLAINED, "nor counts it twice"


def test_moments_and_the_end_of_a_burst_are_listened_to() -> None:
    rulebook = book(
        rule("moment", when="2h before start"),
        rule("burst", when="appointment.rescheduled", more="  debounce: 30s\n"),
        rule("off", when="1h after end", more="  mode: off\n"),
    )
    assert asked(rulebook, "2h before start") == ["moment"]
    assert asked(rulebook, "quiet") == asked(rulebook, "appointment.rescheduled") == ["burst"]
    assert rulebook.index.waiting(HERE) == [0, 2]


def test_few_rules_are_asked_whatever_their_calendar_so_that_each_says_why_not() -> None:
    assert len(asked(book(*many("{calendar: colour}")), "appointment.created")) == EXPLAINED


def test_of_many_rules_only_those_are_asked_that_may_be_about_the_calendar() -> None:
    rulebook = book(
        *many("{calendar: colour}"),
        rule("here", more="  if: {calendar: {in: [colour, cuts]}}\n"),
        rule("any", more="  if: {title: x}\n"),
    )
    assert asked(rulebook, "appointment.created") == ["here", "any"]
    assert len(asked(rulebook, "appointment.created", calendar=COLOUR)) == EXPLAINED + 2
    assert len(asked(rulebook, "appointment.created", calendar=None)) == EXPLAINED + 2, "it is not known where"


def test_rules_that_nothing_could_hold_for_are_asked_all_the_same() -> None:
    never = rule("never", more="  if: {calendar: {is: cuts, in: [colour]}}\n")
    assert asked(book(*many("{calendar: colour}"), never), "appointment.created") == ["never"]


TOLD: list[tuple[Any, set[str] | None]] = [
    ({"calendar": "cuts"}, {CUTS}),
    ({"calendar": CUTS}, {CUTS}),
    ({"calendar": {"is": "cuts"}}, {CUTS}),
    ({"calendar": {"in": ["cuts", "colour"]}}, {CUTS, COLOUR}),
    ({"calendar": {"in": ["cuts", "colour"], "is": "cuts"}}, {CUTS}),
    ({"calendar": {"in": ["cuts", "nothing"]}}, None),
    ({"calendar": {"is_not": "cuts"}}, None),
    ({"calendar": {"not_in": ["cuts"]}}, None),
    ({"calendar": "nothing"}, None),
    ({"any": [{"calendar": "cuts"}, {"title": "x"}]}, None),
    ({"not": {"calendar": "cuts"}}, None),
    ({"title": "x"}, None),
]


@pytest.mark.parametrize(("conditions", "calendars"), TOLD)
def test_calendars_are_told_alike_from_conditions_and_from_how_they_stand_in_a_file(
    conditions: Any, calendars: set[str] | None
) -> None:

    understood = TypeAdapter[Any](If).validate_python(conditions, context={IN_CONTEXT: KNOWN})
    assert calendars_of(understood) == calendars
    assert calendars_said(conditions, KNOWN) == calendars


@pytest.mark.parametrize("conditions", [None, "x", [], {}, {"calendar": None}, {"calendar": 7}, {"calendar": "cutz"}])
def test_of_what_cannot_be_read_no_calendars_are_told(conditions: Any) -> None:
    assert calendars_said(conditions, KNOWN) is None


def test_conditions_within_all_are_told_only_once_they_are_read() -> None:
    """Without that the rule is asked of every calendar, and says no."""
    assert calendars_said({"all": [{"calendar": "cuts"}]}, KNOWN) is None


SALON = {
    "names.yaml": NAMES + "location: north\n",
    "first.yaml": "defaults: {mode: live, priority: 2, debounce: 1m}\nrules:\n"
    + rule("quiet", more="  mode: shadow\n"),
    "second.yaml": "rules:\n"
    + rule("cuts", when="[appointment.created, 2h before start]", more="  if: {calendar: cuts}\n  priority: 3\n")
    + rule("given", then="{do: assign, to: {least_busy: evening}, otherwise: {do: alert, text: x}}"),
}


def test_what_is_taken_up_is_what_is_read() -> None:
    whole, taken = read(SALON), taken_up(SALON)
    assert taken.digest == whole.digest
    assert [entry.heading.name for entry in taken] == ["cuts", "quiet", "given"]
    for mine, theirs in zip(taken, whole, strict=True):
        assert mine.rule == theirs.rule
        assert (mine.names, mine.path, mine.line, mine.location) == (
            theirs.names, theirs.path, theirs.line, theirs.location
        )  # fmt: skip
        for word in type(mine.heading).model_fields:
            assert getattr(mine.heading, word) == getattr(theirs.rule, word), word
    words = ("appointment.created", "2h before start", "quiet for 1m")
    assert asked(taken, *words) == asked(whole, *words) == ["cuts", "quiet", "given"]
    assert waiting(taken, HERE) == waiting(whole, HERE)


LATER = "rules:\n" + rule("fine") + rule("later", then="{do: foresee}") + rule("off", then="{}", more="  mode: off\n")


def test_a_rule_that_cannot_be_read_is_no_fault_until_it_is_asked_for() -> None:
    taken = taken_up({"later.yaml": LATER})
    assert asked(taken, "appointment.created") == ["fine", "later", "off"]
    assert taken.entries[0].rule.name == "fine"
    for _ in range(2):
        with pytest.raises(RulebookFaults, match=r"^later\.yaml:5:3: 'foresee' is not known here"):
            _ = taken.entries[1].rule


@pytest.mark.parametrize(
    "text",
    [
        rule(when="appointment.foreseen") + rule("two", then="{do: foresee}"),
        rule(more="  mode: maybe\n"),
        rule("same") + rule("same"),
        rule() + "- 7\n",
        "rules: [",
        "people: {dana: x}\nrules: []\n",
        "defaults: {mode: maybe}\nrules: []\n",
    ],
)
def test_where_it_cannot_be_told_when_to_ask_a_rule_everything_that_is_wrong_is_told(text: str) -> None:
    with pytest.raises(RulebookFaults) as refused:
        taken_up({"rules.yaml": text})
    assert [str(fault) for fault in refused.value.faults] == faults(text)


def test_rules_are_found_by_their_names() -> None:
    rulebook = taken_up(SALON)
    found = rulebook.named("quiet")
    assert found is rulebook.entries[1]
    assert rulebook.named("nobody") is None
