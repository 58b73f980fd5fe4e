"""Rule files: what they may say, which names hold where, and how faults are told."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.trigger import Trigger
from workers.actions import ACTIONS, AddNote, Assign, BlockSlot, Reschedule
from workers.actions.assign import LeastBusy, RoundRobin
from workers.faults import Fault, RulebookFaults
from workers.names import Named, Team
from workers.rulebook import Rulebook, digest, files_in, read, read_folder

DANA, KIM, CUTS = "u8jzPde0IgxLd6GncfBA", "epfJBd0Kh8oOOL8dKLzd", "jc01T5GOBUSZGi6HWGK1"
NAMES = f"""\
people:
  dana: {{id: {DANA}}}
  kim: {KIM}
teams: {{evening: [dana, kim]}}
calendars: {{cuts: {CUTS}}}
"""
EVENING_CUTS = """\
rules:
  - name: evening-cuts
    mode: live
    when: appointment.created
    if:
      calendar: {is: cuts}
      starts: {after: 17:00, on: [thu, fri]}
    then:
      - do: assign
        to: {least_busy: evening, over: week}
      - do: block_slot
        after: 15m
        follow: true
      - do: add_note
        text: "Given to {{ assignee.name }}: fewest bookings that week."
"""


def rule(
    name: str = "one", *, when: str = "appointment.created", then: str = "{do: add_note, text: x}", more: str = ""
) -> str:
    return f"- name: {name}\n  when: {when}\n  then: [{then}]\n{more}"


def action(then: str, names: str = NAMES) -> Any:
    text = f"{names}rules:\n- name: one\n  when: appointment.created\n  then:\n  - {then}\n"
    return read({"rules.yaml": text}).entries[0].rule.then[0]


def faults(files: dict[str, str] | str) -> list[str]:
    with pytest.raises(RulebookFaults) as caught:
        read({"rules.yaml": files} if isinstance(files, str) else files)
    return [str(fault) for fault in caught.value.faults]


def of_action(then: str) -> list[str]:
    """Faults of one action, which stands in line 10 from column 5."""
    return faults(f"{NAMES}rules:\n- name: one\n  when: appointment.created\n  then: \n  - {then}\n")


def names_in(rulebook: Rulebook) -> list[str]:
    return [entry.rule.name for entry in rulebook]


def test_a_rule_is_read_with_its_names_as_ids() -> None:
    [entry] = read({"salon/cuts.yaml": "location: leeds\n" + NAMES + EVENING_CUTS})
    team = Team("evening", (Named(DANA, "dana"), Named(KIM, "kim")))
    assert (entry.path, entry.line, entry.column, entry.location) == ("salon/cuts.yaml", 8, 5, "leeds")
    assert (entry.rule.name, entry.rule.mode, entry.rule.when) == ("evening-cuts", "live", (Trigger.CREATED,))
    assign, block, note = entry.rule.then
    assert isinstance(assign, Assign)
    assert assign.to == LeastBusy(least_busy=team, over="week")
    assert isinstance(block, BlockSlot)
    assert block.follow
    assert isinstance(note, AddNote)
    assert entry.rule.asks_about == {"calendar", "starts"}
    assert entry.rule.writes == {"assignee", "blocks"}
    assert entry.names.person_with(KIM).name == "kim"


def test_a_rule_that_says_no_more_than_it_must_has_safe_defaults() -> None:
    [entry] = read({"a.yaml": rule()})
    assert entry.rule.mode == "shadow"
    assert entry.rule.conditions.parts == ()
    assert entry.rule.description is None
    assert entry.location is None


def test_a_rule_may_listen_to_several_triggers() -> None:
    [entry] = read({"a.yaml": rule(when="[appointment.created, appointment.no_show]")})
    assert entry.rule.when == (Trigger.CREATED, Trigger.NO_SHOW)


@pytest.mark.parametrize("text", ["", "# nothing\n", "rules: []", "[]", "people: {}\n", "---\n"])
def test_a_file_may_be_empty(text: str) -> None:
    assert len(read({"a.yaml": text})) == 0


def test_rules_are_in_order_of_path_then_place() -> None:
    files = {"b.yaml": rule("three"), "a.yaml": rule("two") + rule("one"), "a/z.yaml": rule("four")}
    assert names_in(read(files)) == ["two", "one", "four", "three"]


def test_the_digest_is_of_paths_and_texts_whatever_their_order() -> None:
    one, other = {"a": "x", "b": "y"}, {"b": "y", "a": "x"}
    assert digest(one) == digest(other)
    assert (
        len({digest(files) for files in (one, {"a": "xb", "": "y"}, {"a": "x"}, {"a": "x", "b": "z"}, {"ab": "xy"})})
        == 5
    )
    assert read({"a.yaml": rule()}).digest == digest({"a.yaml": rule()})


# Names


def test_names_of_a_file_without_rules_hold_in_its_folder_and_below() -> None:
    assigning = rule(then="{do: assign, to: kim}, {do: assign, to: {round_robin: evening}}")
    files = {
        "salon/names.yaml": NAMES,
        "salon/rules.yaml": assigning,
        "salon/late/more.yaml": rule("two", then="{do: assign, to: dana}"),
    }
    one, two = [entry.rule.then[0] for entry in sorted(read(files), key=lambda entry: entry.rule.name)]
    assert isinstance(one, Assign)
    assert isinstance(two, Assign)
    assert (one.to, two.to) == (Named(KIM, "kim"), Named(DANA, "dana"))
    beside = {"salon/names.yaml": NAMES, "barber/rules.yaml": rule(then="{do: assign, to: kim}")}
    assert faults(beside) == ["barber/rules.yaml:3:27: no person named 'kim'"]


def test_names_of_a_file_with_rules_hold_in_it_only() -> None:
    files = {"a.yaml": NAMES + "rules: []", "b.yaml": rule(then="{do: assign, to: kim}")}
    assert faults(files) == ["b.yaml:3:27: no person named 'kim'"]


def test_inner_names_and_locations_lie_over_outer_ones() -> None:
    files = {
        "names.yaml": f"location: outer\npeople: {{dana: {DANA}}}",
        "salon/names.yaml": f"location: inner\npeople: {{dana: {KIM}}}",
        "salon/rules.yaml": rule(then="{do: assign, to: dana}"),
        "rules.yaml": rule("two", then="{do: assign, to: dana}"),
        "salon/own.yaml": f"location: own\npeople: {{dana: {CUTS}}}\nrules:\n"
        + rule("three", then="{do: assign, to: dana}"),
    }
    found = {entry.path: (entry.location, entry.rule.then[0]) for entry in read(files)}
    assert {
        path: (location, action.to.id)
        for path, (location, action) in found.items()
        if isinstance(action, Assign) and isinstance(action.to, Named)
    } == {
        "rules.yaml": ("outer", DANA),
        "salon/rules.yaml": ("inner", KIM),
        "salon/own.yaml": ("own", CUTS),
    }


def test_files_side_by_side_share_their_names_and_may_not_contradict() -> None:
    files = {
        "people.yaml": f"people: {{dana: {DANA}}}",
        "teams.yaml": "teams: {all: [dana]}",
        "r.yaml": rule(then="{do: assign, to: {round_robin: all}}"),
    }
    [entry] = read(files)
    assert entry.names.team("all").members == (Named(DANA, "dana"),)
    contradiction = {"a.yaml": f"people: {{dana: {DANA}}}", "b.yaml": f"people: {{dana: {KIM}}}"}
    assert faults(contradiction) == ["b.yaml:1:10: 'dana' is declared otherwise in a file beside"]
    assert len(read({"a.yaml": f"people: {{dana: {DANA}}}", "b.yaml": f"people: {{dana: {DANA}}}"})) == 0


def test_an_id_may_stand_wherever_a_name_may() -> None:
    assert action(f"{{do: assign, to: {KIM}}}", names="").to == Named(KIM)
    assert action(f"{{do: assign, to: {KIM}}}").to == Named(KIM, "kim")
    assert action(f"{{do: assign, to: {{least_busy: [dana, {CUTS}]}}}}").to.least_busy == Team(
        None, (Named(DANA, "dana"), Named(CUTS))
    )


def test_the_team_calendar_is_always_the_calendars_own() -> None:
    assert action("{do: assign, to: {round_robin: calendar}}", names="").to == RoundRobin(
        round_robin=Team("calendar", None)
    )


@pytest.mark.parametrize(
    ("names", "refused"),
    [
        ("people: {dana: 5}", "rules.yaml:1:16: text expected, found the number 5: put it in quotes"),
        (
            "people: {dana: dana smith}",
            "rules.yaml:1:16: 'dana smith' is no HighLevel id, which has 12 to 40 letters and digits",
        ),
        (f"people: {{dana: {{id: {DANA}, skills: [x]}}}}", "rules.yaml:1:43: 'skills' is not known in a person"),
        ("people: {dana: {}}", "rules.yaml:1:16: a person must say id"),
        ("people: [dana]", "rules.yaml:1:9: a mapping expected, found a list"),
        (f"people: {{nobody: {DANA}}}", "rules.yaml:1:10: 'nobody' means something else and is no name"),
        ("calendars: {cuts: x}", "rules.yaml:1:19: 'x' is no HighLevel id, which has 12 to 40 letters and digits"),
        ("teams: {all: []}", "rules.yaml:1:14: it must not be empty"),
        ("teams: {all: dana}", "rules.yaml:1:14: a list expected, found 'dana'"),
        ("teams: {all: [dana]}", "rules.yaml:1:15: no person named 'dana'"),
        (f"teams: {{calendar: [{DANA}]}}", "rules.yaml:1:9: 'calendar' means something else and is no name"),
        ("location: 5", "rules.yaml:1:11: text expected, found the number 5: put it in quotes"),
        ("peple: {}", "rules.yaml:1:1: 'peple' is not known in a file; did you mean 'people'?"),
        ("hours: {}", "rules.yaml:1:1: 'hours' is not known in a file"),
        ("5", "rules.yaml:1:1: a mapping expected, found the number 5"),
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
        "names.yaml:2:1: while parsing a flow node, did not find expected node content"
    ]


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
        "b.yaml:2:3: a mapping expected, found the number 5",
        "c.yaml:2:1: while parsing a flow node, did not find expected node content",
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
        (rule(when="appointment.create"), "2:9: 'appointment.create' is not known here; known: appointment.created,"),
        (rule(then=""), "3:9: it must not be empty"),
        (rule(more="  mode: on\n"), "4:9: 'on' is not known here; known: live, shadow, off"),
        (rule(more="  description: 5\n"), "4:16: text expected, found the number 5: put it in quotes"),
        (rule(more="  iff: {}\n"), "4:3: 'iff' is not known in a rule; did you mean 'if'?"),
        (rule(more="  conditions: {}\n"), "4:3: 'conditions' is not known in a rule"),
        (rule(more="  if: {titel: x}\n"), "4:8: 'titel' is not known as a fact; did you mean 'title'?"),
        (rule(more="  if:\n    starts: {after: 17:00, on: [thu, fry]}\n"), "5:38: 'fry' is not a weekday; known: mon,"),
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
            "10:10: 'asign' is not known here; known: assign, reschedule, block_slot, add_note; did you mean 'assign'?",
        ),
        ("{to: kim}", "10:5: it must say do"),
        ("assign", "10:5: a mapping expected, found 'assign'"),
        ("{do: assign}", "10:5: assign must say to"),
        ("{do: assign, too: kim}", "10:18: 'too' is not known in assign; did you mean 'to'?"),
        ("{do: assign, assign: kim, to: kim}", "10:18: 'assign' is not known in assign"),
        ("{do: assign, to: kimm}", "10:22: no person named 'kimm'; did you mean 'kim'?"),
        ("{do: assign, to: 5}", "10:22: text expected, found the number 5: put it in quotes"),
        ("{do: assign, to: [kim]}", "10:22: a person, {round_robin: team} or {least_busy: team} expected"),
        ("{do: assign, to: {}}", "10:22: a person, {round_robin: team} or {least_busy: team} expected"),
        (
            "{do: assign, to: {roundrobin: evening}}",
            "10:23: 'roundrobin' is not known in round_robin; did you mean 'round_robin'?",
        ),
        ("{do: assign, to: {round_robin: evenings}}", "10:36: no team named 'evenings'; did you mean 'evening'?"),
        ("{do: assign, to: {round_robin: [kim]}}", "10:36: text expected, found a list"),
        ("{do: assign, to: {least_busy: [dana, kimm]}}", "10:42: no person named 'kimm'; did you mean 'kim'?"),
        ("{do: assign, to: {least_busy: []}}", "10:35: at least one person expected"),
        (
            "{do: assign, to: {least_busy: evening, over: year}}",
            "10:50: 'year' is not known here; known: day, week, month",
        ),
        ("{do: assign, to: kim, replace: all}", "10:36: 'all' is not known here; known: nobody, automatic, anybody"),
        ("{do: add_note}", "10:5: add_note must say text"),
        ("{do: add_note, text: ''}", "10:26: text of 1 to 5000 characters expected, found 0"),
        ("{do: add_note, text: '{{ asignee }}'}", "10:26: 'asignee' is not known as a fact; did you mean 'assignee'?"),
        ("{do: reschedule, to: next_free}", "10:5: reschedule must say notify: a silent move is a missed visit"),
        ("{do: reschedule, to: next, notify: true}", "10:26: 'next' is not known here; known: next_free"),
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
        ("{do: block_slot, after: 15m, title: '{{ x }}'}", "10:41: 'x' is not known as a fact"),
    ],
)
def test_an_action_that_is_not_right_is_refused_where_it_stands(then: str, refused: str) -> None:
    [found] = of_action(then)
    assert found.startswith(f"rules.yaml:{refused}")


def test_actions_have_the_defaults_that_do_least() -> None:
    assert action("{do: assign, to: kim}").replace == "nobody"
    assert action("{do: assign, to: {least_busy: evening}}").to.over == "day"
    block = action("{do: block_slot, before: 1h30m}")
    assert (block.follow, block.after, block.title) == (False, None, None)


@pytest.mark.parametrize("notify", [True, False, "if_start_changes"])
def test_whoever_reschedules_says_whether_to_notify(notify: bool | str) -> None:
    within = "within: {days: mon-fri, hours: 09:00-17:00}"
    move = action(f"{{do: reschedule, to: next_free, notify: {str(notify).lower()}, {within}}}")
    assert isinstance(move, Reschedule)
    assert move.notify == notify
    assert move.within is not None
    assert move.within.days == frozenset({0, 1, 2, 3, 4})
    assert [str(hours) for hours in move.within.hours or ()] == ["09:00-17:00"]


def test_actions_say_what_they_write() -> None:
    assert action("{do: assign, to: kim}").writes() == {"assignee"}
    assert action("{do: reschedule, to: next_free, notify: true}").writes() == {"starts", "ends"}
    assert action("{do: block_slot, after: 15m}").writes() == {"blocks"}
    assert action("{do: add_note, text: x}").writes() == set()


def test_a_rule_for_deleted_appointments_only_may_not_act_on_what_is_gone() -> None:
    gone = rule(when="[appointment.deleted]", then="{do: add_note, text: x}, {do: block_slot, after: 15m}")
    assert faults(gone) == [
        "rules.yaml:3:35: block_slot has nothing to act on: the rule listens to deleted appointments only"
    ]
    either = rule(when="[appointment.deleted, appointment.cancelled]", then="{do: block_slot, after: 15m}")
    assert len(read({"a.yaml": either})) == 1


def test_every_action_is_in_the_register_under_its_word() -> None:
    words = [kind.model_fields["do"].annotation.__args__[0] for kind in ACTIONS if kind.model_fields["do"].annotation]
    assert words == [kind.called for kind in ACTIONS]


# Folders and safety


def test_a_folder_is_read_without_what_is_hidden(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "..2027_03_26").mkdir()
    (tmp_path / "..2027_03_26" / "rules.yaml").write_text(rule())
    (tmp_path / "..data").symlink_to("..2027_03_26")
    (tmp_path / "rules.yaml").symlink_to("..data/rules.yaml")
    (tmp_path / ".hidden.yaml").write_text("[")
    (tmp_path / "README.md").write_text("[")
    (tmp_path / "sub" / "more.yml").write_text("\ufeff" + rule("two"), encoding="utf-8")
    assert sorted(files_in(tmp_path)) == ["rules.yaml", "sub/more.yml"]
    assert names_in(read_folder(tmp_path)) == ["one", "two"]


def test_a_file_that_is_not_utf_8_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"- \xff")
    with pytest.raises(RulebookFaults, match=r"a\.yaml:1:1: the file is not UTF-8"):
        read_folder(tmp_path)


def test_brackets_nested_a_hundred_thousand_times_are_a_fault_and_no_crash() -> None:
    assert faults("[" * 100_000) == ["rules.yaml:1:101: nested deeper than 100 levels"]


def test_a_thousand_rules_are_read_in_moments() -> None:
    rules = "".join(rule(f"rule {number}", then="{do: block_slot, after: 15m}") for number in range(1000))
    assert len(read({"a.yaml": rules})) == 1000


@settings(max_examples=60)
@given(st.data())
def test_a_file_cut_short_or_garbled_is_read_or_refused_with_places(data: st.DataObject) -> None:
    text = NAMES + EVENING_CUTS
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 12)))
    garbled = text[:start] + data.draw(st.text(alphabet="{}[]:,-'\" \nax5&*|~", max_size=4)) + text[end:]
    try:
        read({"rules.yaml": garbled})
    except RulebookFaults as refused:
        places = [(fault.line, fault.column) for fault in refused.faults]
    else:
        return
    assert places
    assert all(1 <= line <= garbled.count("\n") + 2 and column >= 1 for line, column in places)
