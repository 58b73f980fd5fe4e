"""What can hold is not refused, however odd it looks. What can never is in tests/faulty."""

from datetime import UTC, datetime

import pytest

from tests.rule_files import rule
from workers.scrutiny.scrutiny import looked_through

NOW = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("conditions", "when"),
    [
        # It is asked when the booking has been quiet for a while, and may be another by then.
        ("{status: confirmed}", "appointment.cancelled\n  debounce: 5m"),
        ("{was.status: confirmed}", "appointment.created\n  debounce: 5m"),
        # To the one these are the same, to the other not.
        ("{title: {is: Straße, matches: straße}}", "appointment.created"),
        ("{title: {is: strasse, matches: ß}}", "appointment.created"),
        ("{title: Straße, not: {title: {matches: strasse}}}", "appointment.created"),
        # One text with a comma is not two.
        ("{title: {in: ['a, b']}, not: {title: {in: [a, b]}}}", "appointment.created"),
        # One day of the week is not every day.
        ("{not: {starts: {during: {mon: '00:00-24:00'}}}}", "appointment.created"),
        ("{not: {starts: {on: mon-sat}}}", "appointment.created"),
        (
            f"{{not: {{starts: {{on: [{', '.join(f'2027-03-0{day}' for day in range(1, 8))}]}}}}}}",
            "appointment.created",
        ),
        ("{not: {starts: {after: '00:01'}}}", "appointment.created"),
        ("{not: {contact.bookings: {more_than: 0}}}", "appointment.created"),
        ("{contact.bookings: {less_than: 1}}", "appointment.created"),
        ("{contact.bookings: {in: [-1, 0]}}", "appointment.created"),
        ("{duration: {is: nothing}}", "[appointment.created, external.till]"),
        ("{notice: {less_than: 0m}}", "appointment.cancelled"),
    ],
)
def test_a_rule_that_may_hold_is_not_refused(conditions: str, when: str) -> None:
    found = looked_through({"rules.yaml": rule(when=when, more=f"  if: {conditions}\n")}, NOW)
    assert (found.faults, found.remarks) == ((), ())


@pytest.mark.parametrize(
    ("conditions", "told"),
    [
        (
            "{any: [{status: {is: new, is_not: new}}, {title: Cut}]}",
            "4:33: one of `any` can never hold, and is as good as not there: status is new and is_not new exclude",
        ),
        (
            "{status: new, any: [{title: Cut}, {status: confirmed}]}",
            "4:42: one of `any` can never hold, and is as good as not there: status is new and is confirmed exclude",
        ),
        (
            "{any: [{title: Cut}, {any: [{starts: {before: '00:00'}}, {title: Colour}]}]}",
            "4:45: one of `any` can never hold, and is as good as not there: starts is never before 00:00",
        ),
        (
            "{any: [{title: Cut}, {any: [{starts: {before: '00:00'}}]}]}",
            "4:45: one of `any` can never hold, and is as good as not there: starts is never before 00:00",
        ),
    ],
)
def test_one_way_of_several_that_can_never_hold_is_told_of_and_refuses_nothing(conditions: str, told: str) -> None:
    found = looked_through({"rules.yaml": rule(more=f"  if: {conditions}\n")}, NOW)
    assert found.faults == ()
    [remark] = found.remarks
    assert str(remark).startswith(f"rules.yaml:{told}")


@pytest.mark.parametrize(
    "conditions",
    ["{any: [{titel: Cut}, {starts: {before: '00:00'}}]}", "{status: new, not: {titel: Cut, status: new}}"],
)
def test_what_could_not_be_read_closes_no_way(conditions: str) -> None:
    [fault] = looked_through({"rules.yaml": rule(more=f"  if: {conditions}\n")}, NOW).faults
    assert "titel" in fault.told


def test_what_must_hold_besides_may_be_denied_in_a_way() -> None:
    [told] = looked_through({"rules.yaml": rule(more="  if: {status: new, any: [{not: {status: new}}]}\n")}, NOW).faults
    assert told.told == "none of `any` can hold: status is new is asked for, and denied under `not`"


def test_lists_that_are_written_alike_are_compared_by_what_is_in_them() -> None:
    conditions = "{title: {in: ['a, b']}, all: [{title: {in: [a, b]}}]}"
    [told] = looked_through({"rules.yaml": rule(more=f"  if: {conditions}\n")}, NOW).faults
    assert told.told.startswith("it can never hold: title in a, b and in a, b exclude each other")
