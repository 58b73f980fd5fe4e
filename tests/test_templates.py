"""Texts of rules: what becomes of them."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.texts import TEXT, OneFact, refusals, rendered
from workers.known_facts import KNOWN
from workers.templates import MissingFact, TooLong, Unrenderable


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("no facts at all", "no facts at all"),
        ("Given to {{ assignee.name }}", "Given to dana"),
        ("{{ starts | day }}", "Thursday"),
        ("{{ starts | date }}", "25 March 2027"),
        ("{{ starts | time }}", "19:00"),
        ("{{ starts }}", "Thursday 25 March 2027, 19:00"),
        ("{{ duration }} with {{ notice }} notice", "1h30m with 1d notice"),
        ("{{ assignee }}", "dana"),
        ("{{ recurring }}", "false"),
        ("{{ title | trim | upper }}", "CUT & <B>COLOUR</B>"),
        ("{{ address | default('no address') }}", "no address"),
        ("{{ was.starts | default(starts) | time }}", "19:00"),
        ("{% if address is defined %}there{% else %}here{% endif %}", "here"),
        ("{% if assignee == 'dana' and starts > now %}soon{% endif %}", "soon"),
        ("{{ 'yes' if status in ['new', 'confirmed'] else 'no' }}", "yes"),
        ("{# a remark #}{% raw %}{{ as it is }}{% endraw %}", "{{ as it is }}"),
        ("{{ duration | hours }} h, {{ notice | hours }} ahead", "1.5 h, 24 ahead"),
        ("{% if duration | hours > 1 %}long{% endif %}", "long"),
        ("{{ 45 | money }} or {{ 1234567.5 | money('£') }} or {{ 2.665 | money(currency='EUR') }}",
         "45.00 or £1,234,567.50 or EUR 2.67"),
        ("{{ title | trim | lower | title }}, {{ title | trim | lower | capitalize }}",
         "Cut & <B>colour</b>, Cut & <b>colour</b>"),
        ("{{ title | length }}", "23"),
        ("{% if 'colour' in title and assignee not in ['kim', 'alex'] %}colour{% endif %}", "colour"),
        ("{% if status == 'new' %}new{% elif 'Confirmed' == status %}sure{% else %}other{% endif %}", "sure"),
        ("{{ status in ['No-Show', 'CONFIRMED'] }}", "true"),
        ("{% if '18:00' < starts | time < '20:00' %}evening{% endif %}", "evening"),
        ("{{ 'again' if recurring }}{{ address is undefined and not recurring }}", "true"),
        ("{{ address or title | trim if address is defined else assignee }}", "dana"),
        ("{{ was.assignee | default(assignee) | upper }}", "DANA"),
        ("  {{- assignee -}}  !", "dana!"),
        ("one\n{% if recurring %}\ntwo\n{% endif %}\nthree\n", "one\n\nthree"),
        ("a { b } c }} d", "a { b } c }} d"),
    ],
)  # fmt: skip
def test_a_text_tells_facts_as_people_read_them(source: str, text: str) -> None:
    assert rendered(source) == text


def test_the_hour_that_comes_twice_is_two_hours() -> None:
    starts, ends = datetime(2027, 10, 31, 0, 30, tzinfo=UTC), datetime(2027, 10, 31, 1, 30, tzinfo=UTC)
    source = "{{ starts | time == ends | time }} {{ starts == ends }} {{ starts in [ends] }} {{ starts < ends }}"
    assert rendered(source, starts=starts, ends=ends) == "true false false true"


class Read(OneFact):
    """Counts how often its fact is read."""

    times = 0

    def __getitem__(self, name: str) -> Any:
        self.times += 1
        return super().__getitem__(name)


@pytest.mark.parametrize(("within", "value"), [("({} in [true, false, true])", False), ("(true == {} == true)", True)])
def test_what_is_compared_is_read_once_however_many_it_is_compared_with(within: str, value: bool) -> None:
    source = "recurring"
    for _ in range(6):
        source = within.format(source)
    read = Read(value)
    TEXT.validate_python(f"{{{{ {source} }}}}").render(read)
    assert read.times == 1, "or what nests takes twice as long with every level"


def test_a_text_knows_the_facts_that_it_mentions() -> None:
    text = TEXT.validate_python("{{ was.starts | day }} {% if status == 'new' %}{{ assignee.name }}{% endif %}")
    assert text.facts == {"was.starts", "status", "assignee.name"}


def test_a_value_of_another_kind_than_its_fact_is_an_error_of_the_text() -> None:
    with pytest.raises(Unrenderable, match="the text cannot be rendered"):
        TEXT.validate_python("{{ starts | day }}").render(OneFact("monday"))


def test_a_list_is_written_as_people_write_one() -> None:
    text = TEXT.validate_python("{{ title }}")
    assert text.render(OneFact(("a", "b", "c"))) == "a, b and c"
    assert text.render(OneFact(("a", "b"))) == "a and b"
    assert text.render(OneFact(("a",))) == "a"


def test_moments_are_compared_as_instants_and_not_as_clocks() -> None:
    """In the night in which the clock of Paris shows 02:30 twice."""
    fields = {"starts": datetime(2027, 10, 31, 0, 45, tzinfo=UTC), "ends": datetime(2027, 10, 31, 1, 15, tzinfo=UTC)}
    assert rendered("{% if ends > starts %}later{% endif %}", **fields) == "later"


def test_a_missing_fact_is_named() -> None:
    with pytest.raises(MissingFact) as caught:
        rendered("moved from {{ was.starts | time }}")
    assert caught.value.name == "was.starts"
    for source in ("{{ address }}", "{% if address %}x{% endif %}", "{{ address | upper }}", "{{ address == 'x' }}"):
        with pytest.raises(MissingFact, match="address is missing"):
            rendered(source)


def test_a_text_that_comes_out_too_long_is_refused() -> None:
    assert len(rendered("{{ title }}", title="x" * 5000)) == 5000
    with pytest.raises(TooLong, match="the text is longer than 5,000 characters"):
        rendered("{{ title }}{{ title }}", title="x" * 5000)


def test_a_fact_that_is_too_long_for_any_text_is_refused_before_anything_is_made_of_it() -> None:
    assert rendered("{{ title | truncate(10, end='') }}", title="x" * 20_000) == "x" * 10
    with pytest.raises(TooLong, match="title is longer than 20,000 characters"):
        rendered("{{ title | truncate(10) }}", title="x" * 20_001)


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (100, "cut and colour"),
        (14, "cut and colour"),
        (13, "cut and…"),
        (8, "cut and…"),
        (7, "cut…"),
        (2, "c…"),
        (1, "…"),
    ],
)
def test_a_text_is_cut_between_words_and_never_longer_than_it_may_be(length: int, text: str) -> None:
    assert rendered(f"{{{{ title | truncate({length}) }}}}", title="cut and colour") == text
    assert rendered("{{ title | truncate(4, end=' [more]') }}", title="cut and colour") == " [mo"


def test_a_text_has_one_to_five_thousand_characters() -> None:
    assert "1 to 5000" in refusals("  ")[0]
    assert "1 to 5000" in refusals("x" * 5001)[0]


def test_what_is_no_text_is_told_how_to_become_one() -> None:
    assert refusals(5) == ["text expected, found the number 5: put it in quotes"]
    assert refusals(True) == ["text expected, found true: put it in quotes"]
    assert refusals(["x"]) == ["text expected, found a list"]


def test_what_stands_in_a_fact_is_never_read_as_a_template() -> None:
    assert rendered("{{ title }}", title="{{ assignee }}{% if %}") == "{{ assignee }}{% if %}"


@given(st.text(alphabet="{}%#|.() '\"_aisnottletrs \n", max_size=60))
def test_any_text_is_read_or_refused(source: str) -> None:
    try:
        text = TEXT.validate_python(source)
    except ValidationError:
        return
    assert text.facts <= KNOWN.keys()


def test_texts_are_equal_by_what_is_written() -> None:
    assert TEXT.validate_python("{{ title }}") == TEXT.validate_python("{{ title }}")
    assert TEXT.dump_python(TEXT.validate_python("{{ title }}"), mode="json") == "{{ title }}"
