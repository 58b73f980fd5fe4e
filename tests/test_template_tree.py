"""Texts put together from pieces that were parsed before: the same as the parser's own."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import TemplateSyntaxError, nodes

from workers.template_tree import parsed, tree_of

FRAGMENTS = st.sampled_from(
    [
        "{{", "}}", "{%", "%}", "{#", "#}", "{% if ", "{% elif ", "{% else %}", "{% endif %}", "{{ title }}",
        "{{title|upper}}", "{% if title %}", "{%if(starts)%}", "{% raw %}", "{% endraw %}", "{{ '{' }}",
        "-", "+", " ", "\n", "\n\n", "\r\n", "{", "}", "%", "'", '"', "\\", "(", ")", "[", "]", ",", "|",
        "text", "if", "title", "upper", "'a'", "'}}'", "== 5",
    ]
)  # fmt: skip


def outcome(parse: Callable[[str], list[nodes.Node]], source: str) -> object:
    try:
        return parse(source)
    except TemplateSyntaxError as error:
        return error.message, error.lineno


@settings(max_examples=300)
@given(st.lists(FRAGMENTS, max_size=12).map("".join))
def test_a_text_put_together_from_pieces_is_what_the_parser_makes_of_the_whole(source: str) -> None:
    assert outcome(tree_of, source) == outcome(parsed, source)


@pytest.mark.parametrize(
    "source",
    [
        "{{ title }} a {% if title %} b {% elif starts %} c {% else %} d {% endif %} e",
        "{% if title %}{% if starts %}a{% elif ends %}b{% endif %}{% else %}{% if ends %}c{% endif %}{% endif %}",
        "{{ '}}' }}{{ \"{%\" }}{{ 'a' }}",
        "{{{ title }}",
        "{{ title }}}",
        "a {",
        "a\n",
        "a\n\n",
        "a\r\nb",
        " a {{ title -}} b",
        " a {{- title }} b",
        " a {{+ title }} b",
        " a {% if title -%} b {% endif %}",
        " a {%- if title %} b {% endif %}",
        " a {% if title +%} b {% endif %}",
        "{% if title %} a {% else -%} b {% endif %}",
        "{% if title %} a {% endif -%} b",
        "{% if title %}a{% else %}b{% else %}c{% endif %}",
        "{% if title %}a{% else %}b{% elif starts %}c{% endif %}",
        "{% if title %}a{% else starts %}b{% endif %}",
        "{% if title %}a{% endif starts %}",
        "{% if title %}",
        "{% endif %}",
        "{% else %}",
        "{% iftitle %}{% endif %}",
        "{% if title if starts else ends %}a{% endif %}",
        "{% if title: %}a{% endif %}",
        "{# {{ title }} #}",
        "{% raw %}{{ title }}{% endraw %}",
        "{% if title %}{% raw %}{% endif %}{% endraw %}{% endif %}",
        "{{ title # }}",
    ],
)
def test_what_is_out_of_the_ordinary_is_left_to_the_parser(source: str) -> None:
    assert outcome(tree_of, source) == outcome(parsed, source)
