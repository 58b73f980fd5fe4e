"""Rules that can never hold: they are refused, for nobody means them."""

from collections.abc import Iterator
from typing import Final

from service.trigger import STATUS_TRIGGERS, Subject, Trigger
from workers.conditions import Conditions, Question
from workers.contact_facts import CONTACT
from workers.facts import MISSING
from workers.faults import Fault
from workers.moments import BookingMoment
from workers.rule import subject_of
from workers.scrutiny.draft import Draft, Written
from workers.scrutiny.possibility import contradiction, denied, required, ways
from workers.values import write_duration
from workers.words import Place

WITHOUT_BOOKING: Final = {Subject.CONTACT: "a contact", Subject.NOTHING: "a time of the clock"}
"""What may be about no booking, and so has none of its facts."""

OF_STATUS: Final = frozenset(STATUS_TRIGGERS.values())

WAS: Final = "was."

NOTICE: Final = "notice"

ALWAYS_THERE: Final = {"starts": "a start", "ends": "an end", "duration": "a length", NOTICE: "a start"}
"""Facts that no appointment is without."""

NEVER_NEGATIVE: Final = frozenset(
    {"duration", "load", "clashes", "series.count", f"{CONTACT}bookings", f"{CONTACT}no_shows"}
)
"""Facts that are counted, or measured from nothing on."""


def impossible(draft: Draft) -> Iterator[Fault]:
    for written in draft.rules:
        yield from _contradictory(written, written.entry.rule.conditions, ("if",))
        for place, action in written.steps:
            yield from _contradictory(written, action.conditions, (*place, "if"))
        if written.listens:
            yield from _against_status(written)
            yield from _about_nothing(written)
            yield from _at_its_moment(written)
            yield from _without_time(written)


def _contradictory(written: Written, conditions: Conditions, place: Place) -> Iterator[Fault]:
    for own, together in ways(conditions):
        if found := contradiction(together, own):
            one, other = found
            what = "one of `any`" if other.under else "it"
            message = (
                f"{what} can never hold: {one.fact.name} {one.test} {one.expected} and {other.test} {other.expected} "
                "exclude each other; one of several is `any`"
            )
            yield written.fault(message, (*place, *other.place, other.test), key=True)
        for question in own:
            if _below_nothing(question):
                message = f"it can never hold: {question.fact.name} is never less than {question.expected}"
                yield written.fault(message, (*place, *question.place, question.test), key=True)
    if said := denied(conditions):
        message = (
            f"it can never hold: {said.fact.name} {said.test} {said.expected} is asked for, and denied under `not`"
        )
        yield written.fault(message, (*place, *said.place), key=True)


def _below_nothing(question: Question) -> bool:
    """Whether it asks for less than none of what is counted or measured."""
    if question.fact.name not in NEVER_NEGATIVE or question.test != "less_than" or question.referring:
        return False
    none = type(question.operand)()
    return bool(question.operand <= none)


def _against_status(written: Written) -> Iterator[Fault]:
    """Every trigger of the rule means a status that its conditions leave out."""
    rule = written.entry.rule
    if not OF_STATUS.issuperset(rule.when):
        return
    meant = sorted(status for status, word in STATUS_TRIGGERS.items() if word in rule.when)
    for question in required(rule.conditions):
        if _of_status(question) and not any(question.comparison.holds(status, question.operand) for status in meant):
            told = " and ".join(sorted(rule.when))
            message = f"it can never hold: at {told} the status is {' or '.join(meant)}"
            yield written.fault(message, ("if", *question.place, question.test), key=True)


def _of_status(question: Question) -> bool:
    return question.fact.name == "status" and not question.referring


def _about_nothing(written: Written) -> Iterator[Fault]:
    """It asks for what is always missing at what it listens to."""
    rule = written.entry.rule
    created = set(rule.when) == {Trigger.CREATED}
    subjects = set() if created else {subject_of(word) for word in rule.when}
    if not created and not subjects <= WITHOUT_BOOKING.keys():
        return
    for question in required(rule.conditions):
        if question.comparison.holds(MISSING, question.operand):
            continue
        name, why = question.fact.name, ""
        if question.fact.of_booking and not created:
            told = " and ".join(sorted(WITHOUT_BOOKING[subject] for subject in subjects if subject))
            why = f"{name} is of a booking, and {told} has none"
        elif name.startswith(WAS) and created:
            why = f"{name} is missing at {Trigger.CREATED}, before which there was no booking"
        if why:
            yield written.fault(f"it can never hold: {why}", ("if", *question.place), key=True)


def _at_its_moment(written: Written) -> Iterator[Fault]:
    """Each moment that it waits for fixes how long before the start that is."""
    rule = written.entry.rule
    fixed = [
        moment.length if moment.side == "before" else -moment.length
        for moment in rule.moments
        if isinstance(moment, BookingMoment) and moment.anchor == "start" and moment.clock is None
    ]
    if not fixed or len(fixed) < len(rule.when):
        return
    for question in required(rule.conditions):
        if question.fact.name != NOTICE or question.referring:
            continue
        if not any(question.comparison.holds(notice, question.operand) for notice in fixed):
            told = " and ".join(moment.words for moment in rule.moments)
            message = f"it can never hold: {told}, notice is {' or '.join(map(write_duration, fixed))}"
            yield written.fault(message, ("if", *question.place, question.test), key=True)


def _without_time(written: Written) -> Iterator[Fault]:
    """It asks for a booking without a start or an end."""
    rule = written.entry.rule
    if {subject_of(word) for word in rule.when} != {Subject.APPOINTMENT}:
        return
    for question in required(rule.conditions):
        if question.fact.name in ALWAYS_THERE and question.test == "is" and question.operand is MISSING:
            message = f"it can never hold: a booking always has {ALWAYS_THERE[question.fact.name]}"
            yield written.fault(message, ("if", *question.place), key=True)
