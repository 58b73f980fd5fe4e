"""Faults: what is wrong in rule files, told all at once and each where it stands."""

import pytest

from tests.rule_files import DANA, KIM, NAMES, faults, of_action, rule
from workers.faults import Fault, RulebookFaults
from workers.rulebook import read


@pytest.mark.parametrize(
    ("names", "refused"),
    [
        ("people: {dana: 5}", "rules.yaml:1:16: text expected, found the number 5: put it in quotes"),
        (
            "people: {dana: dana smith}",
            "rules.yaml:1:16: 'dana smith' is no HighLevel id, which has 12 to 40 letters and digits",
        ),
        (
            f"people: {{dana: {{id: {DANA}, age: 5}}}}",
            "rules.yaml:1:43: 'age' is not known in a person; known: id, per_day, skills, buffer, hours",
        ),
        ("people: {dana: {}}", "rules.yaml:1:16: a person must say id"),
        ("people: [dana]", "rules.yaml:1:9: words with their values ({word: value}) expected, found a list"),
        (f"people: {{nobody: {DANA}}}", "rules.yaml:1:10: 'nobody' means something else and is no name"),
        ("calendars: {cuts: x}", "rules.yaml:1:19: 'x' is no HighLevel id, which has 12 to 40 letters and digits"),
        ("teams: {all: []}", "rules.yaml:1:14: it must not be empty"),
        (
            "teams: {all: dana}",
            "rules.yaml:1:14: a list ([this, that], or lines that begin with -) expected, found 'dana'",
        ),
        ("teams: {all: [dana]}", "rules.yaml:1:15: no person named 'dana'; none is declared under `people`"),
        (f"teams: {{calendar: [{DANA}]}}", "rules.yaml:1:9: 'calendar' means something else and is no name"),
        ("location: 5", "rules.yaml:1:11: text expected, found the number 5: put it in quotes"),
        ("peple: {}", "rules.yaml:1:1: 'peple' is not known in a file; did you mean 'people'?"),
        (
            "blueprint: {}",
            "rules.yaml:1:1: 'blueprint' is not known in a file; known: location, people, teams, calendars, workflows, "
            "hours, holidays, areas, fields, sources, defaults, rules",
        ),
        ("sources: {Sick: {}}", "rules.yaml:1:11: 'Sick' is no name for a source: small letters, figures, - and _"),
        ("sources: {sick: [a]}", "rules.yaml:1:17: words with their values ({word: value}) expected, found a list"),
        ("sources: {sick: {Who: a}}", "rules.yaml:1:18: 'Who' is no name for a fact: small letters, figures and _"),
        (
            "sources: {sick: {who: a..b}}",
            "rules.yaml:1:23: 'a..b' is no path such as data.employee.id: words and numbers with dots between them",
        ),
        ("sources: {sick: {who: {kind: text}}}", "rules.yaml:1:23: a fact of an event must say path"),
        (
            "sources: {sick: {who: {path: a, kind: name}}}",
            "rules.yaml:1:39: 'name' is not known here; known: text, number, moment, duration, flag, person, calendar",
        ),
        ("5", "rules.yaml:1:1: a file such as {rules: …} expected, found the number 5"),
    ],
)
def test_a_name_that_is_not_right_is_refused_where_it_stands(names: str, refused: str) -> None:
    assert faults(names) == [refused]


def test_one_wrong_name_is_told_once_and_not_wherever_it_is_used() -> None:
    text = f"people: {{dana: 5, kim: {KIM}}}\nteams: {{all: [dana, kim]}}\nrules:\n" + rule(
        then="{do: assign, to: dana}"
    )
    assert faults(text) == ["rules.yaml:1:16: text expected, found the number 5: put it in quotes"]
    assert faults({"names.yaml": "people: [", "rules.yaml": rule(then="{do: assign, to: dana}")}) == [
        "names.yaml:2:1: the file ends here, and a bracket is not closed"
    ]


SICK = "sources: {sick: {who: {path: a, kind: person}}, other: {when: b}}\nrules:\n"


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        (rule(when="external."), "4:9: 'external.' names no source: small letters, figures, - and _ after external."),
        (rule(when="external.A"), "4:9: 'external.A' names no source: small letters, figures, - and _ after external."),
        (
            rule(when="external.sick", more="  if: {event.whom: x}\n"),
            "6:8: 'event.whom' is not known as a fact; did you mean 'event.who'?",
        ),
        (
            rule(when="external.sick", more="  if: {event.who: {contains: x}}\n"),
            "6:20: 'contains' is not known for event.who",
        ),
        (
            rule(when="external.sick", more="  if: {event.when: x}\n"),
            "6:8: event.when is of no event that the rule listens to",
        ),
        (rule(more="  if: {event.who: nobody}\n"), "6:8: event.who is of no event that the rule listens to"),
        (
            rule(when="external.sick", then="{do: add_note, text: '{{ event.when }}'}"),
            "5:10: event.when is of no event that the rule listens to",
        ),
        (
            rule(when="external.sick", then="{do: add_note, text: '{{ event.nothing }}'}"),
            "5:35: 'event.nothing' is not known",
        ),
    ],
)
def test_a_rule_asks_only_about_events_that_it_listens_to(text: str, refused: str) -> None:
    [told] = faults(SICK + text)
    assert told.startswith(f"rules.yaml:{refused}"), told


def test_a_fact_of_two_sources_is_of_one_kind() -> None:
    said = "event.who is a number of sick and text of crm: name one of them otherwise"
    both = "sources: {crm: {who: b}, sick: {what: a, who: {path: a, kind: number}}}\nrules:\n"
    assert faults(both + rule(when="external.sick")) == [f"rules.yaml:1:42: {said}"]
    folder = {"names.yaml": "sources: {crm: {who: b}}", "rules.yaml": both.replace("crm: {who: b}, ", "") + rule()}
    assert faults(folder) == [f"rules.yaml:1:27: {said}"]


def test_a_rule_may_ask_about_any_of_the_events_that_it_listens_to() -> None:
    both = rule(when="[external.sick, external.other]", then="{do: add_note, text: '{{ event.when }}'}")
    assert read({"rules.yaml": SICK + both}).entries[0].rule.sources == {"sick", "other"}


# Faults


def test_all_faults_are_told_at_once_in_the_order_of_the_files() -> None:
    broken = {
        "b.yaml": "- {name: one}\n- 5\n",
        "a.yaml": "ruls: []\n",
        "c.yaml": "[",
        "d.yaml": rule("d", more="  mod: live\n  mode: liv\n"),
    }
    assert faults(broken) == [
        "a.yaml:1:1: 'ruls' is not known in a file; did you mean 'rules'?",
        "b.yaml:1:3: a rule must say then: what it does",
        "b.yaml:1:3: a rule must say when: what it listens to",
        "b.yaml:2:3: a rule such as {name: …, when: …, then: …} expected, found the number 5",
        "c.yaml:2:1: the file ends here, and a bracket is not closed",
        "d.yaml:4:3: 'mod' is not known in a rule; did you mean 'mode'?",
        "d.yaml:5:9: 'liv' is not known here; known: live, shadow, off; did you mean 'live'?",
    ]


def test_a_fault_is_data() -> None:
    with pytest.raises(RulebookFaults) as caught:
        read({"a.yaml": rule(then="{do: assign, to: kimm}", more=""), "names.yaml": NAMES})
    assert caught.value.faults == (Fault("a.yaml", 3, 27, "no person named 'kimm'", "kim"),)
    assert str(caught.value) == "a.yaml:3:27: no person named 'kimm'; did you mean 'kim'?"
    assert not caught.value.retry
    assert not caught.value.may_have_happened


def test_two_rules_of_one_name_are_refused() -> None:
    files = {"a.yaml": rule("one"), "b.yaml": rule("two") + rule("one")}
    assert faults(files) == ["b.yaml:4:3: there is a rule named 'one' already, in a.yaml line 1"]


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        (
            "- when: appointment.created\n  then: [{do: add_note, text: x}]",
            "1:3: a rule must say name: it is how the rule is known ever after",
        ),
        (rule("''"), "1:9: it must not be empty"),
        (rule("5"), "1:9: text expected, found the number 5: put it in quotes"),
        (rule("x" * 101), "1:9: text of at most 100 characters expected, found 101"),
        (rule(when="[]"), "2:9: it must not be empty"),
        (
            rule(when="appointment.create"),
            "2:9: 'appointment.create' is not known here; did you mean 'appointment",
        ),
        (rule(then=""), "3:9: it must not be empty"),
        (rule(more="  mode: on\n"), "4:9: 'on' is not known here; known: live, shadow, off"),
        (rule(more="  description: 5\n"), "4:16: text expected, found the number 5: put it in quotes"),
        (rule(more="  iff: {}\n"), "4:3: 'iff' is not known in a rule; did you mean 'if'?"),
        (rule(more="  conditions: {}\n"), "4:3: 'conditions' is not known in a rule"),
        (rule(more="  if: {titel: x}\n"), "4:8: 'titel' is not known as a fact; did you mean 'title'?"),
        (
            rule(more="  if:\n    starts: {after: 17:00, on: [thu, fry]}\n"),
            "5:38: 'fry' is no weekday, no date and not under `holidays`; known: mon,",
        ),
        (rule(more="  if: {any: [{status: new}, {assignee: {in: [kimm]}}]}\n"), "4:46: no person named 'kimm'"),
        (rule(more="  mode: live\n  mode: off\n"), "5:3: 'mode' stands here twice, first in line 4"),
    ],
)
def test_a_rule_that_is_not_right_is_refused_where_it_stands(text: str, refused: str) -> None:
    [found] = faults(text)
    assert found.startswith(f"rules.yaml:{refused}")


# Actions


@pytest.mark.parametrize(
    ("then", "refused"),
    [
        (
            "{do: asign, to: kim}",
            "10:10: 'asign' is not known here; did you mean 'assign'?",
        ),
        ("{to: kim}", "10:5: it must say do"),
        ("assign", "10:5: a step says what it does behind do, as in {do: assign, to: "),
        ("{do: assign}", "10:5: assign must say to"),
        ("{do: assign, too: kim}", "10:18: 'too' is not known in assign; did you mean 'to'?"),
        ("{do: assign, assign: kim, to: kim}", "10:18: 'assign' is not known in assign"),
        ("{do: assign, to: kimm}", "10:22: no person named 'kimm'; did you mean 'kim'?"),
        ("{do: assign, to: 5}", "10:22: text expected, found the number 5: put it in quotes"),
        ("{do: assign, to: [[kim]]}", "10:23: a person, {round_robin: team}, {least_busy: team}, {weighted: "),
        ("{do: assign, to: {}}", "10:22: a person, {round_robin: team}, {least_busy: team}, {weighted: "),
        (
            "{do: assign, to: {roundrobin: evening}}",
            "10:23: 'roundrobin' is not known here; did you mean 'round_robin'?",
        ),
        ("{do: assign, to: {round_robin: evenings}}", "10:36: no team named 'evenings'; did you mean 'evening'?"),
        ("{do: assign, to: {round_robin: [kim]}}", "10:36: the name of a team expected, found a list"),
        ("{do: assign, to: {least_busy: [dana, kimm]}}", "10:42: no person named 'kimm'; did you mean 'kim'?"),
        ("{do: assign, to: {least_busy: []}}", "10:35: at least one person expected"),
        (
            "{do: assign, to: {least_busy: evening, over: year}}",
            "10:50: 'year' is not known here; known: day, week, month",
        ),
        ("{do: assign, to: kim, replace: all}", "10:36: 'all' is not known here; known: nobody, automatic, anybody"),
        ("{do: add_note}", "10:5: add_note must say text"),
        ("{do: add_note, text: ''}", "10:26: text of 1 to 5000 characters expected, found 0"),
        ("{do: add_note, text: '{{ asignee }}'}", "10:30: 'asignee' is not known as a fact; did you mean 'assignee'?"),
        (
            "{do: reschedule, to: next_free}",
            "10:5: reschedule must say notify (true, false or if_start_changes): a silent move is a missed visit",
        ),
        (
            "{do: reschedule, to: next, notify: true}",
            "10:26: next_free, {shift: 1d} or a moment (2027-03-26 17:00) expected, found 'next'",
        ),
        (
            "{do: reschedule, to: next_free, notify: 1}",
            "10:45: true, false or if_start_changes expected, found the number 1",
        ),
        ("{do: reschedule, to: next_free, notify: never}", "10:45: 'never' is not known here; known: "),
        (
            "{do: reschedule, to: next_free, notify: true, within: {hours: 9-17}}",
            "10:67: '9' is not a clock time such as 17:00",
        ),
        ("{do: reschedule, to: next_free, notify: true, within: {hours: []}}", "10:67: it must not be empty"),
        (
            "{do: reschedule, to: next_free, notify: true, within: {days: [mon, 2027-03-26]}}",
            "10:66: weekdays expected, found the date 2027-03-26",
        ),
        ("{do: block_slot}", "10:5: block_slot must say before or after: how long, as in after: 15m"),
        ("{do: block_slot, after: 0m}", "10:29: a duration longer than nothing expected"),
        ("{do: block_slot, after: 15}", "10:29: a duration such as 90m, 2h or 1h30m expected, found the number 15"),
        ("{do: block_slot, after: 15m, follow: yes}", "10:42: true or false expected, found 'yes'"),
        (
            "{do: block_slot, after: 15m, title: '{{ x }}'}",
            "10:45: 'x' is not known as a fact; slotwright rules words",
        ),
    ],
)
def test_an_action_that_is_not_right_is_refused_where_it_stands(then: str, refused: str) -> None:
    [found] = of_action(then)
    assert found.startswith(f"rules.yaml:{refused}")


@pytest.mark.parametrize(
    "text",
    [
        "- 7\n" * 2_000,
        "people:\n" + "".join(f"  p{number}: 7\n" for number in range(2_000)),
        rule(more="  if:\n" + "".join(f"    fact{number}: 7\n" for number in range(2_000))),
        rule(more="  if:\n    any:\n" + "    - {fact: 7}\n" * 2_000),
        rule(more="  if:\n    all:\n" + "    - {}\n" * 2_000),
    ],
)
def test_a_thousand_faults_of_one_file_are_enough(text: str) -> None:
    found = faults(text)
    assert len(found) == 1_001
    assert sum("1,000 faults are enough for once: the rest was not looked at" in line for line in found) == 1


def test_a_rule_of_more_steps_than_anybody_reads_is_one_fault() -> None:
    steps = ", ".join(["{do: foresee}"] * 101)
    assert faults(rule(then=steps)) == ["rules.yaml:3:9: at most 100 steps expected, found 101"]
    read({"rules.yaml": rule(then=", ".join(["{do: add_note, text: x}"] * 100))})
