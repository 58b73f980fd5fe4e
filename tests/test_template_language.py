"""What a text may say, and what can be reached from one: facts."""

import pytest

from tests.texts import refusals


@pytest.mark.parametrize(
    ("source", "refusal"),
    [
        ("{{ asignee }}", "'asignee' is not known as a fact (assignee)"),
        ("{{ assignee.nam }}", "'assignee.nam' is not known as a fact (assignee.name)"),
        ("{{ starts | tme }}", "'tme' is not known as a filter (time)"),
        ("{{ title | time }}", "the filter time is for moments, but title is text"),
        ("{{ starts | hours }}", "the filter hours is for durations, but starts is a moment"),
        ("{{ duration | money }}", "the filter money is for numbers, but duration is a duration"),
        ("{{ duration | upper }}", "the filter upper is for text, but duration is a duration"),
        ("{{ starts | length }}", "the filter length is for text and lists, but starts is a moment"),
        (
            "{{ was.starts | default('never') | time }}",
            "the filter time is for moments, but was.starts | default may be text or a moment",
        ),
        ("{{ title | upper(1) }}", "the filter upper takes nothing in brackets"),
        ("{{ 5 | money('£', 2) }}", "the filter money takes currency in brackets"),
        ("{{ 5 | money(sign='£') }}", "the filter money takes currency in brackets"),
        ("{{ 5 | money(5) }}", "the filter money, currency: text expected, found the number 5: put it in quotes"),
        ("{{ 5 | money('shillings and pence') }}", "the filter money, currency: text of at most 10 characters"),
        ("{{ 5 | money(title) }}", "the filter money, currency: it must be written out, and be no fact"),
        ("{{ title | truncate(5001) }}", "the filter truncate, length: a whole number from 1 to 5000 expected"),
        ("{{ title | truncate(true) }}", "the filter truncate, length: a whole number from 1 to 5000 expected"),
        ("{{ title | default }}", "the filter default takes one value in brackets: default('none')"),
        ("{{ title is defined(1) }}", "`is defined` takes nothing after it"),
        (
            "{% if starts > '17:00' %}late{% endif %}",
            "starts is a moment and '17:00' is text: they cannot be compared (starts | time)",
        ),
        ("{% if duration == 90 %}x{% endif %}", "duration is a duration and 90 is a number: they cannot be compared"),
        ("{% if recurring > false %}x{% endif %}", "recurring is true or false and false is true or false: they"),
        ("{% if starts in ['17:00'] %}x{% endif %}", "starts is a moment and '17:00' is text: they cannot be compared"),
        ("{% if 5 in title %}x{% endif %}", "only text is looked for within something, but 5 is a number"),
        ("{% if 'x' in starts %}x{% endif %}", "text is looked for within text or a list, but starts is a moment"),
        ("{{ none }}", "none is no value here; whether there is a fact is asked by `is defined`"),
        ("{{ title, source }}", "a text knows {{ facts }}, filters and {% if %}, not a list, but after `in`"),
        ("{{ " + "9" * 4000 + " }}", "numbers in a text go up to 1,000,000,000,000,000"),
        ("{{ 1e16 }}", "numbers in a text go up to 1,000,000,000,000,000"),
        ("{{ " + "9" * 4400 + " }}", "not a text: a number in it is too long"),
        (r"{{ '\ud800' }}", r"'\ud800' has characters that no text can have"),
        (r"{{ title | default('\0') }}", r"'\x00' has characters that no text can have"),
        ("one\n\n{{ asignee }}", "'asignee' is not known as a fact (assignee)"),
        ("{% if\nstarts |\ntme %}{% endif %}", "'tme' is not known as a filter (time)"),
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
    assert (
        len(refusals("{% if one == 5 %}{{ two | time }}{% elif three > four %}{% else %}{{ five | six }}{% endif %}"))
        == 6
    )


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
        "{% call title() %}{% endcall %}",
        "{% with x = title %}{% endwith %}",
        "{% autoescape true %}{% endautoescape %}",
        "{% trans %}{% endtrans %}",
        "{% do title %}",
        "{{ loop }}",
        "{{ varargs }}",
        "{{ kwargs }}",
        "{{ caller() }}",
        "{{ super() }}",
        "{{ namespace(a=1) }}",
        "{{ joiner }}",
        "{{ __builtins__ }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ {}.__class__ }}",
        "{{ [title][0] }}",
        "{{ title[:5] }}",
        "{{ title ~ title }}",
        "{{ -5 }}",
        "{{ 5 + 5 }}",
        "{{ starts.tzinfo }}",
        "{{ assignee.id }}",
        "{{ title | default(title.__class__) }}",
        "{{ title | default(x=title) }}",
        "{{ title | default(*title) }}",
        "{{ title | default(**title) }}",
        "{{ title | default('x', *title) }}",
        "{{ title | default('x', **title) }}",
        "{{ title | default('x', boolean=title) }}",
        "{{ title | truncate(end=title.__class__) }}",
        "{{ title | truncate(*title) }}",
        "{{ title | upper(x=title.__class__) }}",
        "{{ title | upper.lower }}",
        "{{ title is sameas(title) }}",
        "{{ title is defined(title.__class__) }}",
        "{{ title is callable }}",
        "{{ 'x' in [title.__class__] }}",
        "{{ 'x' in {'x': 1} }}",
        "{% if title.__class__ %}{% endif %}",
        "{% if title %}{% elif self.x %}{% endif %}",
        "{{ 'x' if title.__class__ else 'y' }}",
        "{{ 'x'.join(title) }}",
        "{{ 'x'.format(title) }}",
        "{{ 'x' % title }}",
        "{{ title | xmlattr }}",
        "{{ title | tojson }}",
        "{{ title | list }}",
        "{{ title | safe }}",
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
        "{% if title %}" * 30 + "{% endif %}" * 30,
        "{{ title" + " | upper" * 600 + " }}",
        "{{ title" + " | upper" * 30 + " }}",
        "{{ " + "'x' if title else " * 250 + "'y' }}",
        "{{ title }}" * 450 + "{{ x }}" * 7,
        "{{ title in [" + "title," * 700 + "] }}",
    ],
)
def test_a_text_nested_too_deep_is_refused_and_crashes_nothing(source: str) -> None:
    assert refusals(source)
