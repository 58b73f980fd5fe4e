"""Remarks: what an author may not have meant, rule by rule. They refuse nothing."""

from collections.abc import Iterator
from datetime import time
from typing import Final

from workers.actions import Action
from workers.conditions import Conditions
from workers.conduct_words import write_limit
from workers.faults import Fault
from workers.known_facts import fact_named
from workers.scrutiny.draft import Draft, Written
from workers.scrutiny.nights import left_out

DAY: Final = (time(8), time(21))
"""When nobody minds being told something."""

OUTWARD: Final = {"alert": ("text", "channels that others read"), "call": ("body", "another system")}
"""What leaves HighLevel: the word that its texts stand under, and where they go."""


def unlimited(draft: Draft) -> Iterator[Fault]:
    """`cancel` without a limit that somebody has thought about."""
    for written in draft.rules:
        rule = written.entry.rule
        for place, action in written.steps:
            if action.do == "cancel" and rule.limit is None:
                message = f"it cancels up to {write_limit(rule.most)} in a location, for the rule says no `limit`"
                yield written.fault(f"{message}; say how many it may be, as in limit: 5 per day", place)


def at_night(draft: Draft) -> Iterator[Fault]:
    """A client who is told of something may be told at night."""
    for written in draft.rules:
        if _waits_for_the_day(written):
            continue
        for place, action in written.steps:
            if _notifies(action) and not left_out(Conditions((written.entry.rule.conditions, action.conditions))):
                message = (
                    "the client may be told of it at night, if what sets it off comes then; "
                    "if: {now: {between: [08:00, 20:00]}} on the step leaves alone what comes at night"
                )
                yield written.fault(message, (*place, "notify"), key=True)


def _notifies(action: Action) -> bool:
    return getattr(action, "notify", False) in (True, "if_start_changes")


def _waits_for_the_day(written: Written) -> bool:
    """Whether it listens to nothing but clock times of the day."""
    rule = written.entry.rule
    clocks = [moment.clock for moment in rule.moments if moment.clock is not None]
    return len(clocks) == len(rule.when) and all(DAY[0] <= clock < DAY[1] for clock in clocks)


def personal(draft: Draft) -> Iterator[Fault]:
    """What is known of a contact leaves the house in a text of `alert` or `call`."""
    for written in draft.rules:
        for place, action in written.steps:
            if action.do not in OUTWARD:
                continue
            names = written.entry.names
            facts = sorted(name for name in action.mentioned if fact_named(name, names).personal)
            word, where = OUTWARD[action.do]
            if facts:
                yield written.fault(f"{action.do} sends {' and '.join(facts)}, of a person, to {where}", (*place, word))


def circular(draft: Draft) -> Iterator[Fault]:
    """A text that is built from what it writes grows each time that it is written."""
    for written in draft.rules:
        if written.entry.rule.once_per == "appointment":
            continue
        for place, action in written.steps:
            for word in ("text", "prefix") if action.do == "retitle" else ():
                text = getattr(action, word)
                if text is not None and "title" in text.facts:
                    message = (
                        "the title is built from the title, and may grow each time that the rule acts: `prefix` is put "
                        "before it once, and once_per: appointment does it once"
                    )
                    yield written.fault(message, (*place, word))
