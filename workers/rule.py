"""A rule: when it is asked, if it holds, then what is done."""

from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import datetime, timedelta
from functools import cached_property
from typing import Annotated, ClassVar, Final, Self
from zoneinfo import ZoneInfo

from pydantic import (
    BeforeValidator,
    Field,
    PlainValidator,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import InitErrorDetails

from service.event import SOURCE_NAME
from service.event_types import EXTERNAL, QUIET
from service.store.conduct import Limit
from service.trigger import SUBJECTS, TAKES_NO_TIME, Booking, Subject, Trigger
from workers.actions import ACTIONS, Action, AnyAction, read_steps
from workers.actions.action import every, numbered
from workers.actions.book import Book
from workers.condition_words import If
from workers.conditions import Conditions, questions
from workers.conduct_words import Conduct
from workers.event_facts import EVENT
from workers.moments import EXAMPLES, PATTERN, AnyMoment, BookingMoment, ClockMoment, is_moment, read_moment
from workers.names import Names, names_in
from workers.other_words import IN_A_STEP, NOT_IN_A_RULE, OTHER_ROOMS, WHAT_HAPPENED, nearest
from workers.values import one_or_many
from workers.words import Place, at_most, fault, faults, in_context, shown, wrong

MOST_WORDS: Final = 100
"""That a rule listens to."""

MOST_STEPS: Final = 100

MOVES = Limit(20, timedelta(hours=1))

SALVAGED: Final = "salvaged"
"""The word under which is passed along that a rule is what was left of one, whose parts need not fit together."""


def _trigger_meant(value: object, known: Sequence[str]) -> str | None:
    if not isinstance(value, str):
        return None
    room, dot, word = value.rpartition(".")
    if not dot and any(each.startswith(f"{word}.") for each in known):
        return None  # It may be any of these.
    meant = f"{OTHER_ROOMS.get(room, room)}.{WHAT_HAPPENED.get(word.casefold(), word)}"
    return meant if meant in known else nearest(value, known)


def _read_trigger(value: object) -> str:
    """One of ours, `external.` and a source, or a moment's words."""
    if isinstance(value, str) and is_moment(value):
        return read_moment(value).words
    if not isinstance(value, str) or not value.startswith(EXTERNAL):
        known = [each.value for each in Trigger]
        if value not in known:
            meant, told = _trigger_meant(value, known), f"; known: {', '.join(known)}, {EXTERNAL}… or a moment"
            raise wrong(f"{shown(value)} is not known here{'' if meant else told}", meant)
        return Trigger(str(value))
    if not SOURCE_NAME.fullmatch(value.removeprefix(EXTERNAL)):
        raise wrong(f"{shown(value)} names no source: small letters, figures, - and _ after {EXTERNAL}")
    return value


AnyTrigger = Annotated[
    str,
    PlainValidator(_read_trigger),
    WithJsonSchema(
        {
            "anyOf": [
                {"description": "what may happen", "enum": list(Trigger)},
                {
                    "description": "what another system posts",
                    "type": "string",
                    "pattern": rf"^external\.{SOURCE_NAME.pattern}$",
                    "examples": ["external.front_desk"],
                },
                {
                    "description": "a time that it waits for",
                    "type": "string",
                    "pattern": PATTERN,
                    "examples": list(EXAMPLES),
                },
            ]
        }
    ),
]


class Heading(Conduct):
    """What a rule says of itself before it says what must hold and what it does: enough to know when to ask it."""

    called: ClassVar[str] = "a rule"
    because: ClassVar[Mapping[str, str]] = {
        "name": "it is how the rule is known ever after",
        "when": "what it listens to",
        "then": "what it does",
    }

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
    """How it is known, in the history and on the command line."""
    description: str | None = None
    """What it is for."""
    when: Annotated[
        tuple[AnyTrigger, ...],
        BeforeValidator(one_or_many),
        BeforeValidator(at_most(MOST_WORDS, "words")),
        Field(min_length=1, max_length=MOST_WORDS),
    ]
    """What it listens to: one word or a list of them."""

    def by_default(self, defaults: Conduct) -> Self:
        """With what it says nothing of as the file has it."""
        unsaid = defaults.model_fields_set - self.model_fields_set
        return self.model_copy(update={name: getattr(defaults, name) for name in unsaid}) if unsaid else self

    @cached_property
    def moments(self) -> tuple[AnyMoment, ...]:
        """Those it waits for."""
        return tuple(read_moment(word) for word in self.when if is_moment(word))

    @cached_property
    def quiet(self) -> str | None:
        """What it waits for where it answers a burst of changes once. Only a booking has such; what a file says by
        default is not said of anything else."""
        return QUIET if self.debounce and all(_is_change(word) for word in self.when) else None

    @cached_property
    def listens_to(self) -> frozenset[str]:
        """The words of `when`, and the end of a burst of them."""
        return frozenset({*self.when, *filter(None, (self.quiet,))})

    @property
    def sources(self) -> frozenset[str]:
        """The sources whose events it listens to."""
        return frozenset(word.removeprefix(EXTERNAL) for word in self.when if word.startswith(EXTERNAL))


def _is_change(word: str) -> bool:
    """Whether it is news of a booking, and no moment of one."""
    return word in set(Trigger) and word != Trigger.CONTACT_UPDATED


class Rule(Heading):
    """What is done, when, and if what holds."""

    elsewhere: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys({word for action in ACTIONS for word in action.known()} - {"if"}, IN_A_STEP),
        **NOT_IN_A_RULE,
    }

    conditions: If = Field(default=Conditions(), validation_alias="if", serialization_alias="if")
    """What must hold; all of it."""
    then: Annotated[
        tuple[AnyAction, ...],
        BeforeValidator(read_steps),
        BeforeValidator(at_most(MOST_STEPS, "steps")),
        Field(min_length=1, max_length=MOST_STEPS),
    ]
    """What it does, in order, each step on the booking as the steps before left it."""

    @property
    def most(self) -> Limit | None:
        """How often it may act in one location: what it says, or what holds for a rule that moves bookings."""
        return self.limit or (MOVES if any(action.limited for _, action in self.steps) else None)

    @cached_property
    def books(self) -> bool:
        """Whether it may make bookings: what it hears and waits for of those is less."""
        return any(isinstance(action, Book) for _, action in self.steps)

    @cached_property
    def steps(self) -> tuple[tuple[int, Action], ...]:
        """Everything that it may do, each with the number of its step."""
        return tuple(every(self.then))

    def is_otherwise(self, place: int) -> bool:
        """Whether the step of this number is done in the place of one that could not be."""
        return place not in {number for number, _ in numbered(self.then)}

    def at_latest(self, place: int) -> timedelta | None:
        """How long before the start the step of this number is done at the latest. What is done otherwise may come
        later, for it answers that very thing, unless it writes to the booking as well."""
        answers = self.is_otherwise(place) and not dict(self.steps)[place].writes()
        return None if answers else self.not_after

    @classmethod
    def known(cls) -> tuple[str, ...]:
        """Its own words first, as they stand in most files."""
        mine = [name for name in super().known() if name not in Conduct.model_fields]
        return (*mine, *Conduct.known())

    @property
    def asks_about(self) -> frozenset[str]:
        """The facts that its conditions test."""
        return self.conditions.facts

    def due(self, booking: Booking, zone: ZoneInfo) -> Iterator[tuple[BookingMoment, datetime]]:
        """The instants at which it is asked about this booking.

        None for one that is deleted or, unless the rule tests `status`, cancelled: what is over stays alone.
        """
        if booking.deleted or (booking.status in TAKES_NO_TIME - {"noshow"} and "status" not in self.asks_about):
            return
        for moment in self.moments:
            if isinstance(moment, BookingMoment) and (instant := moment.of(booking, zone)):
                yield moment, instant

    @model_validator(mode="after")
    def _fits_together(self, info: ValidationInfo) -> Self:
        if not in_context(info, SALVAGED) and (found := list(self.disagreements(names_in(info)))):
            raise faults("a rule", found)
        return self

    def disagreements(self, names: Names, *, listens: bool = True) -> Iterator[InitErrorDetails]:
        """What does not go together in it. `listens`: whether it is known what it listens to."""
        repeated = [each.words for place, each in enumerate(self.moments) if each in self.moments[:place]]
        yield from (fault(wrong(f"{words} is said twice"), ("when",)) for words in repeated)
        if listens:
            yield from self._deaf(names)
            yield from self._idle()
            if "late" in self.model_fields_set and not self.moments:
                message = "late is how late a moment may come, and the rule waits for none"
                yield fault(wrong(message, key=True), ("late",))
            if "debounce" in self.model_fields_set and not self.quiet:
                other = next(word for word in self.when if not _is_change(word))
                message = f"debounce waits until a booking has changed no more, and {other} is no change of one"
                yield fault(wrong(message, key=True), ("debounce",))

    def _deaf(self, names: Names) -> Iterator[InitErrorDetails]:
        """It asks only about events that it hears of."""
        heard = {EVENT + fact for source in self.sources for fact in names.sources.get(source, ())}
        message = "{} is of no event that the rule listens to: it is declared under `sources` for another"
        for name, place in self._asked(heard):
            yield fault(wrong(message.format(name), key=place[0] == "if"), place)

    def _asked(self, heard: Set[str]) -> Iterator[tuple[str, Place]]:
        """The facts of events that it is not heard of, each with where it asks about it."""
        for question in questions(self.conditions):
            for fact in (question.fact, *question.referring):
                if fact.name.startswith(EVENT) and fact.name not in heard:
                    yield fact.name, ("if", *question.place)
        places = places_of(self.then)
        for number, action in self.steps:
            for name in sorted(action.facts - heard):
                if name.startswith(EVENT):
                    yield name, places[number]

    def _idle(self) -> Iterator[InitErrorDetails]:
        """Of what each word of `when` is news of, every action can act on something."""
        subjects = {subject_of(word) for word in self.when}
        if None in subjects:
            return
        told = " and ".join(sorted({_SUBJECTS_SAID[subject] for subject in subjects if subject}))
        places = places_of(self.then)
        for number, action in self.steps:
            if not any(subject and action.can_act_on(subject) for subject in subjects):
                message = f"{action.do} has nothing to act on: the rule listens to {told} only"
                yield fault(wrong(message), places[number])


def subject_of(word: str) -> Subject | None:
    """What a word of `when` is news of; None for what happened elsewhere, which may be about anything."""
    if word.startswith(EXTERNAL):
        return None
    if is_moment(word):
        return Subject.NOTHING if isinstance(read_moment(word), ClockMoment) else Subject.APPOINTMENT
    return SUBJECTS[Trigger(word)]


_SUBJECTS_SAID: Mapping[Subject, str] = {
    Subject.APPOINTMENT: "appointments",
    Subject.DELETED_APPOINTMENT: "deleted appointments",
    Subject.SERVICE_BOOKING: "service bookings",
    Subject.CONTACT: "contacts",
    Subject.NOTHING: "times of the clock",
}


def places_of(then: Sequence[Action]) -> dict[int, Place]:
    """Where each step stands in its rule, by its number."""
    found: dict[int, Place] = {}

    def walk(actions: Sequence[Action], at: Place, first: int) -> None:
        for index, (number, action) in enumerate(numbered(actions, first)):
            found[number] = (*at, index)
            walk(action.otherwise, (*at, index, "otherwise"), number + 1)

    walk(then, ("then",), 0)
    return found
