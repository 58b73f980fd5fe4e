"""Texts of rules: what they may say, and what becomes of them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from service.trigger import Booking
from workers.facts import KNOWN, Facts, booking_facts
from workers.names import Names
from workers.templates import MissingFact, Text, TooLong, Unrenderable
from workers.words import told

DANA = "u8jzPde0IgxLd6GncfBA"
TEXT = TypeAdapter(Text)
BOOKING = Booking(
    id="appointment",
    location_id="location",
    calendar_id="calendar",
    starts=datetime(2027, 3, 25, 18, tzinfo=UTC),
    ends=datetime(2027, 3, 25, 19, 30, tzinfo=UTC),
    status="confirmed",
    assignee=DANA,
    title="  Cut & <b>colour</b>  ",
)


def facts(**fields: object) -> Facts:
    at = datetime(2027, 3, 24, 18, tzinfo=UTC)
    names = Names(people={"dana": DANA})
    return booking_facts(BOOKING.changed(**fields), was=None, at=at, zone=ZoneInfo("Europe/Paris"), names=names)


def rendered(source: str, **fields: object) -> str:
    return TEXT.validate_python(source).render(facts(**fields))


def refusals(source: object) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        TEXT.validate_python(source)
    return [each.message + (f" ({each.hint})" if each.hint else "") for each in told(caught.value)]


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
    ],
)
def test_a_text_tells_facts_as_people_read_them(source: str, text: str) -> None:
    assert rendered(source) == text


def test_a_text_knows_the_facts_that_it_mentions() -> None:
    text = TEXT.validate_python("{{ was.starts | day }} {% if status == 'new' %}{{ assignee.name }}{% endif %}")
    assert text.facts == {"was.starts", "status", "assignee.name"}


@pytest.mark.parametrize(
    ("source", "refusal"),
    [
        ("{{ asignee }}", "'asignee' is not known as a fact (assignee)"),
        ("{{ assignee.nam }}", "'assignee.nam' is not known as a fact (assignee.name)"),
        ("{{ starts | tme }}", "'tme' is not known as a filter (time)"),
        ("{{ title | time }}", "the filter time is for moments, but title is text"),
        ("{{ starts is devined }}", "'devined' is not known after `is` (defined)"),
        ("{{ starts.year }}", "'starts.year' is not known as a fact"),
        ("{{ }}", "not a text: Expected an expression, got 'end of print statement'"),
        ("one\n{% if %}", "not a text: Expected an expression, got 'end of statement block' (line 2 of the text)"),
    ],
)
def test_a_text_that_says_something_unknown_is_refused(source: str, refusal: str) -> None:
    assert any(found.startswith(refusal) for found in refusals(source)), refusals(source)


def test_everything_unknown_in_a_text_is_told_at_once() -> None:
    assert len(refusals("{{ one }} {{ two }} {{ three | four }}")) == 4


@pytest.mark.parametrize(
    "source",
    [
        "{{ range(10) }}",
        "{{ lipsum() }}",
        "{{ cycler }}",
        "{{ self }}",
        "{{ title.__class__ }}",
        "{{ title['upper'] }}",
        "{{ ('x').upper }}",
        "{{ (title | trim).upper }}",
        "{{ title.upper() }}",
        "{{ 'x' * 1000000000 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ '%1000000000d' | format(1) }}",
        "{{ title | center(1000000000) }}",
        "{{ title | attr('upper') }}",
        "{{ title | map('upper') }}",
        "{% for x in title %}{% endfor %}",
        "{% set x = 1 %}",
        "{% include 'x' %}",
        "{% import 'x' as y %}",
        "{% extends 'x' %}",
        "{% macro x() %}{% endmacro %}",
        "{% block x %}{% endblock %}",
        "{% filter upper %}x{% endfilter %}",
    ],
)
def test_nothing_but_facts_can_be_reached_from_a_text(source: str) -> None:
    assert refusals(source)


@pytest.mark.parametrize(
    "source",
    [
        "{{ " + "(" * 2000 + "title" + ")" * 2000 + " }}",
        "{{ " + "not " * 1000 + "title }}",
        "{{ title" + ".x" * 2000 + " }}",
        "{{ " + " and ".join(["title"] * 600) + " }}",
        "{% if title %}" * 200 + "{% endif %}" * 200,
    ],
)
def test_a_text_nested_too_deep_is_refused_and_crashes_nothing(source: str) -> None:
    assert refusals(source)


def test_what_a_value_cannot_do_is_refused_when_the_text_is_read() -> None:
    assert "cannot be rendered" in refusals("{% if starts > '17:00' %}late{% endif %}")[0]
    assert "cannot be rendered" in refusals("{{ starts | length }}")[0]


def test_what_a_value_cannot_do_is_told_when_no_reading_could_know_it() -> None:
    text = TEXT.validate_python("{% if title == 'odd' %}{{ duration | length }}{% endif %}")
    with pytest.raises(Unrenderable):
        text.render(facts(title="odd"))


def test_a_missing_fact_is_named() -> None:
    with pytest.raises(MissingFact) as caught:
        rendered("moved from {{ was.starts | time }}")
    assert caught.value.name == "was.starts"
    for source in ("{{ address }}", "{% if address %}x{% endif %}", "{{ address | upper }}", "{{ address == 'x' }}"):
        with pytest.raises(MissingFact, match="address is missing"):
            rendered(source)


def test_a_text_that_comes_out_too_long_is_refused() -> None:
    assert len(rendered("{{ title }}", title="x" * 5000)) == 5000
    with pytest.raises(TooLong) as caught:
        rendered("{{ title }}{{ title }}", title="x" * 5000)
    assert caught.value.length == 10_000


def test_a_text_has_one_to_five_thousand_characters() -> None:
    assert "1 to 5000" in refusals("  ")[0]
    assert "1 to 5000" in refusals("x" * 5001)[0]


def test_what_is_no_text_is_told_how_to_become_one() -> None:
    assert refusals(5) == ["text expected, found the number 5: put it in quotes"]
    assert refusals(True) == ["text expected, found the flag true: put it in quotes"]
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
