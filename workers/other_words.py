"""What an author meant who wrote another word: one that other tools have, a part of one, or one that is misspelt."""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import lru_cache
from types import MappingProxyType
from typing import Final

OTHER_WORDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "action": ("do",),
        "actions": ("then",),
        "active": ("live",),
        "and": ("all",),
        "booking": ("appointment",),
        "client": ("contact",),
        "condition": ("if",),
        "conditions": ("if",),
        "customer": ("contact",),
        "date": ("moment",),
        "delete": ("cancel",),
        "disabled": ("off",),
        "else": ("otherwise",),
        "enabled": ("mode", "live"),
        "equals": ("is",),
        "event": ("when",),
        "message": ("text",),
        "move": ("reschedule",),
        "no": ("false",),
        "none": ("nobody", "nothing"),
        "not": ("is_not",),
        "notify": ("alert",),
        "on": ("live", "true"),
        "or": ("any",),
        "reassign": ("assign",),
        "rename": ("retitle",),
        "steps": ("then",),
        "test": ("shadow",),
        "trigger": ("when",),
        "triggers": ("when",),
        "unless": ("not",),
        "webhook": ("call",),
        "weekday": ("mon-fri", "on"),
        "weekdays": ("mon-fri", "weekday"),
        "weekend": ("sat-sun",),
        "yes": ("true",),
    }
)
"""In small letters; of several the first that is known at that place is meant."""

OTHER_ROOMS: Final[Mapping[str, str]] = {"": "appointment", "booking": "appointment", "client": "contact"}
WHAT_HAPPENED: Final[Mapping[str, str]] = {
    "added": "created", "booked": "created", "made": "created", "new": "created", "changed": "updated",
    "edited": "updated", "moved": "rescheduled", "assigned": "reassigned", "canceled": "cancelled",
    "noshow": "no_show", "no-show": "no_show", "shown": "showed", "completed": "showed", "removed": "deleted",
}  # fmt: skip
"""What others say before and behind the dot of a trigger."""

IN_A_STEP: Final = "it belongs to a step, in the list under `then`; all words of a step begin in one column"
NOT_IN_A_RULE: Final[Mapping[str, str]] = {
    "else": "what is done instead stands under `otherwise`, in the step that may come to nothing",
    "unless": "what must not hold stands under `if`, as in if: {not: {status: cancelled}}",
}
"""What is said elsewhere than where it is looked for."""

MANY: Final = 200
"""Known words, of which only those are compared that begin alike."""

PARTS: Final = re.compile(r"[_.]")

REMEMBERED: Final = 500
"""Whoever misspells a word does so again."""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that an author most likely meant: one that means the same, one of which this is a part (`tag` of
    `tag_contact`), or one that is spelt much alike."""
    return _nearest(word, tuple(known))


@lru_cache(REMEMBERED)
def _nearest(word: str, known: tuple[str, ...]) -> str | None:
    spelt = {each.casefold(): each for each in known}
    if same := next((each for each in OTHER_WORDS.get(word.casefold(), ()) if each in spelt), None):
        return spelt[same]
    wholes = [each for each in spelt if word.casefold() in (*PARTS.split(each), each.rpartition(".")[2])]
    if len(wholes) == 1:
        return spelt[wholes[0]]
    swapped = [each for each in spelt if sorted(each) == sorted(word.casefold())]
    if len(swapped) == 1:
        return spelt[swapped[0]]
    if len(spelt) > MANY:
        begin, length = word.casefold()[:1], len(word)
        alike = [each for each in spelt if each[:1] == begin and abs(len(each) - length) <= 2]
        spelt = {each: spelt[each] for each in alike[:MANY]}
    found = get_close_matches(word.casefold(), spelt, n=1, cutoff=0.65)
    return spelt[found[0]] if found else None
