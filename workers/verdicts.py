"""Verdicts: what every rule that listens says to a delivery, before any acts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from service.store.locations import Location
from service.store.verdicts import Verdict
from workers.conditions import Check, Judgement
from workers.conduct_words import write_pause
from workers.facts import Facts
from workers.inquiry import judged
from workers.judge import Meaning, heard, mode_of
from workers.known_facts import facts_of
from workers.lookups import Lookup, Reading
from workers.rule import Rule
from workers.rulebook import Entry, Rulebook


@dataclass
class Judging:
    """Of one delivery. `looked` is what was looked up for it, which its steps use again."""

    found: Meaning
    rulebook: Rulebook
    location: Location
    overrides: Mapping[tuple[str, str], str]
    reading: Reading | None
    """None where nothing can be looked up: what hangs on that cannot be told."""
    looked: dict[Lookup, Any]
    bursts: list[Rule] = field(default_factory=list)
    """The rules that wait until nothing has changed for a while, and are asked then."""
    _stopped: dict[str, str] = field(default_factory=dict)
    """By mode, the rule that stops those after it."""
    _facts: dict[tuple[int, bool], Facts] = field(default_factory=dict)

    async def verdicts(self) -> list[Verdict]:
        """In the order of the rulebook; rules that are off are not asked. Raises HighLevelError."""
        found, booking = self.found, self.found.seen.booking if self.found.seen else None
        calendar_id = booking.calendar_id if booking else found.event.calendar_id
        places = self.rulebook.index.listening(found.triggers | found.own, self.location, calendar_id)
        given = [await self._verdict(place, self.rulebook.entries[place]) for place in places]
        return [verdict for verdict in given if verdict]

    async def _verdict(self, place: int, entry: Entry) -> Verdict | None:
        mode = mode_of(entry, self.location, self.overrides)
        if mode_of(entry, self.location) == "off" or not heard(self.found, rule := entry.rule, self.location):
            return None
        if mode == "off":
            lifted = f"slotwright rules release {rule.name}"
            return _given(place, rule, mode, False, [Check("override", "is", "none", f"off, until {lifted}", False)])
        against = self._stopped_by(mode) or self._left_out(rule)
        if against:
            return _given(place, rule, mode, False, [against])
        if rule.quiet and rule.debounce and self.found.seen and rule.quiet not in self.found.triggers:
            self.bursts.append(rule)
            quiet = f"quiet for {write_pause(rule.debounce)}"
            told = f"asked once it has been {quiet}"
            return _given(place, rule, mode, False, [Check("debounce", "is", quiet, told, None)])
        judgement = await self._judged(entry)
        if judgement.held and rule.stop_others:
            self._stopped.setdefault(mode, rule.name)
        held = None if judgement.wanting else judgement.held
        return _given(place, rule, mode, held, judgement.checks)

    async def _judged(self, entry: Entry) -> Judgement:
        return await judged(entry.rule.conditions, self._facts_for(entry), self.reading, self.looked)

    def _facts_for(self, entry: Entry) -> Facts:
        """The same for all rules of a file, but that those of our own writes see another booking before."""
        found = self.found
        theirs = bool(found.triggers & entry.rule.listens_to)
        known = self._facts.get((id(entry.names), theirs))
        if known is None:
            known = self._facts[id(entry.names), theirs] = facts_of(
                found.seen.booking if found.seen else None,
                was=found.was if theirs else found.before_own,
                event=found.event,
                at=found.at,
                zone=self.location.zone,
                names=entry.names,
                looked=self.looked,
            )
        return known

    def _stopped_by(self, mode: str) -> Check | None:
        """A rule in shadow stops no live one."""
        rule = self._stopped.get("live") or self._stopped.get(mode)
        if rule is None:
            return None
        return Check(fact="stop_others", test="by", expected=rule, actual="not asked", held=False)

    def _left_out(self, rule: Rule) -> Check | None:
        """Whether the booking is not among those that a rule is rolled out to."""
        if rule.rollout is None:
            return None
        seen, event = self.found.seen, self.found.event
        drawn = lot(seen.booking.id if seen else event.contact_id or str(event.key))
        if drawn < rule.rollout:
            return None
        said = f"the booking drew {drawn}"
        return Check(fact="rollout", test="is", expected=f"{rule.rollout}%", actual=said, held=False)


def lot(subject: str) -> int:
    """From 0 to 99; always the same for the same subject."""
    return int.from_bytes(sha256(subject.encode()).digest()[:8], "big") % 100


def _given(place: int, rule: Rule, mode: str, held: bool | None, checks: Sequence[Check]) -> Verdict:
    return Verdict(place, rule.name, mode, held, [check._asdict() for check in checks])
