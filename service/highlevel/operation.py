"""One HighLevel call as a value: the one declaration that client, sandbox, stored step and dry run are derived from."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Generic, Protocol, TypeVar, cast
from urllib.parse import quote

from pydantic import AfterValidator, AliasGenerator, BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

WIRE_NAMES = AliasGenerator(validation_alias=to_camel, serialization_alias=to_camel)
"""Field names are Python's; the wire's are camel case unless a field says otherwise (HighLevel's misspellings)."""


def _aware(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("a time needs its offset, as in 2026-03-26T18:00:00+01:00")
    return text


Moment = Annotated[str, AfterValidator(_aware)]
"""An ISO 8601 time with offset, kept as written: HighLevel refuses an offered slot rewritten to another offset."""


def milliseconds(moment: datetime) -> int:
    """As HighLevel's windows are given: milliseconds since 1970."""
    return int(moment.timestamp() * 1000)


class Reply(BaseModel):
    """What came back. Unknown fields are kept: HighLevel adds some without telling."""

    model_config = ConfigDict(frozen=True, extra="allow", alias_generator=WIRE_NAMES, validate_by_name=True)


ReplyT_co = TypeVar("ReplyT_co", bound=Reply, covariant=True)
ReplyT = TypeVar("ReplyT", bound=Reply)


class Operation(BaseModel, Generic[ReplyT_co]):
    """A call that has been decided.

    Fields named in the path go there; `query` names what goes to the query beside a body; the rest of a GET or DELETE
    goes to the query, of a POST or PUT to the body. What is left out stays off the wire.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=WIRE_NAMES, validate_by_name=True)

    known: ClassVar[dict[tuple[str, str], Any]] = {}
    """Every operation class by (method, path)."""
    method: ClassVar[str] = ""
    path: ClassVar[str] = ""
    query: ClassVar[frozenset[str]] = frozenset()
    success: ClassVar[int] = 200
    """The status HighLevel answers with (as observed; the client takes any 2xx, the sandbox sends this one)."""

    def __init_subclass__(
        cls, *, method: str = "", path: str = "", query: frozenset[str] = frozenset(), success: int = 200, **kwargs: Any
    ) -> None:
        super().__init_subclass__(**kwargs)
        if method:
            cls.method, cls.path, cls.query, cls.success = method, path, query, success
            Operation.known[method, path] = cls

    @classmethod
    def reply_type(cls) -> type[Reply]:
        """The class named in the brackets: `Operation[NoteReply]` reads its answer as a NoteReply."""
        for ancestor in cls.__mro__:
            arguments = getattr(ancestor, "__pydantic_generic_metadata__", {"args": ()})["args"]
            if arguments:
                return cast("type[Reply]", arguments[0])
        raise TypeError(f"{cls.__name__} names no reply")

    def read_reply(self, answer: Any) -> ReplyT_co:
        """The typed answer; raises pydantic's ValidationError when it is not what was expected."""
        return cast("ReplyT_co", self.reply_type().model_validate(answer))

    @classmethod
    def path_fields(cls) -> tuple[str, ...]:
        return tuple(re.findall(r"{(\w+)}", cls.path))

    @classmethod
    def writes(cls) -> bool:
        """Whether the call may change something at HighLevel."""
        return cls.method != "GET"

    def wire_path(self) -> str:
        """The path with its values escaped; a value that would change the path is refused (ValueError)."""
        values = {}
        for name in self.path_fields():
            value = str(getattr(self, name))
            if value in ("", ".", ".."):
                raise ValueError(f"{type(self).__name__}.{name} is {value!r}, which would change the path")
            values[name] = quote(value, safe="")
        return self.path.format(**values)

    def _outside_path(self) -> Iterator[tuple[str, str, Any]]:
        in_path = self.path_fields()
        wire = self.model_dump(mode="json", by_alias=True, exclude_unset=True)
        for name, field in type(self).model_fields.items():
            alias = str(field.serialization_alias or name)
            if name not in in_path and alias in wire:
                yield name, alias, wire[alias]

    def wire_query(self) -> dict[str, str]:
        everything = self.method in ("GET", "DELETE")
        return {
            alias: _query_text(value)
            for name, alias, value in self._outside_path()
            if value is not None and (everything or name in self.query)
        }

    def wire_body(self) -> dict[str, Any] | None:
        """The JSON body; None for a GET. A DELETE carries an empty object (the events operation asks for one)."""
        if self.method == "GET":
            return None
        if self.method == "DELETE":
            return {}
        return {alias: value for name, alias, value in self._outside_path() if name not in self.query}

    def stored(self) -> dict[str, Any]:
        """As kept in a step: enough to send exactly this again."""
        return {"operation": type(self).__name__, "fields": self.model_dump(mode="json", exclude_unset=True)}

    @staticmethod
    def restored(stored: Mapping[str, Any]) -> "Operation[Any]":
        """The inverse of `stored`. Raises KeyError for an operation that this version does not know."""
        by_name: dict[str, type[Operation[Any]]] = {known.__name__: known for known in Operation.known.values()}
        return by_name[stored["operation"]].model_validate(stored["fields"])


def _query_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class Api(Protocol):
    """Anything that can carry out an operation: the client, a dry run, a test. Raises HighLevelError."""

    async def __call__(self, operation: Operation[ReplyT], /) -> ReplyT: ...
