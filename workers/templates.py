"""Texts of rules: templates in which facts may stand, checked when the rule is read."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Self

from jinja2 import TemplateSyntaxError, nodes
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from workers.expressions import Body, pieces
from workers.facts import Facts
from workers.filters import LONGEST
from workers.known_facts import known_facts
from workers.names import Names, names_in
from workers.template_language import Reader
from workers.template_tree import parsed, tree_of
from workers.text_errors import MissingFact, TextError, TooLong, Unrenderable
from workers.words import faults, text_wanted, wrong

__all__ = ["LONGEST", "MissingFact", "Text", "TextError", "TooLong", "Unrenderable"]

NO_NAMES: Final = Names()


@dataclass(frozen=True)
class Text:
    """A text with facts in it, checked when it is made."""

    source: str
    facts: frozenset[str] = field(compare=False)
    """The facts that it may mention."""

    body: Body = field(compare=False, repr=False)

    @classmethod
    def read(cls, value: object, names: Names = NO_NAMES) -> Self:
        """Raises what pydantic makes a fault of: everything that is wrong with it at once."""
        if isinstance(value, cls):
            return value
        if not isinstance(value, str):
            raise text_wanted(value)
        if not 1 <= len(value.strip()) <= LONGEST:
            raise wrong(f"text of 1 to {LONGEST} characters expected, found {len(value.strip())}")
        lines = "\n" in value.strip()
        reader = Reader(known_facts(names), lines=lines)
        body = reader.body(_tree(tree_of, value))
        if reader.faults and lines:
            # What was put together from pieces does not know its lines.
            reader = Reader(reader.known, lines=True)
            reader.body(_tree(parsed, value))
        if reader.faults:
            raise faults("text", reader.faults)
        return cls(value, frozenset(reader.facts), body)

    def render(self, facts: Facts) -> str:
        """Raises `MissingFact`, `TooLong` or `Unrenderable`."""
        found, length = [], 0
        try:
            for piece in pieces(self.body, facts):
                length += len(piece)
                if length > LONGEST:
                    raise TooLong("the text", LONGEST)
                found.append(piece)
        except (TypeError, ValueError, AttributeError) as error:
            # A value that is not of the kind that its fact is declared to be.
            raise Unrenderable(str(error)) from None
        return "".join(found)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def read(value: object, info: ValidationInfo) -> Text:
            return cls.read(value, names_in(info))

        written = core_schema.plain_serializer_function_ser_schema(_source)
        return core_schema.with_info_plain_validator_function(read, serialization=written)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"description": "text with facts", "type": "string", "minLength": 1, "maxLength": LONGEST}


def _tree(parse: Callable[[str], list[nodes.Node]], text: str) -> list[nodes.Node]:
    try:
        return parse(text)
    except TemplateSyntaxError as error:
        line = f" (line {error.lineno} of the text)" if "\n" in text.strip() else ""
        raise wrong(f"not a text: {_plainly(error.message or '')}{line}") from None
    except (RecursionError, MemoryError):
        raise wrong("not a text: it is nested too deep") from None
    except ValueError:
        # Python refuses to read numbers of thousands of digits.
        raise wrong("not a text: a number in it is too long") from None


UNCLOSED: Final = {
    "end of print statement": "{{ is not closed by }}",
    "end of statement block": "{% is not closed by %}",
    "end of comment": "{# is not closed by #}",
}
"""What the parser misses at the end of a text, and what that means."""


def _plainly(message: str) -> str:
    """What Jinja2's parser says, in words for who does not know it."""
    if message.startswith("unexpected end of template"):
        return next((said for missing, said in UNCLOSED.items() if missing in message), message)
    if message.startswith("Unexpected end of template"):
        return "{% if %} is not closed by {% endif %}"
    return message


def _source(text: Text) -> str:
    return text.source
