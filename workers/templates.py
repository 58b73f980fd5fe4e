"""Texts of rules: templates in which facts may stand, checked when the rule is read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final, Self
from zoneinfo import ZoneInfo

from jinja2 import Template, TemplateSyntaxError, UndefinedError
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from workers.event_facts import known_facts
from workers.facts import MISSING, Fact, Facts, FactValue
from workers.kinds import Kind
from workers.names import Named, Names, names_in
from workers.template_language import DOT, ENVIRONMENT, Spelling
from workers.words import faults, text_wanted, wrong

LONGEST: Final = 5000
"""Characters of a text, written or rendered; HighLevel takes no longer note."""


class TextError(Exception):
    """A text could not be rendered; nothing was sent, and the same facts will fail again.

    TextError
    ├── MissingFact     it mentions a fact that has no value
    ├── TooLong         it came out longer than HighLevel takes
    └── Unrenderable    it does with a value what that value cannot do
    """

    retry: ClassVar[bool] = False
    may_have_happened: ClassVar[bool] = False


class MissingFact(TextError):
    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is missing")
        self.name = name


class TooLong(TextError):
    def __init__(self, length: int) -> None:
        super().__init__(f"the text came out {length} characters long, {LONGEST} is the most")
        self.length = length


class Unrenderable(TextError):
    def __init__(self, reason: str) -> None:
        super().__init__(f"the text cannot be rendered: {reason}")
        self.reason = reason


NO_NAMES: Final = Names()


@dataclass(frozen=True)
class Text:
    """A text with facts in it, checked when it is made."""

    source: str
    facts: frozenset[str] = field(compare=False)
    """The facts that it may mention."""

    template: Template = field(compare=False, repr=False)

    @classmethod
    def read(cls, value: object, names: Names = NO_NAMES) -> Self:
        """Raises what pydantic makes a fault of: every unknown fact and filter at once."""
        if isinstance(value, cls):
            return value
        if not isinstance(value, str):
            raise text_wanted(value)
        if not 1 <= len(value.strip()) <= LONGEST:
            raise wrong(f"text of 1 to {LONGEST} characters expected, found {len(value.strip())}")
        known = known_facts(names)
        spelling = Spelling(known)
        try:
            tree = spelling.visit(ENVIRONMENT.parse(value))
            if spelling.faults:
                raise faults("text", spelling.faults)
            text = cls(value, frozenset(spelling.facts), ENVIRONMENT.from_string(tree))
        except TemplateSyntaxError as error:
            raise wrong(f"not a text: {error.message}{_line(value, error.lineno)}") from None
        except (RecursionError, MemoryError, SyntaxError):
            raise wrong("not a text: it is nested too deep") from None
        try:
            text.render(_sample(known))
        except Unrenderable as error:
            raise wrong(str(error)) from None
        except TooLong:
            pass  # perhaps not with other facts
        return text

    def render(self, facts: Facts) -> str:
        """Raises `MissingFact`, `TooLong` or `Unrenderable`."""
        known = {name.replace(".", DOT): _plain(facts[name]) for name in self.facts if facts[name] is not MISSING}
        try:
            text = self.template.render(known)
        except UndefinedError as error:
            raise MissingFact(str(error)) from None
        except Exception as error:
            # Whatever else a filter or a comparison says of a value that it has no use for.
            raise Unrenderable(str(error)) from None
        if len(text) > LONGEST:
            raise TooLong(len(text))
        return text

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def read(value: object, info: ValidationInfo) -> Text:
            return cls.read(value, names_in(info))

        written = core_schema.plain_serializer_function_ser_schema(_source)
        return core_schema.with_info_plain_validator_function(read, serialization=written)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "minLength": 1, "maxLength": LONGEST}


def _plain(value: object) -> object:
    """People and calendars are the words that they go by, so that a text may compare them with words."""
    return str(value) if isinstance(value, Named) else value


def _source(text: Text) -> str:
    return text.source


def _line(text: str, number: int) -> str:
    return f" (line {number} of the text)" if "\n" in text.strip() else ""


SAMPLES: Final[Mapping[Kind, FactValue]] = {
    Kind.TEXT: "text",
    Kind.STATUS: "confirmed",
    Kind.MOMENT: datetime(2027, 3, 25, 18, tzinfo=UTC),
    Kind.DURATION: timedelta(hours=1),
    Kind.NUMBER: 1.0,
    Kind.PERSON: Named("somebody"),
    Kind.CALENDAR: Named("something"),
    Kind.FLAG: True,
}


def _sample(known: Mapping[str, Fact]) -> Facts:
    """A value for every fact, on which each text is tried when it is read."""
    return Facts({fact.name: SAMPLES[fact.kind] for fact in known.values()}, ZoneInfo("UTC"))
