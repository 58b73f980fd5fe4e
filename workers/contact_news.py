"""What is told of a contact, against how it was last seen: whether it is news, or the echo of a write of ours."""

from dataclasses import replace
from typing import Any

from pydantic import SecretStr

from service.event import Event
from service.highlevel.contacts import Contact, GetContact
from service.highlevel.errors import NotFound
from service.highlevel.operation import Api
from service.store import contacts
from service.store.contacts import ContactSeen, Digests, Known, OwnWrite
from service.store.database import Pool
from service.store.deliveries import Delivery
from service.store.locations import Location
from service.trigger import Trigger
from workers.judge import Meaning, NoNews
from workers.rulebook import Rulebook

CREATED = "ContactCreate"
"""The one event that is no update, where it is the first that is heard of a contact."""


async def contact_news(pool: Pool, api: Api, delivery: Delivery, key: SecretStr) -> Meaning | NoNews:
    """Read the contact and compare: no event says when the contact was changed, or whether it is the last one.

    Raises HighLevelError.
    """
    event = delivery.read()
    assert event.contact_id is not None
    about = delivery.location_id, event.contact_id
    async with pool.acquire() as connection:
        last, asked_at = await contacts.last_seen(connection, *about)
    try:
        contact = (await api(GetContact(contact_id=event.contact_id))).contact
    except NotFound:
        return NoNews("HighLevel does not know this contact", gone=event.contact_id)
    if contact.location_id not in (None, delivery.location_id):
        return NoNews("the contact belongs to another location", "failed")
    at = event.said_at or delivery.received_at
    lately = at - contacts.ECHO_WITHIN
    async with pool.acquire() as connection:
        wrote = await contacts.written(connection, *about, last.looked_at if last else lately)
    now = contacts.digests(contact, key)
    told, ours = whose_changes(Known(last, wrote), now, key)
    seen = ContactSeen(*about, now, asked_at)
    if last is None:
        told = not ours and event.type != CREATED
        made = contacts.digests(as_made(contact, event), key) if event.type == CREATED else now
        if made != now:
            # What was done to it since has an event of its own, which is yet to be compared, and what we wrote with it.
            seen, ours = replace(seen, facts=made, looked_at=min(asked_at, lately)), []
    news = frozenset({Trigger.CONTACT_UPDATED.value})
    return Meaning(
        event,
        None,
        None,
        news if told else frozenset(),
        at,
        own=news if ours and not told else frozenset(),
        contact=contact,
        contact_seen=seen,
        own_rules=tuple(dict.fromkeys(write.rule for write in ours)),
    )


def as_made(contact: Contact, event: Event) -> Contact:
    """With the tags and the owner that its making was told with, for somebody may have changed these by now."""
    body = event.body
    made: dict[str, Any] = {}
    if isinstance(tags := body.get("tags"), list):
        made["tags"] = tuple(tag for tag in tags if isinstance(tag, str))
    if made or "assignedTo" in body:
        # What describes the contact and names no owner tells that it had none (inferred: the published body has one).
        owner = body.get("assignedTo")
        made["assigned_to"] = owner if isinstance(owner, str) else None
    return contact.model_copy(update=made)


def is_heard_of(rulebook: Rulebook, location: Location) -> bool:
    """Whether any rule listens to changes of contacts: else none is read, and nothing of it kept."""
    return bool(rulebook.index.listening({Trigger.CONTACT_UPDATED}, location, None))


def whose_changes(known: Known, now: Digests, key: SecretStr) -> tuple[bool, list[OwnWrite]]:
    """Whether somebody else changed it since it was last seen, and the writes of ours that show since then."""
    last = known.last.facts if known.last else None
    changed = {name for name in {*(last or {}), *now} if last is None or last.get(name) != now.get(name)}
    ours, by_us = [], set[str]()
    for write in known.wrote:
        meant = contacts.meant(write.operation, key)
        shown = {name for name, digest in meant.items() if now.get(name) == digest}
        if shown and (last is None or shown & changed):
            ours.append(write)
            by_us |= shown
    return bool(changed - by_us), ours
