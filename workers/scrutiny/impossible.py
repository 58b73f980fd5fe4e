"""Rules that can never hold: they are refused, for nobody means them. One way of several that cannot is told of."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from service.trigger import STATUS_TRIGGERS, Subject, Trigger
from workers.conditions import Conditions, Question
from workers.facts import MISSING
from workers.faults import Fault
from workers.kinds import Kind
from workers.moments import BookingMoment
from workers.rule import Rule, subject_of
from workers.scrutiny.draft import Draft, Written
from workers.scrutiny.possibility import always, contradiction, denied, never, required, several
from workers.values import write_duration
from workers.words import Place

WITHOUT_BOOKING: Final = {Subject.CONTACT: "a contact", Subject.NOTHING: "a time of the clock"}
"""What may be about no booking, and so has none of its facts."""

OF_STATUS: Final = frozenset(STATUS_TRIGGERS.values())

WAS: Final = "was."

NOTICE: Final = "notice"

ALWAYS_THERE: Final = {"starts": "a start", "ends": "an end", "duration": "a length", NOTICE: "a start"}
"""Facts that no appointment is without."""

ONE_OF_SEVERAL: Final = "; one of several is `any`"


@dataclass(frozen=True)
class Reason:
    """Why conditions can never hold, and where that stands in them; `inner`: in a way of an `any`."""

    why: str
    place: Place
    hint: str = ""
    inner: bool = False


Reasons = Callable[[Question], Iterator[Reason]]
"""Why a test can never hold by itself."""


def impossible(draft: Draft) -> Iterator[Fault]:
    for written, place, conditions, asker in _every(draft):
        for reason in asker.closed(conditions)[0]:
            what = "none of `any` can hold" if reason.inner else "it can never hold"
            yield written.fault(f"{what}: {reason.why}{reason.hint}", (*place, *reason.place), key=True)


def dead_ends(draft: Draft) -> Iterator[Fault]:
    """Ways that can never hold, where there are others."""
    for written, place, conditions, asker in _every(draft):
        if next(several(conditions), None) is None:
            continue
        for reason in asker.closed(conditions)[1]:
            message = f"one of `any` can never hold, and is as good as not there: {reason.why}"
            yield written.fault(message, (*place, *reason.place), key=True)


def _every(draft: Draft) -> Iterator[tuple[Written, Place, Conditions, "_Asker"]]:
    """All conditions of all rules, with where they stand."""
    for written in draft.rules:
        rule, whole = written.entry.rule, written.read.left is None
        if rule.conditions.parts:
            at_its_triggers = _AtItsTriggers(rule) if written.listens else _by_itself
            yield written, ("if",), rule.conditions, _Asker(at_its_triggers, whole)
        for place, action in written.steps:
            if action.conditions.parts:
                yield written, (*place, "if"), action.conditions, _Asker(_by_itself, whole)


@dataclass(frozen=True)
class _Asker:
    """`whole`: all of the rule could be read. Under `not` there may be less than there was, which denies more."""

    of_one: Reasons
    whole: bool

    def closed(self, conditions: Conditions, outer: tuple[Question, ...] = ()) -> tuple[list[Reason], list[Reason]]:
        """Why they cannot hold where `outer` holds besides, and why some ways cannot that they can do without."""
        own = tuple(required(conditions))
        found = [reason for question in own for reason in self.of_one(question)]
        idle: list[Reason] = []
        if pair := contradiction((*outer, *own), own):
            one, other = pair
            why = f"{one.fact.name} {one.test} {one.expected} and {other.test} {other.expected} exclude each other"
            found.append(Reason(why, (*other.place, other.test), ONE_OF_SEVERAL))
        if self.whole and (said := denied(conditions, outer)):
            how = "always holds, and is denied" if always(said) else "is asked for, and denied"
            why = f"{said.fact.name} {said.test} {said.expected} {how} under `not`"
            found.append(Reason(why, said.place))
        for each in several(conditions):
            ways = [self.closed(way, (*outer, *own)) for way in each.parts]
            dead = [Reason(reason.why, reason.place, inner=True) for reasons, _ in ways for reason in reasons]
            (found if all(reasons for reasons, _ in ways) else idle).extend(dead)
            idle.extend(reason for reasons, others in ways if not reasons for reason in others)
        return found, idle


def _by_itself(question: Question) -> Iterator[Reason]:
    if never(question):
        never_so = f"{question.test} {question.expected}"
        if question.fact.kind is not Kind.MOMENT:
            nothing = "0m" if question.fact.kind is Kind.DURATION else "0"
            never_so = f"less than {question.expected if question.test == 'less_than' else nothing}"
        yield Reason(f"{question.fact.name} is never {never_so}", (*question.place, question.test))


@dataclass(frozen=True)
class _AtItsTriggers:
    """Why a test can never hold at what its rule listens to."""

    rule: Rule

    def __call__(self, question: Question) -> Iterator[Reason]:
        yield from _by_itself(question)
        if question.fact.name == "status" and not question.referring:
            yield from self._against_status(question)
        yield from self._about_nothing(question)
        if question.fact.name == NOTICE and not question.referring:
            yield from self._at_its_moment(question)
        yield from self._without_time(question)

    def _against_status(self, question: Question) -> Iterator[Reason]:
        """Every trigger of the rule means a status that it leaves out. When it has been quiet it may be another."""
        if self.rule.quiet or not OF_STATUS.issuperset(self.rule.when):
            return
        meant = sorted(status for status, word in STATUS_TRIGGERS.items() if word in self.rule.when)
        if not _holds_of_any(question, meant):
            told = " and ".join(sorted(self.rule.when))
            why = f"at {told} the status is {' or '.join(meant)}"
            yield Reason(why, (*question.place, question.test))

    def _about_nothing(self, question: Question) -> Iterator[Reason]:
        """It asks for what is always missing at what the rule listens to."""
        rule = self.rule
        created = set(rule.when) == {Trigger.CREATED} and not rule.quiet
        subjects = {subject_of(word) for word in rule.when}
        without = subjects <= WITHOUT_BOOKING.keys()
        if not (created or without) or question.comparison.holds(MISSING, question.operand):
            return
        name = question.fact.name
        if question.fact.of_booking and without:
            told = " and ".join(sorted(WITHOUT_BOOKING[subject] for subject in subjects if subject))
            yield Reason(f"{name} is of a booking, and {told} has none", question.place)
        elif name.startswith(WAS) and created:
            yield Reason(f"{name} is missing at {Trigger.CREATED}, before which there was no booking", question.place)

    def _at_its_moment(self, question: Question) -> Iterator[Reason]:
        """Each moment that the rule waits for fixes how long before the start that is."""
        fixed = [
            moment.length if moment.side == "before" else -moment.length
            for moment in self.rule.moments
            if isinstance(moment, BookingMoment) and moment.anchor == "start" and moment.clock is None
        ]
        if fixed and len(fixed) == len(self.rule.when) and not _holds_of_any(question, fixed):
            told = " and ".join(moment.words for moment in self.rule.moments)
            why = f"{told}, notice is {' or '.join(map(write_duration, fixed))}"
            yield Reason(why, (*question.place, question.test))

    def _without_time(self, question: Question) -> Iterator[Reason]:
        """It asks for a booking without a start or an end."""
        what = ALWAYS_THERE.get(question.fact.name)
        missing = question.test == "is" and question.operand is MISSING
        if what and missing and {subject_of(word) for word in self.rule.when} == {Subject.APPOINTMENT}:
            yield Reason(f"a booking always has {what}", question.place)


def _holds_of_any(question: Question, values: Iterable[object]) -> bool:
    holds: Callable[[Any, Any], bool | None] = question.comparison.holds
    return any(holds(value, question.operand) for value in values)
