"""A person planted wherever a house keeps anything of one, beside another; and where which of them is still told."""

import json
from typing import Any
from uuid import UUID

from service.event import read_event
from service.store.arrivals import Arrival
from service.store.database import Pool
from service.store.identifiers import new_id
from tests.house import event, now
from tests.sandboxes import LOCATION
from tests.test_deliveries import record, rows

HERS, OTHERS = "cOttX3mT8qLw5ZrK1vNp", "cBasil0000000000002b"
NAME, EMAIL, PHONE, TITLE = "Quillfeather", "Plumdrake@example.com", "+44 7700 900813", "Wigfitting"
CANARIES = ("quillfeather", "plumdrake", "7700900813", "wigfitting", HERS.lower())
KEPT = ("fernsby", "basil@example.com", "7700900444", "shave", OTHERS.lower())

COLUMNS = """
    SELECT table_name, column_name, data_type FROM information_schema.columns
    WHERE table_schema = 'public' AND (data_type IN ('text', 'character varying', 'json', 'jsonb', 'bytea', 'ARRAY'))
"""


async def spoken(pool: Pool) -> dict[str, str]:
    """Everything readable in every column of every table, in lower case and digits without what is between them."""
    found = {}
    async with pool.acquire() as connection:
        for table, column, kind in await connection.fetch(COLUMNS):
            text = f"encode({column}, 'escape')" if kind == "bytea" else f"{column}::text"
            said = await connection.fetchval(f"SELECT string_agg({text}, ' ') FROM {table}")
            if said:
                found[f"{table}.{column}"] = said.lower() + said.replace(" ", "")
    return found


async def where(pool: Pool, *words: str) -> dict[str, set[str]]:
    """In which columns each of these is said."""
    said = await spoken(pool)
    return {word: {column for column, text in said.items() if word in text} for word in words}


async def plant(pool: Pool, contact: str, name: str, email: str, phone: str, title: str, state: str = "done") -> UUID:
    """A delivery of a contact with everything that a house keeps of one; its steps are in every state."""
    appointment = f"dLv{contact[1:16]}"
    booking = {
        "id": appointment,
        "location_id": LOCATION,
        "calendar_id": "cal",
        "contact_id": contact,
        "title": f"{title} for {name}",
        "address": f"{name} Lane 7",
        "starts": "2027-07-05T10:00:00Z",
        "ends": "2027-07-05T11:00:00Z",
        "status": "confirmed",
        "added": "2027-06-01T10:00:00Z",
    }
    delivery_id = await arrived(pool, contact, appointment, title=f"{title} for {name}")
    await rows(
        pool,
        "UPDATE deliveries SET state = $2, was = $3::jsonb, booking = $3::jsonb, reason = $4 WHERE delivery_id = $1",
        delivery_id,
        state,
        booking,
        f"HighLevel said: {name}",
    )
    checks = [
        {"fact": "title", "test": "contains", "expected": name, "actual": f"{title} for {name}", "held": True},
        {"fact": "status", "test": "is", "expected": "confirmed", "actual": "confirmed", "held": True},
    ]
    await rows(pool, "INSERT INTO verdicts VALUES ($1, 0, 'r', 'live', true, $2::jsonb)", delivery_id, checks)
    for place, each in enumerate(("done", "planned", "waiting", "sent", "unknown", "parked", "failed")):
        step_id = new_id()
        await rows(
            pool,
            """
            INSERT INTO steps (step_id, delivery_id, rule, place, part, action, state, sentence, reason, operation,
                meant, location_id, appointment_id, contact_id)
            VALUES ($1, $2, 'r', $3, 0, 'add_note', $4, $5, $5, $6::jsonb, $6::jsonb, $7, $8, $9)
            """,
            step_id,
            delivery_id,
            place,
            each,
            f"write {name}, {phone}",
            {"body": f"call {name} at {phone} or {email}"},
            LOCATION,
            appointment,
            contact,
        )
    for operation, answer in (
        ("GetContact", {"contact": {"id": contact, "email": email, "phone": phone}}),
        ("A", None),
    ):
        await rows(
            pool,
            "INSERT INTO calls VALUES ($1, $2, $3, $4, $5, 200, 1, $6::jsonb, $7::jsonb, $8)",
            new_id(),
            delivery_id,
            step_id,
            LOCATION,
            operation,
            {"body": {"body": f"{name} {phone}"}},
            answer,
            f"refused {email}",
        )
    values = (LOCATION, appointment, contact)
    await rows(
        pool,
        "INSERT INTO appointments (location_id, appointment_id, contact_id, booking, told, ours) "
        "VALUES ($1, $2, $3, $4::jsonb, $4::jsonb, $5::jsonb)",
        *values,
        booking,
        {"title": title, "status": "confirmed"},
    )
    await rows(pool, "INSERT INTO contacts VALUES ($1, $2, '{}', now())", LOCATION, contact)
    await rows(
        pool,
        "INSERT INTO follows VALUES ($1, $2, $3, 'r', 'after', '15m', $4, 'cal', $5::jsonb)",
        new_id(),
        *values[:2],
        f"after {name}",
        {"id": "block"},
    )
    await rows(
        pool,
        "INSERT INTO timers VALUES ($1, $2, $3, NULL, $4, 'r', $5, now() + '1d', now() + '2d', 'waiting')",
        new_id(),
        *values,
        f"2h before {title}",
    )
    await rows(
        pool,
        "INSERT INTO reconciliations (reconciliation_id, location_id, appointment_id, contact_id, state, news, body) "
        "VALUES ($1, $2, $3, $4, 'waiting', $5, $6)",
        new_id(),
        *values,
        f"{title} was booked",
        json.dumps({"title": title, "contactId": contact}).encode(),
    )
    await rows(
        pool,
        "INSERT INTO alerts (alert_id, kind, text, delivery_id) VALUES ($1, 'k', $2, $3)",
        new_id(),
        f"{name} comes too late",
        delivery_id,
    )
    await rows(pool, "INSERT INTO marks VALUES ($1, 'r', $2, $3)", LOCATION, f"contact:{contact}", delivery_id)
    await rows(
        pool,
        "INSERT INTO interventions VALUES ($1, $2, $3, 'mo', now())",
        new_id(),
        delivery_id,
        f"retried: {email} asked",
    )
    await rows(pool, "INSERT INTO lanes (lane_id, location_id, subject) VALUES ($1, $2, $3)", new_id(), LOCATION,
        f"contact:{contact}")  # fmt: skip
    await rows(pool, "INSERT INTO delivery_keys VALUES ('shop', $1, $2)", f"order of {email}", delivery_id)
    return delivery_id


async def arrived(pool: Pool, contact: str, appointment: str, **fields: Any) -> UUID:
    told = {
        "id": appointment,
        "contactId": contact,
        "calendarId": "cal",
        "appointmentStatus": "confirmed",
        "startTime": "2027-07-05T10:00:00Z",
        "endTime": "2027-07-05T11:00:00Z",
        "dateAdded": "2027-06-01T10:00:00Z",
        **fields,
    }
    body = json.dumps(event(told)).encode()
    [recorded] = await record(pool, Arrival("highlevel", read_event(body), body, now()))
    assert recorded.delivery_id is not None
    return recorded.delivery_id


async def both(pool: Pool, state: str = "done") -> tuple[UUID, UUID]:
    """Hers, and another's."""
    hers = await plant(pool, HERS, NAME, EMAIL, PHONE, TITLE, state)
    other = await plant(pool, OTHERS, "Fernsby", "basil@example.com", "+44 7700 900444", "Shave", state)
    await rows(pool, "UPDATE lanes SET ready_at = NULL")
    return hers, other
