"""The first half of a delivery: what it means, and what every rule that listens says to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Final, Literal

from service.event import Event
from service.event_types import QUIET
from service.highlevel.appointments import GetAppointment
from service.highlevel.contacts import Contact
from service.highlevel.errors import NotFound
from service.highlevel.operation import Api
from service.highlevel.service_bookings import GetServiceBooking
from service.service_booking import booking_of, service_triggers
from service.store.appointments import LastSeen
from service.store.contacts import ContactSeen
from service.store.deliveries import Delivery
from service.store.locations import Location
from service.store.verdicts import Verdict
from service.trigger import Booking, Subject, differences, doubt, stale, triggers
from workers.changes import words_for
from workers.conditions import Check
from workers.moments import too_late
from workers.rule import Rule
from workers.rulebook import Entry, Rulebook

SENT_ALONG = frozenset({"status", "assignee"})
"""What a write of ours sends along though it does not change it: only that can it undo."""

STRICTEST_FIRST = ("off", "shadow", "live")

NO_OVERRIDES: Final[Mapping[tuple[str, str], str]] = MappingProxyType({})


@dataclass(frozen=True)
class Meaning:
    """What a delivery means: `was` before it, `seen` with it, and everything that it is news of.

    `seen` is None for what is about no booking: an event of a contact, or one from elsewhere that names none.
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
    contact: Contact | None = field(default=None, repr=False)
    """As it was just read, of an event that is about a contact."""
    contact_seen: ContactSeen | None = None
    own_rules: tuple[str, ...] = ()
    """By which rules the writes were that the event of a contact brings back."""

    @property
    def before(self) -> Booking | None:
        """The booking before what it is news of."""
        return self.was if self.triggers else self.before_own or self.was

    @property
    def subject(self) -> Subject:
        """What it is about."""
        if self.seen is not None:
            return self.seen.booking.subject
        return Subject.CONTACT if self.event.contact_id else Subject.NOTHING


@dataclass(frozen=True)
class NoNews:
    """The delivery says nothing that a rule could be asked about, and why; `state` is how it ends."""

    reason: str
    state: Literal["done", "failed"] = "done"
    gone: str | None = None
    """The contact of which nothing is to be remembered, for it is not there any more."""


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
    if event.of_service_booking or (seen and seen.subject is Subject.SERVICE_BOOKING):
        return await _of_service_booking(api, delivery, last, location, Meaning(event, None, None, news, at, missed))
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


async def _of_service_booking(
    api: Api, delivery: Delivery, last: LastSeen | None, location: Location, found: Meaning
) -> Meaning | NoNews:
    """It is always read: what is posted of one does not describe it. Were an event of an appointment to come under its
    id, which is not known, that would be a hint of the same."""
    was = last.booking if last and last.booking.subject is Subject.SERVICE_BOOKING else None
    assert delivery.appointment_id is not None
    try:
        now = booking_of(await api(GetServiceBooking(booking_id=delivery.appointment_id)))
    except NotFound:
        if was is None:
            return NoNews("HighLevel does not know this service booking")
        now = was.changed(deleted=True)
    if now.location_id != delivery.location_id:
        return NoNews("the service booking belongs to another location", "failed")
    seen = last.told(now) if last and was else LastSeen.first(now)
    news = service_triggers(was, now, connected=location.connected_at)
    return replace(found, was=was, seen=seen, triggers=found.triggers | news)


def _undone(told: Booking, last: LastSeen, now: Booking) -> str:
    """What somebody changed between our reading the booking and our writing it, as far as it is not there any more."""
    older = told.updated and last.booking.updated and told.updated < last.booking.updated
    if not older or differences(last.booking, now):
        return ""
    return words_for((differences(told, now) & SENT_ALONG) - last.ours.keys())


def heard(found: Meaning, rule: Rule, location: Location) -> frozenset[str]:
    """What of it a rule listens to: of a moment only the rule it was laid for, while it is due for that rule still."""
    own = found.own if rule.on_own_changes and not _has_enough(found, rule) else frozenset[str]()
    told = found.triggers | own
    listens, event = told & rule.listens_to, found.event
    return listens if event.rule is None or _due(found, rule, location) else listens - event.news


def own_news(found: Meaning, judged: Sequence[Verdict], rulebook: Rulebook, location: Location) -> frozenset[str]:
    """What of our own writes a rule was asked for."""
    rules = [rulebook.entries[verdict.place].rule for verdict in judged]
    return frozenset[str]().union(*(heard(found, rule, location) & found.own for rule in rules))


def limited_by(entry: Entry, in_force: Rulebook, location: Location) -> Entry:
    """The rule with the limit that the one of its name has in force for a location. Raises RulebookFaults."""
    now = in_force.named(entry.heading.name)
    if now is None or not holds_for(now, location) or now.rule.most == entry.rule.most:
        return entry
    return replace(entry, heading=entry.rule.model_copy(update={"limit": now.rule.most}), unread=None)


def _due(found: Meaning, rule: Rule, location: Location) -> bool:
    """Whether the moment that a delivery tells of is one that this rule waits for still."""
    if found.event.rule != rule.name or not found.event.news <= rule.listens_to:
        return False
    if found.seen is None or QUIET in found.event.news:
        return True
    if _has_enough(found, rule):
        return False
    due = ((moment.words, instant) for moment, instant in rule.due(found.seen.booking, location.zone))
    return any(words in found.event.news and instant == found.at for words, instant in due)


def _has_enough(found: Meaning, rule: Rule) -> bool:
    """Whether only what others do to this booking sets the rule off: whoever booked because of a booking of our making
    would book for ever, or two such rules by turns."""
    return rule.books and found.seen is not None and found.seen.made_by_us


def missed(
    found: Meaning, rulebook: Rulebook, location: Location, overrides: Mapping[tuple[str, str], str] = NO_OVERRIDES
) -> Verdict | None:
    """Of the rule that waits still for the moment which a delivery tells of too late, unless it is asked for another
    reason."""
    if found.missed is None:
        return None
    [moment] = found.event.news
    place = rulebook.places.get(found.event.rule or "")
    if place is None:
        return None
    entry = rulebook.entries[place]
    mode = mode_of(entry, location, overrides)
    if mode == "off" or not holds_for(entry, location) or not _due(found, entry.rule, location):
        return None
    return None if heard(found, entry.rule, location) else unasked(place, entry.rule.name, mode, moment, found.missed)


def unasked(place: int, rule: str, mode: str, moment: str, why: str) -> Verdict:
    """Of a rule that would have been asked at a moment, had that not been missed."""
    check = Check(fact="moment", test="in time", expected=moment, actual=why, held=False)
    return Verdict(place, rule, mode, False, [check._asdict()])


def mode_of(entry: Entry, location: Location, overrides: Mapping[tuple[str, str], str] = NO_OVERRIDES) -> str:
    """The strictest of the rule's, the location's, and what somebody has overridden the rule's with."""
    mode = min(entry.heading.mode, location.mode, key=STRICTEST_FIRST.index)
    return overridden(mode, entry.heading.name, location, overrides)


def overridden(mode: str, rule: str, location: Location, overrides: Mapping[tuple[str, str], str]) -> str:
    """The stricter of a mode and what somebody has overridden a rule's with."""
    over = (overrides[key] for key in (("", rule), (location.location_id, rule)) if key in overrides)
    return min((mode, *over), key=STRICTEST_FIRST.index)


def holds_for(entry: Entry, location: Location) -> bool:
    return entry.location in (None, location.location_id, location.name)
