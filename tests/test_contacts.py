"""Contacts, users, locations: what goes over the wire, what is refused before, what is read."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from service.highlevel.contacts import (
    AddContactTags,
    AddContactToWorkflow,
    ChangeContactOwner,
    ContactAppointmentsReply,
    ContactEdited,
    ContactFilter,
    ContactFilterGroup,
    ContactOrder,
    ContactReply,
    ContactsReply,
    CreateTask,
    GetContact,
    ListContactAppointments,
    ListTasks,
    RemoveContactFromWorkflow,
    RemoveContactTags,
    SearchContacts,
    TagsReply,
    TaskReply,
    WorkflowReply,
)
from service.highlevel.locations import GetLocation, ListCustomFields, LocationReply
from service.highlevel.operation import Operation
from service.highlevel.users import ListUsers, SearchUsers, UsersReply

NEW_YORK = ZoneInfo("America/New_York")
SEARCH = SearchContacts(
    location_id="place",
    page_limit=500,
    search_after=(1720693899000, "ada"),
    filters=(
        ContactFilter(field="assignedTo", operator="not_exists"),
        ContactFilterGroup(
            group="OR",
            filters=(
                ContactFilter(field="dateAdded", operator="range", value={"gte": 1, "lte": 2}),
                ContactFilterGroup(group="AND", filters=(ContactFilter(field="dnd", operator="eq", value=False),)),
            ),
        ),
    ),
    sort=(ContactOrder(field="dateAdded", direction="desc"),),
    text="Ada",
)
SEARCHED = {
    "locationId": "place",
    "pageLimit": 500,
    "searchAfter": [1720693899000, "ada"],
    "filters": [
        {"field": "assignedTo", "operator": "not_exists"},
        {
            "group": "OR",
            "filters": [
                {"field": "dateAdded", "operator": "range", "value": {"gte": 1, "lte": 2}},
                {"group": "AND", "filters": [{"field": "dnd", "operator": "eq", "value": False}]},
            ],
        },
    ],
    "sort": [{"field": "dateAdded", "direction": "desc"}],
    "query": "Ada",
}
TASK = CreateTask(contact_id="ada", title="Call", due_date="2026-10-25T11:00:00Z", completed=False, assigned_to="kim")
TASK_SENT = {"title": "Call", "dueDate": "2026-10-25T11:00:00Z", "completed": False, "assignedTo": "kim"}


@pytest.mark.parametrize(
    ("operation", "sent"),
    [
        (GetContact(contact_id="ada"), ("GET", "/contacts/ada", None)),
        (SEARCH, ("POST", "/contacts/search", SEARCHED)),
        (
            SearchContacts(location_id="place", page_limit=20, page=1),
            ("POST", "/contacts/search", {"locationId": "place", "pageLimit": 20, "page": 1}),
        ),
        (ChangeContactOwner(contact_id="ada", assigned_to="kim"), ("PUT", "/contacts/ada", {"assignedTo": "kim"})),
        (ChangeContactOwner(contact_id="ada", assigned_to=None), ("PUT", "/contacts/ada", {"assignedTo": None})),
        (AddContactTags(contact_id="ada", tags=("a", "b")), ("POST", "/contacts/ada/tags", {"tags": ["a", "b"]})),
        (RemoveContactTags(contact_id="ada", tags=("a",)), ("DELETE", "/contacts/ada/tags", {"tags": ["a"]})),
        (TASK, ("POST", "/contacts/ada/tasks", TASK_SENT)),
        (ListTasks(contact_id="ada"), ("GET", "/contacts/ada/tasks", None)),
        (
            AddContactToWorkflow(contact_id="ada", workflow_id="win", event_start_time="2021-06-23T03:30:00+01:00"),
            ("POST", "/contacts/ada/workflow/win", {"eventStartTime": "2021-06-23T03:30:00+01:00"}),
        ),
        (AddContactToWorkflow(contact_id="ada", workflow_id="win"), ("POST", "/contacts/ada/workflow/win", {})),
        (RemoveContactFromWorkflow(contact_id="ada", workflow_id="win"), ("DELETE", "/contacts/ada/workflow/win", {})),
        (ListContactAppointments(contact_id="ada"), ("GET", "/contacts/ada/appointments", None)),
        (ListUsers(location_id="place"), ("GET", "/users/?locationId=place", None)),
        (
            SearchUsers(company_id="us", location_id="place", text="Kim", enabled_two_way_sync=True, ids="kim,lee"),
            (
                "GET",
                "/users/search?companyId=us&locationId=place&query=Kim&ids=kim%2Clee&enabled2waySync=true",
                None,
            ),
        ),
        (GetLocation(location_id="place"), ("GET", "/locations/place", None)),
        (
            ListCustomFields(location_id="place", model="contact"),
            ("GET", "/locations/place/customFields?model=contact", None),
        ),
    ],
    ids=lambda given: type(given).__name__,
)
def test_a_call_goes_out_as_published(operation: Operation[Any], sent: tuple[str, str, Any]) -> None:
    wire = operation.wire()
    assert (wire.method, wire.target, wire.body) == sent
    assert Operation.restored(operation.stored()).wire() == wire
    assert operation.version == "2021-07-28"


def test_an_owner_is_named_or_said_to_be_nobody_never_left_out() -> None:
    with pytest.raises(ValidationError, match="Field required"):
        ChangeContactOwner.model_validate({"contact_id": "ada"})


def test_a_search_pages_by_number_or_by_the_last_contact() -> None:
    with pytest.raises(ValidationError, match="either page or search_after"):
        SearchContacts(location_id="place", page_limit=20, page=2, search_after=("ada",))


@pytest.mark.parametrize("fields", [{"page_limit": 501}, {"page_limit": 0}, {"text": "a" * 76}, {"limit": 20}])
def test_a_search_has_its_limits(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SearchContacts.model_validate({"location_id": "place", "page_limit": 20, **fields})


def test_a_search_changes_nothing_though_it_is_a_post() -> None:
    assert not SearchContacts.changes
    assert AddContactTags.changes


def test_a_task_wants_its_time_with_an_offset() -> None:
    with pytest.raises(ValidationError, match="offset"):
        CreateTask(contact_id="ada", title="Call", due_date="2026-10-25T11:00:00", completed=False)


def test_a_contact_is_read_whether_found_or_fetched() -> None:
    fetched = ContactReply.read(
        {
            "contact": {
                "id": "ada",
                "locationId": "place",
                "dateAdded": "2026-05-05T15:12:41.809Z",
                "assignedTo": "",
                "timezone": "",
                "tags": ["vip"],
                "additionalEmails": [{"email": "second@example.com"}],
                "customFields": [{"id": "size", "value": ["s", "m"]}],
            },
            "traceId": "trace",
        }
    ).contact
    assert (fetched.assigned_to, fetched.timezone, fetched.tags) == (None, None, ("vip",))
    assert fetched.date_added == datetime(2026, 5, 5, 15, 12, 41, 809000, tzinfo=UTC)
    assert fetched.custom_fields is not None
    assert fetched.custom_fields[0].value == ["s", "m"]
    assert fetched.model_extra == {"additionalEmails": [{"email": "second@example.com"}]}
    found = ContactsReply.read({"contacts": [{"id": "ada", "tags": None, "searchAfter": [17, "ada"]}], "total": 120})
    assert (found.total, found.contacts[0].search_after, found.contacts[0].tags) == (120, (17, "ada"), None)


@pytest.mark.parametrize("reply", [ContactEdited, WorkflowReply])
@pytest.mark.parametrize("name", ["succeded", "succeeded"])
def test_success_is_read_in_highlevels_spelling_and_the_right_one(
    reply: type[ContactEdited] | type[WorkflowReply], name: str
) -> None:
    assert not reply.read({name: False}).succeeded
    assert reply.read({}).succeeded
    assert reply.read({}).model_dump(by_alias=True)["succeded"]


def test_tags_and_tasks_are_read_as_they_are_now() -> None:
    assert TagsReply.read({"tags": ["a", "b"], "tagsAdded": ["b"]}).tags == ("a", "b")
    task = TaskReply.read({"task": {"id": "one", "dueDate": "2021-07-08T02:30:00.000Z", "completed": False}}).task
    assert (task.due_date, task.completed) == (datetime(2021, 7, 8, 2, 30, tzinfo=UTC), False)


@pytest.mark.parametrize(
    ("told", "instant"),
    [
        ("2021-07-16 11:00:00", datetime(2021, 7, 16, 15, 0, tzinfo=UTC)),
        ("2021-01-16 11:00:00", datetime(2021, 1, 16, 16, 0, tzinfo=UTC)),
        ("2021-11-07 01:30:00", datetime(2021, 11, 7, 5, 30, tzinfo=UTC)),
        ("2021-07-16T11:00:00Z", datetime(2021, 7, 16, 11, 0, tzinfo=UTC)),
    ],
)
def test_an_appointment_in_its_contacts_list_becomes_an_instant_in_the_zone_that_is_told(
    told: str, instant: datetime
) -> None:
    event = {"id": "one", "startTime": told, "endTime": told, "assignedUserId": ""}
    appointment = ContactAppointmentsReply.read({"events": [event]}).events[0]
    starts = appointment.start_time.at(NEW_YORK)
    assert starts.utcoffset() is not None
    assert starts.astimezone(UTC) - instant == timedelta(0)
    assert appointment.assigned_user_id is None
    kept = ContactAppointmentsReply.read({"events": [appointment.model_dump(mode="json", by_alias=True)]})
    assert kept.events == (appointment,)


def test_the_users_of_a_location_are_read() -> None:
    kim = {
        "id": "kim",
        "email": "kim@example.com",
        "roles": {"type": "account", "locationIds": ["place"]},
        "scopes": [],
    }
    user = UsersReply.read({"users": [kim]}).users[0]
    assert user.roles is not None
    assert user.roles.location_ids == ("place",)
    assert user.model_extra == {"scopes": []}
    assert UsersReply.read({"users": [kim], "count": 1231}).count == 1231


def test_a_location_tells_its_zone_and_its_company() -> None:
    told = {"id": "place", "companyId": "us", "timezone": "US/Central", "business": {"timezone": "America/Chicago"}}
    location = LocationReply.read({"location": told}).location
    assert (location.company_id, location.timezone, location.name) == ("us", "US/Central", "")
    assert location.business is not None
    assert location.business.timezone == "America/Chicago"
