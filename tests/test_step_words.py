"""What every step may say beside what it does: if, otherwise, on_error; and what a rule says of the rules beside it."""

import pytest

from tests.house import House, in_days
from tests.rule_files import faults
from tests.sandboxes import DANA, KIM
from tests.test_apply import rule
from tests.workshop import fault, heal

NOON = in_days(3, "12:00")
NOTE = "do: add_note, text: {}"


def note(text: str, *words: str) -> str:
    return ", ".join([f"do: add_note, text: '{text}'", *words])


async def booked_by(house: House, rules: str, **fields: object) -> tuple[list[str], list[tuple[str, str, str]]]:
    """What the notes of a booking are then, oldest first, and how each step ended."""
    await house.rules(rules)
    booked = await house.book(NOON, **fields)
    await house.settled()
    steps = [(step["action"], step["state"], step["reason"] or "") for step in await house.steps(booked)]
    return sorted(await house.notes(booked)), steps


async def test_a_step_is_done_only_if_its_own_conditions_hold_of_the_booking_as_it_is_by_then(house: House) -> None:
    notes, steps = await booked_by(
        house,
        rule(
            "conditional",
            "appointment.created",
            "do: assign, to: kim, replace: anybody",
            note("kim has it", "if: {assignee: kim}"),
            note("dana has it", "if: {assignee: dana}"),
            note("it was danas", "if: {was.assignee: {is: nothing}}"),
            note("not kims", "if: {not: {assignee: kim}}"),
            note("late", "if: {any: [{assignee: dana}, {status: confirmed}], starts: {before: '10:00'}}"),
        ),
        assignedUserId=DANA,
    )
    assert notes == ["it was danas", "kim has it"]
    assert [reason.partition(", was ")[0] for _, state, reason in steps if state == "unchanged"] == [
        "its `if` does not hold: assignee is dana",
        "its `if` does not hold: not assignee is kim",
        "its `if` does not hold: starts before 10:00",
    ]
    assert steps[2][2].endswith(", was kim")


async def test_what_could_not_be_done_is_done_otherwise_and_the_rule_goes_on(house: House) -> None:
    await house.book(NOON, assignedUserId=KIM)
    await house.settled()
    otherwise = f"otherwise: [{{{note('nobody was free')}}}, {{{note('so much for that')}}}]"
    assign = f"do: assign, to: {{first_free: [kim]}}, replace: anybody, {otherwise}"
    notes, steps = await booked_by(
        house,
        rule("asked", "appointment.created", assign, note("after it")),
        assignedUserId=DANA,
    )
    assert notes == ["after it", "nobody was free", "so much for that"]
    assert [(action, state) for action, state, _ in steps] == [
        ("assign", "unchanged"),
        ("add_note", "done"),
        ("add_note", "done"),
        ("add_note", "done"),
    ]


async def test_a_rule_in_shadow_says_what_it_would_do_otherwise(house: House) -> None:
    await house.book(NOON, assignedUserId=KIM)
    await house.settled()
    assign = f"do: assign, to: {{first_free: [kim]}}, replace: anybody, otherwise: {{{note('nobody was free')}}}"
    _, steps = await booked_by(house, rule("tried", "appointment.created", assign, mode="shadow"), assignedUserId=DANA)
    assert [(action, state) for action, state, _ in steps] == [("assign", "shadow"), ("add_note", "shadow")]


async def test_otherwise_is_not_done_where_there_was_nothing_to_do(house: House) -> None:
    otherwise = f"otherwise: [{{{note('instead')}}}]"
    notes, _ = await booked_by(
        house,
        rule("kept", "appointment.created", f"do: assign, to: kim, {otherwise}", note("after")),
        assignedUserId=DANA,
    )
    assert notes == ["after"], "somebody has the booking, and the rule replaces nobody"


async def test_a_conflict_with_an_earlier_rule_is_a_case_for_otherwise(house: House) -> None:
    otherwise = f"otherwise: [{{{note('the first was faster')}}}]"
    notes, steps = await booked_by(
        house,
        rule("first", "appointment.created", "do: assign, to: kim, replace: anybody")
        + rule("second", "appointment.created", f"do: assign, to: dana, replace: anybody, {otherwise}"),
        assignedUserId=DANA,
    )
    assert notes == ["the first was faster"]
    assert steps[1][2] == "a conflict: the rule first wrote its assignee already"


async def test_a_rule_goes_on_after_an_error_where_its_step_says_so(house: House) -> None:
    await fault(house, "CreateNote:422*2")
    notes, steps = await booked_by(
        house,
        rule(
            "goes on", "appointment.created", note("lost", "on_error: continue"), note("lost too"), note("not reached")
        ),
    )
    await heal(house)
    assert notes == []
    assert [state for _, state, _ in steps] == ["failed", "failed", "unchanged"]
    assert steps[2][2] == "not reached: a step before it failed"


async def test_rules_of_a_higher_priority_come_first_and_may_stop_the_others(house: House) -> None:
    notes, _ = await booked_by(
        house,
        rule("usual", "appointment.created", note("usual"))
        + rule("special", "appointment.created", note("special"), more="priority: 5, stop_others: true,")
        + rule("before", "appointment.created", note("before"), more="priority: 6,"),
    )
    assert notes == ["before", "special"]


async def test_a_rule_that_was_stopped_says_by_which(house: House) -> None:
    await house.rules(
        rule("special", "appointment.created", note("special"), more="stop_others: true,")
        + rule("usual", "appointment.created", note("usual"))
        + rule("tried", "appointment.created", note("tried"), mode="shadow")
    )
    booked = await house.book(NOON)
    await house.settled()
    [delivery, *_] = await house.deliveries(booked)
    checks = [verdict["checks"] for verdict in delivery["verdicts"]]
    assert [check["expected"] for each in checks[1:] for check in each] == ["special", "special"]


async def test_what_a_rule_found_as_it_would_have_it_no_later_rule_writes(house: House) -> None:
    _notes, steps = await booked_by(
        house,
        rule("first", "appointment.created", "do: assign, to: dana, replace: anybody")
        + rule("second", "appointment.created", "do: assign, to: kim, replace: anybody"),
        assignedUserId=DANA,
    )
    assert [step[2] for step in steps] == [
        "dana has the booking already: as the rule says",
        "a conflict: the rule first wrote its assignee already",
    ]


async def test_a_rule_in_shadow_stops_no_rule_that_is_live(house: House) -> None:
    notes, _ = await booked_by(
        house,
        rule("tried", "appointment.created", note("no"), more="stop_others: true,", mode="shadow")
        + rule("usual", "appointment.created", note("usual")),
    )
    assert notes == ["usual"]


async def test_what_a_file_says_by_default_holds_for_rules_that_say_nothing_of_it(house: House) -> None:
    text = """
  - {name: quiet, when: appointment.created, then: [{do: add_note, text: no}], mode: off}
  - {name: loud, when: appointment.created, then: [{do: add_note, text: "yes"}]}
defaults: {mode: live}
"""
    notes, _ = await booked_by(house, text)
    assert notes == ["yes"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("defaults: {mod: live}\nrules: []", "rules.yaml:1:12: 'mod' is not known in defaults; did you mean 'mode'?"),
        ("defaults: 5\nrules: []", "rules.yaml:1:11: defaults such as {"),
        (
            "- {name: a, when: appointment.created, rollout: 20, then: [{do: add_note, text: x}]}",
            "rules.yaml:1:49: a share such as 20% expected, found the number 20",
        ),
        (
            "- {name: a, when: appointment.created, priority: high, then: [{do: add_note, text: x}]}",
            "rules.yaml:1:50: a whole number from -1000 to 1000 expected, found 'high'",
        ),
        (
            "- {name: a, when: appointment.created, debounce: 2d, then: [{do: add_note, text: x}]}",
            "rules.yaml:1:50: a pause such as 30s or 2m expected, an hour at most, found '2d'",
        ),
        (
            "- {name: a, when: appointment.created, then: [{do: add_note, text: x, on_error: skip}]}",
            "rules.yaml:1:81: 'skip' is not known here; known: stop, continue",
        ),
        (
            "- {name: a, when: appointment.created, then: [{do: add_note, text: x, scope: series}]}",
            "rules.yaml:1:78: add_note acts on one booking, and knows no series",
        ),
        (
            "- {name: a, when: appointment.created, then: [{do: add_note, text: x, otherwise: {do: ad_note}}]}",
            "rules.yaml:1:87: 'ad_note' is not known here",
        ),
        (
            "- {name: a, when: appointment.deleted, then: [{do: alert, text: x, otherwise: [{do: assign, to: kim}]}]}",
            "rules.yaml:1:97: no person named 'kim'",
        ),
    ],
)
def test_wrong_words_are_told_where_they_stand(text: str, told: str) -> None:
    [found] = faults(text)
    assert found.startswith(told)
