"""One delivery, from what it means to the end of its last step; what was done before a crash is found, not repeated."""

import contextlib
from collections.abc import Callable, Sequence
from datetime import timedelta

from service.event import INSTALL, MOMENT, UNINSTALL
from service.highlevel.errors import HighLevelError
from service.store import steps, timers
from service.store.deliveries import Delivery
from service.store.locations import Location, TokenUnreadable
from service.store.verdicts import Verdict
from service.store.work import Work
from service.trigger import Booking, differences
from workers.faults import RulebookFaults
from workers.follow import bring_along
from workers.installs import heed
from workers.judge import Meaning, NoNews, limited_by, meaning, own_news
from workers.judge import missed as missed_moment
from workers.judge import verdicts as judge_rules
from workers.moments import too_late
from workers.pauses import policy
from workers.record import Record
from workers.rulebook import Entry, Rulebook
from workers.run import Run, Waits, given_up
from workers.shadow import rehearse
from workers.timetable import laid_for
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
        rulebook = await work.rulebook(taken.rulebook_id)
    except RulebookFaults as faults:
        raise RulesUnreadable(delivery, faults) from None
    begun = delivery.state != "waiting"
    if not begun:
        try:
            found = await meaning(work.client(location, record), delivery, record.seen, location, work.clock())
        except HighLevelError as error:
            doing = "reading the appointment"
            kept = policy(error)
            if kept is None:
                return record.end("failed", f"{doing}: {error}")
            if given_up(kept, delivery):
                record.alert("parked", f"{doing} failed {delivery.attempts + 1} times")
                return record.end("parked", f"{doing}: {error}")
            raise Waits.after(error, record, doing) from None
        if isinstance(found, NoNews):
            return record.end(found.state, found.reason)
        judged = judge_rules(found, rulebook, location)
        missed = missed_moment(found, rulebook, location)
        record.change(
            state="judged",
            triggers=(*sorted(found.triggers), *await _ours(work, found, own_news(found, judged, rulebook, location))),
            rulebook_id=taken.rulebook_id,
            was=found.was if found.triggers else found.before_own or found.was,
            booking=found.seen.booking if found.seen else None,
            reason=_summary(found, judged, missed),
            waits_for=None,
        )
        record.judge([*judged, missed] if missed else judged)
        if missed and missed.mode == "live":
            record.miss(missed.rule, *found.event.news)
        if found.seen:
            record.see(found.seen)
            await _lay(work, record, rulebook, location, found.seen.booking)
    run = Run(work, record, location, record.delivery.was, taken.held_rules, stopping)
    try:
        await _act(run, await _limited(run, rulebook) if begun else rulebook)
    except Waits:
        await _lay_moved(run)
        raise
    await _lay_moved(run)
    return record.end("done")


async def _ours(work: Workplace, found: Meaning, own: frozenset[str]) -> list[str]:
    """What is news only to rules that hear of our own changes, each with the rule whose change it was."""
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


async def _limited(run: Run, rulebook: Rulebook) -> Rulebook:
    """The rules that a delivery began with, limited as they are now: who mends a limit means what was parked too."""
    try:
        in_force = await run.work.rulebook_in_force(run.location.location_id)
    except RulebookFaults:
        return rulebook
    return rulebook if in_force is rulebook else limited_by(rulebook, in_force, run.location)


async def _act(run: Run, rulebook: Rulebook) -> None:
    """All that the rules that held have to do, and what goes with the booking. Raises what steps raise."""
    written: dict[str, str] = {}
    for verdict in run.record.verdicts:
        entry = rulebook.entries[verdict.place]
        if verdict.held and verdict.mode == "shadow":
            await rehearse(run, entry, written)
        elif verdict.held and not await _missed_since(run, entry):
            await run.rule(entry, written)
    if run.location.mode == "live" and run.delivery.appointment_id is not None:
        await bring_along(run)


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
    reason, row, booking = timers.missed(rule.name, moment, why), run.drafts.row, run.drafts.booking
    await run.keep(
        [
            row(rule.name, place, 0, action.do, "unchanged", booking, reason=reason)
            for place, action in enumerate(rule.then)
        ]
    )
    run.record.miss(rule.name, moment)
    run.record.change(reason=reason)
    return True


async def _lay(work: Workplace, record: Record, rulebook: Rulebook, location: Location, booking: Booking) -> None:
    """The moments of a booking that is another now; what it costs is paid only where rules wait for moments."""
    wanted = laid_for(rulebook, location, booking, work.clock())
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
        await _lay(run.work, run.record, rulebook, run.location, seen.booking)


def _summary(found: Meaning, judged: Sequence[Verdict], missed: Verdict | None) -> str | None:
    if missed:
        [moment] = found.event.news
        return timers.missed(missed.rule, moment, found.missed or "")
    if found.event.rule and not judged:
        return "the booking or the rules have changed: the moment holds no more"
    if not found.triggers and not judged:
        return "an echo: nothing that a rule can ask about has changed"
    return None if judged else "no rule listens"
