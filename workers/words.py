"""Mappings of known words: the frame of everything that a rule file may say, and how a fault in it is worded."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal, Self, TypeAlias, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, ValidationError, ValidationInfo, model_validator
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from workers.other_words import nearest

Place: TypeAlias = tuple[int | str, ...]
"""The keys and indexes that lead to a value."""

FAULT = "rule"
"""The one type that our errors have: their message is meant for the author and passed on as it stands."""

QUOTED = re.compile(r"'([^']*)'")
CHOICE = re.compile(r"'([^']*)'|\b(True|False)\b")
"""One of the values that pydantic expected, in its own words."""

MOST_FOREIGN = 100
"""Unknown words of one mapping that are told: one with more is something else altogether."""

MERGE = "<<"
"""By which YAML 1.1 put a mapping into another."""


class Words(BaseModel):
    """A mapping that knows its words; an unknown one is refused with the nearest known."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    because: ClassVar[Mapping[str, str]] = {}
    """Why a word must be said, for those where the author may wonder."""

    called: ClassVar[str] = ""
    """What an author calls this mapping; the class's name where nothing is said."""

    elsewhere: ClassVar[Mapping[str, str]] = {}
    """Words that authors look for here, and where what they mean is said."""

    @classmethod
    def known(cls) -> tuple[str, ...]:
        """The words as an author writes them."""
        return tuple(str(field.validation_alias or name) for name, field in cls.model_fields.items())

    @classmethod
    def _example(cls) -> str:
        """What stands there when it is right."""
        fields = cls.model_fields.items()
        needed = [str(field.validation_alias or name) for name, field in fields if field.is_required()]
        words = ", ".join(f"{word}: …" for word in needed or cls.known()[-1:])
        return f"{cls.called or cls.__name__.lower()} such as {{{words}}}"

    @classmethod
    def _choice(cls, word: str) -> str:
        """What may stand behind it, where that is one of a few words."""
        field = cls.model_fields.get(word)
        kind = field.annotation if field else None
        few = ("true", "false") if kind is bool else get_args(kind) if get_origin(kind) is Literal else ()
        words = [str(each).lower() if isinstance(each, bool) else str(each) for each in few]
        return f" ({', '.join(words[:-1])} or {words[-1]})" if len(words) > 1 else ""

    @classmethod
    def _not_a_word(cls, word: str, what: str) -> PydanticCustomError:
        """With all that are known where none is near."""
        known = cls.known()
        if word in cls.elsewhere:
            return wrong(f"{shown(word)} is not known in {what}: {cls.elsewhere[word]}", key=True)
        if word.startswith("-"):
            return wrong(f"a blank is missing behind the - of {shown(word)}", f"- {word.lstrip('-')}", key=True)
        told = unknown(word, f"in {what}", known)
        hint = (told.context or {}).get("hint")
        if hint == what:
            # It is the very word by which this mapping was recognised.
            return unknown(word, "here", known)
        if hint:
            return told
        return wrong(f"{shown(word)} is not known in {what}; known: {', '.join(known)}", key=True)

    @model_validator(mode="wrap")
    @classmethod
    def _say_it_plainly(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            read = handler(data)
        except ValidationError as error:
            told = list(cls._plainly(_worth_telling(error)))
            places = {each["loc"][:1] for each in told}
            empty = [each for each in cls._empty(data) if each["loc"] not in places]
            raise faults(cls.__name__, [*told, *empty]) from None
        if empty := list(cls._empty(data)):
            raise faults(cls.__name__, empty)
        return read

    @classmethod
    def _empty(cls, data: Any) -> Iterator[InitErrorDetails]:
        """A word that may be left out is not one that may stand there with nothing behind it: what was meant?"""
        if isinstance(data, Mapping) and None in data.values():
            for word in cls.known():
                if word in data and data[word] is None:
                    message = f"nothing stands behind {word}: say what it is to be, or leave the word out"
                    yield fault(wrong(message, key=True), (word,))

    @classmethod
    def _plainly(cls, errors: list[ErrorDetails]) -> Iterable[InitErrorDetails]:
        foreign = [str(error["loc"][0]) for error in errors if error["type"] == "extra_forbidden"][:MOST_FOREIGN]
        meant = {nearest(word, cls.known()) for word in foreign}
        for error in errors:
            place, what = error["loc"], cls.called or cls.__name__.lower()
            match error["type"]:
                case "extra_forbidden" if place[0] == MERGE:
                    message = (
                        "<< is not known: what rules have in common goes under `defaults`, all else is written out"
                    )
                    yield fault(wrong(message, key=True), place)
                case "extra_forbidden" if place[0] not in foreign:
                    continue
                case "extra_forbidden":
                    yield fault(cls._not_a_word(str(place[0]), what), place)
                case "model_type" | "dict_type" | "model_attributes_type" if not place:
                    yield fault(wrong(f"{cls._example()} expected, found {shown(error['input'])}"))
                case "missing" if place[0] in meant or MERGE in foreign:
                    continue  # a misspelt word is not missing as well
                case "missing":
                    reason = cls.because.get(str(place[0]))
                    wanted = f"{place[0]}{cls._choice(str(place[0]))}"
                    yield fault(wrong(f"{what} must say {wanted}" + (f": {reason}" if reason else "")), place)
                case _:
                    yield fault(_plain(error), _place(error))


def wrong(
    message: str, hint: str | None = None, *, key: bool = False, within: str | None = None
) -> PydanticCustomError:
    """A fault in the author's words; `hint` is what was perhaps meant, `key` places it before the colon, `within` where
    this stands in the text that is the value."""
    return PydanticCustomError(FAULT, "{message}", {"message": message, "hint": hint, "key": key, "within": within})


def unknown(word: str, where: str, known: Iterable[str], *, key: bool = True) -> PydanticCustomError:
    """A fault about a word that nobody declared."""
    return wrong(f"{shown(word)} is not known {where}", nearest(word, known), key=key)


def fault(error: PydanticCustomError, place: Place = ()) -> InitErrorDetails:
    return InitErrorDetails(type=error, loc=place, input=None)


def faults(title: str, errors: Iterable[InitErrorDetails]) -> ValidationError:
    """Several faults as one error, which pydantic merges into the one of the mapping around it."""
    return ValidationError.from_exception_data(title, list(errors))


def below(place: Place, error: ValidationError) -> list[InitErrorDetails]:
    """The faults of something that was validated by itself, put where it stands."""
    return [fault(_plain(each), (*place, *_place(each))) for each in _worth_telling(error)]


@dataclass(frozen=True)
class Told:
    """A fault in the author's words; `place` leads to it, `key` means what stands before the colon, `within` is part of
    the text there."""

    place: Place
    message: str
    hint: str | None
    key: bool
    within: str | None


def told(error: ValidationError) -> list[Told]:
    found = []
    for each in _worth_telling(error):
        context = _plain(each).context or {}
        hint, within = context.get("hint"), context.get("within")
        found.append(Told(_place(each), context["message"], hint, bool(context.get("key")), within))
    return found


LARGEST_SHOWN: Final = 1e18
"""Of numbers: what is larger nobody counts the figures of."""


def shown(value: object) -> str:
    """What stands in the file, for a message."""
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case int() | float():
            return f"the number {value}" if abs(value) < LARGEST_SHOWN else "a number far too large"
        case str():
            return repr(value if len(value) <= 60 else value[:59] + "…")
        case Mapping():
            return "a mapping"
        case _:
            return "a list"


def at_most(most: int, what: str) -> Callable[[Any], Any]:
    """Refuses a list that is longer, before anything in it is read."""

    def read(value: Any) -> Any:
        if isinstance(value, list) and len(value) > most:
            raise wrong(f"at most {most:,} {what} expected, found {len(value):,}")
        return value

    return read


def text_wanted(value: object) -> PydanticCustomError:
    hint = ": put it in quotes" if isinstance(value, bool | int | float) else ""
    return wrong(f"text expected, found {shown(value)}{hint}")


def in_context(info: ValidationInfo, word: str) -> Any:
    """What the reader of the file passed along under `word`; None where nothing was."""
    return info.context.get(word) if isinstance(info.context, Mapping) else None


def _worth_telling(error: ValidationError) -> list[ErrorDetails]:
    """A list whose items are refused is called too short besides."""
    return [each for each in error.errors() if not (each["type"] == "too_short" and each["input"])]


def _place(error: ErrorDetails) -> Place:
    return (*error["loc"], QUOTED.findall(error["ctx"]["discriminator"])[0]) if _untagged(error) else error["loc"]


def _untagged(error: ErrorDetails) -> bool:
    return error["type"] in {"union_tag_invalid", "union_tag_not_found"} and "'" in error["ctx"]["discriminator"]


def _plain(error: ErrorDetails) -> PydanticCustomError:
    """Pydantic's own errors in the author's words."""
    value, context = error["input"], error.get("ctx", {})
    match error["type"]:
        case "rule":
            return PydanticCustomError(FAULT, "{message}", context)
        case "string_type":
            return text_wanted(value)
        case "literal_error" | "enum":
            known = [text or flag.lower() for text, flag in CHOICE.findall(context["expected"])]
            return _none_of(value, known or [context["expected"]])
        case "union_tag_invalid":
            return _none_of(context["tag"], QUOTED.findall(context["expected_tags"]))
        case "union_tag_not_found":
            word = context["discriminator"].replace("'", "")
            return wrong(f"it must say {word}: what is done, as in {word}: add_note")
        case "bool_type":
            quoted = ": leave out the quotes" if value in ("true", "false") else ""
            hint = None if quoted or not isinstance(value, str) else nearest(value, ("true", "false"))
            return wrong(f"true or false expected, found {shown(value)}{quoted}", hint)
        case "model_type" | "dict_type" | "model_attributes_type":
            return wrong(f"words with their values ({{word: value}}) expected, found {shown(value)}")
        case "list_type" | "tuple_type":
            return wrong(f"a list ([this, that], or lines that begin with -) expected, found {shown(value)}")
        case "too_short" | "string_too_short":
            return wrong("it must not be empty")
        case "too_long":
            return wrong(f"a list of at most {context['max_length']} expected")
        case "string_too_long":
            return wrong(f"text of at most {context['max_length']} characters expected, found {len(str(value))}")
        case _:
            return wrong(error["msg"])


FEW: Final = 8
"""Known words that are told beside the one that was perhaps meant."""


def _none_of(value: object, known: Sequence[str]) -> PydanticCustomError:
    """Where one of a few words was expected."""
    hint = nearest(value, known) if isinstance(value, str) else None
    told = "" if hint and len(known) > FEW else f"; known: {', '.join(known)}"
    return wrong(f"{shown(value)} is not known here{told}", hint)
