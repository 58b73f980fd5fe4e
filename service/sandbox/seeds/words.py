"""What is wrong with something in a seed, for who wrote it: with the word that is wrong and the nearest right one.

The names of staff and calendars are quoted; what is said of contacts, tokens and secrets is not.
"""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, get_args
from zoneinfo import available_timezones

from pydantic import BaseModel

from service.sandbox.complaints import IN_PLACE_OF, plain
from service.sandbox.seeds.document import Place

UNTOLD = frozenset({"tokens", "clients", "contacts", "contact"})
"""What stands in these is quoted nowhere."""
LONGEST = 60
"""So much is quoted at most."""


def worded(item: Any, model: type[BaseModel]) -> str:
    """Of one of pydantic's errors about this model."""
    place, kind, said = item["loc"], item["type"], item["input"]
    if kind == "extra_forbidden":
        return f"there is no such field{nearest(str(place[-1]), fields_at(model, place[:-1]))}"
    if not isinstance(said, str) or UNTOLD & set(place) or kind == "missing":
        return IN_PLACE_OF.get(kind) or plain(item)
    if kind == "literal_error":
        known = re.findall(r"'([^']*)'", item["ctx"]["expected"])
        return f"{quoted(said)} is none of {', '.join(known)}{nearest(said, known)}"
    if kind == "zoneinfo_str":
        return f"{quoted(said)} is no time zone{nearest(said, available_timezones())}"
    return plain(item) if kind == "value_error" else f"{quoted(said)} {IN_PLACE_OF.get(kind) or plain(item)}"


def quoted(text: str) -> str:
    return repr(text if len(text) <= LONGEST else f"{text[:LONGEST]}...")


def nearest(text: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """A question that goes behind a complaint; nothing where nothing is near. `cutoff` of 1 asks for the same."""
    by_lower = {each.lower(): each for each in sorted(known, reverse=True)}
    found = get_close_matches(text.lower(), by_lower, n=1, cutoff=cutoff)
    return f"; did you mean {by_lower[found[0]]}?" if found else ""


def fields_at(model: type[BaseModel], place: Place) -> list[str]:
    """What may be said there."""
    for part in place:
        field = next((each for name, each in model.model_fields.items() if part == (each.alias or name)), None)
        model = model if field is None else model_in(field.annotation) or model
    return [field.alias or name for name, field in model.model_fields.items()]


def model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that a list, or a mapping, is of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for each in get_args(annotation) if (found := model_in(each))), None)
