"""One delivery, from what it means to the end of its last step; what was done before a crash is found, not repeated."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from service.event import INSTALL, UNINSTALL
from service.highlevel.errors import HighLevelError
from service.store import timers
from service.store.deliveries import Delivery
from service.store.locations import Location, TokenUnreadable
from service.store.verdicts import Verdict
from service.store.work import Work
from workers.faults import RulebookFaults
from workers.follow import bring_along
from workers.installs import heed
from workers.judge import Meaning, NoNews, meaning
from workers.judge import verdicts as judge_rules
from workers.pauses import policy
from workers.record import Record
from workers.rulebook import Rulebook
from workers.run import Run, Waits, given_up
from workers.shadow import rehearse
from workers.timetable import laid_for
from workers.workplace import Workplace

UNREADABLE_WAIT = timedelta(minutes=1)


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
    if delivery.state == "waiting":
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
        record.change(
            state="judged",
            triggers=tuple(sorted(found.triggers)),
            rulebook_id=taken.rulebook_id,
            was=found.was if found.triggers else found.before_own or found.was,
            booking=found.seen.booking if found.seen else None,
            reason=_summary(found, judged),
            waits_for=None,
        )
        record.judge(judged)
        if found.seen:
            record.see(found.seen)
        await _lay(work, record, rulebook, location, found)
    run = Run(work, record, location, record.delivery.was, taken.held_rules, stopping)
    written: dict[str, str] = {}
    for verdict in record.verdicts:
        entry = rulebook.entries[verdict.place]
        if verdict.held and verdict.mode == "shadow":
            await rehearse(run, entry, written)
        elif verdict.held:
            await run.rule(entry, written)
    if location.mode == "live" and delivery.appointment_id is not None:
        await bring_along(run)
    return record.end("done")


async def _lay(work: Workplace, record: Record, rulebook: Rulebook, location: Location, found: Meaning) -> None:
    """The moments of a booking that is another now; what it costs is paid only where rules wait for moments."""
    booking = found.seen.booking if found.seen else None
    wanted = laid_for(rulebook, location, booking, work.clock()) if booking else None
    if wanted is None and not found.missed:
        return
    async with record.lease.transaction() as connection:
        if booking:
            await timers.relay(connection, booking, wanted)
        if found.missed:
            await timers.miss(connection, record.delivery.delivery_id, found.event, found.missed)


def _summary(found: Meaning, judged: Sequence[Verdict]) -> str | None:
    if found.missed:
        return found.missed
    if found.event.rule and not judged:
        return "the booking or the rules have changed: the moment holds no more"
    if not found.triggers and not judged:
        return "an echo: nothing that a rule can ask about has changed"
    return None if judged else "no rule listens"
