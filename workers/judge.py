"""The first half of a delivery: what it means, and what every rule that listens says to it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from service.event import Event
from service.highlevel.appointments import GetAppointment
from service.highlevel.errors import NotFound
from service.highlevel.operation import Api
from service.store import appointments
from service.store.appointments import LastSeen
from service.store.database import Pool
from service.store.deliveries import Delivery
from service.store.locations import Location
from service.store.verdicts import Verdict
from service.trigger import Booking, differences, doubt, stale, triggers
from workers.changes import words_for
from workers.conditions import judge
from workers.event_facts import facts_of
from workers.rulebook import Entry, Rulebook

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


@dataclass(frozen=True)
class NoNews:
    """The delivery says nothing that a rule could be asked about, and why; `state` is how it ends."""

    reason: str
    state: Literal["done", "failed"] = "done"


async def meaning(pool: Pool, api: Api, delivery: Delivery, location: Location) -> Meaning | NoNews:
    """Compare what was last seen with what is now, reading the appointment where the body is not to be trusted.

    Raises HighLevelError when it must be read and cannot be.
    """
    event = delivery.read()
    at = event.said_at or delivery.received_at
    # What happened elsewhere is news whatever became of the appointment.
    news = frozenset({event.type}) if event.external else frozenset[str]()
    if delivery.appointment_id is None:
        return Meaning(event, None, None, news, at)
    async with pool.acquire() as connection:
        last = await appointments.find(connection, delivery.location_id, delivery.appointment_id)
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
    return Meaning(event, seen, now_seen, found | news, at)


def _undone(told: Booking, last: LastSeen, now: Booking) -> str:
    """What somebody changed between our reading the booking and our writing it, as far as it is not there any more."""
    older = told.updated and last.booking.updated and told.updated < last.booking.updated
    if not older or differences(last.booking, now):
        return ""
    return words_for(differences(told, now) - last.ours.keys())


def verdicts(found: Meaning, rulebook: Rulebook, location: Location) -> list[Verdict]:
    """What each rule that listens says, before any acts; rules that are off are not asked."""
    judged = []
    for place, entry in enumerate(rulebook):
        mode = mode_of(entry, location)
        if mode == "off" or not holds_for(entry, location) or not found.triggers & set(entry.rule.when):
            continue
        now = found.seen.booking if found.seen else None
        facts = facts_of(now, was=found.was, event=found.event, at=found.at, zone=location.zone, names=entry.names)
        judgement = judge(entry.rule.conditions, facts)
        checks = [check.model_dump(mode="json") for check in judgement.checks]
        judged.append(Verdict(place, entry.rule.name, mode, judgement.held, checks))
    return judged


def mode_of(entry: Entry, location: Location) -> str:
    """The stricter of the rule's and the location's."""
    return min(entry.rule.mode, location.mode, key=STRICTEST_FIRST.index)


def holds_for(entry: Entry, location: Location) -> bool:
    return entry.location in (None, location.location_id, location.name)
