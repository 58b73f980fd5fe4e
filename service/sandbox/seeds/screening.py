"""What of a seed can be used although something in it is wrong, so that every fault is told at once."""

import copy
from typing import Any

from pydantic import BaseModel, ValidationError

from service.sandbox.seeds.document import Document, Fault, Place
from service.sandbox.seeds.words import model_in, worded

STAND_INS = {"id": "unnamed", "timezone": "Etc/UTC"}
"""Of a location, which is not left out for what is wrong with it."""
OF_AN_ITEM = 4
"""A place within a thing of a location is longer than ("locations", 0, "users", 2)."""
GONE = object()


class Screening:
    """`found` has what is wrong; `data` is without it. Where something was left out of a list, `place_of` still knows
    the numbers that its items had."""

    def __init__(self, document: Document, model: type[BaseModel]) -> None:
        self.found: list[Fault] = list(document.twice)
        self.data = copy.deepcopy(document.data)
        self._model = model
        self._numbers: dict[Place, list[int]] = {}
        self._wrong: set[Place] = {fault.place[:OF_AN_ITEM] for fault in self.found}
        self._written = document.data
        try:
            model.model_validate(document.data)
        except ValidationError as error:
            for item in error.errors(include_url=False):
                self._leave_out(item)
            self.data = self._without_gaps(self.data, ())

    def place_of(self, items: Place, number: int) -> Place:
        """Where in the file the item stands that has this number now."""
        return (*items, self._numbers[items][number] if items in self._numbers else number)

    def is_wrong(self, item: Place) -> bool:
        return item in self._wrong

    def unusable(self, items: Place) -> list[str]:
        """Ids and names of those of a list in which something is wrong."""
        found: list[str] = []
        for place in self._wrong:
            if place[:-1] == items:
                item = _at(self._written, place)
                said = [item.get("id"), item.get("name")] if isinstance(item, dict) else []
                found += [text for text in said if isinstance(text, str)]
        return found

    def _leave_out(self, item: Any) -> None:
        place: Place = tuple(part for part in item["loc"] if part != "[key]")
        self.found.append(Fault(place, worded(item, self._model)))
        self._wrong.add(place[:OF_AN_ITEM])
        while place:
            holder, last = _at(self.data, place[:-1]), place[-1]
            in_location = len(place) == 3 and place[0] == "locations"
            if in_location and last in STAND_INS and isinstance(holder, dict):
                holder[last] = f"{STAND_INS[str(last)]}{place[1]}" if last == "id" else STAND_INS[str(last)]
                return
            if isinstance(holder, list) and isinstance(last, int):
                holder[last] = GONE
                return
            if isinstance(holder, dict) and not self._is_required(place):
                holder.pop(last, None)
                return
            place = place[:-1]

    def _is_required(self, place: Place) -> bool:
        model = self._model
        for part in place[:-1]:
            field = _field(model, part)
            model = (model_in(field.annotation) if field else None) or model
        field = _field(model, place[-1])
        return field is not None and field.is_required()

    def _without_gaps(self, data: Any, place: Place) -> Any:
        if isinstance(data, dict):
            return {key: self._without_gaps(value, (*place, key)) for key, value in data.items()}
        if not isinstance(data, list):
            return data
        left = [number for number, item in enumerate(data) if item is not GONE]
        if len(left) < len(data):
            self._numbers[place] = left
        return [self._without_gaps(data[number], (*place, number)) for number in left]


def _field(model: type[BaseModel], part: int | str) -> Any:
    return next((each for name, each in model.model_fields.items() if part == (each.alias or name)), None)


def _at(data: Any, place: Place) -> Any:
    for part in place:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return None
    return data
