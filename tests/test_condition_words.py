"""Conditions that cannot be asked: refused, with what can be."""

import pytest
from pydantic import ValidationError

from tests.questions import read, refusals
from workers.words import told


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
        ({"title": {"is": True}}, "text expected, found true: put it in quotes"),
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
    same = {"after": "2027-03-26", "before": "2027-03-26"}
    assert refusals({"starts": same}) == ["nothing is both after 2027-03-26 and before 2027-03-26"]


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
