"""Remarks: what an author may not have meant, rule by rule. They refuse nothing."""

from collections.abc import Iterator
from datetime import time
from typing import Final

from workers.actions import Action
from workers.conditions import Conditions, questions
from workers.conduct_words import write_limit
from workers.faults import Fault
from workers.known_facts import fact_named
from workers.scrutiny.draft import Draft, Written
from workers.scrutiny.possibility import ALL_DAY, minutes, required

DAY: Final = (time(8), time(21))
"""When nobody minds being told something."""

NIGHT: Final = (1 << 6 * 60) - 1
"""The minutes of a day, as bits, that whoever wrote of the clock has not meant to disturb if they are left out."""

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
        if _waits_for_the_day(written) or _asks_for_the_day(written.entry.rule.conditions):
            continue
        for place, action in written.steps:
            if _notifies(action) and not _asks_for_the_day(action.conditions):
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


def _asks_for_the_day(conditions: Conditions) -> bool:
    """Whether `now` is asked for in a way that leaves out the night, as far as can be told; what is said of it under
    `any` and `not` was thought about."""
    needed = [question for question in required(conditions) if question.fact.name == "now"]
    others = sum(question.fact.name == "now" and question.test != "on" for question in questions(conditions))
    left, by_the_clock = ALL_DAY, 0
    for question in needed:
        if question.test == "outside":
            return True
        if (mine := minutes(question)) is not None:
            left, by_the_clock = left & mine, by_the_clock + 1
    return not left & NIGHT or others > by_the_clock


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


def pointless(draft: Draft) -> Iterator[Fault]:
    """Words that mean nothing where they stand."""
    for written in draft.rules:
        for place, action in written.steps:
            if action.otherwise and action.do in ("add_note", "call", "alert"):
                message = (
                    f"{action.do} can always be done: its `otherwise` is for where it is held back, and no failure"
                )
                yield written.fault(message, (*place, "otherwise"), key=True)
