"""Where in a file a word stands that is wrong within a text."""

import pytest

from tests.rule_files import faults

HEAD = "- name: one\n  when: appointment.created\n  then:\n  - do: add_note\n    text: "


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("start {{ start }}", "5:20"),
        ('"{{ title }} and {{start|time}}"', "5:30"),
        ("'{% if start %}x{% endif %}'", "5:18"),
        ("'{{ starts }}{{ was.start_s }}{{ start }}'", "5:44"),
        ("|\n      one\n      {{ title }} {{ start }}\n", "7:22"),
        ('"one\n      {{ start }}"', "6:10"),
        ("""'{{ title | default("start") }} {{ start }}'""", "5:46"),
        ('"{{ \\x73tart }}"\n  - {do: add_note, text: "{{ start }}"}', "5:11"),
        # A text that is written otherwise than it reads is told as a whole, and so is what goes on for too long.
        (r'"{{ \x73tart }}"', "5:11"),
        (f"'{' ' * 21_000}{{{{ start }}}}'", "5:11"),
    ],
)
def test_what_is_wrong_in_a_text_is_told_where_it_stands(text: str, place: str) -> None:
    assert f"rules.yaml:{place}: 'start' is not known as a fact; did you mean 'starts'?" in faults(f"{HEAD}{text}\n")


def test_what_stands_twice_is_told_once() -> None:
    assert len(faults(f"{HEAD}'{{{{ start }}}}{{{{ start }}}}'\n")) == 1


def test_a_text_that_is_said_again_by_its_anchor_is_told_where_it_is_written() -> None:
    again = HEAD.replace("one", "two").replace("- name", "\n- name") + "*text\n"
    assert faults(f"{HEAD}&text '{{{{ start }}}}'{again}") == [
        "rules.yaml:5:21: 'start' is not known as a fact; did you mean 'starts'?"
    ]
