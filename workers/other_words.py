"""Other words for those of the language: what authors write who know other tools, and what they mean by it."""

from collections.abc import Mapping
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
