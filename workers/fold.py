"""What we write is folded into last seen, so that the webhook it brings back is known for an echo."""

from service.highlevel.appointments import EditAppointment
from service.store.appointments import LastSeen
from service.store.steps import Step
from service.trigger import Booking, differences
from workers.changes import after
from workers.outcomes import Found, brought_about, is_as_before
from workers.record import Record


def fold(record: Record, step: Step, operation: EditAppointment, found: Found) -> None:
    """Last seen becomes what we made of it."""
    seen = record.seen
    if seen is None or seen.booking.id != step.appointment_id:
        return
    if operation.event_id == seen.booking.id:
        now = after(operation, seen.booking, step.meant)
        record.see(seen.written(now.changed(updated=found.updated or now.updated)))
    else:
        _fold_series(record, step, operation, seen, found.single)


def fold_doubt(record: Record, step: Step, operation: EditAppointment) -> None:
    """As if it was done, unless somebody was heard of since: then our own webhook, if one comes, is no news, and theirs
    tells that they changed what we had written, which no rule writes over."""
    seen = record.seen
    if seen is not None and is_as_before(operation, seen.booking, step.meant["before"]):
        fold(record, step, operation, Found())


def _fold_series(
    record: Record, step: Step, operation: EditAppointment, seen: LastSeen, single: Booking | None
) -> None:
    """As far as it shows on the one that the step is about, which may have something of its own. What could not be read
    is as if it was done, unless that is so."""
    before, then = step.meant["before"], after(operation, seen.booking)
    if single is None and not is_as_before(operation, seen.booking, before):
        return
    now = single or then
    if fields := brought_about(operation, now, before) & differences(seen.booking, now):
        changed = {name: getattr(then, name) for name in fields}
        record.see(seen.written(seen.booking.changed(**changed, updated=now.updated)))
