"""Constraints: what a release that works beside the one before it may demand."""

import pytest

from tests.constraints import demanded_otherwise


def check(*words: str, column: str = "state", end: str = "") -> str:
    listed = ", ".join(f"'{word}'::text" for word in words)
    return f"CHECK (({column} = ANY (ARRAY[{listed}]))){end}"


OLD = ("steps", check("done", "failed"))
KEY = ("steps", "PRIMARY KEY (step_id)")
POSITIVE = ("steps", "CHECK ((place >= 0))")


@pytest.mark.parametrize("end", ["", " NOT VALID"])
def test_a_list_of_words_that_only_grew_demands_nothing(end: str) -> None:
    new = ("steps", check("failed", "parked", "done", end=end))
    assert demanded_otherwise({OLD, KEY, POSITIVE}, {new, KEY, POSITIVE}) == set()


@pytest.mark.parametrize(
    "new",
    [
        ("steps", check("done")),
        ("steps", check("done", "parked")),
        ("steps", check("done", "failed", end=" NOT VALID")),
        ("steps", check("done", "failed", "parked", column="action")),
        ("deliveries", check("done", "failed", "parked")),
        ("steps", check("done", "failed", "parked").replace("CHECK ((", "CHECK (((place > 0) AND ")),
        KEY,
    ],
    ids=["fewer", "others", "said again", "of another column", "of another table", "and more besides", "a key"],
)
def test_whatever_else_stands_in_its_place_is_told(new: tuple[str, str]) -> None:
    assert demanded_otherwise({OLD}, {new}) == {OLD, new}


def test_what_came_or_went_is_told() -> None:
    assert demanded_otherwise({OLD, POSITIVE}, {OLD}) == {POSITIVE}
    assert demanded_otherwise({OLD}, {OLD, POSITIVE}) == {POSITIVE}
    two = {("steps", check("done", "failed", more)) for more in ("parked", "sent")}
    assert demanded_otherwise({OLD}, two) == {OLD, *two}, "and nobody knows which of them took its place"
