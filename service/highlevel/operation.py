"""One HighLevel call as a value: the one declaration that client, sandbox, stored step and dry run are derived from."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Generic, Protocol, Self, TypeVar, cast
from urllib.parse import quote, urlencode

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    WithJsonSchema,
    model_validator,
)

from service.highlevel.reply import WIRE_NAMES, Reply

CHANGES_THE_PATH = re.compile(r"\A\.{0,2}\Z|[/\\\x00-\x1f\x7f\ud800-\udfff]|%2f|%5c", re.IGNORECASE)
"""No id of HighLevel's looks so; behind one that does a server may read another path than was meant. Half a surrogate
pair cannot go out at all."""

WRITTEN_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)


# fmt: off
WORDS = frozenset({
    "appointments", "associations", "block-slots", "blocked-slots", "bookings", "calendars", "catalog", "contacts",
    "customFields", "event-calendar", "events", "free-slots", "groups", "locations", "notes", "notifications",
    "resources", "schedules", "search", "services", "status", "tags", "tasks", "users", "validate-slug", "workflow",
})
# fmt: on
"""What stands in the paths of all operations; where an id is meant, one of these would ask something else."""


def _aware(text: str) -> str:
    """Python would read more: weeks, days of the year, times without their colons."""
    if not WRITTEN_MOMENT.fullmatch(text):
        raise ValueError("a time is written as 2026-03-26T18:00:00+01:00 is, and needs its offset")
    datetime.fromisoformat(text)
    return text


Moment = Annotated[str, AfterValidator(_aware)]
"""An ISO 8601 time with offset, kept as written: HighLevel refuses an offered slot rewritten to another offset."""

Number = Annotated[int | FiniteFloat, WithJsonSchema({"type": "number"})]
"""JSON's number. Whole ones go out as they were said: 30, not 30.0."""

Milliseconds = Annotated[int, Field(ge=0)]
"""An instant as HighLevel's windows are given: milliseconds since 1970."""


def milliseconds(moment: datetime) -> int:
    """As HighLevel's windows are given: milliseconds since 1970. Raises ValueError for a moment without offset."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs its offset: which instant it is depends on it")
    return int(moment.timestamp() * 1000)


class Part(BaseModel):
    """An object inside a request. Unknown fields are refused, what is left out stays off the wire."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=WIRE_NAMES,
        validate_by_name=True,
        hide_input_in_errors=True,
        defer_build=True,  # no process has use for them all, and it starts sooner
    )


ReplyT_co = TypeVar("ReplyT_co", bound=Reply, covariant=True)
ReplyT = TypeVar("ReplyT", bound=Reply)


@dataclass(frozen=True)
class Wire:
    """A call as it goes out: `query` as pairs, a list's name once for each of its values; `body` as JSON values."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    body: Any

    @property
    def target(self) -> str:
        """Path and query, escaped."""
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path


@dataclass(frozen=True)
class Layout:
    """Where an operation's fields go: Python's names to the wire's."""

    path: dict[str, str]
    query: dict[str, str]
    body: dict[str, str]


class Operation(BaseModel, Generic[ReplyT_co]):
    """A call that has been decided.

    Fields named in the path go there; `query` names what goes to the query beside a body; the rest of a GET or DELETE
    goes to the query, of a POST or PUT (or of a DELETE that `sends_body`) to the body. What is left out stays off the
    wire. `whole_body` names the one field that is the body, for those that are arrays.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=WIRE_NAMES,
        validate_by_name=True,
        hide_input_in_errors=True,
        defer_build=True,
    )

    known: ClassVar[dict[tuple[str, str], Any]] = {}
    """Every operation class by (method, path)."""
    method: ClassVar[str] = ""
    path: ClassVar[str] = ""
    query: ClassVar[frozenset[str]] = frozenset()
    sends_body: ClassVar[bool] = False
    whole_body: ClassVar[str] = ""
    version: ClassVar[str] = ""
    """The `Version` that this call wants, where it is another than that of all."""
    changes: ClassVar[bool] = False
    """Whether the call may change something at HighLevel; a few POST only read."""
    success: ClassVar[int] = 200
    """The status HighLevel answers with (as observed; the client takes any 2xx, the sandbox sends this one)."""
    _layouts: ClassVar[dict[type[Any], Layout]] = {}

    def __init_subclass__(
        cls,
        *,
        method: str = "",
        path: str = "",
        query: frozenset[str] = frozenset(),
        sends_body: bool | None = None,
        whole_body: str = "",
        version: str = "",
        changes: bool | None = None,
        success: int = 200,
        **kwargs: Any,
    ) -> None:
        super().__init_subclass__(**kwargs)
        if method:
            cls.method, cls.path, cls.query, cls.success = method, path, query, success
            cls.sends_body = method in ("POST", "PUT") if sends_body is None else sends_body
            cls.whole_body, cls.version = whole_body, version
            cls.changes = method != "GET" if changes is None else changes
            Operation.known[method, path] = cls

    @classmethod
    def reply_type(cls) -> type[Reply]:
        """The class named in the brackets: `Operation[NoteReply]` reads its answer as a NoteReply."""
        for ancestor in cls.__mro__:
            arguments = getattr(ancestor, "__pydantic_generic_metadata__", {"args": ()})["args"]
            if arguments:
                return cast("type[Reply]", arguments[0])
        raise TypeError(f"{cls.__name__} names no reply")

    def read_reply(self, answer: bytes) -> ReplyT_co:
        """The typed answer; raises pydantic's ValidationError when it is not what was expected."""
        return cast("ReplyT_co", self.reply_type().read_json(answer))

    @classmethod
    def path_fields(cls) -> tuple[str, ...]:
        return tuple(re.findall(r"{(\w+)}", cls.path))

    @classmethod
    def layout(cls) -> Layout:
        """Where each field goes."""
        found = Operation._layouts.get(cls)
        if found is None:
            names = {name: str(field.serialization_alias or name) for name, field in cls.model_fields.items()}
            path = {name: names.pop(name) for name in cls.path_fields()}
            in_query = {name: names.pop(name) for name in tuple(names) if not cls.sends_body or name in cls.query}
            found = Operation._layouts[cls] = Layout(path, in_query, names)
        return found

    @model_validator(mode="after")
    def _stays_on_its_path(self) -> Self:
        for name in self.layout().path:
            value = str(getattr(self, name))
            if not is_id(value):
                raise ValueError(f"{name} is {value[:80]!r}, which would change the path")
        return self

    def wire(self) -> Wire:
        """As it goes out."""
        layout = self.layout()
        said = self.model_dump(mode="json", by_alias=True, exclude_unset=True)
        path = self.path
        if layout.path:
            path = path.format(**{name: quote(str(said.pop(alias)), safe="") for name, alias in layout.path.items()})
        query = tuple(
            (alias, text)
            for alias in layout.query.values()
            if (value := said.pop(alias, None)) is not None
            for text in (map(_query_text, value) if isinstance(value, list) else (_query_text(value),))
        )
        body: Any = None
        if self.sends_body:
            body = said[layout.body[self.whole_body]] if self.whole_body else said
        return Wire(self.method, path, query, body)

    def stored(self) -> dict[str, Any]:
        """As kept in a step: enough to send exactly this again."""
        return {"operation": type(self).__name__, "fields": self.model_dump(mode="json", exclude_unset=True)}

    @staticmethod
    def restored(stored: Mapping[str, Any]) -> "Operation[Any]":
        """The inverse of `stored`. Raises KeyError for an operation that this version does not know."""
        by_name: dict[str, type[Operation[Any]]] = {known.__name__: known for known in Operation.known.values()}
        return by_name[stored["operation"]].model_validate(stored["fields"])


def is_id(value: str) -> bool:
    """Whether it can stand in a path where an id is meant, without asking something else."""
    return value.lower() not in WORDS and not CHANGES_THE_PATH.search(value)


def _query_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class Api(Protocol):
    """Anything that can carry out an operation: the client, a dry run, a test. Raises HighLevelError."""

    async def __call__(self, operation: Operation[ReplyT], /) -> ReplyT: ...
