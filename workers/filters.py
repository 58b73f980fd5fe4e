"""Filters: what a text may do with a value before it stands there. Each is declared once."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from workers.kinds import Kind
from workers.names import whole_number
from workers.values import write_date, write_day, write_time
from workers.words import shown, text_wanted, wrong

LONGEST: Final = 5000
"""Characters of a text, written or rendered; HighLevel takes no longer note."""

LONGEST_SIGN: Final = 10
"""Characters of a currency, and of what marks the end of a cut text."""

WORDS: Final = frozenset({Kind.TEXT, Kind.STATUS, Kind.PERSON, Kind.CALENDAR})
"""Kinds whose values are words to a text: people and calendars are the names that they go by."""

WORD_BEGINS: Final = re.compile(r"(?<![^\-\s({\[<])[^\-\s({\[<]")
CENT: Final = Decimal("0.01")
LARGEST_NUMBER: Final = Context(prec=400)


@dataclass(frozen=True)
class Argument:
    """What may stand in brackets after a filter. `read` raises PydanticCustomError."""

    name: str
    default: Any
    read: Callable[[Any], Any]


@dataclass(frozen=True)
class Filter:
    """One filter: `of` is what an author calls the values that it takes, `apply` takes one and the arguments."""

    name: str
    meaning: str
    example: str
    of: str
    takes: frozenset[Kind]
    gives: Kind
    apply: Callable[..., Any]
    arguments: tuple[Argument, ...] = ()


def _title(text: str) -> str:
    return WORD_BEGINS.sub(lambda found: found[0].upper(), text.lower())


def _truncate(text: str, length: int, end: str) -> str:
    """At most `length` characters, with the end; cut between words where there are two."""
    if len(text) <= length:
        return text
    left = max(length - len(end), 0)
    # The word that goes on where it is cut goes with it; with a blank there, none does.
    kept = text[: left + 1].rpartition(" ")[0] or text[:left]
    return (kept.rstrip() + end)[:length]


def _hours(duration: timedelta) -> float:
    return round(duration / timedelta(hours=1), 2)


def _money(amount: float, currency: str) -> str:
    """Half a cent is a cent, as the number is written and not as the machine keeps it."""
    rounded = Decimal(repr(amount)).quantize(CENT, ROUND_HALF_UP, LARGEST_NUMBER)
    minus = "-" if rounded < 0 else ""
    blank = " " if currency[-1:].isalpha() else ""
    return f"{minus}{currency}{blank}{abs(rounded):,}"


def _sign(value: object) -> str:
    if not isinstance(value, str):
        raise text_wanted(value)
    if len(value) > LONGEST_SIGN:
        raise wrong(f"text of at most {LONGEST_SIGN} characters expected, found {shown(value)}")
    return value


def _of_words(name: str, meaning: str, example: str, apply: Callable[..., str], *arguments: Argument) -> Filter:
    return Filter(name, meaning, example, "text", WORDS, Kind.TEXT, apply, arguments)


def _of_moments(name: str, meaning: str, example: str, apply: Callable[..., str]) -> Filter:
    return Filter(name, meaning, example, "moments", frozenset({Kind.MOMENT}), Kind.TEXT, apply)


def _itself(value: Any) -> Any:
    return value


DEFAULT: Final = Filter(
    "default", "another value where there is none", "{{ address | default('no address') }}", "everything",
    frozenset(Kind), Kind.TEXT, _itself,
)  # fmt: skip
"""The one filter that is asked about a missing fact, and so it is no matter of its value."""

LENGTH: Final = Filter(
    "length", "how many characters of a text, or items of a list", "{{ title | length }}", "text and lists",
    WORDS | {Kind.LIST}, Kind.NUMBER, len,
)  # fmt: skip

FILTERS: Final[Mapping[str, Filter]] = MappingProxyType(
    {
        each.name: each
        for each in (
            _of_moments("day", "its weekday", "Thursday", write_day),
            _of_moments("date", "its date", "25 March 2027", write_date),
            _of_moments("time", "its time of day", "18:00", write_time),
            Filter(
                "hours", "in hours, as a number", "1.5", "durations", frozenset({Kind.DURATION}), Kind.NUMBER, _hours
            ),
            Filter(
                "money", "with two decimals, and the currency before it if one is told", "£1,045.00", "numbers",
                frozenset({Kind.NUMBER}), Kind.TEXT, _money, (Argument("currency", "", _sign),),
            ),
            DEFAULT,
            _of_words("upper", "in capitals", "CUT", str.upper),
            _of_words("lower", "in small letters", "cut", str.lower),
            _of_words("capitalize", "the first letter a capital, the others small", "Cut and colour", str.capitalize),
            _of_words("title", "the first letter of each word a capital", "Cut And Colour", _title),
            _of_words("trim", "without blanks around it", "Cut", str.strip),
            _of_words(
                "truncate", "cut between words to a number of characters", "Cut and…", _truncate,
                Argument("length", 255, partial(whole_number, most=LONGEST)), Argument("end", "…", _sign),
            ),
            LENGTH,
        )
    }
)  # fmt: skip
"""Every filter by its name, in the order of the reference. None can make a text much longer or reach into a value."""
