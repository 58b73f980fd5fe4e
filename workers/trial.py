"""A trial: what rules say to a delivery and what they would do, by the engine's own code, with nothing kept or sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from service.event import Event
from service.highlevel.operation import Operation, ReplyT
from service.store.appointments import LastSeen
from service.store.deliveries import Delivery
from service.store.follows import Bound
from service.store.identifiers import new_id
from service.store.lanes import Lane
from service.store.locations import Location
from service.store.steps import Step
from service.store.verdicts import Verdict
from service.store.work import Work
from service.trigger import Booking, Trigger, differences, triggers
from workers.actions.action import ActionContext
from workers.apply import news_of
from workers.judge import NO_OVERRIDES, Meaning, NoNews, heard, holds_for, meaning
from workers.lease import Lease, elapsed
from workers.lookups import Lookup
from workers.record import Record
from workers.rulebook import Entry, Rulebook
from workers.shadow import Rehearsal
from workers.situation import Situation
from workers.verdicts import Judging
from workers.workplace import Workplace


class NotWhole(Exception):
    """The appointment would have to be read, and nobody can be asked."""


@dataclass(frozen=True)
class Tried:
    """`steps`, by rule, are those of rules that held; nothing was planned where nothing could be looked up."""

    delivery: Delivery
    found: Meaning | NoNews
    verdicts: Sequence[Verdict] = ()
    steps: Mapping[str, Sequence[Step]] = field(default_factory=dict)


@dataclass(frozen=True)
class Trial(Situation):
    """The situation of a delivery that is only tried; `now` is when rules are asked."""

    now: datetime

    def on(self, entry: Entry, seen: LastSeen | None) -> ActionContext:
        # What is bound by now may be bound by the very delivery that is tried.
        return replace(super().on(entry, seen), now=self.now, bound=_nothing_bound)


def arrived(event: Event, body: bytes, now: datetime) -> Delivery:
    """As if it came now."""
    return Delivery(
        delivery_id=new_id(),
        state="waiting",
        received_at=now,
        event=event.type,
        location_id=event.location_id or "",
        appointment_id=event.appointment_id,
        contact_id=event.contact_id,
        calendar_id=event.calendar_id,
        attempts=0,
        surprises=0,
        wait=timedelta(),
        rulebook_id=None,
        was=None,
        booking=None,
        body=body,
    )


async def tried(
    work: Workplace, rulebook: Rulebook, location: Location, delivery: Delivery, last: LastSeen | None
) -> Tried:
    """One that was judged before is judged as it was then; of what HighLevel is asked it is told as it is now.

    Every rule counts as its file says, whatever keeps it back in the location: those that are live act one after the
    other, each of those in shadow alone. Raises HighLevelError.
    """
    # There is no such lane: whatever were written under this lease would be refused.
    lane = Lane(new_id(), location.location_id, "", 0, taken_over=False, urgent=False, due_at=delivery.received_at)
    record = Record(Lease(work.pool, lane, elapsed()), Work(lane, delivery, seen=last))
    then = remembered(delivery, location, last)
    found = then or await news_of(work, record, rulebook, location)
    if isinstance(found, NoNews):
        return Tried(delivery, found)
    record.seen = found.seen
    looked = dict[Lookup, Any]()
    now = delivery.received_at if then else work.clock()
    trial = Trial(work, record, location, found.before, looked, now)
    open_ = replace(location, mode="live")
    verdicts = await Judging(found, rulebook, open_, NO_OVERRIDES, trial.reading, looked).verdicts()
    return Tried(delivery, found, verdicts, await _rehearsed(trial, rulebook, verdicts))


async def tried_alone(rulebook: Rulebook, location: Location, delivery: Delivery) -> Tried:
    """Verdicts by what its body says, with nothing known before it and nobody to ask. Raises NotWhole."""
    event, at = delivery.read(), delivery.read().said_at or delivery.received_at
    found: Meaning | NoNews
    if event.of_contact:
        found = Meaning(event, None, None, frozenset({Trigger.CONTACT_UPDATED.value}), at)
    else:
        found = await meaning(_nobody, delivery, None, location)
    if isinstance(found, NoNews):
        return Tried(delivery, found)
    return Tried(delivery, found, await Judging(found, rulebook, location, NO_OVERRIDES, None, {}).verdicts())


def unregistered(location_id: str, name: str, time_zone: str) -> Location:
    """A location of which nothing but this is known; every booking was made since it was connected."""
    return Location(location_id, name, time_zone, "live", datetime.min.replace(tzinfo=UTC), SecretStr(""))


def remembered(delivery: Delivery, location: Location, last: LastSeen | None) -> Meaning | None:
    """What a delivery was found to mean when rules were asked about it; None for one about which none were."""
    if delivery.state == "waiting":
        return None
    event = delivery.read()
    at = event.said_at or delivery.received_at
    told, own = _news(delivery, event)
    was, booking = delivery.was, delivery.booking
    if booking is None:
        judged = delivery.appointment_id is None and delivery.triggers
        return Meaning(event, None, None, told, at, own=own) if judged else None
    if not told:
        own = triggers(was, booking, connected=location.connected_at) if was else own
        return Meaning(event, booking, _as_then(booking, was, last), told, at, own=own, before_own=was)
    return Meaning(event, was, _as_then(booking, was, last), told, at, own=own, before_own=was)


def unheard(found: Meaning, entry: Entry, location: Location) -> str:
    """Why a rule was not asked."""
    rule = entry.rule
    if rule.mode == "off":
        return "it is off"
    if not holds_for(entry, location):
        return f"it is a rule of {entry.location}"
    if heard(found, rule, location):
        return "it asks for another calendar"
    if found.event.rule and found.event.news & rule.listens_to:
        return "the moment is not one that it waits for"
    if found.own & rule.listens_to:
        booked = "it books, and a rule made this booking: only what others do to it sets it off"
        return booked if rule.on_own_changes else "it does not hear of our own changes"
    return f"it listens to {', '.join(rule.when)}"


async def _rehearsed(trial: Trial, rulebook: Rulebook, verdicts: Sequence[Verdict]) -> dict[str, Sequence[Step]]:
    """What the rules that held would do, as the engine has them do it one after the other."""
    steps, written = dict[str, Sequence[Step]](), dict[str, str]()
    record = trial.record
    for verdict in verdicts:
        if not verdict.held:
            continue
        rehearsal = await Rehearsal.of(trial, rulebook.entries[verdict.place], written)
        steps[verdict.rule] = rehearsal.rows
        if verdict.mode == "live":
            written.update(dict.fromkeys(rehearsal.wrote, verdict.rule))
            if record.seen and rehearsal.booking:
                record.seen = record.seen.written(rehearsal.booking)
    return steps


def _news(delivery: Delivery, event: Event) -> tuple[frozenset[str], frozenset[str]]:
    """What it was news of, and of what for rules that hear of our own changes. A moment counts as come in time."""
    words = [word.partition(" (") for word in delivery.triggers]
    told = frozenset(word for word, ours, _ in words if not ours) | event.news
    return told, frozenset(word for word, ours, _ in words if ours)


def _as_then(booking: Booking, was: Booking | None, last: LastSeen | None) -> LastSeen:
    """What was known of a booking with a delivery. What others had changed before is known only of the last one that
    told anything."""
    if last is None or last.heard != booking.updated:
        return LastSeen.first(was).told(booking) if was else LastSeen.first(booking)
    told = booking.model_dump(mode="json")
    return replace(
        last,
        booking=booking,
        ours={name: value for name, value in last.ours.items() if told[name] == value},
        assignee_chosen=last.assignee_chosen or bool(was and "assignee" in differences(was, booking)),
        before_ours=None,
    )


async def _nothing_bound() -> Bound:
    return Bound()


async def _nobody(operation: Operation[ReplyT], /) -> ReplyT:
    raise NotWhole("the body does not describe the appointment whole")
