"""Explanation: a delivery as its page draws it, from what the store remembers of it. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from service.console.history import steps_by_rule
from service.console.layout import Sheet
from service.console.words import cut, zone_of

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

MOST: Mapping[str, int] = {"rules": 500, "checks": 2000, "steps": 500, "calls": 500}
"""How many of each are drawn; the JSON beside the page has them all."""

DRAWN = 128 * 1024
"""Characters drawn of the body, and as many of all calls together."""

LONGEST = 500
"""Characters drawn of one value."""

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
    """A rule with its checks and its steps; `left_out` checks are not drawn."""

    rule: str
    mode: str
    mark: str
    tone: str
    meaning: str
    checks: Sequence[Line | Group]
    steps: Sequence[Row]
    left_out: int


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
    belong to no step; `left_out` is how many there are more than are drawn, by what they are."""

    rules: Sequence[Judged]
    rest: Mapping[str, Sequence[Row]]
    reads: Sequence[Row]
    named: str
    booking: Sequence[Difference]
    known_before: bool
    body: str
    body_kind: str
    left_out: Mapping[str, int]


def explain(shown: Row) -> Explanation:
    """`shown` is a delivery with all that belongs to it, as the store gives it."""
    sheet = Sheet(DRAWN)
    calls = [
        {**call, "request": _drawn(sheet, call["request"]), "answer": _drawn(sheet, call["answer"])}
        for call in shown["calls"][: MOST["calls"]]
    ]
    calls_of: dict[Any, list[Row]] = {}
    for call in calls:
        calls_of.setdefault(call["step_id"], []).append(call)
    steps = [{**step, "calls": calls_of.get(step["step_id"], [])} for step in shown["steps"][: MOST["steps"]]]
    rest: dict[str, Sequence[Row]] = dict(steps_by_rule([], steps))
    rules, room = [], MOST["checks"]
    for verdict in shown["verdicts"][: MOST["rules"]]:
        mark, tone, meaning = MARKS[verdict["held"]]
        own, checks = rest.pop(verdict["rule"], []), verdict["checks"][:room]
        room -= len(checks)
        left_out = len(verdict["checks"]) - len(checks)
        rules.append(Judged(verdict["rule"], verdict["mode"], mark, tone, meaning, grouped(checks), own, left_out))
    there = {
        "rules": len(shown["verdicts"]),
        "checks": sum(len(verdict["checks"]) for verdict in shown["verdicts"]),
        "steps": len(shown["steps"]),
        "calls": len(shown["calls"]),
    }
    body, kind = Sheet(DRAWN).body(shown["body"])
    return Explanation(
        rules=rules,
        rest=rest,
        reads=calls_of.get(None, []),
        named=_named(shown["booking"], shown["time_zone"]),
        booking=differences(shown["was"], shown["booking"], shown["time_zone"]),
        known_before=bool(shown["was"]),
        body=body,
        body_kind=kind,
        left_out={name: number - MOST[name] for name, number in there.items() if number > MOST[name]},
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


def _line(check: Row) -> Line:
    turned = check["under"].count("not") % 2 == 1
    held = check["held"]
    mark, tone, meaning = MARKS[held if held is None or not turned else not held]
    words = " ".join([*(["not"] if turned else []), check["fact"], check["test"], cut(check["expected"], LONGEST)])
    return Line(mark, tone, meaning, words, cut(check["actual"], LONGEST))


def _value(name: str, value: Any, time_zone: str | None) -> str:
    if name in TIMES and value:
        local = datetime.fromisoformat(value).astimezone(zone_of(time_zone))
        return f"{local:%a %-d %b %Y, %H:%M %Z}"
    if isinstance(value, bool):
        return "yes" if value else ""
    return "" if value is None else cut(str(value), LONGEST)


def _named(booking: Row | None, time_zone: str | None) -> str:
    told = [_value(name, (booking or {}).get(name), time_zone) for name in ("title", "starts", "status")]
    return " · ".join(filter(None, told))


def _drawn(sheet: Sheet, value: Any) -> str | None:
    return None if value is None else sheet.value(value)
