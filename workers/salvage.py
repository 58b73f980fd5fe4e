"""Salvage: of a rule that has faults, what can be read all the same, so that its other faults are told with them."""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from workers.actions import ACTIONS, Action
from workers.names import NAMES, Names
from workers.rule import SALVAGED, Rule
from workers.words import Place, faults, told

UNNAMED: Final = "?"

STEP: Final[Mapping[str, Any]] = {"do": "alert", "text": "?"}
"""In the place of a step that is left out: it can act on anything, and those behind it stay where they are."""

STAND_INS: Final[Mapping[str, Any]] = {"name": UNNAMED, "when": "appointment.created", "then": [STEP]}
"""In the place of what a rule must say."""

ACTIONS_BY_WORD: Final[Mapping[str, type[Action]]] = {kind.called: kind for kind in ACTIONS}

_RULE = TypeAdapter(Rule)


@dataclass(frozen=True)
class Salvaged:
    """`listens`: whether its triggers are all known, and not made up."""

    rule: Rule
    named: bool
    listens: bool

    def disagreements(self, names: Names) -> ValidationError:
        """What does not go together in what is left; none of it follows from a fault that was told already."""
        return faults("a rule", self.rule.disagreements(names, listens=self.listens))


def salvaged(value: object, error: ValidationError, names: Names) -> Salvaged | None:
    """What is left of a rule without that of which `error` tells; first as little is left out as possible."""
    if not isinstance(value, Mapping):
        return None
    context = {NAMES: names, SALVAGED: True}
    left: dict[str, Any] = dict(value)
    for deep in (None, True, False):
        if deep is not None:
            left = _without(left, (each.place for each in told(error)), deep)
        try:
            rule = _RULE.validate_python({**STAND_INS, **left}, context=context)
        except ValidationError as again:
            error = again
        else:
            return Salvaged(rule, "name" in left, "when" in left)
    return None


def _without(words: Mapping[str, Any], places: Iterable[Place], deep: bool) -> dict[str, Any]:
    """`deep`: of a step and of conditions only the word that is wrong goes, and else all of it."""
    left = deepcopy(dict(words))
    for place in places:
        match place:
            case ("then", int(index), *within):
                steps = left.get("then")
                if isinstance(steps, list):
                    step = steps[index]
                    word = next((each for each in within if isinstance(step, dict) and each in step), None)
                    if not deep or word is None:
                        steps[index] = _stand_in(step)
                    elif word != "do" and isinstance(step, dict):
                        del step[word]
            case ("if", *within) if deep and within:
                _remove(left.get("if"), within)
            case (str(word), *_):
                left.pop(word, None)
    return left


def _remove(conditions: Any, place: list[int | str]) -> None:
    """A test, where its fact has others, and else the fact."""
    *way, last = place
    for part in way:
        if isinstance(conditions, dict) and not isinstance(conditions.get(part), dict | list):
            conditions.pop(part, None)
            return
        conditions = conditions[part]
    if isinstance(conditions, dict):
        conditions.pop(last, None)


def _stand_in(step: object) -> object:
    """Of a step that cannot be read at all: as far as that is sure, it still shows what it can act on."""
    kind = ACTIONS_BY_WORD.get(str(step.get("do"))) if isinstance(step, dict) else None
    if kind is None or isinstance(vars(kind).get("needs_booking"), property):
        return STEP
    needed: dict[str, Any] = {name: None for name, field in kind.model_fields.items() if field.is_required()}
    return kind.model_construct(None, **{**needed, "do": kind.called})
