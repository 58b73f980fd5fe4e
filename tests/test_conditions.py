"""Conditions: which hold, which do not, and which hang on what is missing."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, time
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.questions import BOOKING, CUTS, KIM, facts, judged, read, refusals
from workers.comparisons import COMPARISONS, Held
from workers.conditions import Check, Conditions, judge
from workers.kinds import Kind
from workers.known_facts import KNOWN


@pytest.mark.parametrize(
    ("conditions", "held"),
    [
        ({"calendar": "cuts"}, True),
        ({"calendar": {"is": "colour"}}, False),
        ({"calendar": {"is": CUTS}}, True),
        ({"calendar": {"in": ["colour", "cuts"]}}, True),
        ({"calendar": {"not_in": ["colour", "cuts"]}}, False),
        ({"assignee": "dana"}, True),
        ({"assignee": {"is_not": "kim"}}, True),
        ({"assignee": {"in": ["kim", "nobody"]}}, False),
        ({"assignee": {"is": "nobody"}}, False),
        ({"assignee": {"is_not": "nobody"}}, True),
        ({"title": "cut AND colour"}, True),
        ({"title": {"is_not": "cut"}}, True),
        ({"title": {"contains": " COLOUR"}}, True),
        ({"title": {"starts_with": "cut"}}, True),
        ({"title": {"starts_with": "colour"}}, False),
        ({"title": {"matches": "^cut.*colour$"}}, True),
        ({"title": {"matches": "and"}}, True),
        ({"title": {"matches": r"\d"}}, False),
        ({"status": "confirmed"}, True),
        ({"status": {"in": ["new", "no_show"]}}, False),
        ({"starts": {"after": "18:00"}}, True),
        ({"starts": {"after": "18:01"}}, False),
        ({"starts": {"before": "18:00"}}, False),
        ({"starts": {"before": "18:01"}}, True),
        ({"starts": {"between": ["18:00", "19:00"]}}, True),
        ({"starts": {"between": "17:00-18:00"}}, False),
        ({"starts": {"between": "22:00-18:01"}}, True),
        ({"starts": {"between": ["18:01", "18:00"]}}, False),
        ({"starts": "18:00"}, True),
        ({"starts": {"is": "2027-03-25 18:00"}}, True),
        ({"starts": {"is": "2027-03-25T17:00Z"}}, True),
        ({"starts": {"in": ["09:00", "2027-03-25 18:00"]}}, True),
        ({"starts": {"after": "2027-03-25"}}, True),
        ({"starts": {"before": "2027-03-25"}}, False),
        ({"starts": {"between": ["2027-03-25", "2027-03-26"]}}, True),
        ({"starts": {"on": "thu"}}, True),
        ({"starts": {"on": ["mon-wed", "2027-03-25"]}}, True),
        ({"starts": {"on": ["sat", "sun"]}}, False),
        ({"starts": {"after": "17:00", "on": ["thu", "fri"]}}, True),
        ({"starts": {"after": "17:00", "on": ["fri"]}}, False),
        ({"duration": "1h30m"}, True),
        ({"duration": {"more_than": "90m"}}, False),
        ({"duration": {"less_than": "2h"}}, True),
        ({"duration": {"between": ["90m", "2h"]}}, True),
        ({"duration": {"between": "1h-90m"}}, False),
        ({"lead": {"in": ["1d", "2d"]}}, True),
        ({"notice": {"less_than": "2h"}}, False),
        ({"notice": {"less_than": "121m"}}, True),
        ({"notice": {"more_than": "-15m"}}, True),
        ({"notice": {"between": ["-1h30m", "-1m"]}}, False),
        ({"recurring": False}, True),
        ({"recurring": {"is_not": False}}, False),
        ({"address": {"is": "nothing"}}, True),
        ({"title": {"is_not": "nothing"}}, True),
        ({"title": {"is": "nothing"}}, False),
    ],
)
def test_a_condition_holds_or_not(conditions: dict[str, Any], held: bool) -> None:
    assert judged(conditions).held is held


@pytest.mark.parametrize(
    "test",
    [
        {"is": "x"},
        {"is_not": "x"},
        {"in": ["x"]},
        {"not_in": ["x"]},
        {"contains": "x"},
        {"starts_with": "x"},
        {"matches": "x"},
    ],
)
def test_a_test_of_a_missing_value_is_neither_true_nor_false_nor_is_its_not(test: dict[str, Any]) -> None:
    assert judged({"address": test}).held is None
    assert judged({"not": {"address": test}}).held is None
    assert judged({"not": {"not": {"address": test}}}).held is None


def test_a_test_against_a_missing_value_is_neither_true_nor_false_nor_is_its_not() -> None:
    for test in ({"starts": {"after": "{{ was.starts }}"}}, {"assignee": {"is": "{{ was.assignee }}"}}):
        assert judged(test).held is None
        assert judged({"not": test}).held is None
        assert judged({"not": test}, was=BOOKING.changed(assignee=KIM)).held is not None


def test_every_test_but_is_and_in_of_a_missing_value_is_neither() -> None:
    for word in ("after", "before"):
        assert judged({"was.starts": {word: "09:00"}}).held is None
    assert judged({"was.starts": {"between": "09:00-10:00"}}).held is None
    assert judged({"was.starts": {"on": "mon-sun"}}).held is None
    for word in ("more_than", "less_than"):
        assert judged({"lead": {word: "1h"}}, added=None).held is None


def test_nobody_is_an_assignee_that_can_be_asked_for() -> None:
    assert judged({"assignee": "nobody"}, assignee=None).held is True
    assert judged({"assignee": {"is": "nothing"}}, assignee=None).held is True
    assert judged({"assignee": {"is_not": "nobody"}}, assignee=None).held is False
    assert judged({"assignee": {"in": ["nobody", "dana"]}}, assignee=None).held is True
    assert judged({"assignee": {"not_in": ["nobody", "dana"]}}, assignee=None).held is False
    assert judged({"assignee": {"is": "dana"}}, assignee=None).held is None
    assert judged({"assignee": {"is": "nobody"}}, assignee=None).checks[0].actual == "nobody"


def test_an_assignee_that_was_never_seen_is_not_nobody() -> None:
    assert judged({"was.assignee": "nobody"}).held is None
    assert judged({"was.assignee": "nothing"}).held is True
    assert judged({"was.assignee": "nobody"}, was=BOOKING.changed(assignee=None)).held is True
    assert judged({"was.assignee": "nobody"}).checks[0].actual == "missing"


def test_statuses_are_the_same_in_all_their_spellings() -> None:
    for written, seen in product(("no_show", "noshow", "No-Show"), ("noshow", "no_show")):
        assert judged({"status": written}, status=seen).held is True
    assert judged({"status": "canceled"}, status="cancelled").held is True


def test_all_must_hold_where_nothing_else_is_said() -> None:
    assert judged({"calendar": "cuts", "assignee": "kim"}).held is False
    assert judged({"all": [{"calendar": "cuts"}, {"assignee": "kim"}]}).held is False
    assert judged({"any": [{"calendar": "cuts"}, {"assignee": "kim"}]}).held is True
    assert judged({"not": {"calendar": "cuts", "assignee": "kim"}}).held is True


def test_what_is_missing_matters_only_where_the_rest_leaves_it_open() -> None:
    assert held_of("all", [None, False]) is False
    assert held_of("all", [None, True]) is None
    assert held_of("any", [None, True]) is True
    assert held_of("any", [None, False]) is None


SAYING = {True: {"calendar": "cuts"}, False: {"calendar": "colour"}, None: {"address": "x"}}
SOME = st.lists(st.sampled_from([True, False, None]), min_size=1, max_size=5)


def held_of(word: str, held: Iterable[Held]) -> Held:
    return judged({word: [SAYING[each] for each in held]}).held


@given(SOME)
def test_the_three_values_obey_de_morgan(held: list[Held]) -> None:
    for one, other in (("all", "any"), ("any", "all")):
        negated = [{"not": SAYING[each]} for each in held]
        assert judged({"not": {one: [SAYING[each] for each in held]}}).held is judged({other: negated}).held


@given(SOME)
def test_a_missing_value_never_decides(held: list[Held]) -> None:
    """Whatever is missing might turn out either way: what is said without it must be right both times."""
    ways = list(product(*[(True, False) if each is None else (each,) for each in held]))
    if (told := held_of("all", held)) is not None:
        assert {all(way) for way in ways} == {told}
    else:
        assert {all(way) for way in ways} == {True, False}


def test_every_test_is_made_and_told_whatever_the_outcome() -> None:
    conditions = {
        "calendar": "colour",
        "starts": {"after": "17:00", "on": ["thu", "fri"]},
        "any": [{"recurring": False}, {"not": {"address": {"contains": "LS"}}}],
        "assignee": {"in": ["kim", "nobody"]},
    }
    checks = judged(conditions).checks
    assert [(check.fact, check.test, check.expected, check.actual, check.held, check.under) for check in checks] == [
        ("calendar", "is", "colour", "cuts", False, ()),
        ("starts", "after", "17:00", "Thursday 25 March 2027, 18:00", True, ()),
        ("starts", "on", "thu, fri", "Thursday 25 March 2027, 18:00", True, ()),
        ("recurring", "is", "false", "false", True, ("any",)),
        ("address", "contains", "LS", "missing", None, ("any", "not")),
        ("assignee", "in", "kim, nobody", "dana", False, ()),
    ]


def test_a_check_is_json() -> None:
    for check in judged({"starts": {"after": "17:00"}, "duration": "90m"}).checks:
        assert Check(**json.loads(json.dumps(check._asdict())) | {"under": ()}) == check


def test_no_conditions_hold() -> None:
    assert judge(Conditions(), facts()).held is True


def test_conditions_know_the_facts_they_test_however_deep() -> None:
    conditions = read({"status": "new", "any": [{"not": {"ends": {"after": "17:00"}}}, {"all": [{"lead": "1h"}]}]})
    assert conditions.facts == {"status", "ends", "lead"}


CLOCKS = st.times().map(lambda clock: clock.replace(second=0, microsecond=0))


@given(st.datetimes(timezones=st.just(ZoneInfo("Europe/Paris"))), CLOCKS, CLOCKS)
def test_every_time_is_before_a_clock_time_or_after_it_and_between_is_both(
    starts: datetime, first: time, second: time
) -> None:
    after = judged({"starts": {"after": f"{first:%H:%M}"}}, starts=starts).held
    assert judged({"starts": {"before": f"{first:%H:%M}"}}, starts=starts).held is not after
    if first != second:
        inside = judged({"starts": {"between": [f"{first:%H:%M}", f"{second:%H:%M}"]}}, starts=starts).held
        outside = judged({"starts": {"between": [f"{second:%H:%M}", f"{first:%H:%M}"]}}, starts=starts).held
        assert inside is not outside


def test_a_clock_time_is_the_same_to_the_minute() -> None:
    starts = datetime(2027, 3, 25, 17, 0, 59, tzinfo=UTC)
    assert judged({"starts": "18:00"}, starts=starts).held is True
    # A fact as exact as its value is the same, too.
    assert judged({"starts": {"is": "{{ starts }}"}}, starts=starts).held is True
    assert judged({"starts": {"is": "2027-03-25T17:00:30Z"}}, starts=starts).held is True


def test_a_misspelt_status_is_told_the_nearest() -> None:
    assert refusals({"status": "confimed"})[0].endswith("(confirmed)")


def test_moments_are_compared_as_moments_when_the_clocks_go_back() -> None:
    """On 31 October 2027 it is half past two twice in Paris: at 00:30 and at 01:30 UTC."""
    second = datetime(2027, 10, 31, 1, 30, tzinfo=UTC)
    assert judged({"starts": {"after": "2027-10-31T02:40+02:00"}}, starts=second).held is True
    assert judged({"starts": {"before": "2027-10-31T00:50Z"}}, starts=second).held is False


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from([*KNOWN, "any", "not", "is", "in", "on", "between", "matches"]), inner)
        ),
    )
)
def test_anything_is_read_or_refused(value: object) -> None:
    try:
        conditions = read(value)
    except ValidationError:
        return
    assert judge(conditions, facts()).checks


def test_every_kind_of_fact_knows_is() -> None:
    assert set(COMPARISONS) == set(Kind)
    assert all("is" in tests for tests in COMPARISONS.values())
