"""The words of a rule's conduct: what they are read as, and what is refused where it stands."""

from datetime import timedelta

import pytest

from service.store.conduct import Limit
from tests.rule_files import faults
from tests.test_apply import rule
from workers.rulebook import read

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def test_the_limit_of_a_rule_that_moves_bookings_is_20_an_hour_unless_it_says_another() -> None:
    moves = "do: reschedule, to: next_free, notify: false"
    plain, own, none = (
        read({"rules.yaml": f"rules:\n{text}"}).entries[0].rule
        for text in (
            rule("moves", "appointment.created", moves),
            rule("moves", "appointment.created", moves, more="limit: 300 per day,"),
            rule("notes", "appointment.created", "do: add_note, text: x"),
        )
    )
    assert (plain.most, own.most, none.most) == (Limit(20, HOUR), Limit(300, DAY), None)


HEAD = "rules:\n- name: one\n  when: appointment.created\n  then: [{do: add_note, text: x}]\n"


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (
            "once_per: week",
            "rules.yaml:5:13: appointment, contact, series, day or a list of facts",
        ),
        ("once_per: []", "rules.yaml:5:13: appointment, contact, series, day or a list of facts"),
        ("once_per: [start]", "rules.yaml:5:13: 'start' is not known as a fact; did you mean 'starts'?"),
        ("once_per: [contact.email]", "rules.yaml:5:13: contact.email has to be looked up, and once_per goes by"),
        ("once_per: [[calendar]]", "rules.yaml:5:13: the name of a fact expected, found a list"),
        ("once_per: [{calendar: x}]", "rules.yaml:5:13: the name of a fact expected, found "),
        ("once_per: true", "rules.yaml:5:13: appointment, contact, series, day or a list of facts expected"),
        ("limit: 20", "rules.yaml:5:10: a limit such as 20 per hour expected"),
        ("limit: 0 per hour", "rules.yaml:5:10: a limit such as 20 per hour expected"),
        ("limit: 5 per week", "rules.yaml:5:10: a limit such as 20 per hour expected"),
        ("limit: ٣ per hour", "rules.yaml:5:10: a limit such as 20 per hour expected"),
        ("not_after: 15m", "rules.yaml:5:14: a time such as 15m before start expected"),
        ("not_after: 15m after start", "rules.yaml:5:14: a time such as 15m before start"),
        ("not_after: 0m before start", "rules.yaml:5:14: a duration longer than nothing"),
        ("not_after: soon before start", "rules.yaml:5:14: 'soon' is not a duration"),
        ("override_people: sometimes", "rules.yaml:5:20: true or false expected, found 'sometimes'"),
        ("on_own_changes: 1", "rules.yaml:5:19: true or false expected, found the number 1"),
        ("onceper: contact", "rules.yaml:5:3: 'onceper' is not known"),
    ],
)
def test_a_word_that_cannot_be_meant_is_refused_where_it_stands(line: str, fault: str) -> None:
    [found] = faults(f"{HEAD}  {line}\n")
    assert found.startswith(fault), found


def test_the_words_of_conduct_are_read() -> None:
    more = "  once_per: [calendar, starts]\n  limit: 3 per minute\n  not_after: 1h30m before start\n"
    found = read({"rules.yaml": f"{HEAD}{more}  override_people: true\n  on_own_changes: true\n"}).entries[0].rule
    assert found.once_per == ("calendar", "starts")
    assert found.limit == Limit(3, timedelta(minutes=1))
    assert found.not_after == timedelta(minutes=90)
    assert (found.override_people, found.on_own_changes) == (True, True)
