"""What was listed against what was last seen: what of it is news, in a sentence, and by which key it is known. Pure."""

import hashlib
import json
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal

from service.highlevel.appointments import Appointment, CreatedBy
from service.store.appointments import LastSeen
from service.store.reconciliations import Known
from service.trigger import RULE_FIELDS, Booking, Subject, differences, stale
from workers.changes import words_for
from workers.values import in_zone, write_moment

Comparison = Literal["same", "remember", "left", "news"]
"""`remember`: not known, or known otherwise, and as it is since before the inventory; no rule is asked. `left`: so too,
but only just, so that its webhook may be on its way, and would then be an echo."""

ON_ITS_WAY = timedelta(minutes=90)
"""So long may a webhook come after what it tells of: HighLevel tries six times more, ten minutes apart and more."""


def compare(
    now: Booking, known: Known | None, connected: datetime, inventory: datetime | None, at: datetime
) -> Comparison:
    """What a booking that was read at `at` is, with the location `connected` then and its inventory begun at
    `inventory`; None: this is the inventory.

    That remembers all, and what was last changed before it is remembered later too. Since then whatever else is not
    known is news, also where its webhook has yet to come; and so is what was deleted, for HighLevel does not say when.
    """
    last = known.seen if known else None
    if (known and known.erased) or overtaken(now, last):
        return "same"
    changed = max((moment for moment in (now.added, now.updated) if moment is not None), default=None)
    if inventory is not None:
        if last is not None and last.booking.deleted != now.deleted:
            return "news"
        if changed is not None and changed >= max(connected, inventory):
            return "news"
    # What was changed before the location was connected no webhook could tell of.
    return "left" if changed is not None and changed >= max(connected, at - ON_ITS_WAY) else "remember"


def overtaken(now: Booking, last: LastSeen | None) -> bool:
    """Whether what was read, a while ago, is no news any more; of service bookings nothing is that was read so."""
    return last is not None and (
        last.booking.subject is Subject.SERVICE_BOOKING or not differences(last.booking, now) or stale(now, last.heard)
    )


def sentence(now: Booking, last: Booking | None, zone: tzinfo) -> str:
    """What is new about a booking, by that clock; whose it is, and what it is called, is not said."""
    starts = write_moment(in_zone(now.starts, zone))
    if now.deleted:
        return f"was deleted, the one for {starts}"
    if last is None:
        told = "" if now.status in ("new", "confirmed") else f"; it is {now.status}"
        return f"was booked for {starts}{told}"
    changed = differences(last, now)
    words = []
    if "starts" in changed:
        words.append(f"was moved from {write_moment(in_zone(last.starts, zone))} to {starts}")
    if "status" in changed:
        words.append(f"is {now.status}, and was {last.status}")
    if others := changed - {"starts", "ends", "status"} or (changed if not words else frozenset[str]()):
        words.append(f"has another {words_for(others)}")
    return " and ".join(words) + ("" if "starts" in changed else f", the one for {starts}")


def key_of(now: Booking) -> str:
    """The same for whoever finds the same: what a rule can ask about, and when HighLevel says that it was changed."""
    told = {name: getattr(now, name) for name in ("location_id", "id", *RULE_FIELDS, "updated")}
    return hashlib.sha256(json.dumps(told, default=_instant, sort_keys=True).encode()).hexdigest()


def _instant(value: object) -> str:
    assert isinstance(value, datetime)
    return value.astimezone(UTC).isoformat()


def body_of(appointment: Appointment) -> bytes:
    """As it was read."""
    return appointment.model_dump_json(by_alias=True, exclude_unset=True).encode()


def gone(last: Booking) -> Appointment:
    """What HighLevel does not know any more, as it would say of what was deleted."""
    return Appointment(
        id=last.id,
        calendar_id=last.calendar_id,
        location_id=last.location_id,
        contact_id=last.contact_id,
        group_id=last.group_id,
        title=last.title,
        appointment_status=last.status,
        assigned_user_id=last.assignee,
        address=last.address,
        start_time=last.starts,
        end_time=last.ends,
        date_added=last.added,
        date_updated=last.updated,
        created_by=CreatedBy(source=last.source),
        deleted=True,
    )
