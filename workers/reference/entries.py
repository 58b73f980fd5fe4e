"""Every word of the rule language with what is said of it, for the page about rules and for the command line."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from service.event_types import EXTERNAL
from service.trigger import Trigger
from workers.actions import ACTIONS, Action
from workers.assignment.ways import WAYS
from workers.comparisons import COMPARISONS, MEANINGS
from workers.condition_words import NESTING
from workers.conduct_words import Conduct
from workers.contact_facts import FIELDS
from workers.event_facts import EVENT, KINDS
from workers.facts import Fact
from workers.file_words import EventFactWords, FileWords, PersonWords
from workers.filters import FILTERS
from workers.kinds import Kind
from workers.known_facts import KNOWN
from workers.moments import ANCHORS, AT, DAYS, EVERY, SIDES, UNITS
from workers.reference.conditions import OF_EVENTS, OF_FIELDS
from workers.reference.docstrings import described, sentence
from workers.reference.fragments import Schema
from workers.reference.schema import definition, rule_files, step_words
from workers.reference.takes import code, takes
from workers.rescheduling.within import Within
from workers.rule import Rule
from workers.values import WEEKDAYS
from workers.words import Words


@dataclass(frozen=True)
class Entry:
    """One word. `what` says what kind of word it is, `more` what else a table has of it."""

    word: str
    what: str
    meaning: str
    takes: str = ""
    default: str = ""
    more: str = ""
    example: str = ""
    below: tuple["Entry", ...] = ()
    """Words that stand within it."""
    takes_is: str = "takes"
    more_is: str = ""
    """What `takes` and `more` are of it."""

    @property
    def details(self) -> tuple[tuple[str, str], ...]:
        """What there is to say besides its meaning, each with what it is."""
        told = (
            (self.takes_is, self.takes),
            ("if unsaid", self.default),
            (self.more_is, self.more),
            ("example", self.example),
        )
        return tuple((label, text) for label, text in told if text)


MUST: Final = "must be said"

EXAMPLES_OF_MOMENTS: Final = ("2h before start", "1 day before start at 16:00", "every day at 07:00")
"""One of each kind, as the page has them."""

COMMON: Final = tuple(word for word in Action.known() if word != "do")
"""The words of every step."""


def _words(model: type[Words], what: str, *, but: tuple[str, ...] = ()) -> tuple[Entry, ...]:
    schema = step_words() if model is Action else rule_files()["$defs"][definition(model)]
    required, found = schema.get("required", ()), schema["properties"].items()
    return tuple(_word(word, what, part, word in required) for word, part in found if word not in but)


def _word(word: str, what: str, part: Schema, required: bool) -> Entry:
    default = MUST if required else code(part["default"]) if "default" in part else ""
    return Entry(word, what, part["description"], _taken(part), default)


def _taken(part: Schema) -> str:
    """What the part itself is, and not what the word means."""
    return takes({word: value for word, value in part.items() if word != "description"})


def _actions() -> Iterator[Entry]:
    for action in ACTIONS:
        do = action.called
        words = _words(action, f"a word of {do}", but=("do", *COMMON))
        yield Entry(do, "an action", sentence(action), example=action.example, below=words)


def _ways() -> Iterator[Entry]:
    for word, way in WAYS.items():
        yield Entry(word, "a way of choosing somebody", sentence(way), below=_words(way, f"a word of {word}"))


def _facts() -> Iterator[Entry]:
    for fact in KNOWN.values():
        yield _fact(fact)
    kinds = ", ".join(kind.value for kind in KINDS.values())
    yield Entry(f"{FIELDS}…", "a fact", OF_FIELDS, Kind.TEXT.value, more="a call", takes_is="is", more_is="costs")
    yield Entry(f"{EVENT}…", "a fact", OF_EVENTS, kinds, takes_is="is")


def _fact(fact: Fact) -> Entry:
    beside = tuple(
        Entry(word, f"beside a test of {fact.name}", "", takes(part)) for word, part in _beside(fact).items()
    )
    return Entry(
        fact.name,
        "a fact",
        fact.meaning,
        fact.kind.value,
        more="a call" if fact.is_looked_up else "",
        below=beside,
        takes_is="is",
        more_is="costs",
    )


def _beside(fact: Fact) -> Mapping[str, Schema]:
    """The words that may stand beside its tests."""
    if not fact.words:
        return {}
    tests = rule_files()["$defs"]["conditions"]["properties"][fact.name]["anyOf"][-1]["properties"]
    return {word: tests[word] for word in fact.words}


def _tests() -> Iterator[Entry]:
    for word, meaning in MEANINGS.items():
        kinds = [kind.value for kind, tests in COMPARISONS.items() if word in tests]
        of = "everything" if len(kinds) == len(COMPARISONS) else ", ".join(kinds)
        yield Entry(word, "a test", meaning, more=of, more_is="of")
    for word, meaning in NESTING.items():
        yield Entry(word, "a word of `if`", meaning, more="conditions", more_is="of")


def _kinds() -> Iterator[Entry]:
    for kind in Kind:
        tests = ", ".join(f"`{word}`" for word in COMPARISONS[kind])
        yield Entry(kind.value, "a kind of fact", described(Kind)[kind.name], more=tests, more_is="tests")


def _filters() -> Iterator[Entry]:
    for each in FILTERS.values():
        arguments = ", ".join(argument.name for argument in each.arguments)
        yield Entry(
            each.name,
            "a filter",
            each.meaning,
            each.of,
            more=arguments,
            takes_is="of",
            more_is="in brackets",
            example=each.example,
        )


MOMENT: Final = "a moment that a rule waits for"


def _moments() -> Iterator[Entry]:
    length, calendar, clock = EXAMPLES_OF_MOMENTS
    sides, anchors = " or ".join(map(code, SIDES)), ", ".join(map(code, ANCHORS))
    units = ", ".join(f"{unit}s" for unit in UNITS)
    counted = f"a duration (`90m`) or a number of {units}; then {sides}; then one of {anchors}"
    passes = "So long before or after a booking's start or end, or after it was booked. A day is 24 hours."
    days = "So many days of the calendar before or after, at a time of the location's clock."
    repeats = "By the location's clock, about no booking; a weekday is Monday to Friday."
    yield Entry(length, MOMENT, passes, counted)
    yield Entry(
        calendar, MOMENT, days, f"a number of days or weeks; then as {code(length)}; then `{AT}` and a clock time"
    )
    every = ", ".join(code(word) for word in DAYS if word not in WEEKDAYS)
    yield Entry(
        clock, MOMENT, repeats, f"`{EVERY}`, then {every} or days such as `sat-sun`, then `{AT}` and a clock time"
    )


def moment_like(text: str) -> str | None:
    """The word of the entry that explains a moment, which may be only half written; None for what is none."""
    length, calendar, clock = EXAMPLES_OF_MOMENTS
    words = text.casefold().split()
    if words[:1] == [EVERY]:
        return clock
    if set(words).isdisjoint(SIDES) or set(words).isdisjoint(ANCHORS):
        return None
    return calendar if AT in words else length


def _absences() -> Iterator[Entry]:
    what = "a word where a value may stand"
    yield Entry("nothing", what, "`is: nothing` holds where there is no such fact, `is_not: nothing` where there is.")
    yield Entry(
        "nobody",
        what,
        "As a test of a person it holds where nobody is that; in `to` and `for` it is no person; in `replace` it means "
        "a booking that nobody has.",
    )
    yield Entry("anybody", what, "In `replace`: whoever has the booking so far.")


def _values() -> Iterator[Entry]:
    days = ", ".join(map(code, WEEKDAYS))
    yield Entry(
        "a weekday",
        "a value",
        f"{days}, or in full, `monday`; a range is `mon-fri`. In `when`, `every weekday` is Monday to Friday.",
    )
    yield Entry("a clock time", "a value", '`"17:00"`, on the location\'s clock.')
    yield Entry("a date", "a value", "`2027-03-26`: the year, the month and the day.")


def _triggers() -> Iterator[Entry]:
    meanings = described(Trigger)
    for trigger in Trigger:
        yield Entry(trigger.value, "a trigger", meanings[trigger.name])
    posted = "Another system posted something: the source of that name, which `slotwright sources add` has let in."
    yield Entry(f"{EXTERNAL}…", "a trigger", posted)


@dataclass(frozen=True)
class Section:
    """Words of one kind, under a title."""

    title: str
    entries: Callable[[], Any]


SECTIONS: Final[Mapping[str, Section]] = MappingProxyType(
    {
        "file": Section("A file", lambda: _words(FileWords, "a word of a file")),
        "person": Section("A person", lambda: _words(PersonWords, "a word of a person")),
        "source": Section("A fact of an event", lambda: _words(EventFactWords, "a word of a fact of an event")),
        "rule": Section(
            "A rule", lambda: _words(Rule, "a word of a rule", but=tuple(word for word in Conduct.known()))
        ),
        "triggers": Section("When", _triggers),
        "moments": Section("Moments", _moments),
        "facts": Section("Facts", _facts),
        "tests": Section("Tests", _tests),
        "kinds": Section("Kinds", _kinds),
        "absences": Section("Where there is none", _absences),
        "values": Section("Values", _values),
        "actions": Section("Actions", _actions),
        "step": Section("Every step", lambda: _words(Action, "a word of every step")),
        "ways": Section("Choosing somebody", _ways),
        "within": Section("Within", lambda: _words(Within, "a word of within")),
        "filters": Section("Filters", _filters),
        "conduct": Section("How a rule behaves", lambda: _words(Conduct, "a word of a rule, or of `defaults`")),
    }
)
"""By the name of their place on the page, where they have a table there."""


def entries(section: str) -> tuple[Entry, ...]:
    return tuple(SECTIONS[section].entries())


def every() -> Iterator[Entry]:
    """Also those that stand within others."""
    for section in SECTIONS:
        for entry in entries(section):
            yield entry
            yield from entry.below
