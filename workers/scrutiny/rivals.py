"""Rivals: rules that may want the same booking otherwise, and rules that never get their turn."""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, Final

from service.trigger import STATUS_TRIGGERS, Trigger
from workers.actions import Action, Retitle, SetStatus
from workers.conditions import Question
from workers.faults import Fault
from workers.rule_index import calendars_of
from workers.scrutiny.draft import Draft, Written
from workers.scrutiny.possibility import by_fact, exclude, required

MOST_TOLD = 3
"""Rivals of one rule that are named."""

HOW = frozenset({"conditions", "otherwise", "on_error"})
"""Words of a step that do not tell what it writes."""

CERTAIN: Final = (SetStatus, Retitle)
"""Actions that need nobody to be free for them, and nothing; `cancel` stops at a limit."""

ASKS_FOR_OVER: Final = frozenset({"status", "ends"})
"""Facts of which a rule asks one where it means bookings that are over, too; any other leaves them alone."""

MOST_COMPARED = 50
"""Rules before one that it is compared with, the nearest: thousands that listen alike are looked through in no time."""

ANY: Final = object()
"""Any location, or any calendar; None is a rule's that asks for none."""

CHANGES = frozenset({Trigger.RESCHEDULED, Trigger.REASSIGNED, *STATUS_TRIGGERS.values()})
"""What is `updated` as well."""


@dataclass(frozen=True)
class Rival:
    """A rule, with what of it is asked again and again."""

    written: Written
    place: int

    @cached_property
    def writes(self) -> Mapping[str, list[Sequence[object]]]:
        """How it writes each field; two rules that write alike are no rivals."""
        found: dict[str, list[Sequence[object]]] = {}
        for _, action in self.written.steps:
            for field in action.writes() - {"blocks"}:
                found.setdefault(field, []).append(_said(action))
        return found

    @cached_property
    def only_writes(self) -> bool:
        """Whether nothing is left of it where another rule writes its fields first."""
        return all(action.writes() - {"blocks"} for _, action in self.written.steps)

    @cached_property
    def surely_writes(self) -> frozenset[str]:
        """What it writes, or finds written, whenever it holds and may act: nobody may be free, and a time be taken."""
        found: set[str] = set()
        for action in self.written.entry.rule.then:
            if _is_certain(action):
                found |= action.writes()
            elif _may_end_it(action):
                break
        return frozenset(found)

    @cached_property
    def asked(self) -> Mapping[str, Sequence[Question]]:
        """What must hold, by fact."""
        return by_fact(required(self.written.entry.rule.conditions))

    @cached_property
    def tests(self) -> frozenset[tuple[str, str, Any]]:
        every = required(self.written.entry.rule.conditions)
        return frozenset((each.fact.name, each.test, each.operand) for each in every)

    @cached_property
    def plain(self) -> bool:
        """Whether it acts whenever it is asked and its tests hold."""
        rule = self.written.entry.rule
        if rule.rollout or rule.once_per or rule.most or rule.moments or rule.debounce or rule.not_after:
            return False
        return len(rule.conditions.parts) == len(list(required(rule.conditions)))

    def apart(self, other: "Rival") -> bool:
        """Whether the two never hold of one booking."""
        mine, theirs = self.asked, other.asked
        return any(
            exclude(one, two) for fact in mine.keys() & theirs.keys() for one in mine[fact] for two in theirs[fact]
        )

    def covers(self, other: "Rival") -> bool:
        """Whether it is asked whenever the other is, and holds whenever it does, as far as their words tell."""
        mine, theirs = self.written.entry, other.written.entry
        heard = {*mine.rule.when} | (CHANGES if Trigger.UPDATED in mine.rule.when else frozenset())
        if theirs.rule.quiet or (theirs.rule.on_own_changes and not mine.rule.on_own_changes):
            return False  # It is asked once more.
        return (
            self.plain
            and mine.location in (None, theirs.location)
            and heard.issuperset(theirs.rule.when)
            and self.tests <= other.tests
        )

    def leaves_nothing_to(self, other: "Rival") -> bool:
        """Whether the other, which it covers, cannot do anything after it."""
        mine, theirs = self.written.entry.rule, other.written.entry.rule
        if mine.stop_others:
            return True
        if theirs.override_people and not mine.override_people:
            return False
        if theirs.asks_about & ASKS_FOR_OVER and not mine.asks_about & ASKS_FOR_OVER:
            return False  # What is over is left to it.
        return other.only_writes and other.writes.keys() <= self.surely_writes


def rivals(draft: Draft) -> Iterator[Fault]:
    """Each rule with those before it that may write the same field at the same event, or leave it nothing to do."""
    before = _Before()
    for place, written in enumerate(draft.rules):
        if written.entry.rule.mode == "off":
            continue
        rival = Rival(written, place)
        yield from _of_one(rival, before.near(written))
        if rival.writes or written.entry.rule.stop_others:
            before.add(rival)


class _Before:
    """The rules that came before, the nearest of them, by what they listen to, where, and the calendars that they ask
    for: also by any of these, so that whoever asks for none of them needs not look through all."""

    def __init__(self) -> None:
        self._known: defaultdict[tuple[str, object, object], deque[Rival]]
        self._known = defaultdict(lambda: deque(maxlen=MOST_COMPARED))

    def add(self, rival: Rival) -> None:
        entry = rival.written.entry
        calendars = calendars_of(entry.rule.conditions) or (None,)
        for key in product(set(entry.rule.when), (entry.location, ANY), (*calendars, ANY)):
            self._known[key].append(rival)

    def near(self, written: Written) -> list[Rival]:
        """Those that may be asked about the same event, the last ones, in order."""
        entry = written.entry
        calendars = calendars_of(entry.rule.conditions)
        words = {word for heard in entry.rule.when for word in _heard_as(heard)}
        locations = (ANY,) if entry.location is None else (entry.location, None)
        keys = product(words, locations, (ANY,) if calendars is None else (*calendars, None))
        found = {rival.place: rival for key in keys for rival in self._known.get(key, ())}
        return [found[place] for place in sorted(found)[-MOST_COMPARED:]]


def _heard_as(word: str) -> Iterable[str]:
    """The words at which a delivery of this one may set off other rules."""
    if word == Trigger.UPDATED:
        return (word, *CHANGES)
    return (word, Trigger.UPDATED) if word in CHANGES else (word,)


def _of_one(rival: Rival, others: Iterable[Rival]) -> Iterator[Fault]:
    written, rule = rival.written, rival.written.entry.rule
    told: list[str] = []
    for other in others:
        before = other.written.entry.rule
        if before.mode != rule.mode or not (before.stop_others or rival.writes.keys() & other.writes.keys()):
            continue
        if rival.apart(other):
            continue
        if other.covers(rival) and other.leaves_nothing_to(rival):
            how = "stops those after it" if before.stop_others else "writes the same first"
            yield written.fault(
                f"it never gets its turn: {before.name}, which comes before it, asks for no more and {how}"
            )
            return
        fields = sorted(each for each, how in rival.writes.items() if other.writes.get(each, how) != how)
        if fields and not before.stop_others:
            told.append(f"{before.name} ({' and '.join(fields)})")
    if told:
        names = ", ".join(told[:MOST_TOLD]) + (" and others" if len(told) > MOST_TOLD else "")
        yield written.fault(f"it may write otherwise what {names} writes at the same event; the first in order wins")


def _is_certain(action: Action) -> bool:
    return isinstance(action, CERTAIN) and not action.facts


def _may_end_it(action: Action) -> bool:
    """Whether nothing comes after it where it fails, or what is done otherwise does."""
    return not _is_certain(action) and (action.on_error == "stop" or any(map(_may_end_it, action.otherwise)))


def _said(action: Action) -> Sequence[object]:
    """What it does: the same for those that write alike."""
    return [getattr(action, word) for word in type(action).model_fields if word not in HOW]
