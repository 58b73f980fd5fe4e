"""One delivery, from what it means to the end of its last step; what was done before a crash is found, not repeated."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from service.event import INSTALL, UNINSTALL
from service.highlevel.errors import HighLevelError
from service.store import appointments, deliveries, locations, steps, verdicts
from service.store.deliveries import Delivery
from service.store.locations import TokenUnreadable
from service.store.sealing import Keys
from service.store.verdicts import Verdict
from workers.faults import RulebookFaults
from workers.follow import bring_along
from workers.installs import heed
from workers.judge import Meaning, NoNews, meaning
from workers.judge import verdicts as judge_rules
from workers.lease import Lease
from workers.run import Run, Waits
from workers.shadow import rehearse
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


async def apply(work: Workplace, lease: Lease, delivery: Delivery, stopping: Callable[[], bool]) -> None:
    """Bring a delivery to its end. Raises Waits, LeaseLost, or what the database raises."""
    if delivery.event in (INSTALL, UNINSTALL):
        heeded = await heed(work, lease, delivery)
        return await finish(work, lease, delivery, heeded.state, heeded.reason)
    try:
        async with work.pool.acquire() as connection:
            location = await locations.find(connection, Keys.of(work.settings), delivery.location_id)
    except TokenUnreadable:
        raise Waits(timedelta(minutes=1), "SECRET_KEY does not open this location's token") from None
    if location is None:
        return await finish(work, lease, delivery, "ignored", "the location is not registered any more")
    try:
        rulebook_id, rulebook = await work.rulebook(location, delivery.rulebook_id)
    except RulebookFaults as faults:
        raise RulesUnreadable(delivery, faults) from None
    if delivery.state == "waiting":
        try:
            found = await meaning(work.pool, work.client(location, delivery), delivery, location)
        except HighLevelError as error:
            if not error.retry and error.status != 401:
                return await finish(work, lease, delivery, "failed", f"reading the appointment: {error}")
            raise Waits.after(error, delivery, "reading the appointment") from None
        if isinstance(found, NoNews):
            return await finish(work, lease, delivery, found.state, found.reason)
        judged = judge_rules(found, rulebook, location)
        async with lease.transaction() as connection:
            await deliveries.mark_judged(
                connection,
                delivery.delivery_id,
                triggers=found.triggers,
                rulebook_id=rulebook_id,
                was=found.was,
                booking=found.seen.booking if found.seen else None,
                reason=_summary(found, judged),
            )
            await verdicts.keep(connection, delivery.delivery_id, judged)
            if found.seen:
                await appointments.keep(connection, found.seen)
        was = found.was
    else:
        async with work.pool.acquire() as connection:
            judged = await verdicts.of_delivery(connection, delivery.delivery_id)
        was = delivery.was
    run = Run(work, lease, delivery, location, was, stopping)
    written: dict[str, str] = {}
    for verdict in judged:
        entry = rulebook.entries[verdict.place]
        if verdict.held and delivery.appointment_id is None:
            await run.without_booking(entry, verdict.mode)
        elif verdict.held and verdict.mode == "shadow":
            await rehearse(run, entry, written)
        elif verdict.held:
            await run.rule(entry, written)
    if location.mode == "live":
        await bring_along(run)
    return await finish(work, lease, delivery, "done")


def _summary(found: Meaning, judged: Sequence[Verdict]) -> str | None:
    if not found.triggers:
        return "an echo: nothing that a rule can ask about has changed"
    return None if judged else "no rule listens"


async def finish(work: Workplace, lease: Lease, delivery: Delivery, state: str, reason: str | None = None) -> None:
    """Close a delivery; what a failed one leaves open is closed with it, for nobody will come back to it."""
    given_up: list[tuple[str, str]] = []
    async with lease.transaction() as connection:
        if state == "failed":
            given_up = await steps.abandon(connection, delivery.delivery_id)
        await deliveries.finish(connection, delivery.delivery_id, state, reason)
    work.tally.add("deliveries", outcome=state)
    for action, ended in given_up:
        work.tally.add("steps", action=action, state=ended)
