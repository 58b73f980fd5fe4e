"""One delivery, from what it means to the end of its last step; what was done before a crash is found, not repeated."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from service.event_types import INSTALL, MOMENT, UNINSTALL
from service.highlevel.errors import HighLevelError
from service.store import bursts, contacts, steps, timers
from service.store.appointments import LastSeen
from service.store.deliveries import Delivery
from service.store.locations import Location, TokenUnreadable
from service.store.verdicts import Verdict
from service.store.work import Work
from service.trigger import Subject, differences
from workers.actions.action import numbered
from workers.contact_news import contact_news, is_heard_of
from workers.faults import RulebookFaults
from workers.follow import bring_along
from workers.installs import heed
from workers.judge import Meaning, NoNews, limited_by, meaning, overridden, own_news
from workers.judge import missed as missed_moment
from workers.lookups import Lookup
from workers.lookups.contacts import ContactLookup
from workers.moments import too_late
from workers.own_bookings import as_ours
from workers.own_series import without_own
from workers.pauses import policy
from workers.record import Record
from workers.rule import Rule
from workers.rulebook import Entry, Rulebook
from workers.run import Run
from workers.shadow import rehearse
from workers.timetable import laid_for
from workers.verdicts import Judging
from workers.waits import Waits, given_up
from workers.workplace import Workplace

UNREADABLE_WAIT = timedelta(minutes=1)

CHANGES = {"appointment.rescheduled": "move", "appointment.reassigned": "assign"}
"""What a write of ours did that is such news; any other may be of any write."""

HEARD_WITHIN = timedelta(days=30)
"""For so long it is looked for whose write it was."""

MOMENTS_GO_BY = frozenset({"starts", "ends", "status"})
"""What of a booking we can change that moves its moments."""


class RulesUnreadable(Waits):
    """Rules that another release put in force, such as a later one that was rolled back. What came waits for them."""

    def __init__(self, delivery: Delivery, faults: RulebookFaults) -> None:
        """A delivery that has begun keeps its rules; for any other those will do that are in force by then."""
        begun = delivery.rulebook_id is not None
        mend = "run the release that applied them" + ("" if begun else ", or apply rules that this one can read")
        more = f" and {len(faults.faults) - 1} more" if len(faults.faults) > 1 else ""
        super().__init__(UNREADABLE_WAIT, f"this release cannot read the rules: {mend} ({faults.faults[0]}{more})")


async def apply(work: Workplace, record: Record, taken: Work, stopping: Callable[[], bool]) -> None:
    """Bring a delivery to its end, which is noted and not yet committed. Raises Waits, LeaseLost, or what the database
    raises."""
    delivery, location = record.delivery, taken.location
    if delivery.event in (INSTALL, UNINSTALL):
        heeded = await heed(work, record.lease, delivery)
        return record.end(heeded.state, heeded.reason)
    if isinstance(location, TokenUnreadable):
        raise Waits(timedelta(minutes=1), "SECRET_KEY does not open this location's token")
    if location is None:
        return record.end("ignored", "the location is not registered any more")
    try:
        await _apply(work, record, taken, location, stopping)
    except RulebookFaults as faults:  # Of all rules, or of one that is asked: each is read when it first is.
        raise RulesUnreadable(record.delivery, faults) from None


async def _apply(
    work: Workplace, record: Record, taken: Work, location: Location, stopping: Callable[[], bool]
) -> None:
    """By its rules. Raises RulebookFaults besides."""
    delivery, rulebook = record.delivery, await work.rulebook(taken.rulebook_id)
    begun, looked = delivery.state != "waiting", dict[Lookup, Any]()
    if not begun:
        doing = f"reading the {'contact' if delivery.appointment_id is None else 'appointment'}"
        try:
            found = await news_of(work, record, rulebook, location)
            if isinstance(found, NoNews):
                if found.gone:
                    record.lease.note(contacts.forgotten(location.location_id, found.gone))
                return record.end(found.state, found.reason)
            if found.contact:
                looked[ContactLookup(found.contact.id)] = found.contact
            doing = "looking up what rules ask about"
            reading = work.reading(location, record)
            judging = Judging(found, rulebook, location, taken.overrides, reading, looked)
            judged = await judging.verdicts()
        except HighLevelError as error:
            kept = policy(error)
            if kept is None:
                return record.end("failed", f"{doing}: {error}")
            if given_up(kept, delivery):
                record.alert("parked", f"{doing} failed {delivery.attempts + 1} times")
                return record.end("parked", f"{doing}: {error}")
            raise Waits.after(error, record, doing) from None
        missed = missed_moment(found, rulebook, location, taken.overrides)
        await _wait_for_quiet(work, record, found, judging.bursts)
        record.change(
            state="judged",
            triggers=(*sorted(found.triggers), *await _ours(work, found, own_news(found, judged, rulebook, location))),
            rulebook_id=taken.rulebook_id,
            was=found.before,
            booking=found.seen.booking if found.seen else None,
            reason=_summary(found, judged, missed),
            waits_for=None,
        )
        record.judge([*judged, missed] if missed else judged)
        if missed and missed.mode == "live":
            record.miss(missed.rule, *found.event.news)
        if found.seen:
            record.see(found.seen)
            await _lay(work, record, rulebook, location, found.seen)
        if found.contact_seen:
            record.lease.note(contacts.kept(found.contact_seen))
    run = Run(work, record, location, record.delivery.was, looked, taken.held_rules, stopping)
    try:
        await _act(run, rulebook, await _in_force(run) if begun else rulebook, taken.overrides)
    except (Waits, RulebookFaults):
        await _lay_moved(run)
        raise
    await _lay_moved(run)
    return record.end("done")


async def news_of(work: Workplace, record: Record, rulebook: Rulebook, location: Location) -> Meaning | NoNews:
    """What the delivery means. Raises HighLevelError."""
    delivery, api = record.delivery, work.client(location, record)
    event = delivery.read()
    if not event.of_contact:
        found = await as_ours(work.pool, await meaning(api, delivery, record.seen, location, work.clock()))
        found = await without_own(work.pool, found, record.seen, location.connected_at)
        return (
            found if isinstance(found, NoNews) or not event.since else await _since(work, delivery, found, event.since)
        )
    if not is_heard_of(rulebook, location):
        return NoNews("no rule listens")
    return await contact_news(work.pool, api, delivery, work.settings.secret_key)


async def _since(work: Workplace, delivery: Delivery, found: Meaning, begun: UUID) -> Meaning:
    """At the end of a burst `was` is the booking before it, unless something else has changed just now. Where it has
    changed again meanwhile, that is not the end: it is asked about once more."""
    news, whose = found.event.news, (delivery.location_id, str(delivery.appointment_id), str(found.event.rule))
    async with work.pool.acquire() as connection:
        if await bursts.is_put_off(connection, *whose, delivery.delivery_id):
            return replace(found, triggers=found.triggers - news)
        if found.triggers - news:
            return found
        return replace(found, was=await bursts.before(connection, begun))


async def _wait_for_quiet(work: Workplace, record: Record, found: Meaning, rules: Sequence[Rule]) -> None:
    """Rules that answer a burst of changes once are asked when nothing has changed for a while."""
    if not rules or found.seen is None:
        return
    now, begun_by = work.clock(), record.delivery.delivery_id
    async with record.lease.transaction() as connection:
        for rule in rules:
            due = now + (rule.debounce or timedelta())
            await bursts.go_on(connection, found.seen.booking, rule.name, due, begun_by)


async def _ours(work: Workplace, found: Meaning, own: frozenset[str]) -> list[str]:
    """What is news only to rules that hear of our own changes, each with the rule whose change it was."""
    if found.own_rules:
        return [f"{trigger} (by rule {found.own_rules[-1]})" for trigger in own]
    if not own or found.seen is None:
        return []
    words, booking = [], found.seen.booking
    async with work.pool.acquire() as connection:
        for trigger in sorted(own):
            change = CHANGES.get(trigger, "any")
            done = await steps.rules_that_changed(
                connection, booking.location_id, booking.id, change, within=HEARD_WITHIN
            )
            words.append(f"{trigger} (by rule {done[-1]})" if done else f"{trigger} (our own change)")
    return words


async def _in_force(run: Run) -> Rulebook | None:
    """None where nobody can read it."""
    try:
        return await run.work.rulebook_in_force(run.location.location_id)
    except RulebookFaults:
        return None


async def _act(
    run: Run, rulebook: Rulebook, in_force: Rulebook | None, overrides: Mapping[tuple[str, str], str]
) -> None:
    """All that the rules that held have to do, limited and overridden as they are now (who mends a limit means what was
    parked too), and what goes with the booking. Raises what steps raise, and RulebookFaults."""
    written: dict[str, str] = {}
    for verdict in run.record.verdicts:
        if not verdict.held:
            continue
        entry = rulebook.entries[verdict.place]
        if in_force and in_force is not rulebook:
            with contextlib.suppress(RulebookFaults):
                entry = limited_by(entry, in_force, run.location)
        mode = _mode(run, verdict, overrides)
        if mode == "off":
            await run.leave(entry.rule, numbered(entry.rule.then), "overridden off")
        elif mode == "shadow":
            await rehearse(run, entry, written)
        elif not await _missed_since(run, entry):
            await run.rule(entry, written)
    if run.location.mode == "live" and run.delivery.appointment_id is not None:
        await bring_along(run)


def _mode(run: Run, verdict: Verdict, overrides: Mapping[tuple[str, str], str]) -> str:
    """As it was judged or, where somebody has overridden it since, as that says. What a rule has begun it ends; what it
    has rehearsed it does not do after all."""
    known = run.record.steps_of(verdict.rule)
    if any(step.state == "shadow" for step in known):
        return "shadow"
    begun = any(step.operation for step in known)
    return verdict.mode if begun else overridden(verdict.mode, verdict.rule, run.location, overrides)


async def _missed_since(run: Run, entry: Entry) -> bool:
    """Whether a rule that was asked at a moment in time has come to nothing until it was too late for that, held back
    or waiting."""
    rule = entry.rule
    if run.delivery.event != MOMENT or run.record.steps_of(rule.name):
        return False
    event = run.delivery.read()
    if event.rule != rule.name or event.until is None:
        return False
    why = too_late(run.at, event.until, run.work.clock())
    if why is None or set(run.delivery.triggers) & set(rule.when) - event.news:
        return False
    [moment] = event.news
    reason = timers.missed(rule.name, moment, why)
    await run.leave(rule, numbered(rule.then), reason)
    run.record.miss(rule.name, moment)
    run.record.change(reason=reason)
    return True


async def _lay(work: Workplace, record: Record, rulebook: Rulebook, location: Location, seen: LastSeen) -> None:
    """The moments of a booking that is another now; what it costs is paid only where rules wait for moments. A service
    booking has none."""
    booking = seen.booking
    if booking.subject is Subject.SERVICE_BOOKING:
        return
    wanted = laid_for(rulebook, location, booking, work.clock(), made_by_us=seen.made_by_us)
    if wanted is not None:
        async with record.lease.transaction() as connection:
            await timers.relay(connection, booking, wanted)


async def _lay_moved(run: Run) -> None:
    """The moments of a booking that we changed ourselves: no webhook may ever tell of it. By the rules in force, for
    those of the delivery may be old."""
    judged, seen = run.delivery.booking, run.record.seen
    if judged is None or seen is None or not differences(judged, seen.booking) & MOMENTS_GO_BY:
        return
    with contextlib.suppress(RulebookFaults):  # They are laid for all bookings once the rules can be read.
        rulebook = await run.work.rulebook_in_force(run.location.location_id)
        await _lay(run.work, run.record, rulebook, run.location, seen)


def _summary(found: Meaning, judged: Sequence[Verdict], missed: Verdict | None) -> str | None:
    if missed:
        [moment] = found.event.news
        return timers.missed(missed.rule, moment, found.missed or "")
    if found.event.rule and not judged:
        return "the booking or the rules have changed: the moment holds no more"
    if not found.triggers and not judged:
        return "an echo: nothing that a rule can ask about has changed"
    return None if judged else "no rule listens"
