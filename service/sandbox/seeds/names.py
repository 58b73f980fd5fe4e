"""Whom and what a seed speaks of, by name or id."""

from collections.abc import Iterable


class Names:
    """Ids of one kind at one location. Where undeclared ones exist, what nobody is called is taken for an id."""

    def __init__(self, known: Iterable[tuple[str, str]], *, undeclared: bool = False) -> None:
        """From pairs of id and name."""
        self._ids: set[str] = set()
        self._called: dict[str, list[str]] = {}
        self._undeclared = undeclared
        for known_id, name in known:
            self._ids.add(known_id)
            self._called.setdefault(name, []).append(known_id)

    def id_of(self, text: str, place: str) -> str:
        """Raises ValueError, which names the place in the seed and not what is written there."""
        if text in self._ids:
            return text
        found = self._called.get(text, [])
        if len(found) > 1:
            raise ValueError(f"{place}: several have this name, so say the id")
        if found:
            return found[0]
        if self._undeclared:
            return text
        raise ValueError(f"{place}: neither a name nor an id of any that the location has")

    def ids_of(self, texts: Iterable[str], place: str) -> list[str]:
        return [self.id_of(text, f"{place}[{number}]") for number, text in enumerate(texts)]
