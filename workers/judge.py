"""The first half of a delivery: what it means, and what every rule that listens says to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from service.event import Event
from service.highlevel.appointments import GetAppointment
from service.highlevel.errors import NotFound
from service.highlevel.operation import Api
from service.store.appointments import LastSeen
from service.store.conduct import Limit
from service.store.deliveries import Delivery
from service.store.locations import Location
from service.store.verdicts import Verdict
from service.trigger import Booking, differences, doubt, stale, triggers
from workers.changes import words_for
from workers.conditions import Check, judge
from workers.event_facts import facts_of
from workers.moments import too_late
from workers.rule import Rule
from workers.rulebook import Entry, Rulebook

SENT_ALONG = frozenset({"status", "assignee"})
"""What a write of ours sends along though it does not change it: only that can it undo."""

STRICTEST_FIRST = ("off", "shadow", "live")


@dataclass(frozen=True)
class Meaning:
    """What a delivery means: `was` before it, `seen` with it, and everything that it is news of.

    `seen` is None for an external event that is about no appointment.
    """

    event: Event
    was: Booking | None
    seen: LastSeen | None
    triggers: frozenset[str]
    at: datetime
    missed: str | None = None
    """Why nobody is asked about the moment that set it off: how late it is."""
    own: frozenset[str] = frozenset()
    """What it is news of besides, for rules that say `on_own_changes`: writes of ours that it brings back."""
    before_own: Booking | None = None
    """The booking before those writes."""


@dataclass(frozen=True)
class NoNews:
    """The delivery says nothing that a rule could be asked about, and why; `state` is how it ends."""

    reason: str
    state: Literal["done", "failed"] = "done"


async def meaning(
    api: Api, delivery: Delivery, last: LastSeen | None, location: Location, asked_at: datetime | None = None
) -> Meaning | NoNews:
    """Compare what was `last` seen with what is now, reading the appointment where the body is not to be trusted.

    A moment asked about too late is missed; what has changed meanwhile is news all the same. Raises HighLevelError when
    it must be read and cannot be.
    """
    event = delivery.read()
    at = event.said_at or delivery.received_at
    missed = too_late(at, event.until, asked_at) if event.until and asked_at else None
    # What happened elsewhere is news whatever became of the appointment.
    news = frozenset[str]() if missed else event.news
    if delivery.appointment_id is None:
        return Meaning(event, None, None, news, at, missed)
    told, seen = event.booking(), last.booking if last else None
    if told is not None and stale(told, last.heard if last else None):
        return NoNews("stale: something newer was seen before")
    if told is None or doubt(event.type, told, seen):
        try:
            now = Booking.of((await api(GetAppointment(event_id=delivery.appointment_id))).appointment)
        except NotFound:
            if seen is None:
                return NoNews("HighLevel does not know this appointment", "failed" if event.external else "done")
            now = seen.changed(deleted=True)
        if now.location_id != delivery.location_id:
            return NoNews("the appointment belongs to another location", "failed")
    else:
        now = told
    if told is not None and last is not None and (undone := _undone(told, last, now)):
        return NoNews(f"somebody changed its {undone} right before a write of ours that may have undone it", "failed")
    found = triggers(seen, now, connected=location.connected_at)
    now_seen = last.told(now) if last else LastSeen.first(now)
    before_own = last.before_ours if last else None
    own = triggers(before_own, now, connected=location.connected_at) - found if before_own else frozenset[str]()
    return Meaning(event, seen, now_seen, found | news, at, missed, own, before_own)


def _undone(told: Booking, last: LastSeen, now: Booking) -> str:
    """What somebody changed between our reading the booking and our writing it, as far as it is not there any more."""
    older = told.updated and last.booking.updated and told.updated < last.booking.updated
    if not older or differences(last.booking, now):
        return ""
    return words_for((differences(told, now) & SENT_ALONG) - last.ours.keys())


def verdicts(found: Meaning, rulebook: Rulebook, location: Location) -> list[Verdict]:
    """What each rule that listens says, before any acts; rules that are off are not asked."""
    judged = []
    for place, entry in enumerate(rulebook):
        mode = mode_of(entry, location)
        if mode == "off" or not holds_for(entry, location) or not heard(found, entry.rule, location):
            continue
        was = found.was if found.triggers & set(entry.rule.when) else found.before_own
        now = found.seen.booking if found.seen else None
        facts = facts_of(now, was=was, event=found.event, at=found.at, zone=location.zone, names=entry.names)
        judgement = judge(entry.rule.conditions, facts)
        checks = [check.model_dump(mode="json") for check in judgement.checks]
        judged.append(Verdict(place, entry.rule.name, mode, judgement.held, checks))
    return judged


def heard(found: Meaning, rule: Rule, location: Location) -> frozenset[str]:
    """What of it a rule listens to: of a moment only the rule it was laid for, while it is due for that rule still."""
    told = found.triggers | found.own if rule.on_own_changes else found.triggers
    listens, event = told & set(rule.when), found.event
    return listens if event.rule is None or _due(found, rule, location) else listens - event.news


def own_news(found: Meaning, judged: Sequence[Verdict], rulebook: Rulebook, location: Location) -> frozenset[str]:
    """What of our own writes a rule was asked for."""
    rules = [rulebook.entries[verdict.place].rule for verdict in judged]
    return frozenset[str]().union(*(heard(found, rule, location) & found.own for rule in rules))


def limited_by(rulebook: Rulebook, in_force: Rulebook, location: Location) -> Rulebook:
    """The rules with the limits that those of the same names have in force for a location."""
    limits = {entry.rule.name: entry.rule.most for entry in in_force if holds_for(entry, location)}
    return replace(rulebook, entries=tuple(_limited(entry, limits) for entry in rulebook))


def _limited(entry: Entry, limits: Mapping[str, Limit | None]) -> Entry:
    rule = entry.rule
    if limits.get(rule.name, rule.most) == rule.most:
        return entry
    return replace(entry, rule=rule.model_copy(update={"limit": limits[rule.name]}))


def _due(found: Meaning, rule: Rule, location: Location) -> bool:
    """Whether the moment that a delivery tells of is one that this rule waits for still."""
    if found.event.rule != rule.name or not found.event.news <= set(rule.when):
        return False
    if found.seen is None:
        return True
    due = ((moment.words, instant) for moment, instant in rule.due(found.seen.booking, location.zone))
    return any(words in found.event.news and instant == found.at for words, instant in due)


def missed(found: Meaning, rulebook: Rulebook, location: Location) -> Verdict | None:
    """Of the rule that waits still for the moment which a delivery tells of too late, unless it is asked for another
    reason."""
    if found.missed is None:
        return None
    [moment] = found.event.news
    for place, entry in enumerate(rulebook):
        mode = mode_of(entry, location)
        if mode == "off" or not holds_for(entry, location) or not _due(found, entry.rule, location):
            continue
        if not heard(found, entry.rule, location):
            return unasked(place, entry.rule.name, mode, moment, found.missed)
    return None


def unasked(place: int, rule: str, mode: str, moment: str, why: str) -> Verdict:
    """Of a rule that would have been asked at a moment, had that not been missed."""
    check = Check(fact="moment", test="in time", expected=moment, actual=why, held=False)
    return Verdict(place, rule, mode, False, [check.model_dump(mode="json")])


def mode_of(entry: Entry, location: Location) -> str:
    """The stricter of the rule's and the location's."""
    return min(entry.rule.mode, location.mode, key=STRICTEST_FIRST.index)


def holds_for(entry: Entry, location: Location) -> bool:
    return entry.location in (None, location.location_id, location.name)
