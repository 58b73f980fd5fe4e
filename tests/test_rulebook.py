"""Rule files: what they may say, and which names hold where."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.trigger import Trigger
from tests.rule_files import CUTS, DANA, EVENING_CUTS, KIM, NAMES, action, faults, names_in, rule
from workers.actions import ACTIONS, AddNote, Assign, BlockSlot, Reschedule
from workers.assignment.ways import LeastBusy, RoundRobin
from workers.faults import RulebookFaults
from workers.names import Named, Team
from workers.rule_folder import files_in
from workers.rulebook import digest, read, taken_up


def test_a_rule_is_read_with_its_names_as_ids() -> None:
    [entry] = read({"salon/cuts.yaml": "location: leeds\n" + NAMES + EVENING_CUTS})
    team = Team("evening", (Named(DANA, "dana"), Named(KIM, "kim")))
    assert (entry.path, entry.line, entry.column, entry.location) == ("salon/cuts.yaml", 8, 5, "leeds")
    assert (entry.rule.name, entry.rule.mode, entry.rule.when) == ("evening-cuts", "live", (Trigger.CREATED,))
    assign, block, note = entry.rule.then
    assert isinstance(assign, Assign)
    assert assign.to == (LeastBusy(least_busy=team, over="week"),)
    assert isinstance(block, BlockSlot)
    assert block.follow
    assert isinstance(note, AddNote)
    assert entry.rule.asks_about == {"calendar", "starts"}
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
    assert (*one.to, *two.to) == (Named(KIM, "kim"), Named(DANA, "dana"))
    beside = {"salon/names.yaml": NAMES, "barber/rules.yaml": rule(then="{do: assign, to: kim}")}
    assert faults(beside) == ["barber/rules.yaml:3:27: no person named 'kim'; none is declared under `people`"]


def test_names_of_a_file_with_rules_hold_in_it_only() -> None:
    files = {"a.yaml": NAMES + "rules: []", "b.yaml": rule(then="{do: assign, to: kim}")}
    assert faults(files) == ["b.yaml:3:27: no person named 'kim'; none is declared under `people`"]


def test_files_that_declare_nothing_share_the_names_of_their_folder() -> None:
    tongue = f"fields: {{tongue: Language}}\nrules:\n{rule('c')}"
    files = {"names.yaml": NAMES, "a.yaml": rule("a"), "b.yaml": rule("b"), "c.yaml": tongue}
    for book in (read(files), taken_up(files)):
        a, b, c = (entry.names for entry in book)
        assert a is b, "thousands of names are not copied for each file"
        assert (c.people, dict(a.fields), dict(c.fields)) == (a.people, {}, {"tongue": "Language"})


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
        path: (location, *(person.id for person in action.to if isinstance(person, Named)))
        for path, (location, action) in found.items()
        if isinstance(action, Assign)
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
    assert action(f"{{do: assign, to: {KIM}}}", names="").to == (Named(KIM),)
    assert action(f"{{do: assign, to: {KIM}}}").to == (Named(KIM, "kim"),)
    [way] = action(f"{{do: assign, to: {{least_busy: [dana, {CUTS}]}}}}").to
    assert way.least_busy == Team(None, (Named(DANA, "dana"), Named(CUTS)))


def test_the_team_calendar_is_always_the_calendars_own() -> None:
    [way] = action("{do: assign, to: {round_robin: calendar}}", names="").to
    assert way == RoundRobin(round_robin=Team("calendar", None))


def test_actions_have_the_defaults_that_do_least() -> None:
    assert action("{do: assign, to: kim}").replace == "nobody"
    assert action("{do: assign, to: {least_busy: evening}}").to[0].over == "day"
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
    assert str(move.within) == "on mon-fri within 09:00-17:00"


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
    assert names_in(read(files_in(tmp_path))) == ["one", "two"]


def test_a_file_that_is_not_utf_8_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"- \xff")
    with pytest.raises(RulebookFaults, match=r"a\.yaml:1:\d+: the file is not UTF-8: here is the byte 0x"):
        read(files_in(tmp_path))


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
