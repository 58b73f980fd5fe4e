"""What `slotwright rules diff` says of two sets of files: rule by rule, then name by name."""

from workers.cli.rules.comparison import compare

SALON = """\
people: {dana: one, kim: two}
calendars: {cuts: three}
rules:
  # of the evening
  - name: evening
    mode: live
    when: appointment.created
    then: [{do: add_note, text: late}]

  # of the morning
  - name: morning
    when: appointment.created
    then:
      - do: add_note
        text: early
"""


def lines(before: str, after: str) -> list[str]:
    return [*compare({"salon.yaml": before}, {"salon.yaml": after})]


def test_a_changed_rule_is_shown_with_its_lines_and_no_other_is() -> None:
    assert lines(SALON, SALON.replace("mode: live", "mode: shadow")) == [
        "~ rule evening (salon.yaml:5)",
        "     name: evening",
        "    -mode: live",
        "    +mode: shadow",
        "     when: appointment.created",
        "     then: [{do: add_note, text: late}]",
    ]


def test_added_and_removed_rules_are_named_with_their_places() -> None:
    begin = SALON.index("  # of the morning")
    assert lines(SALON, SALON[:begin]) == ["- rule morning (salon.yaml:11)"]
    assert lines(SALON[:begin], SALON) == ["+ rule morning (salon.yaml:11)"]


def test_comments_and_layout_are_no_difference() -> None:
    other = SALON.replace("  # of the morning\n", "").replace("\n  - name: morning", "\n\n\n  - name: morning")
    assert lines(SALON, "# ours\n" + other) == []


def test_rules_that_follow_each_other_on_a_line_are_told_apart() -> None:
    row = "[{name: one, when: x, mode: live}, {name: two, when: x}]\n"
    assert lines(row, row.replace("live", "off")) == [
        "~ rule one (salon.yaml:1)",
        "    -{name: one, when: x, mode: live}",
        "    +{name: one, when: x, mode: off}",
    ]
    assert lines(f"rules: {row}", row) == []
    assert lines(row, "[{name: two, when: x}, {name: one, when: x, mode: live}]\n") == ["the order of the rules"]


def test_names_are_compared_one_by_one() -> None:
    after = SALON.replace("dana: one", "dana: four").replace("kim: two", "alex: {id: five, skills: [colour]}")
    assert lines(SALON, "location: Leeds\n" + after) == [
        "+ location: Leeds (salon.yaml)",
        "+ people.alex: {id: five, skills: [colour]} (salon.yaml)",
        "~ people.dana: one → four (salon.yaml)",
        "- people.kim: two (salon.yaml)",
    ]


def test_a_rule_that_moved_to_another_file_says_so() -> None:
    assert [*compare({"a.yaml": SALON}, {"b.yaml": SALON})][:2] == [
        "~ rule evening (a.yaml → b.yaml:5)",
        "~ rule morning (a.yaml → b.yaml:11)",
    ]


def test_what_cannot_be_read_is_compared_as_far_as_it_can() -> None:
    assert lines(SALON, "rules: [") == [
        "- rule evening (salon.yaml:5)",
        "- rule morning (salon.yaml:11)",
        "- calendars.cuts: three (salon.yaml)",
        "+ line 2: the file ends here, and a bracket is not closed (salon.yaml)",
        "- people.dana: one (salon.yaml)",
        "- people.kim: two (salon.yaml)",
    ]
    assert lines("rules: 7\nuse: [x, {y: 1}]", "") == ["- rules: 7 (salon.yaml)", "- use: [x, {y: 1}] (salon.yaml)"]
