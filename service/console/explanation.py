"""Explanation: a delivery as its page draws it, from what the store remembers of it. Pure."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from service.console.history import steps_by_rule
from service.console.words import zone_of

Row = Mapping[str, Any]

MARKS = {
    True: ("✓", "good", "holds"),
    False: ("✗", "bad", "does not hold"),
    None: ("?", "warn", "cannot be told"),
}

FIELDS = (
    ("title", "Title"),
    ("starts", "Starts"),
    ("ends", "Ends"),
    ("status", "Status"),
    ("assignee", "Assignee"),
    ("calendar_id", "Calendar"),
    ("contact_id", "Contact"),
    ("group_id", "Group"),
    ("address", "Address"),
    ("source", "Made by"),
    ("deleted", "Deleted"),
    ("added", "Added"),
    ("updated", "Updated"),
)
TIMES = frozenset({"starts", "ends", "added", "updated"})

DUMPED = 4096
"""Bytes shown of a body that is no text."""

GROUPS = {"any": "any of these", "not": "not", "all": "all of these"}


@dataclass(frozen=True)
class Line:
    """One check as it reads: under an odd number of `not` it says so, and its mark is of the whole line."""

    mark: str
    tone: str
    meaning: str
    words: str
    actual: str


@dataclass(frozen=True)
class Group:
    """Checks under the same `any` or `not`."""

    word: str
    parts: "Sequence[Line | Group]"


@dataclass(frozen=True)
class Judged:
    """A rule with its checks and its steps."""

    rule: str
    mode: str
    mark: str
    tone: str
    meaning: str
    checks: Sequence[Line | Group]
    steps: Sequence[Row]


@dataclass(frozen=True)
class Difference:
    """A field of the booking, before and after; `changed` only where there is a before."""

    name: str
    was: str
    now: str
    changed: bool


@dataclass(frozen=True)
class Explanation:
    """`named` is the booking in a line; `rest` are steps that belong to no rule judged here; `reads` the calls that
    belong to no step."""

    rules: Sequence[Judged]
    rest: Mapping[str, Sequence[Row]]
    reads: Sequence[Row]
    named: str
    booking: Sequence[Difference]
    known_before: bool
    body: str
    body_kind: str


def explain(shown: Row) -> Explanation:
    """`shown` is a delivery with all that belongs to it, as the store gives it."""
    calls = [{**call, "request": _json(call["request"]), "answer": _json(call["answer"])} for call in shown["calls"]]
    steps = [
        {**step, "calls": [call for call in calls if call["step_id"] == step["step_id"]]} for step in shown["steps"]
    ]
    rest: dict[str, Sequence[Row]] = dict(steps_by_rule([], steps))
    rules = []
    for verdict in shown["verdicts"]:
        mark, tone, meaning = MARKS[verdict["held"]]
        own = rest.pop(verdict["rule"], [])
        rules.append(Judged(verdict["rule"], verdict["mode"], mark, tone, meaning, grouped(verdict["checks"]), own))
    body, kind = readable(shown["body"])
    return Explanation(
        rules=rules,
        rest=rest,
        reads=[call for call in calls if call["step_id"] is None],
        named=_named(shown["booking"], shown["time_zone"]),
        booking=differences(shown["was"], shown["booking"], shown["time_zone"]),
        known_before=bool(shown["was"]),
        body=body,
        body_kind=kind,
    )


def grouped(checks: Iterable[Row], depth: int = 0) -> list[Line | Group]:
    """Checks in their order; neighbours under the same words are one group."""

    def word(check: Row) -> str | None:
        return check["under"][depth] if len(check["under"]) > depth else None

    parts: list[Line | Group] = []
    for under, members in groupby(checks, key=word):
        if under is None:
            parts += map(_line, members)
        else:
            parts.append(Group(GROUPS.get(under, under), grouped(members, depth + 1)))
    return parts


def differences(was: Row | None, now: Row | None, time_zone: str | None) -> list[Difference]:
    """What is known of the booking, field by field; nothing where it was never read."""
    if now is None:
        return []
    rows = []
    for name, label in FIELDS:
        before, after = (_value(name, (booking or {}).get(name), time_zone) for booking in (was, now))
        if before or after:
            rows.append(Difference(label, before, after, was is not None and before != after))
    return rows


def readable(body: bytes) -> tuple[str, str]:
    """A body laid out if it is JSON, else as text, else in hexadecimal; and which of these."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        lines = [body[at : at + 16].hex(" ") for at in range(0, min(len(body), DUMPED), 16)]
        left = len(body) - DUMPED
        return "\n".join([*lines, f"… and {left} bytes more"] if left > 0 else lines), "no text: hexadecimal"
    try:
        return _json(json.loads(text)) or text, "JSON, laid out"
    except (ValueError, RecursionError):
        return text, "no JSON: as it came"


def _line(check: Row) -> Line:
    turned = check["under"].count("not") % 2 == 1
    held = check["held"]
    mark, tone, meaning = MARKS[held if held is None or not turned else not held]
    words = " ".join([*(["not"] if turned else []), check["fact"], check["test"], check["expected"]])
    return Line(mark, tone, meaning, words, check["actual"])


def _value(name: str, value: Any, time_zone: str | None) -> str:
    if name in TIMES and value:
        local = datetime.fromisoformat(value).astimezone(zone_of(time_zone))
        return f"{local:%a %-d %b %Y, %H:%M %Z}"
    if isinstance(value, bool):
        return "yes" if value else ""
    return "" if value is None else str(value)


def _named(booking: Row | None, time_zone: str | None) -> str:
    told = [_value(name, (booking or {}).get(name), time_zone) for name in ("title", "starts", "status")]
    return " · ".join(filter(None, told))


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, indent=2, ensure_ascii=False)
