"""What of a contact that is read is news, and what is an echo of our own writes; its digests. Pure."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from service.highlevel.contacts import (
    AddContactTags,
    AddContactToWorkflow,
    ChangeContactOwner,
    Contact,
    RemoveContactTags,
)
from service.highlevel.operation import Operation
from service.store import contacts
from service.store.contacts import ContactSeen, Known, OwnWrite, digests
from tests.house import SECRET
from tests.sandboxes import ADA, DANA, KIM, LOCATION
from workers.contact_news import whose_changes

AT = datetime(2027, 3, 22, 9, tzinfo=UTC)
CONTACT: dict[str, Any] = {
    "id": ADA,
    "firstName": "Ada",
    "lastName": "Example",
    "email": "ada@example.com",
    "phone": "+447700900111",
    "country": "GB",
    "postalCode": "LS1 4AP",
    "timezone": "Europe/London",
    "assignedTo": DANA,
    "tags": ["vip"],
    "customFields": [{"id": "language", "value": ["Polish"]}],
}
VIP, WEB = AddContactTags(contact_id=ADA, tags=(" VIP ",)), AddContactTags(contact_id=ADA, tags=("Web",))


def looks(**changes: Any) -> contacts.Digests:
    return digests(Contact.model_validate({**CONTACT, **changes}), SECRET)


def told(before: dict[str, Any] | None, after: dict[str, Any], *wrote: Operation[Any]) -> tuple[bool, int]:
    """Whether somebody else changed it, and how many writes of ours show."""
    last = None if before is None else ContactSeen(LOCATION, ADA, looks(**before), AT)
    others, ours = whose_changes(Known(last, [OwnWrite("ours", each) for each in wrote]), looks(**after), SECRET)
    return others, len(ours)


@pytest.mark.parametrize(
    "change",
    [
        {"firstName": "Ida"},
        {"lastName": None},
        {"email": "ada@example.org"},
        {"phone": ""},
        {"country": "IE"},
        {"postalCode": "LS1 4AQ"},
        {"timezone": "Europe/Dublin"},
        {"assignedTo": None},
        {"tags": []},
        {"tags": ["vip", "web"]},
        {"customFields": []},
        {"customFields": [{"id": "language", "value": ["Polish", "Welsh"]}]},
        {"customFields": [{"id": "shoe size", "value": 39}, *CONTACT["customFields"]]},
    ],
)
def test_what_rules_may_ask_about_is_news_once_another_has_changed_it(change: dict[str, Any]) -> None:
    assert told({}, change) == (True, 0)
    assert told(change, {}) == (True, 0)
    assert told(change, change) == (False, 0)


@pytest.mark.parametrize(
    "change",
    [
        {"dnd": True},
        {"website": "https://example.com"},
        {"dateUpdated": "2027-03-22T09:00:00Z"},
        {"tags": ["VIP"]},
        {"customFields": [*CONTACT["customFields"], {"id": "shoe size", "value": ""}]},
    ],
)
def test_what_no_rule_can_ask_about_is_no_news(change: dict[str, Any]) -> None:
    assert told({}, change) == (False, 0)


OWNERLESS = ChangeContactOwner(contact_id=ADA, assigned_to=None)


@pytest.mark.parametrize(
    ("before", "after", "wrote", "found"),
    [
        ({"tags": []}, {}, [VIP], (False, 1)),
        ({"tags": []}, {"tags": ["vip", "web"]}, [VIP], (True, 1)),
        ({"tags": []}, {"tags": ["vip", "web"]}, [VIP, WEB], (False, 2)),
        ({}, {"tags": []}, [RemoveContactTags(contact_id=ADA, tags=("Vip",))], (False, 1)),
        ({}, {"assignedTo": KIM}, [ChangeContactOwner(contact_id=ADA, assigned_to=KIM)], (False, 1)),
        ({}, {"assignedTo": None}, [OWNERLESS], (False, 1)),
        ({}, {"assignedTo": KIM}, [OWNERLESS], (True, 0)),
        ({}, {"tags": []}, [VIP], (True, 0)),
        ({}, {}, [VIP], (False, 0)),
        (None, {}, [VIP], (True, 1)),
        (None, {}, [WEB], (True, 0)),
        ({}, {"phone": ""}, [AddContactToWorkflow(contact_id=ADA, workflow_id="w")], (True, 0)),
    ],
)
def test_what_we_wrote_is_told_from_what_others_did_meanwhile(
    before: dict[str, Any] | None, after: dict[str, Any], wrote: list[Operation[Any]], found: tuple[bool, int]
) -> None:
    assert told(before, after, *wrote) == found


def test_a_digest_says_nothing_and_is_anothers_for_another_contact() -> None:
    ours, another = looks(), digests(Contact.model_validate({**CONTACT, "id": "another"}), SECRET)
    kept = json.dumps(ours).lower()
    # No word that chance may make of the figures of a digest, as it made "ada" once.
    assert not [word for word in ("example", "7700900111", "vip", "polish", "london") if word in kept]
    assert not set(ours.values()) & set(another.values()) - {""}
    assert len(ours) == 10
