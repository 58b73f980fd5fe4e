"""What was listed against what was last seen: what of it is news, in a sentence, and by which key it is known. Pure."""

import hashlib
import json
from datetime import UTC, datetime, tzinfo
from typing import Literal

from service.highlevel.appointments import Appointment, CreatedBy
from service.store.appointments import LastSeen
from service.trigger import RULE_FIELDS, Booking, differences, stale
from workers.changes import words_for
from workers.values import in_zone, write_moment

Comparison = Literal["same", "remember", "news"]
"""`remember`: not known, or known otherwise, and as it is since before anybody watched. No rule is asked."""


def compare(now: Booking, last: LastSeen | None, connected: datetime) -> Comparison:
    """What a booking that was read is, with the location `connected` then.

    What was last changed before that no webhook could tell of; so whatever else is not known is news, also at the first
    pass over a location, and also where its webhook has yet to come. When something was deleted HighLevel does not say.
    """
    changes = [moment for moment in (now.added, now.updated) if moment is not None]
    before = not changes or max(changes) < connected
    if last is None:
        return "remember" if before else "news"
    changed = differences(last.booking, now)
    if not changed or stale(now, last.heard):
        return "same"
    return "remember" if before and "deleted" not in changed else "news"


def overtaken(now: Booking, last: LastSeen | None) -> bool:
    """Whether what was read, a while ago, is no news any more."""
    return last is not None and (not differences(last.booking, now) or stale(now, last.heard))


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
