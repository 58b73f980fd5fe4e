"""What authors are told of clock times that a night in which the clocks change has not, or has twice."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.nights import DAY, LONDON, NEW_YORK, ODD_ZONES, SYDNEY
from workers.scrutiny.clock_changes import ZONES, changes
from workers.scrutiny.clocks import clocks
from workers.scrutiny.scrutiny import looked_through

NOW = datetime(2027, 1, 10, 12, tzinfo=UTC)
NAMES = """\
hours:
  night: {sat-sun: "22:00-02:30"}
  club: {fri-sat: "21:00-01:30"}
  dawn: {sun: "01:00-02:00"}
  shop: {mon-sun: "09:00-17:00"}
rules:
"""
NOTE = "{do: add_note, text: x}"
SAFER = "; a time that every night has once is safer"


def warnings(
    conditions: str = "{now: {on: mon-sun}}",
    when: str = "appointment.created",
    then: str = NOTE,
    zones: Sequence[str] = ZONES,
) -> list[str]:
    """Of a rule of which `when` stands in line 8, `if` in line 9 and the step in line 11."""
    text = f"{NAMES}- name: one\n  when: {when}\n  if: {conditions}\n  then:\n  - {then}\n"
    scrutiny = looked_through({"rules.yaml": text}, NOW, zones)
    assert not scrutiny.faults
    return [str(fault).removeprefix("rules.yaml:") for fault in scrutiny.warnings if "clocks" in fault.message]


# Conditions


@pytest.mark.parametrize(
    ("zone", "test", "change"),
    [
        ("Europe/London", "{after: '01:30'}", "Europe/London on 28 March 2027, and 01:30 is left out"),
        ("Europe/London", "{before: '01:01'}", "Europe/London on 28 March 2027, and 01:01 is left out"),
        ("Europe/London", "{is: '01:00'}", "Europe/London on 28 March 2027, and 01:00 is left out"),
        ("Europe/London", "{not_in: ['01:45', '17:00']}", "Europe/London on 28 March 2027, and 01:45 is left out"),
        ("Europe/London", "{between: ['22:00', '01:30']}", "Europe/London on 28 March 2027, and 01:30 is left out"),
        ("Europe/London", "{between: ['01:00', '02:00']}", "Europe/London on 28 March 2027, and 01:00 is left out"),
        ("Europe/London", "{during: dawn}", "Europe/London on 28 March 2027, and 01:00 is left out"),
        ("Europe/London", "{outside: club}", "Europe/London on 28 March 2027, and 01:30 is left out"),
        ("Europe/London", "{after: '01:30', on: sun}", "Europe/London on 28 March 2027, and 01:30 is left out"),
        ("America/New_York", "{after: '02:30'}", "America/New_York on 14 March 2027, and 02:30 is left out"),
        ("America/New_York", "{after: '01:30'}", "America/New_York on 7 November 2027, and 01:30 comes twice"),
        ("America/New_York", "{during: night}", "America/New_York on 14 March 2027, and 02:30 is left out"),
        ("America/New_York", "{outside: club}", "America/New_York on 7 November 2027, and 01:30 comes twice"),
        ("Australia/Sydney", "{after: '02:30'}", "Australia/Sydney on 4 April 2027, and 02:30 comes twice"),
        ("Australia/Sydney", "{during: night}", "Australia/Sydney on 4 April 2027, and 02:30 comes twice"),
        ("America/Santiago", "{after: '23:30'}", "America/Santiago on 3 April 2027, and 23:30 comes twice"),
        ("America/Santiago", "{after: '00:30'}", "America/Santiago on 5 September 2027, and 00:30 is left out"),
        ("Atlantic/Azores", "{after: '00:30'}", "Atlantic/Azores on 28 March 2027, and 00:30 is left out"),
        ("Africa/Cairo", "{after: '00:30', on: fri}", "Africa/Cairo on 30 April 2027, and 00:30 is left out"),
        ("Australia/Lord_Howe", "{after: '01:45'}", "Australia/Lord_Howe on 4 April 2027, and 01:45 comes twice"),
    ],
)
def test_a_condition_is_warned_of_whose_answers_differ_before_and_after_a_change(
    zone: str, test: str, change: str
) -> None:
    [warning] = warnings(f"{{starts: {test}}}", zones=[zone])
    place, said = warning.split(": ", 1)
    assert place == "9:17"
    assert said.split(": ", 1)[1] == f"the clocks change in {change}{SAFER}"


def test_a_condition_is_told_in_its_words_and_where_it_stands() -> None:
    change = "the clocks change in Europe/London on 28 March 2027, and 01:30 is left out"
    conditions = (
        "{any: [{status: new}, {not: {ends: {before: '01:30', on: sun}}}], booked: {between: ['01:30', '05:00']}}"
    )
    assert warnings(conditions, zones=["Europe/London"]) == [
        f"9:43: ends before 01:30: {change}{SAFER}",
        f"9:82: booked between 01:30, 05:00: {change}{SAFER}",
    ]
    step = "{do: add_note, text: x, if: {now: {after: '01:30'}}}"
    assert warnings(then=step, zones=["Europe/London"]) == [f"11:40: now after 01:30: {change}{SAFER}"]
    step = f"{{do: assign, to: {{round_robin: calendar}}, otherwise: [{step}]}}"
    assert warnings(then=step, zones=["Europe/London"]) == [f"11:94: now after 01:30: {change}{SAFER}"]


@pytest.mark.parametrize(
    ("zone", "conditions"),
    [
        ("Europe/London", "{starts: {after: '17:00'}}"),
        ("Europe/London", "{starts: {between: ['22:00', '02:00']}}"),  # two o'clock comes, and comes once
        ("Europe/London", "{starts: {after: '01:00'}}"),  # from the change on, and from the first of two on
        ("Europe/London", "{starts: {between: ['22:00', '01:00']}}"),
        ("Europe/London", "{starts: {between: ['00:30', '02:00']}}"),
        ("Europe/London", "{starts: {after: '02:30'}}"),
        ("America/New_York", "{starts: {after: '00:30', before: '03:00'}}"),
        ("America/New_York", "{starts: {during: shop}}"),
        ("Europe/London", "{starts: {during: night}}"),
        ("Europe/London", "{starts: {after: '01:30', on: [mon-sat]}}"),  # they change on a Sunday
        ("Europe/London", "{starts: {after: '01:30', during: shop}}"),
        ("Europe/London", "{not: {starts: {after: '01:30', on: [mon-sat]}}}"),
        ("Europe/London", "{starts: {on: [mon-sat]}, any: [{all: [{starts: {after: '01:30'}}]}, {status: new}]}"),
        ("Africa/Cairo", "{starts: {after: '00:30', on: sun}}"),  # they change on a Friday
        ("America/Santiago", "{starts: {between: ['22:00', '00:00']}}"),
        ("America/Santiago", "{starts: {after: '00:00', before: '06:00'}}"),
        ("Atlantic/Azores", "{starts: {between: ['18:00', '24:00']}}"),
        ("Asia/Kathmandu", "{starts: {after: '01:30'}}"),
        ("UTC", "{starts: {after: '01:30'}}"),
        ("Europe/London", "{starts: {on: [sun, 2027-03-28]}}"),
        ("Europe/London", "{lead: {less_than: 90m}, notice: {between: [1h, 2h]}}"),
        ("Europe/London", "{starts: {is: '{{ booked }}'}, ends: {between: ['{{ starts }}', '{{ now }}']}}"),
        ("Europe/London", "{booked: {is: nothing}}"),
        ("Europe/London", "{starts: {before: 2027-03-28, after: 2027-03-27 01:30}}"),
        ("Europe/London", "{starts: {after: '2027-10-31 01:30+00:00'}}"),
        ("Atlantic/Azores", "{starts: {after: 2027-10-31}}"),
    ],
)
def test_nothing_is_warned_of_that_every_night_has_once(zone: str, conditions: str) -> None:
    assert warnings(conditions, zones=[zone]) == []


def test_tests_that_hold_together_are_answered_together() -> None:
    together = "{starts: {after: '01:00', before: '02:00'}}"
    assert len(warnings(together, zones=["Europe/London"])) == 1
    assert len(warnings("{starts: {after: '01:15', before: '01:45'}}", zones=["Europe/London"])) == 1
    apart = "{any: [{starts: {after: '01:00'}}, {starts: {before: '02:00'}}]}"
    assert warnings(apart, zones=["Europe/London"]) == []


@pytest.mark.parametrize(
    ("zone", "moment", "warned"),
    [
        (
            "Europe/London",
            "2027-03-28 01:30",
            "Europe/London on 28 March 2027, and 01:30 is left out: 02:30 is meant, and 2027-03-28 02:30+01:00 says so",
        ),
        (
            "Europe/London",
            "2027-10-31 01:30",
            "Europe/London on 31 October 2027, and 01:30 comes twice: the first is meant, and 2027-10-31 01:30+01:00"
            " says so",
        ),
        (
            "America/New_York",
            "2031-11-02 01:30",
            "America/New_York on 2 November 2031, and 01:30 comes twice: the first is meant, and 2031-11-02"
            " 01:30-04:00 says so",
        ),
    ],
)
def test_a_moment_that_its_night_has_not_or_has_twice_is_told_with_its_offset(
    zone: str, moment: str, warned: str
) -> None:
    said = f"{moment}: the clocks change in {warned}"
    assert warnings(f"{{starts: {{after: '{moment}'}}}}", zones=[zone]) == [f"9:17: starts after {said}"]
    move = f"{{do: reschedule, to: '{moment}', notify: false}}"
    assert warnings(then=move, zones=[zone]) == [f"11:26: to {said}"]
    block = f"{{do: block_slot, from: '{moment}', until: '{moment[:10]} 09:00'}}"
    assert warnings(then=block, zones=[zone]) == [f"11:28: from {said}"]
    task = f"{{do: create_task, title: x, for: nobody, due: '{moment}'}}"
    assert warnings(then=task, zones=[zone]) == [f"11:51: due {said}"]


# Zones


def test_without_a_zone_those_are_asked_that_change_at_each_of_the_hours() -> None:
    [new_york] = warnings("{starts: {after: '02:30'}}")
    assert "in America/New_York on 14 March 2027, and 02:30 is left out" in new_york
    [santiago] = warnings("{starts: {after: '23:30'}}")
    assert "in America/Santiago on 3 April 2027, and 23:30 comes twice" in santiago
    [azores] = warnings("{starts: {is: '00:00'}}", zones=["Europe/London", "Atlantic/Azores"])
    assert "in Atlantic/Azores on 28 March 2027, and 00:00 is left out" in azores
    assert warnings("{starts: {after: '03:30'}}") == warnings("{starts: {after: '17:00'}}") == []


def test_a_rule_of_one_location_is_judged_by_its_clocks_alone() -> None:
    rule = "- name: {0}\n  when: appointment.created\n  if: {{starts: {{after: '02:30'}}}}\n  then: [{1}]\n"
    files = {
        "leeds.yaml": "location: leeds\nrules:\n" + rule.format("here", NOTE),
        "queens.yaml": "location: abcDEF1234567890\nrules:\n" + rule.format("there", NOTE),
        "shared.yaml": rule.format("everywhere", NOTE),
    }
    draft = looked_through(files, NOW).draft
    local = {"leeds": ["Europe/London"], "abcDEF1234567890": ["America/New_York"]}
    found = {fault.path: fault.message for fault in clocks(draft, ["Europe/London", "Australia/Sydney"], NOW, local)}
    assert found.keys() == {"queens.yaml", "shared.yaml"}
    assert "in America/New_York on 14 March 2027" in found["queens.yaml"]
    assert "in Australia/Sydney on 4 April 2027" in found["shared.yaml"]


@given(
    st.sampled_from([NEW_YORK, LONDON, SYDNEY, *ODD_ZONES]),
    st.datetimes(datetime.fromisoformat("2025-01-01"), datetime.fromisoformat("2030-01-01"), timezones=st.just(UTC)),
)
@example(ZoneInfo("America/Santiago"), datetime(2028, 4, 2, 3, tzinfo=UTC))
def test_the_next_changes_are_found_to_the_second_and_none_is_passed_over(zone: ZoneInfo, now: datetime) -> None:
    found, last = changes(zone, now), now.astimezone(zone).utcoffset()
    for change in found:
        before, after = ((change.instant - back).astimezone(zone) for back in (timedelta(seconds=1), timedelta()))
        assert (change.before, change.after) == (before.utcoffset(), after.utcoffset())
        assert change.before == last != change.after
        assert now < change.instant
        last = change.after
    until = found[-1].instant if found else now + 370 * DAY
    days = [now + DAY * number for number in range((until - now) // DAY)]
    offsets = [moment.astimezone(zone).utcoffset() for moment in days]
    assert sum(one != other for one, other in pairwise(offsets)) <= max(len(found) - 1, 0)
    assert len(found) == (0 if zone.key == "Asia/Kathmandu" else 2)
