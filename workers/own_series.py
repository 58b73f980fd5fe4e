"""Our own changes of whole series: what they made of each is no news but to rules that hear of our own.

Only the one booking that a step is about is read after it. What the step made of the others shows when they are heard
of, whether a webhook tells of them, a moment or what reconciliation found: what differs from last seen as such a step
would have it is its doing. Whatever else differs is news, as is one of the series that was never seen before.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from service.highlevel.appointments import EditAppointment
from service.highlevel.operation import Operation
from service.store.appointments import LastSeen
from service.store.database import Pool
from service.store.series import SeriesChange, changes_since
from service.trigger import Booking, Subject, differences, triggers
from workers.changes import after
from workers.judge import Meaning, NoNews
from workers.outcomes import CLOCK_SKEW, brought_about


async def without_own(
    pool: Pool, found: Meaning | NoNews, last: LastSeen | None, connected: datetime
) -> Meaning | NoNews:
    """The same, where changes of the whole series explain what is seen now: as the echo of writes of ours."""
    if isinstance(found, NoNews) or found.seen is None or not found.triggers - found.event.news:
        return found
    now = found.seen.booking
    if now.subject is not Subject.APPOINTMENT or (last is None and now.series_id is None):
        return found
    async with pool.acquire() as connection:
        heard = last.heard if last else now.added
        done = await changes_since(connection, now, heard, skew=CLOCK_SKEW)
    if not done:
        return found
    return _first(found, found.seen, done) if last is None else _known(found, last, now, done, connected)


def _known(
    found: Meaning, last: LastSeen, now: Booking, done: Sequence[SeriesChange], connected: datetime
) -> Meaning | NoNews:
    """One that was seen before, as if it had been told of each change on its own."""
    ours = last
    for change in done:
        operation = _operation(change)
        fields = brought_about(operation, now, change.before) & differences(ours.booking, now)
        if fields:
            then = after(operation, ours.booking)
            ours = ours.written(ours.booking.changed(**{name: getattr(then, name) for name in fields}))
    if ours is last:
        return found
    news = triggers(ours.booking, now, connected=connected)
    before_own = ours.before_ours
    assert before_own is not None, "something was written"
    return replace(
        found,
        was=ours.booking,
        seen=ours.told(now),
        triggers=news | found.event.news & found.triggers,
        own=triggers(before_own, now, connected=connected) - news,
        before_own=before_own,
    )


def _first(found: Meaning, seen: LastSeen, done: Sequence[SeriesChange]) -> Meaning:
    """One that is seen for the first time: it is news, and yet what we made of it is ours."""
    told = seen.booking.model_dump(mode="json")
    fields = [name for change in done for name in brought_about(_operation(change), seen.booking, change.before)]
    return replace(found, seen=replace(seen, ours={name: told[name] for name in fields}))


def _operation(change: SeriesChange) -> EditAppointment:
    operation = Operation.restored(change.operation)
    assert isinstance(operation, EditAppointment), "only those are of a series"
    return operation
