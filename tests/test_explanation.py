"""How a delivery's page is made of what is remembered: checks in groups, before and after, bodies, words."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.console.explanation import DRAWN, Group, Line, differences, explain, grouped
from service.console.layout import Sheet
from service.console.words import length, mark_of, moment, said, shown, tone_of
from service.store.steps import OPEN

ROOM = 100_000


def check(fact: str, held: bool | None, *under: str) -> dict[str, Any]:
    return {"fact": fact, "test": "is", "expected": "x", "actual": "y", "held": held, "under": list(under)}


def drawn(parts: Any, depth: int = 0) -> list[str]:
    lines = []
    for part in parts:
        match part:
            case Line():
                lines.append(f"{'  ' * depth}{part.mark} {part.words}")
            case Group():
                lines += [f"{'  ' * depth}{part.word}:", *drawn(part.parts, depth + 1)]
    return lines


def test_checks_are_drawn_in_their_groups_and_marked_as_they_read() -> None:
    checks = [
        check("a", True),
        check("b", False, "any"),
        check("c", None, "any"),
        check("d", True, "any", "not"),
        check("e", False, "not"),
        check("f", False, "not", "any"),
        check("g", True, "not", "not"),
        check("h", False),
    ]
    assert drawn(grouped(checks)) == [
        "✓ a is x",
        "any of these:",
        "  ✗ b is x",
        "  ? c is x",
        "  not:",
        "    ✗ not d is x",
        "not:",
        "  ✓ not e is x",
        "  any of these:",
        "    ✓ not f is x",
        "  not:",
        "    ✓ g is x",
        "✗ h is x",
    ]
    assert drawn(grouped([])) == []


def test_of_a_booking_each_field_is_shown_before_and_after() -> None:
    was = {"title": "Cut", "starts": "2027-03-28T00:30:00Z", "assignee": None, "deleted": False}
    now = {"title": "Cut", "starts": "2027-03-28T01:30:00Z", "assignee": "kim", "deleted": True}
    rows = [(each.name, each.was, each.now, each.changed) for each in differences(was, now, "Europe/London")]
    assert rows == [
        ("Title", "Cut", "Cut", False),
        ("Starts", "Sun 28 Mar 2027, 00:30 GMT", "Sun 28 Mar 2027, 02:30 BST", True),
        ("Assignee", "", "kim", True),
        ("Deleted", "", "yes", True),
    ]
    assert [each.changed for each in differences(None, now, None)] == [False] * 4
    assert differences(was, None, None) == []


@pytest.mark.parametrize(
    ("body", "text", "kind"),
    [
        (b'{"a":["\\u00e9"]}', '{\n  "a": [\n    "é"\n  ]\n}', "JSON, laid out"),
        (b"a=b&c=d", "a=b&c=d", "no JSON: as it came"),
        (b"", "", "no JSON: as it came"),
        (b"[" * 100_000, "[" * 100_000, "no JSON: as it came"),
        (b"9" * 10_000, "9" * 10_000, "no JSON: as it came"),
        (b"\xff\x00ab", "ff 00 61 62", "no text: hexadecimal"),
    ],
    ids=["JSON", "text", "nothing", "deep", "a long number", "bytes"],
)
def test_a_body_is_shown_as_well_as_it_can_be(body: bytes, text: str, kind: str) -> None:
    assert Sheet(ROOM).body(body) == (text, kind)


def test_what_indentation_would_multiply_is_shown_as_it_came() -> None:
    numbers = "1," * 20_000
    nested = f"{'[' * 300}{numbers}1{']' * 300}"
    sheet = Sheet(ROOM)
    assert sheet.body(nested.encode()) == (nested, "JSON, as it came")
    drawn = [sheet.value(json.loads(nested[1:-1])) for _ in range(2)]
    assert drawn[0].startswith("[" * 299 + "1, 1, ")
    assert [len(text.partition(" … and ")[0]) for text in drawn] == [ROOM - len(nested), 0]
    assert drawn[1] == " … and 60599 characters more"


def test_what_is_nested_deeper_than_can_be_laid_out_is_shown_as_it_came() -> None:
    value: list[Any] = []
    for _ in range(400):
        value = [value]
    text = json.dumps(value)
    assert Sheet(10**9).body(text.encode()) == (text, "JSON, as it came")
    assert Sheet(10**9).value(value) == text
    for _ in range(100_000):
        value = [value]
    assert Sheet(10**9).value(value) == "nested too deeply to be drawn"
    while value:
        value = value[0]


def test_a_page_draws_so_much_of_a_delivery_and_says_what_it_left_out() -> None:
    many = 3000
    verdict = {"rule": "r", "mode": "live", "held": True, "checks": [check("a", True)] * many}
    call = {"step_id": None, "request": {"a": "x" * 8000}, "answer": ["y"] * 1500}
    step = {"step_id": 1, "rule": "r", "action": "a"}
    shown = {
        "verdicts": [verdict, {**verdict, "rule": "s"}],
        "steps": [step] * many,
        "calls": [call] * many,
        "body": b"x" * 300_000,
        "was": None,
        "booking": {"title": "t" * 300_000},
        "time_zone": None,
    }
    explained = explain(shown)
    first, second = explained.rules
    assert (len(first.checks), first.left_out, len(second.checks), second.left_out) == (2000, 1000, 0, 3000)
    assert (len(first.steps), len(explained.reads)) == (500, 500)
    assert explained.left_out == {"checks": 4000, "steps": 2500, "calls": 2500}
    assert len(explained.body) < DRAWN + 100 < sum(len(each["answer"]) for each in explained.reads) + DRAWN
    assert sum(len(each["request"]) + len(each["answer"]) for each in explained.reads) < DRAWN + 1000 * 50
    assert (len(explained.named) < 600, len(explained.booking[0].now) < 600) == (True, True)


def test_of_a_long_body_of_bytes_the_beginning_is_shown() -> None:
    text, _ = Sheet(ROOM).body(b"\xff" * 5000)
    assert text.splitlines()[0] == " ".join(["ff"] * 16)
    assert text.splitlines()[-1] == "… and 904 bytes more"


def test_what_would_hide_or_turn_round_a_text_is_replaced() -> None:
    assert said("a\u202eb\x1b[0m\u2066c\x00\ud800\u2028\ufeff\u00ad") == "a�b�[0m�c�����"
    kept = "Zoë שלום 👩‍👩‍👧 नमस्\u200dते\n\t<b>"
    assert said(kept) == kept
    assert (shown(7), shown(None)) == (7, None)
    assert shown("x" * 300_000) == f"{'x' * 8192} … and 291808 characters more"


def test_a_moment_is_by_the_locations_clock_with_utc_beside_it() -> None:
    at = datetime(2027, 7, 1, 16, 5, 9, 123456, tzinfo=UTC)
    assert moment(at, "Asia/Kolkata") == (
        '<time datetime="2027-07-01T16:05:09.123Z" title="2027-07-01 16:05:09 UTC">Thu 1 Jul 2027, 21:35:09 IST</time>'
    )
    for none_of_that_name in (None, "", "Europe/Atlantis", "../etc/passwd", "a\0b"):
        assert ", 16:05:09 UTC<" in moment(at, none_of_that_name)


def test_a_length_is_written_in_two_units_at_most() -> None:
    lengths = {0: "0 s", -5: "0 s", 59: "59 s", 61: "1 min 1 s", 3600: "1 h", 7505: "2 h 5 min", 90_061: "1 d 1 h"}
    assert {seconds: length(timedelta(seconds=seconds)) for seconds in lengths} == lengths


def test_every_state_has_a_mark_of_its_own_and_what_is_open_shares_one() -> None:
    ended = ("done", "unchanged", "shadow", "failed", "unknown", "parked", "ignored")
    assert len({mark_of(state) for state in ended}) == len(ended)
    assert {(mark_of(state), tone_of(state)) for state in (*OPEN, "judged")} == {("…", "warn")}
