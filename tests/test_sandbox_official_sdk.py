"""HighLevel's own Python SDK against the sandbox: the calls of the documents, with dicts, through its methods."""

import re
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from tests import plain_bookings, plain_calendars, plain_services
from tests.plain_calls import OPERATIONS, Plain, expect, filled
from tests.sandboxes import ADA, CUTS, DANA, HEADERS, KIM, LOCATION, Sandbox, at, running
from tests.specification import document
from tests.tour import SEED

pytestmark = pytest.mark.dear

STAGES = {**plain_bookings.STAGES, **plain_calendars.STAGES, **plain_services.STAGES}
NOTE = "/calendars/appointments/{appointmentId}/notes/{noteId}"
CANNOT = {("PUT", NOTE), ("DELETE", NOTE)}
"""The specification forgets to declare noteId, so the SDK made of it sends the text {noteId}."""


class Official:
    """A Call through the SDK; by plain HTTP what the SDK cannot."""

    def __init__(self, sdk: Any, session: aiohttp.ClientSession) -> None:
        self.sdk = sdk
        self.session = session
        self.asked: set[tuple[str, str]] = set()
        """What the SDK has done."""

    async def __call__(
        self, method: str, path: str, *places: str, body: Any = None, but: Collection[str] = (), **query: Any
    ) -> Any:
        told = OPERATIONS[method, path]
        ask = getattr(self.sdk.calendars, method_name(method, path))
        named = dict(zip(re.findall(r"{(\w+)}", path), places, strict=True))
        if (method, path) in CANNOT:
            del named["noteId"]
            await self._assert_it_cannot(ask, named, body)
            return await Plain(self.session)(method, path, *places, body=body)
        arguments = {snake_case(name): value for name, value in (named | query).items()}
        if body is not None:
            arguments["request_body"] = body
        answer = await ask(**arguments)
        if method == "GET":
            assert without_trace(answer) == without_trace(await self._read(filled(told, places), query))
        self.asked.add((method, path))
        return answer

    async def _assert_it_cannot(self, ask: Any, named: dict[str, str], body: Any) -> None:
        from highlevel.error import GHLError

        arguments = {snake_case(name): value for name, value in named.items()}
        with pytest.raises(GHLError) as refused:
            await ask(**arguments, **({} if body is None else {"request_body": body}))
        assert refused.value.status_code == 404

    async def _read(self, target: str, query: dict[str, Any]) -> Any:
        """What the sandbox has."""
        params = [
            (name, str(each).lower() if isinstance(each, bool) else str(each))
            for name, value in query.items()
            for each in (value if isinstance(value, list) else [value])
        ]
        async with self.session.get(target, params=params, headers=HEADERS) as answer:
            assert answer.status == 200
            return await answer.json()


def snake_case(name: str) -> str:
    return re.sub(r"[A-Z]", lambda letter: f"_{letter[0].lower()}", name)


def method_name(method: str, path: str) -> str:
    """The SDK calls its methods as the specification calls the operations."""
    called: str = document("v3")["paths"][path][method.lower()]["operationId"]
    return snake_case(called.replace("-", "_"))


def without_trace(answer: Any) -> Any:
    return {name: value for name, value in answer.items() if name != "traceId"} if isinstance(answer, dict) else answer


@asynccontextmanager
async def official() -> AsyncIterator[tuple[Official, Sandbox]]:
    # Here, since to import it takes a second that those who run other tests need not wait for.
    from highlevel import HighLevel

    sdk = HighLevel(private_integration_token="pit-sandbox-demo")
    async with sdk.http_client, running(told=False, seed=SEED) as sandbox:
        address = sandbox.client.make_url("/")
        sdk.http_client.base_url = str(address)
        async with aiohttp.ClientSession(address) as session:
            yield Official(sdk, session), sandbox


@pytest.mark.parametrize("stage", STAGES)
async def test_the_sdk_makes_reads_changes_and_deletes(stage: str) -> None:
    async with official() as (call, _):
        await STAGES[stage](call)


async def test_the_sdk_does_all_but_the_two_operations_that_it_cannot_express() -> None:
    async with official() as (call, sandbox):
        for stage in STAGES.values():
            await stage(call)
        calls = await sandbox.call("GET", "/_sandbox/calls")
    assert call.asked == OPERATIONS.keys() - CANNOT
    assert {each["method"] for each in calls if each["path"].endswith("/notes/{noteId}")} == {"PUT", "DELETE"}


async def test_the_sdk_reaches_contacts_people_and_the_location() -> None:
    async with official() as (call, _):
        contacts, sdk = call.sdk.contacts, call.sdk
        location = (await sdk.locations.get_location(location_id=LOCATION))["location"]
        expect(location, {"id": LOCATION, "timezone": "Europe/London"})
        found = await sdk.users.search_users(company_id=location["companyId"], location_id=LOCATION, query="kim")
        assert [user["id"] for user in found["users"]] == [KIM]

        assert (await contacts.update_contact(contact_id=ADA, request_body={"assignedTo": KIM}))["succeded"] is True
        assert "vip" in (await contacts.add_tags(contact_id=ADA, request_body={"tags": ["vip", "tea"]}))["tags"]
        assert (await contacts.remove_tags(contact_id=ADA, request_body={"tags": ["vip"]}))["tags"] == ["tea"]
        read = (await contacts.get_contact(contact_id=ADA))["contact"]
        expect(read, {"id": ADA, "assignedTo": KIM, "tags": ["tea"]})
        search = {
            "locationId": LOCATION,
            "pageLimit": 20,
            "filters": [{"field": "tags", "operator": "eq", "value": "tea"}],
        }
        assert [each["id"] for each in (await contacts.search_contacts_advanced(search))["contacts"]] == [ADA]
        task = {"title": "Call", "body": "Soon", "dueDate": at("12:00"), "completed": False, "assignedTo": DANA}
        made = await contacts.create_task(contact_id=ADA, request_body=task)
        expect(made["task"], task, "dueDate")
        workflow = {"contact_id": ADA, "workflow_id": "wF4lRm7TqZ2xKcV9NbJe"}
        assert (await contacts.add_contact_to_workflow(**workflow, request_body={}))["succeded"] is True
        assert (await contacts.delete_contact_from_workflow(**workflow, request_body={}))["succeded"] is True

        booking = {"calendarId": CUTS, "locationId": LOCATION, "contactId": ADA, "startTime": at("10:00")}
        booked = await sdk.calendars.create_appointment(booking)
        (listed,) = (await contacts.get_appointments_for_contact(contact_id=ADA))["events"]
        expect(listed, {"id": booked["id"], "calendarId": CUTS, "title": booked["title"]})
