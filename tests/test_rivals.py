"""Warnings of rules about one another: those that never get their turn, and those that may want the same booking
otherwise."""

from datetime import UTC, datetime

import pytest

from tests.rule_files import CUTS, DANA, KIM, rule
from workers.scrutiny.scrutiny import looked_through

NOW = datetime(2027, 1, 1, tzinfo=UTC)
TO_DANA, TO_KIM = "{do: assign, to: dana}", "{do: assign, to: kim}"
CONFIRM, REFUSE = "{do: set_status, to: confirmed}", "{do: set_status, to: invalid}"
CANCEL = "{do: cancel, notify: false}"
CALL = "{do: call, url: 'https://example.com/hook'}"
GONE = "  if: {status: cancelled}\n"
ASKS = "  if: {calendar: cuts, starts: {after: '17:00'}}\n"
DEAD, MAY = "it never gets its turn: a, which comes before it, asks for no more", "it may write otherwise what a ("
FOLK = f"people: {{dana: {DANA}, kim: {KIM}}}\ncalendars: {{cuts: {CUTS}}}\n"


def warned(*rules: str) -> list[str]:
    return told({"names.yaml": FOLK, "rules.yaml": "".join(rules)})


def told(files: dict[str, str]) -> list[str]:
    found = looked_through(files, NOW)
    assert found.faults == ()
    return [str(fault) for fault in found.remarks if "under `teams`" not in fault.message]


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (rule("a", then=CONFIRM), rule("b", then=REFUSE), f"{DEAD} and writes the same first"),
        (rule("a", then="{do: retitle, text: x}"), rule("b", then="{do: retitle, prefix: y}"), DEAD),
        (rule("a", then=CONFIRM, more=ASKS), rule("b", then=REFUSE), f"{MAY}status) writes at the same event; the fi"),
        (rule("a", then=CONFIRM), rule("b", then=REFUSE, more=ASKS), DEAD),
        (
            rule("a", then="{do: add_note, text: x}", more="  stop_others: true\n"),
            rule("b", then=TO_KIM),
            f"{DEAD} and stops those after it",
        ),
        # It also writes a note, which nobody takes from it.
        (rule("a", then=CONFIRM), rule("b", then=f"{REFUSE}, {{do: add_note, text: x}}"), MAY),
        (rule("a", then=CONFIRM), rule("b", then=f"{REFUSE}, {TO_KIM}"), MAY),
        # Every change of a booking is an update, too.
        (
            rule("a", then=CONFIRM, when="appointment.updated"),
            rule("b", then=REFUSE, when="appointment.rescheduled"),
            DEAD,
        ),
        (
            rule("a", then=CONFIRM, when="appointment.confirmed"),
            rule("b", then=REFUSE, when="appointment.updated"),
            MAY,
        ),
        (rule("a", then=CONFIRM, more="  rollout: 20%\n"), rule("b", then=REFUSE), MAY),
        (rule("a", then=CONFIRM, more="  if: {any: [{status: new}]}\n"), rule("b", then=REFUSE), MAY),
        # It may come to nothing: then the next in order has its turn.
        (rule("a", then=TO_DANA), rule("b", then=TO_KIM), MAY),
        (rule("a", then="{do: assign, to: {first_free: [dana]}}"), rule("b", then=TO_KIM), MAY),
        (
            rule("a", then="{do: reschedule, to: next_free, notify: false}"),
            rule("b", then="{do: reschedule, to: {shift: 1d}, notify: false}"),
            MAY,
        ),
        (rule("a", then="{do: retitle, text: '{{ address }}'}"), rule("b", then="{do: retitle, text: y}"), MAY),
        (rule("a", then=CONFIRM.replace("}", ", if: {title: Cut}}")), rule("b", then=REFUSE), MAY),
        (rule("a", then=f"{{do: assign, to: dana, otherwise: {CONFIRM}}}"), rule("b", then=REFUSE), MAY),
        # It stops at twenty an hour.
        (rule("a", then=CANCEL, more="  limit: 20 per hour\n"), rule("b", then=REFUSE), MAY),
        (
            rule("a", then="{do: reschedule, to: next_free, notify: false}", more="  stop_others: true\n"),
            rule("b", then=TO_KIM),
            None,
        ),
        (rule("a", then="{do: book, to: next_free, calendar: cuts, notify: false}"), rule("b", then=REFUSE), None),
        # The second is asked where the first is not.
        (rule("a", then=CONFIRM), rule("b", then=REFUSE, more="  on_own_changes: true\n"), MAY),
        (
            rule("a", then=CONFIRM, more="  on_own_changes: true\n"),
            rule("b", then=REFUSE, more="  on_own_changes: true\n"),
            DEAD,
        ),
        (rule("a", then=CONFIRM), rule("b", then=REFUSE, more="  debounce: 5m\n"), MAY),
        (rule("a", then=CONFIRM), rule("b", then=REFUSE, more="  override_people: true\n"), MAY),
        # The first leaves alone what is over, and the second asks for it.
        (
            rule("a", then="{do: retitle, prefix: VIP}", when="appointment.updated"),
            rule("b", then="{do: retitle, prefix: GONE}", when="appointment.updated", more=GONE),
            f"{MAY}title)",
        ),
        (rule("a", then=CONFIRM), rule("b", then=REFUSE, more="  if: {ends: {before: '{{ now }}'}}\n"), MAY),
        (
            rule("a", then="{do: retitle, prefix: VIP}", more=GONE),
            rule("b", then="{do: retitle, prefix: GONE}", more=GONE),
            DEAD,
        ),
        (
            rule("a", then="{do: retitle, prefix: VIP}", more="  stop_others: true\n"),
            rule("b", then="{do: retitle, prefix: GONE}", more=GONE),
            DEAD,
        ),
        # A step before may fail, and nothing comes after it then.
        (rule("a", then=f"{CALL}, {CONFIRM}"), rule("b", then=REFUSE), MAY),
        (rule("a", then=f"{CALL.replace('}', ', on_error: continue}')}, {CONFIRM}"), rule("b", then=REFUSE), DEAD),
        (
            rule("a", then=f"{{do: assign, to: dana, on_error: continue, otherwise: {CALL}}}, {CONFIRM}"),
            rule("b", then=REFUSE),
            MAY,
        ),
        (rule("a", then=f"{{do: retitle, text: x}}, {CONFIRM}, {CALL}"), rule("b", then=REFUSE), DEAD),
        # One text with a comma is not two.
        (
            rule("a", then=CONFIRM, more="  if: {title: {in: ['x, y']}}\n"),
            rule("b", then=REFUSE, more="  if: {title: {in: [x, y], is_not: z}}\n"),
            None,
        ),
        (
            rule("a", then=CONFIRM, more="  if: {title: {not_in: ['x, y']}}\n"),
            rule("b", then=REFUSE, more="  if: {title: {not_in: [x, y]}}\n"),
            MAY,
        ),
    ],
)
def test_a_rule_is_told_of_the_one_before_it(first: str, second: str, said: str | None) -> None:
    found = warned(first, second)
    assert len(found) == (said is not None), found
    line = first.count("\n") + 1
    assert said is None or found[0].startswith(f"rules.yaml:{line}:3: {said}")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (rule("a", then=TO_DANA, when="appointment.confirmed"), rule("b", then=TO_KIM)),
        (rule("a", then=TO_DANA, more="  if: {starts: {before: '17:00'}}\n"), rule("b", then=TO_KIM, more=ASKS)),
        (
            rule("a", then=TO_DANA, more="  if: {starts: {on: mon}}\n"),
            rule("b", then=TO_KIM, more="  if: {starts: {on: tue}}\n"),
        ),
        (rule("a", then=TO_DANA, more="  if: {title: Colour}\n"), rule("b", then=TO_KIM, more="  if: {title: Cut}\n")),
        (
            rule("a", then=TO_DANA, more="  if: {calendar: cuts}\n"),
            rule("b", then=TO_KIM, more="  if: {calendar: jc01T5GOBUSZGi6HWGK2}\n"),
        ),
        (rule("a", then=TO_DANA, more="  mode: live\n"), rule("b", then=TO_KIM)),
        (rule("a", then=TO_DANA, more="  mode: 'off'\n"), rule("b", then=TO_KIM, more="  mode: 'off'\n")),
        (rule("a", then="{do: block_slot, after: 15m}"), rule("b", then="{do: block_slot, before: 15m}")),
        (rule("a", then="{do: add_note, text: x}"), rule("b", then="{do: add_note, text: y}")),
        # They want the same.
        (rule("a", then=TO_DANA, more=ASKS), rule("b", then=TO_DANA, more="  if: {status: new}\n")),
    ],
)
def test_rules_that_are_never_of_one_mind_about_one_booking_are_no_rivals(first: str, second: str) -> None:
    assert warned(first, second) == []


def test_a_night_that_began_the_day_before_is_still_open() -> None:
    """Such hours are of two days."""
    late = rule("a", then=TO_DANA, more="  if: {starts: {during: {fri: ['20:00-02:00']}}}\n")
    assert warned(late, rule("b", then=TO_KIM, more="  if: {starts: {on: sun}}\n")) == []
    [both] = warned(late, rule("b", then=TO_KIM, more="  if: {starts: {on: sat}}\n"))
    assert both.startswith(f"rules.yaml:5:3: {MAY}assignee)")


def test_rules_of_two_locations_are_no_rivals_and_those_of_every_one_are() -> None:
    leeds, bath = (
        "location: {}\nrules:\n{}".format(*each)
        for each in (("leeds", rule("a", then=TO_DANA)), ("bath", rule("b", then=TO_KIM)))
    )
    files = {"names.yaml": FOLK, "a.yaml": leeds, "b.yaml": bath}
    assert told(files) == []
    [third] = told({**files, "c.yaml": rule("c", then="{do: assign, to: dana, replace: anybody}")})
    assert third.startswith("c.yaml:1:3: it may write otherwise what a (assignee), b (assignee) writes")
    of_leeds = f"location: leeds\nrules:\n{rule('a', then=CONFIRM)}"
    [of_all] = told({"a.yaml": of_leeds, "b.yaml": rule("b", then=REFUSE)})
    assert of_all.startswith(f"b.yaml:1:3: {MAY}status)"), "elsewhere it has its turn"


def test_of_many_rivals_the_nearest_are_looked_at_and_some_are_named() -> None:
    calendars = [f"  if: {{calendar: Calendar{n:012}}}\n" for n in range(52)]
    rules = [rule(f"r{n}", then=TO_DANA, more=more) for n, more in enumerate(calendars)]
    many = (
        "what r2 (assignee), r3 (assignee), r4 (assignee) and others writes at the same event; the first in order wins"
    )
    assert warned(*rules, rule("last", then=TO_KIM))[-1].endswith(many)
    [other] = warned(*rules, rule("last", then=TO_KIM, more=calendars[0]))
    assert other.endswith("it may write otherwise what r0 (assignee) writes at the same event; the first in order wins")
