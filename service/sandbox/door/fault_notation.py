"""Faults in one line, as in `CreateNote:drop_after*3`: for the command line and for curl."""

import re
from typing import Any, Final

from service.sandbox.door.faults import INSTEAD, Fault

SHAPE: Final = re.compile(
    r"(?P<where>\S+(?: \S+)?):(?P<what>[^:*%\s]+)(\*(?P<times>\d+))?(%(?P<percent>\d+(\.\d+)?)(#(?P<seed>\d+))?)?"
)
WORDS: Final[dict[str, dict[str, Any]]] = {
    "drop": {"drop": True},
    "drop_after": {"drop": True, "after_write": True},
    "after": {"after_write": True},
    **{answer: {"answer": answer} for answer in (*INSTEAD, "invalid", "truncated")},
}
AMOUNTS: Final = frozenset({"delay", "hold", "slow", "retry_after"})
NOTATION: Final = "WHERE:WHAT[,WHAT...][*TIMES][%PERCENT[#SEED]]"


def read_fault(line: str) -> Fault:
    """WHERE is a class of operation, `*`, or method and path; WHAT a word, a status, or one of delay, hold, slow,
    retry_after with its seconds. Raises ValueError, whose text is for people."""
    found = SHAPE.fullmatch(line.strip())
    if found is None:
        raise ValueError(f"{line.strip()!r} is no fault: {NOTATION}, as in CreateNote:drop_after*3")
    method, _, path = found["where"].rpartition(" ")
    fields: dict[str, Any] = {"method": method, "path": path} if method else {"operation": path}
    said: dict[str, str] = {}
    for what in found["what"].split(","):
        for name, value in _read_word(what).items():
            if name in said:
                raise ValueError(f"{said[name]!r} and {what!r} cannot go together")
            fields[name], said[name] = value, what
    if found["times"]:
        fields["times"] = int(found["times"])
    if found["percent"]:
        fields["probability"] = float(found["percent"]) / 100
    if found["seed"]:
        fields["seed"] = int(found["seed"])
    return Fault.model_validate(fields)


def _read_word(word: str) -> dict[str, Any]:
    name, _, amount = word.partition("=")
    if name in AMOUNTS:
        return {name: amount}
    if word.isdecimal():
        return {"status": int(word)}
    if word not in WORDS:
        known = ", ".join([*WORDS, *sorted(f"{name}=SECONDS" for name in AMOUNTS)])
        raise ValueError(f"no fault is called {word!r}; known: a status, {known}")
    return WORDS[word]
