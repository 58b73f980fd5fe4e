"""What is told of a contact: news, an echo of ours, or nothing; and what is kept to tell them apart."""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from service.event import read_event
from service.highlevel.contacts import (
    AddContactTags,
    GetContact,
)
from service.highlevel.operation import Api, Operation, ReplyT
from service.receiver.kinds import SENT_ALONG
from service.store import contacts, history, holds, locations, steps
from service.store.contacts import ContactSeen, digests
from service.store.identifiers import new_id
from service.store.ledger import write_down
from service.store.sealing import Keys
from service.store.steps import Step
from tests.house import APP_ID, SECRET, House, now
from tests.sandboxes import ADA, DANA, LOCATION
from tests.test_apply import rule
from tests.test_deliveries import rows
from tests.test_external_events import open_source
from workers.contact_news import contact_news
from workers.judge import Meaning
from workers.trial import arrived

KIMS = "tA6I9X3VgOviNG9730qc"
"""A contact of Kim's."""

HEARD = rule("heard", "contact.updated", "do: call, url: 'https://example.com/'", mode="shadow")


async def everything(house: House) -> list[Any]:
    """All deliveries, oldest first."""
    await house.settled()
    async with house.pool.acquire() as connection:
        listed = await history.listed(connection, limit=100)
        return [await history.shown(connection, row["delivery_id"]) for row in reversed(listed)]


async def tag(house: House, *tags: str, status: int = 201) -> None:
    """As somebody else; the sandbox tells of it."""
    await house.call("POST", f"/contacts/{ADA}/tags", {"tags": list(tags)}, status=status)


def changed(type_: str = "ContactUpdate", contact: str = ADA) -> dict[str, Any]:
    envelope = {"locationId": LOCATION, "appId": APP_ID, "timestamp": now().isoformat(), "webhookId": str(new_id())}
    return {"type": type_, "id": contact, **envelope}


async def test_a_change_of_a_contact_sets_off_the_rules_that_listen_once_and_names_the_contact(house: House) -> None:
    await house.rules(HEARD)
    await house.post(changed("ContactCreate"))
    await house.settled()
    await tag(house, "web")
    await house.settled()
    await house.post(changed())
    await house.post(changed("ContactDelete"))
    await rows(house.pool, "INSERT INTO contacts VALUES ($1, 'cGone00000000000000a', '{}', now())", LOCATION)
    await house.post(changed("ContactUpdate", "cGone00000000000000a"))
    created, tagged, again, kept, gone = await everything(house)
    assert [each["triggers"] for each in (created, again, kept, gone)] == [[]] * 4
    assert tagged["triggers"] == ["contact.updated"]
    assert (tagged["event"], tagged["contact_id"], tagged["appointment_id"]) == ("ContactTagUpdate", ADA, None)
    [verdict], [step] = tagged["verdicts"], tagged["steps"]
    assert (verdict["rule"], verdict["held"], step["state"]) == ("heard", True, "shadow")
    assert again["reason"] == "an echo: nothing that a rule can ask about has changed"
    assert gone["reason"] == "HighLevel does not know this contact"
    assert await rows(house.pool, "SELECT contact_id FROM contacts") == [(ADA,)]
    assert await rows(house.pool, "SELECT contact_id FROM steps") == [(ADA,)]
    assert await rows(house.pool, "SELECT count(*), count(DISTINCT lane_id) FROM deliveries") == [(5, 2)]


async def test_of_contacts_that_no_rule_asks_about_nothing_is_read_or_kept(house: House) -> None:
    await house.rules(HEARD.replace("contact.updated", "appointment.created"))
    await tag(house, "web")
    [delivery] = await everything(house)
    assert (delivery["state"], delivery["reason"], delivery["calls"]) == ("done", "no rule listens", [])
    assert await rows(house.pool, "SELECT * FROM contacts") == []


async def test_what_our_own_writes_bring_back_is_news_only_to_rules_that_ask_for_it(house: House) -> None:
    """Also of a contact that was never seen; and what others do again that we did before is theirs."""
    await house.rules(HEARD + HEARD.replace("heard", "own").replace("when", "on_own_changes: true, when"))
    assert (await house.post(changed("NoteCreate")))[0] == 202
    [(other,)] = await rows(house.pool, "SELECT delivery_id FROM deliveries")
    for place, tags in enumerate((("vip",), ("web",))):
        operation = AddContactTags(contact_id=ADA, tags=tags).stored()
        await rows(
            house.pool,
            "INSERT INTO steps (step_id, delivery_id, rule, place, part, action, state, sentence, operation, "
            "location_id, contact_id, finished_at) VALUES ($1, $2, 'tags', $3, 0, 'tag_contact', 'done', 's', $4, $5, "
            "$6, clock_timestamp())",
            *(new_id(), other, place, operation, LOCATION, ADA),
        )
        await tag(house, *tags)
        await house.settled()
    await house.call("DELETE", f"/contacts/{ADA}/tags", {"tags": ["vip"]})
    await house.settled()
    await tag(house, "vip")
    _, *echoes, gone, again = await everything(house)
    assert len(echoes) == 2
    for echo in echoes:
        assert echo["triggers"] == ["contact.updated (by rule tags)"]
        assert [verdict["rule"] for verdict in echo["verdicts"]] == ["own"]
    for theirs in (gone, again):
        assert theirs["triggers"] == ["contact.updated"]
        assert [verdict["rule"] for verdict in theirs["verdicts"]] == ["heard", "own"]


async def tagging(house: House, delivery_id: UUID, tag: str) -> None:
    """A step of ours that adds it is stored as about to be sent."""
    step = Step(
        step_id=new_id(),
        delivery_id=delivery_id,
        rule="tags",
        place=0,
        part=0,
        action="tag_contact",
        state="planned",
        sentence="tag",
        location_id=LOCATION,
        appointment_id=None,
        contact_id=ADA,
        operation=AddContactTags(contact_id=ADA, tags=(tag,)).stored(),
    ).sent()
    async with house.pool.acquire() as connection:
        await write_down(connection, [steps.kept(step)])


@dataclass
class BesideAnother:
    """Another worker, on a booking of the contact, tags it right before it is read."""

    house: House
    delivery_id: UUID
    api: Api

    async def __call__(self, operation: Operation[ReplyT], /) -> ReplyT:
        await tagging(self.house, self.delivery_id, "new")
        await tag(self.house, "new")
        return await self.api(operation)


async def test_what_we_write_while_a_contact_is_being_read_is_not_taken_for_somebody_elses(house: House) -> None:
    assert (await house.post(changed("ContactTagUpdate")))[0] == 202
    await house.settled()
    async with house.pool.acquire() as connection:
        location = await locations.find(connection, Keys(SECRET), LOCATION)
        [(delivery_id,)] = await connection.fetch("SELECT delivery_id FROM deliveries")
        assert location is not None
        api = house.work.unrecorded(location)
        contact = (await api(GetContact(contact_id=ADA))).contact
        before = ContactSeen(LOCATION, ADA, digests(contact, SECRET), now() - timedelta(hours=1))
        await write_down(connection, [contacts.kept(before)])
    event = read_event(json.dumps(changed("ContactTagUpdate")).encode())
    delivery = arrived(event, json.dumps(event.body).encode(), now())
    found = await contact_news(house.pool, BesideAnother(house, delivery_id, api), delivery, SECRET)
    assert isinstance(found, Meaning)
    assert not found.triggers
    assert found.own == {"contact.updated"}
    assert found.own_rules == ("tags",)


async def test_what_was_given_up_on_in_doubt_is_ours_if_it_shows_soon_and_no_longer(house: House) -> None:
    assert (await house.post(changed("NoteCreate")))[0] == 202
    [(other,)] = await rows(house.pool, "SELECT delivery_id FROM deliveries")
    await tagging(house, other, "web")
    age = "UPDATE steps SET state = $1, sent_at = clock_timestamp() - make_interval(mins => $2)"
    for state, minutes, ours in (
        ("sent", 20, 1),
        ("parked", 0, 1),
        ("parked", 20, 0),
        ("parked", None, 0),
        ("skipped", 0, 1),
        ("failed", 0, 0),
    ):
        await rows(house.pool, age, state, minutes)
        async with house.pool.acquire() as connection:
            wrote = await contacts.written(connection, LOCATION, ADA, now() - timedelta(minutes=1))
        assert len(wrote) == ours, (state, minutes)


async def test_a_tag_put_on_a_contact_right_after_it_was_made_is_news(house: House) -> None:
    """Though its making is read about when the tag shows already."""
    await house.rules(HEARD + HEARD.replace("heard", "own").replace("when", "on_own_changes: true, when"))
    async with house.pool.acquire() as connection:
        await holds.shut(connection, "location", "paused", location_id=LOCATION, reason="a test", who="ada")
    await house.post(changed("ContactCreate") | {"tags": ["vip"], "assignedTo": DANA})
    await tag(house, "web")
    await house.post(changed())
    async with house.pool.acquire() as connection:
        await holds.lift(connection, "location", ["paused"], location_id=LOCATION)
        await connection.execute("UPDATE lanes SET ready_at = clock_timestamp() WHERE ready_at IS NOT NULL")
    created, tagged, again = await everything(house)
    assert [each["triggers"] for each in (created, tagged, again)] == [[], ["contact.updated"], []]


async def test_an_owner_given_to_a_contact_right_after_it_was_made_without_one_is_news(house: House) -> None:
    """Though its making, which names none, is read about when the owner shows already."""
    await house.rules(HEARD)
    await house.post(changed("ContactCreate", KIMS) | {"tags": []})
    await house.post(changed("ContactUpdate", KIMS))
    created, given = await everything(house)
    assert (created["triggers"], given["triggers"]) == ([], ["contact.updated"])


async def test_a_workflow_may_tell_of_a_contact_if_its_author_says_so(house: House) -> None:
    await open_source(house)
    await house.rules(HEARD)
    for custom in ({"about": "contact"}, {}):
        body = {"location": {"id": LOCATION}, "contact_id": ADA, "customData": custom}
        headers = {SENT_ALONG: "the-secret-of-a-workflow-here"}
        async with house.door.post("/hooks/workflow/flow", json=body, headers=headers) as response:
            assert response.status == 202
    told_of, not_said = await everything(house)
    assert (told_of["event"], told_of["triggers"]) == ("workflow.contact", ["contact.updated"])
    assert (not_said["state"], not_said["reason"]) == (
        "ignored",
        "workflow names no appointment at calendar.appointmentId",
    )
