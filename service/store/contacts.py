"""Contacts last seen: a digest of each fact that rules may ask about, by which it shows that one is another now.

Nothing of a contact can be read from it, nor be found out without SECRET_KEY by who has the table alone. Under another
key all of a contact is another, so what is told of it next is news, once.
"""

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import SecretStr

from service.highlevel.contacts import AddContactTags, ChangeContactOwner, Contact, RemoveContactTags, tag_key
from service.highlevel.operation import Operation
from service.store.database import Connection
from service.store.ledger import Entry, Sheet
from service.store.steps import MAY_BE_DONE

FACTS = ("name", "first_name", "last_name", "email", "phone", "country", "postal_code", "timezone", "assigned_to")
"""What of a contact rules may ask about, besides tags and custom fields."""

ECHO_WITHIN = timedelta(minutes=10)
"""Of a contact that was never seen, what is told within this time after a write of ours is taken for its echo."""

Digests = Mapping[str, str]
"""By fact: `email`, `tag <digest>`, `field <id>`. What is empty has none."""


@dataclass(frozen=True)
class ContactSeen:
    """`looked_at`: by the database's clock, right before it was read."""

    location_id: str
    contact_id: str
    facts: Digests
    looked_at: datetime


@dataclass(frozen=True)
class OwnWrite:
    """A write of ours to a contact that may not have been seen yet: by which rule, and what."""

    rule: str
    operation: Operation[Any]


@dataclass(frozen=True)
class Known:
    """What a contact that was read is compared with: how it was `last` seen, and what we wrote since then or, where it
    never was, lately."""

    last: ContactSeen | None
    wrote: Sequence[OwnWrite]


FIND = """
    SELECT clock_timestamp() AS asked_at, seen.facts, seen.looked_at
    FROM (SELECT) AS one LEFT JOIN contacts seen ON seen.location_id = $1 AND seen.contact_id = $2
"""

# One that had ended when it was last read showed then. What was given up on in doubt is not under way for ever.
WRITTEN = f"""
    SELECT rule, operation FROM steps
    WHERE location_id = $1 AND contact_id = $2 AND {MAY_BE_DONE}
        AND operation ->> 'operation' IN ('AddContactTags', 'RemoveContactTags', 'ChangeContactOwner')
        AND CASE WHEN state IN ('parked', 'skipped') THEN sent_at + $4::interval
            ELSE COALESCE(finished_at, clock_timestamp()) END > $3::timestamptz
    ORDER BY step_id
"""  # noqa: S608 (no value in it)

KEEP = Sheet(
    31,
    """
    INSERT INTO contacts (location_id, contact_id, facts, looked_at)
    SELECT * FROM unnest($1::text[], $2::text[], $3::jsonb[], $4::timestamptz[])
        AS new (location_id, contact_id, facts, looked_at)
    ON CONFLICT (location_id, contact_id) DO UPDATE SET facts = excluded.facts, looked_at = excluded.looked_at
    """,
)

FORGET = Sheet(
    32,
    """
    DELETE FROM contacts USING unnest($1::text[], $2::text[]) AS gone (location_id, contact_id)
    WHERE contacts.location_id = gone.location_id AND contacts.contact_id = gone.contact_id
    """,
)

ERASE = "DELETE FROM contacts WHERE location_id || ' ' || contact_id = ANY($1::text[])"


async def last_seen(connection: Connection, location_id: str, contact_id: str) -> tuple[ContactSeen | None, datetime]:
    """How a contact was last seen, and what time it is by the database's clock."""
    row = await connection.fetchrow(FIND, location_id, contact_id)
    assert row is not None
    last = None if row["facts"] is None else ContactSeen(location_id, contact_id, row["facts"], row["looked_at"])
    return last, row["asked_at"]


async def written(connection: Connection, location_id: str, contact_id: str, since: datetime) -> list[OwnWrite]:
    """What we wrote to a contact since then. To be asked once the contact was read: a write is noted as sent before it
    is sent, so of what shows none is missing."""
    rows = await connection.fetch(WRITTEN, location_id, contact_id, since, ECHO_WITHIN)
    return [OwnWrite(each["rule"], Operation.restored(each["operation"])) for each in rows]


def kept(seen: ContactSeen) -> Entry:
    row = (seen.location_id, seen.contact_id, dict(seen.facts), seen.looked_at)
    return Entry(KEEP, (seen.location_id, seen.contact_id), row)


def forgotten(location_id: str, contact_id: str) -> Entry:
    return Entry(FORGET, (location_id, contact_id), (location_id, contact_id))


def digests(contact: Contact, key: SecretStr) -> Digests:
    """How a contact that was read looks."""
    told = {name: str(value) for name in FACTS if (value := getattr(contact, name)) and str(value).strip()}
    fields = {
        f"field {field.id}": json.dumps(field.value, sort_keys=True)
        for field in contact.custom_fields or ()
        if field.id and field.value not in (None, "", [], {})
    }
    facts = {name: _digest(key, contact.id, name, value) for name, value in {**told, **fields}.items()}
    return {**facts, **dict.fromkeys(_tags(key, contact.id, contact.tags or ()), "")}


def meant(operation: Operation[Any], key: SecretStr) -> Mapping[str, str | None]:
    """What a write of ours makes of a contact: the digests that are its doing, None where it leaves none."""
    match operation:
        case AddContactTags():
            return dict.fromkeys(_tags(key, operation.contact_id, operation.tags), "")
        case RemoveContactTags():
            return dict.fromkeys(_tags(key, operation.contact_id, operation.tags))
        case ChangeContactOwner():
            owner, name = operation.assigned_to, "assigned_to"
            return {name: _digest(key, operation.contact_id, name, owner) if owner else None}
        case _:
            return {}


def _tags(key: SecretStr, contact_id: str, tags: Sequence[str]) -> Iterator[str]:
    return (f"tag {_digest(key, contact_id, 'tag', tag_key(tag))}" for tag in tags if tag_key(tag))


def _digest(key: SecretStr, contact_id: str, name: str, value: str) -> str:
    said = "\0".join((contact_id, name, value)).encode(errors="replace")
    return hmac.new(key.get_secret_value().encode(), said, hashlib.sha256).hexdigest()[:32]
