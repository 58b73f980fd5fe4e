"""Words that mean nothing where they stand."""

from collections.abc import Iterator, Mapping
from typing import Final

from service.event_types import EXTERNAL
from service.trigger import Subject, Trigger
from workers.conduct_words import write_once_per
from workers.faults import Fault
from workers.known_facts import fact_named
from workers.moments import BookingMoment, is_moment, read_moment
from workers.rule import subject_of
from workers.scrutiny.draft import Draft, Written

NO_BOOKINGS: Final[Mapping[Subject, str]] = {Subject.CONTACT: "contacts", Subject.NOTHING: "times of the clock"}
"""What is about none."""

OVER: Final = frozenset({Trigger.CANCELLED, Trigger.NO_SHOW, Trigger.SHOWED, Trigger.DELETED})
"""What a booking is over with."""

NO_CONTACT: Final = frozenset({Subject.NOTHING})

ALWAYS_DONE: Final = frozenset({"add_note", "call", "alert"})


def pointless(draft: Draft) -> Iterator[Fault]:
    for written in draft.rules:
        yield from _otherwise(written)
        yield from _of_what_is_over(written)
        said = written.node.data if isinstance(written.node.data, dict) else {}
        for word, message in (*_of_no_booking(written), *_of_nothing_written(written)):
            if word in said:
                yield written.fault(message, (word,), key=True)
        if "debounce" not in said:
            yield from _never_quiet(written)


def _otherwise(written: Written) -> Iterator[Fault]:
    for place, action in written.steps:
        if action.otherwise and action.do in ALWAYS_DONE:
            message = f"{action.do} can always be done: its `otherwise` is for where it is held back, and no failure"
            yield written.fault(message, (*place, "otherwise"), key=True)


def _of_what_is_over(written: Written) -> Iterator[Fault]:
    """Steps that are left alone whenever the rule is asked, since the booking is over and it does not ask for that."""
    rule = written.entry.rule
    if (
        rule.quiet
        or rule.asks_about & {"status", "ends"}
        or not all(word in OVER or _after_end(word) for word in rule.when)
    ):
        return
    for place, action in written.steps:
        if action.writes():
            message = f"{action.do} is never done: the booking is over then, and the rule tests neither status nor ends"
            yield written.fault(message, (*place, "do"))


def _after_end(word: str) -> bool:
    moment = read_moment(word) if is_moment(word) else None
    return isinstance(moment, BookingMoment) and (moment.side, moment.anchor) == ("after", "end")


def _of_no_booking(written: Written) -> Iterator[tuple[str, str]]:
    """What goes by a booking, or by a contact, of a rule that hears of none."""
    rule = written.entry.rule
    subjects = {subject_of(word) for word in rule.when}
    if not subjects <= NO_BOOKINGS.keys():
        return
    heard = " and ".join(sorted(NO_BOOKINGS[subject] for subject in subjects if subject))
    means_nothing = f"means nothing here: the rule listens to {heard} only"
    if rule.not_after is not None:
        yield "not_after", f"not_after {means_nothing}"
    if rule.rollout is not None and subjects <= NO_CONTACT:
        yield "rollout", f"rollout {means_nothing}, which tell of nobody who could be chosen"
    match rule.once_per:
        case "appointment" | "series":
            nothing = True
        case "contact":
            nothing = subjects <= NO_CONTACT
        case tuple() as facts:
            nothing = all(fact_named(name, written.entry.names).of_booking for name in facts)
        case _:
            nothing = False
    if nothing:
        yield "once_per", f"once_per: {write_once_per(rule.once_per)} {means_nothing}"


def _of_nothing_written(written: Written) -> Iterator[tuple[str, str]]:
    """What is about writes, where there is nothing to write, or to hear of them."""
    rule = written.entry.rule
    if rule.override_people and not any(action.writes() - {"blocks"} for _, action in written.steps):
        yield (
            "override_people",
            "override_people means nothing here: no step writes what somebody else may have changed",
        )
    if rule.on_own_changes and all(is_moment(word) or word.startswith(EXTERNAL) for word in rule.when):
        yield "on_own_changes", "on_own_changes means nothing here: no write of a rule sets off what it listens to"


def _never_quiet(written: Written) -> Iterator[Fault]:
    """What the file says of every rule is left out in silence, but where its author may count on it."""
    rule = written.entry.rule
    if rule.debounce is None or rule.quiet:
        return
    others = [word for word in rule.when if is_moment(word) or subject_of(word) in (None, Subject.CONTACT)]
    if len(others) < len(rule.when):
        message = f"the file's debounce does not hold for it: {others[0]} is no change of a booking"
        yield written.fault(f"{message}, and what is must be in a rule of its own", ("when",), key=True)
