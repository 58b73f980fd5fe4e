"""Words that mean nothing where they stand, and steps that are never done."""

import pytest

from tests.rule_files import rule
from tests.test_rule_warnings import DANA, one_or_none, warned, with_names


@pytest.mark.parametrize(
    ("when", "more", "then", "told"),
    [
        ("appointment.cancelled", "", DANA, ["assign"]),
        ("[appointment.no_show, 15m after end]", "", "{do: set_status, to: showed}", ["set_status"]),
        ("appointment.showed", "", "{do: add_note, text: x, otherwise: [{do: retitle, prefix: x}]}", ["retitle"]),
        ("appointment.cancelled", "", "{do: add_note, text: x}", []),
        ("appointment.cancelled", "if: {status: cancelled},", "{do: retitle, prefix: x}", []),
        ("[appointment.cancelled, appointment.updated]", "", DANA, []),
        ("15m before end", "", DANA, []),
        ("appointment.cancelled", "debounce: 1m,", DANA, []),
    ],
)
def test_what_is_over_is_left_alone_unless_the_rule_asks_for_it(
    when: str, more: str, then: str, told: list[str]
) -> None:
    names = "people: {dana: u8jzPde0IgxLd6GncfBA}\nrules:\n"
    found = warned(f"{names}- {{name: late, when: {when}, {more} then: [{then}]}}\n")
    assert [each.split(": ")[1].split()[0] for each in found if "is never done: the booking is over" in each] == told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (rule(then="{do: alert, text: x, otherwise: {do: add_note, text: y}}"), "3:31: alert can always be done"),
        (rule(then="{do: assign, to: contact_owner, otherwise: {do: alert, text: y}}"), None),
    ],
)
def test_otherwise_is_for_what_may_not_be_possible(text: str, told: str | None) -> None:
    one_or_none(warned(text), told)


DAILY = "every day at 07:00"
ALERT = "{do: alert, text: x}"


@pytest.mark.parametrize(
    ("when", "conduct", "told"),
    [
        (DAILY, "once_per: appointment", "4:3: once_per: appointment means nothing here: the rule listens to times of"),
        (DAILY, "once_per: contact", "4:3: once_per: contact means nothing here"),
        (DAILY, "once_per: series", "4:3: once_per: series means nothing here"),
        (DAILY, "once_per: [title, starts]", "4:3: once_per: title and starts means nothing here"),
        (DAILY, "once_per: [now, starts]", None),
        (DAILY, "once_per: day", None),
        (DAILY, "rollout: 20%", "4:3: rollout means nothing here"),
        (DAILY, "not_after: 15m before start", "4:3: not_after means nothing here"),
        ("contact.updated", "once_per: appointment", "4:3: once_per: appointment means nothing here: the rule listens"),
        ("contact.updated", "once_per: contact", None),
        ("contact.updated", "rollout: 20%", None),
        (
            "contact.updated",
            "not_after: 15m before start",
            "4:3: not_after means nothing here: the rule listens to cont",
        ),
        (f"[contact.updated, {DAILY}]", "rollout: 20%", None),
        (f"[appointment.created, {DAILY}]", "not_after: 15m before start", None),
        ("external.till", "not_after: 15m before start", None),
        ("2h before start", "rollout: 20%", None),
        ("appointment.created", "override_people: true", "4:3: override_people means nothing here: no step writes"),
        ("appointment.created", "override_people: false", None),
        (DAILY, "on_own_changes: true", "4:3: on_own_changes means nothing here: no write of a rule sets off"),
        ("[2h before start, appointment.updated]", "on_own_changes: true", None),
        ("contact.updated", "on_own_changes: true", None),
    ],
)
def test_words_that_mean_nothing_to_a_rule_are_told(when: str, conduct: str, told: str | None) -> None:
    one_or_none(warned(rule(when=when, then=ALERT, more=f"  {conduct}\n")), told)


def test_people_are_overridden_by_what_writes_and_by_what_is_done_otherwise() -> None:
    for then in (DANA, f"{{do: add_note, text: x}}, {DANA}"):
        assert len(warned(with_names(rule(then=then, more="  override_people: true\n")))) == 1, "the team alone"
    blocks = warned(with_names(rule(then="{do: block_slot, after: 15m}", more="  override_people: true\n")))
    assert any("override_people means nothing" in each for each in blocks)


@pytest.mark.parametrize(
    ("when", "told"),
    [
        (
            "[appointment.updated, 2h before start]",
            "4:3: the file's debounce does not hold for it: 2h before start is no change of a booking",
        ),
        ("[appointment.updated, external.till]", "4:3: the file's debounce does not hold for it: external.till is no"),
        ("appointment.updated", None),
        ("2h before start", None),
    ],
)
def test_where_a_file_waits_for_quiet_a_rule_that_cannot_is_told(when: str, told: str | None) -> None:
    """Of what is no change of a booking nobody expects it."""
    one_or_none(warned(f"defaults: {{debounce: 30s, once_per: appointment}}\nrules:\n{rule(when=when)}"), told)
