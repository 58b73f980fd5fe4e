"""Conditions: which hold, which do not, and which hang on what is missing."""

import json
from datetime import UTC, datetime, time
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from service.trigger import Booking
from workers.comparisons import COMPARISONS, Held, all_of, any_of, negation
from workers.condition_words import If
from workers.conditions import Conditions, Judgement, judge
from workers.facts import KNOWN, Facts, Kind, booking_facts
from workers.names import NAMES, Names
from workers.words import told

DANA, KIM, CUTS = "u8jzPde0IgxLd6GncfBA", "epfJBd0Kh8oOOL8dKLzd", "jc01T5GOBUSZGi6HWGK1"
KNOWN_NAMES = Names(people={"dana": DANA, "kim": KIM}, calendars={"cuts": CUTS, "colour": "AbC456789012"})
READ: TypeAdapter[Conditions] = TypeAdapter(If)
BOOKING = Booking(
    id="appointment",
    location_id="location",
    calendar_id=CUTS,
    starts=datetime(2027, 3, 25, 17, tzinfo=UTC),  # a Thursday, 18:00 in Paris
    ends=datetime(2027, 3, 25, 18, 30, tzinfo=UTC),
    status="confirmed",
    assignee=DANA,
    title=" Cut and Colour ",
    added=datetime(2027, 3, 24, 17, tzinfo=UTC),
)


def facts(was: Booking | None = None, **fields: object) -> Facts:
    at = datetime(2027, 3, 25, 15, tzinfo=UTC)
    now = BOOKING.changed(**fields)
    return booking_facts(now, was=was, at=at, zone=ZoneInfo("Europe/Paris"), names=KNOWN_NAMES)


def read(conditions: object) -> Conditions:
    return READ.validate_python(conditions, context={NAMES: KNOWN_NAMES})


def judged(conditions: object, was: Booking | None = None, **fields: object) -> Judgement:
    return judge(read(conditions), facts(was, **fields))


def refusals(conditions: object) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        read(conditions)
    return [each.message + (f" ({each.hint})" if each.hint else "") for each in told(caught.value)]


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
    missing, true, false = {"address": "x"}, {"calendar": "cuts"}, {"calendar": "colour"}
    assert judged({"all": [missing, false]}).held is False
    assert judged({"all": [missing, true]}).held is None
    assert judged({"any": [missing, true]}).held is True
    assert judged({"any": [missing, false]}).held is None


HELD = st.sampled_from([True, False, None])


@given(st.lists(HELD, max_size=5))
def test_the_three_values_obey_de_morgan(held: list[Held]) -> None:
    assert negation(all_of(held)) is any_of(negation(each) for each in held)
    assert negation(any_of(held)) is all_of(negation(each) for each in held)


@given(st.lists(HELD, min_size=1, max_size=5))
def test_a_missing_value_never_decides(held: list[Held]) -> None:
    """Whatever is missing might turn out either way: what is said without it must be right both times."""
    ways = list(product(*[(True, False) if each is None else (each,) for each in held]))
    if all_of(held) is not None:
        assert {all(way) for way in ways} == {all_of(held)}
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


def test_a_judgement_is_json() -> None:
    judgement = judged({"starts": {"after": "17:00"}, "duration": "90m"})
    assert Judgement.model_validate(json.loads(judgement.model_dump_json())) == judgement


def test_no_conditions_hold() -> None:
    assert judge(Conditions(), facts()) == Judgement(held=True, checks=())


def test_conditions_know_the_facts_they_test_however_deep() -> None:
    conditions = read({"status": "new", "any": [{"not": {"ends": {"after": "17:00"}}}, {"all": [{"lead": "1h"}]}]})
    assert conditions.facts == {"status", "ends", "lead"}


@pytest.mark.parametrize(
    ("conditions", "refusal"),
    [
        ({"titel": "x"}, "'titel' is not known as a fact (title)"),
        ({"anny": []}, "'anny' is not known as a fact (any)"),
        (
            {"title": {"contain": "x"}},
            "'contain' is not known for title, which is text and knows is, is_not, in, not_in,",
        ),
        ({"title": {"after": "17:00"}}, "'after' is not known for title, which is text and knows"),
        ({"starts": {"more_than": "2h"}}, "'more_than' is not known for starts, which is a moment and knows"),
        ({"recurring": {"in": [True]}}, "'in' is not known for recurring, which is true or false and knows is, is_not"),
        ({"calendar": "cutts"}, "no calendar named 'cutts' (cuts)"),
        ({"assignee": {"in": ["kimm"]}}, "no person named 'kimm' (kim)"),
        ({"assignee": "christopherson"}, "no person named 'christopherson'"),
        ({"status": "confimed"}, "'confimed' is not a status; known: new, confirmed, "),
        ({"recurring": "yes"}, "true or false expected, found 'yes'"),
        ({"title": 5}, "text expected, found the number 5: put it in quotes"),
        ({"title": {"is": True}}, "text expected, found the flag true: put it in quotes"),
        ({"title": {"contains": " "}}, "text expected, found none; a missing value is {is: nothing}"),
        ({"title": ["a", "b"]}, "title has a list and no test; one of several is {in: […]}"),
        ({"title": None}, "title has no test; a missing value is {is: nothing}"),
        ({"title": {}}, "title has no test"),
        ({"title": {"in": "a"}}, "a list such as [this, that] expected, found 'a'"),
        ({"title": {"in": []}}, "a list such as [this, that] expected, found an empty one"),
        ({"title": {"matches": "("}}, "not an expression: missing )"),
        ({"title": {"matches": r"(a)\1"}}, "not an expression: invalid escape sequence"),
        ({"title": {"matches": "x" * 501}}, "an expression of 1 to 500 characters expected, found 501"),
        ({"starts": {"after": "17"}}, "'17' is neither a clock time (17:00) nor a moment"),
        ({"starts": {"is": "2027-03-25"}}, "'2027-03-25' is neither a clock time (17:00) nor a moment"),
        ({"starts": {"between": "17:00"}}, "two bounds such as [22:00, 02:00] expected, found '17:00'"),
        ({"starts": {"between": ["17:00", "2027-03-25"]}}, "nothing lies between a clock time and a moment"),
        ({"starts": {"between": ["17:00", "17:00"]}}, "the first bound must be earlier"),
        ({"starts": {"between": ["2027-03-26", "2027-03-25"]}}, "the first bound must be earlier"),
        ({"lead": {"between": ["2h", "1h"]}}, "the first bound must be less"),
        ({"lead": {"more_than": 5}}, "a duration such as 90m, 2h or 1h30m expected, found the number 5"),
        ({"any": {"title": "x"}}, "any wants a list of conditions, found a mapping"),
        ({"all": []}, "all wants a list of conditions, found an empty one"),
        ({"not": []}, "conditions such as {status: confirmed} expected, found a list"),
        ({}, "at least one condition expected"),
        (None, "conditions such as {status: confirmed} expected, found nothing"),
    ],
)
def test_what_cannot_be_asked_is_refused_and_says_what_can(conditions: object, refusal: str) -> None:
    found = refusals(conditions)
    assert len(found) == 1
    assert found[0].startswith(refusal)


def test_after_later_than_before_is_refused_and_between_is_offered() -> None:
    refusal = "nothing is both after 22:00 and before 02:00 (between: [22:00, 02:00])"
    assert refusals({"starts": {"after": "22:00", "before": "02:00"}}) == [refusal]
    assert refusals({"starts": {"before": "02:00", "after": "22:00"}}) == [refusal]
    assert refusals({"starts": {"after": "10:00", "before": "10:00"}}) == [
        "nothing is both after 10:00 and before 10:00"
    ]
    dates = {"after": "2027-03-26", "before": "2027-03-25"}
    assert refusals({"starts": dates}) == ["nothing is both after 2027-03-26 and before 2027-03-25"]


def test_all_that_is_wrong_is_told_at_once_with_its_place() -> None:
    with pytest.raises(ValidationError) as caught:
        read(
            {
                "titel": "x",
                "any": [{"calendar": "cuts"}, {"not": {"assignee": {"in": ["dana", "kimm"]}}}],
                "ends": {"aftr": 1},
            }
        )
    assert [each.place for each in told(caught.value)] == [
        ("titel",),
        ("any", 1, "not", "assignee", "in", 1),
        ("ends", "aftr"),
    ]


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
    assert judged({"starts": "18:00"}, starts=datetime(2027, 3, 25, 17, 0, 59, tzinfo=UTC)).held is True


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
