"""What the seed documents say of an operation, and calls made of nothing else: plain HTTP, no code of ours."""

import json
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import aiohttp

from tests.sandboxes import HEADERS

DOCUMENTS: dict[str, Any] = json.loads(
    (Path(__file__).parent / "samples/seed_documents.json").read_text(encoding="utf-8")
)
OPERATIONS = {(each["method"], each["path"]): each for each in DOCUMENTS["operations"]}
KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "": (dict,),
}
"""What a type of the documents is in Python; where they name none it is an object."""

OTHER_STATUS = {("DELETE", "/calendars/events/{eventId}"): 200}
"""Recorded live; the documents say 201."""

OPTIONAL = {
    ("POST", "/calendars/events/block-slots"): {"calendarId"},
    ("PUT", "/calendars/events/block-slots/{eventId}"): {"calendarId"},
}
"""Required by the documents, whose own text says: either that or assignedUserId (DEVIATIONS.md)."""


class Call(Protocol):
    """The JSON that an operation of the documents is answered with. `places` are the values of the names in its path,
    in their order, `but` the fields that are left out. Raises AssertionError."""

    session: aiohttp.ClientSession

    async def __call__(
        self, method: str, path: str, *places: str, body: Any = None, but: Collection[str] = (), **query: Any
    ) -> Any: ...


Stage = Callable[[Call], Awaitable[None]]


class Plain:
    """Sends what it is given, once it is sure that this is all that the document names, each of its type; and before
    that the same without each of the fields that it requires, which has to be refused."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session
        self.asked: set[tuple[str, str]] = set()
        """Method and path of what was answered as the documents say."""

    async def __call__(
        self, method: str, path: str, *places: str, body: Any = None, but: Collection[str] = (), **query: Any
    ) -> Any:
        told = OPERATIONS[method, path]
        check_query(told, query, but)
        check_body(told, body, but)
        target = filled(told, places)
        for wanting in without_required(told, query, body):
            status, answer = await self._send(method, target, *wanting)
            if status != 422:
                raise AssertionError(f"{method} {path}: {wanting} is answered {status}: {answer}")
        status, answer = await self._send(method, target, query, body)
        if status != OTHER_STATUS.get((method, path), told["success"]):
            raise AssertionError(f"{method} {path} is answered {status}: {answer}")
        self.asked.add((method, path))
        return json.loads(answer)

    async def _send(self, method: str, target: str, query: dict[str, Any], body: Any) -> tuple[int, str]:
        pairs = [(name, text) for name, value in query.items() for text in _texts(value)]
        async with self.session.request(method, target, params=pairs, json=body, headers=HEADERS) as answer:
            return answer.status, await answer.text()


def expect(answer: Any, said: dict[str, Any], *but: str) -> None:
    """Raises AssertionError unless every field is answered as it was said, but for those named."""
    if different := {name: answer.get(name) for name in said.keys() - {*but} if answer.get(name) != said[name]}:
        raise AssertionError(f"answered otherwise than said: {different}")


def filled(told: Any, places: Sequence[str]) -> str:
    """The path with its names replaced; the documents forget to declare one."""
    named = [part for part in told["path"].split("/") if part.startswith("{")]
    if not {f"{{{each['name']}}}" for each in told["parameters"] if each["in"] == "path"} <= set(named):
        raise AssertionError(f"{told['path']} lacks a name that is declared")
    path: str = told["path"]
    for name, value in zip(named, places, strict=True):
        path = path.replace(name, value)
    return path


def without_required(told: Any, query: dict[str, Any], body: Any) -> Iterator[tuple[dict[str, Any], Any]]:
    """Query and body, each time without another required field."""
    optional = OPTIONAL.get((told["method"], told["path"]), set())
    for each in told["parameters"]:
        if each["in"] == "query" and each["required"]:
            yield {name: value for name, value in query.items() if name != each["name"]}, body
    for field in told.get("body", ()):
        if field["required"] and field["name"] not in optional:
            cut = [
                {name: value for name, value in one.items() if name != field["name"]}
                for one in (body if isinstance(body, list) else [body])
            ]
            yield query, cut if isinstance(body, list) else cut[0]


def check_query(told: Any, query: dict[str, Any], but: Collection[str] = ()) -> None:
    """Raises AssertionError where it is not what the document says: a name, or a type."""
    named = [each for each in told["parameters"] if each["in"] == "query"]
    if differences := sorted(set(_differences("", named, [query])) - {*but}):
        raise AssertionError(f"{told['method']} {told['path']}: otherwise than in the document: {differences}")


def check_body(told: Any, body: Any, but: Collection[str] = ()) -> None:
    """Raises AssertionError where it is not what the document says: a name, or a type."""
    place = told["method"], told["path"]
    bodies = [] if body is None else body if isinstance(body, list) else [body]
    differences = sorted(set(_differences("", told.get("body", []), bodies)) - {*but})
    if differences:
        raise AssertionError(f"{place}: otherwise than in the document: {differences}")


def _differences(place: str, fields: list[Any], values: list[dict[str, Any]]) -> Iterator[str]:
    """Names that only one of the two has, and those of another type. Of several values each has some of the fields."""
    named = {field["name"]: field for field in fields}
    said = {name for value in values for name in value}
    yield from (f"{place}{name}" for name in named.keys() ^ said)
    for name in named.keys() & said:
        given = [value[name] for value in values if name in value]
        if any(not _is(each, KINDS[named[name]["type"]]) for each in given):
            yield f"{place}{name} is no {named[name]['type'] or 'object'}"
        elif "fields" in named[name]:
            inner = [item for each in given for item in (each if isinstance(each, list) else [each])]
            yield from _differences(f"{place}{name}.", named[name]["fields"], inner)


def _is(value: Any, kinds: tuple[type, ...]) -> bool:
    return isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))


def _texts(value: Any) -> list[str]:
    """A list's name stands once for each of its values."""
    values = value if isinstance(value, list) else [value]
    return [str(each).lower() if isinstance(each, bool) else str(each) for each in values]
