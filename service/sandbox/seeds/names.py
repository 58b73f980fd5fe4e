"""Whom and what a seed speaks of, by name or id."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator

from service.highlevel.operation import is_id
from service.sandbox.seeds.document import Fault, Place
from service.sandbox.seeds.words import nearest, quoted


def _fit_for_paths(text: str) -> str:
    if not is_id(text) or any(sign.isspace() for sign in text):
        raise ValueError("it is no id: those stand in the paths of calls, as in uNoraD9fKq3xLw8Rz2Tb")
    return text


Id = Annotated[str, AfterValidator(_fit_for_paths)]


class Faults:
    """What is wrong with one thing of a seed."""

    def __init__(self) -> None:
        self.found: list[Fault] = []
        self.hidden = False
        """It speaks of something that is itself wrong: then nothing can be said of it."""

    def __bool__(self) -> bool:
        return self.hidden or bool(self.found)

    def add(self, place: Place, words: str) -> None:
        self.found.append(Fault(place, words))


class Names:
    """Ids of one kind at one location. Where undeclared ones exist, what nobody is called is taken for an id."""

    def __init__(
        self,
        known: Iterable[tuple[str, str]],
        *,
        unusable: Iterable[str] = (),
        undeclared: bool = False,
        private: bool = False,
    ) -> None:
        """From pairs of id and name; `unusable` are ids and names of what is there and wrong. What is `private` is
        quoted nowhere."""
        self._ids: set[str] = set()
        self._called: dict[str, list[str]] = {}
        self._unusable = frozenset(unusable)
        self._undeclared = undeclared
        self._private = private
        for known_id, name in known:
            self._ids.add(known_id)
            self._called.setdefault(name, []).append(known_id)

    def id_of(self, text: str, place: Place, faults: Faults) -> str:
        """Empty where there is none, which `faults` tell then."""
        if text in self._ids:
            return text
        found = list(dict.fromkeys(self._called.get(text, [])))
        if len(found) == 1:
            return found[0]
        if text in self._unusable:
            faults.hidden = True
        elif found:
            called = "this" if self._private else quoted(text)
            faults.add(place, f"several are called {called}, so say the id")
        elif self._undeclared:
            return text
        elif self._private:
            faults.add(place, "it is neither a name nor an id of any that the location has")
        else:
            near = nearest(text, {*self._ids, *self._called, *self._unusable})
            faults.add(place, f"{quoted(text)} is neither a name nor an id of any that the location has{near}")
        return ""

    def ids_of(self, texts: Iterable[str], place: Place, faults: Faults) -> list[str]:
        return [self.id_of(text, (*place, number), faults) for number, text in enumerate(texts)]
