"""Contacts and users are searched in the sandbox as HighLevel's documents say."""

from typing import Any

import pytest

from service.highlevel.contacts import ContactsReply
from service.highlevel.users import UsersReply
from tests.sandboxes import LOCATION, Sandbox, running

SEARCH = "/contacts/search"
COMPANY = "cOmPaNyThAtOwNsItAll"
PEOPLE = {
    "ada": "Ada Example, email: ada@example.com, tags: [vip, web], owner: kim",
    "bob": "Bob Sample, email: bob@example.org, phone: '+13125550100', tags: [web]",
    "cyd": "Cyd Example",
}
PLACE = f"""
strict: true
clients:
  - {{id: an-app, secret: a-secret-that-is-one, company_id: {COMPANY}}}
locations:
  - id: {LOCATION}
    timezone: Europe/London
    tokens: [pit-sandbox-demo]
    users:
      - {{id: kim, name: Kim Young, email: kim@example.com}}
      - {{id: alex, name: alex Old, email: alex@example.org}}
    contacts: [{", ".join(f"{{id: {contact}, name: {said}}}" for contact, said in PEOPLE.items())}]
  - id: oThErL0cAt1oNoFtEsTs
    timezone: Europe/Paris
    users: [{{id: eve, name: Eve}}]
    contacts: [{{id: eva, name: Eva}}]
"""


async def search(sandbox: Sandbox, *, status: int = 200, **said: Any) -> Any:
    body = {"locationId": LOCATION, "pageLimit": 20, **said}
    return await sandbox.call("POST", SEARCH, body, status=status)


async def found(sandbox: Sandbox, **said: Any) -> list[str]:
    reply = ContactsReply.model_validate(await search(sandbox, **said))
    assert reply.total == len(reply.contacts)
    return [contact.id for contact in reply.contacts]


def where(field: str, operator: str, value: Any = None) -> dict[str, Any]:
    return {"field": field, "operator": operator} | ({} if value is None else {"value": value})


def group(word: str, *filters: Any) -> dict[str, Any]:
    return {"group": word, "filters": list(filters)}


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ([], ["ada", "bob", "cyd"]),
        ([where("email", "eq", "ada@example.com")], ["ada"]),
        ([where("firstNameLowerCase", "eq", "bob")], ["bob"]),
        ([where("firstNameLowerCase", "eq", "Bob")], []),
        ([where("id", "eq", ["ada", "cyd", "eva"])], ["ada", "cyd"]),
        ([where("tags", "eq", ["vip", "none"])], ["ada"]),
        ([where("tags", "not_eq", "vip")], ["bob", "cyd"]),
        ([where("tags", "contains", "WE")], ["ada", "bob"]),
        ([where("email", "contains", "EXAMPLE.org")], ["bob"]),
        ([where("email", "not_contains", "example.org")], ["ada", "cyd"]),
        ([where("assignedTo", "exists")], ["ada"]),
        ([where("tags", "not_exists")], ["cyd"]),
        ([where("phone", "not_exists"), where("lastNameLowerCase", "eq", "example")], ["ada", "cyd"]),
        ([group("OR", where("id", "eq", "bob"), where("id", "eq", "cyd"))], ["bob", "cyd"]),
        ([group("AND", where("tags", "eq", "web"), group("OR", where("id", "eq", "bob")))], ["bob"]),
        ([where("dateAdded", "range", {"gte": "2026-03-23T08:00:00Z", "lt": 1774252800001})], ["ada", "bob", "cyd"]),
        ([where("dateAdded", "range", {"gt": 1774252800000})], []),
        ([where("dateAdded", "range", {"lte": "2026-03-22"})], []),
        ([where("name", "range", {"gt": "Bob"})], ["bob", "cyd"]),
        ([where("phone", "range", {"gt": ""})], ["bob"]),
        ([where("name", "range", {"gt": 1})], []),
        ([where("customFields.unknown", "exists")], []),
    ],
    ids=str,
)
async def test_all_filters_hold_for_who_is_found(filters: list[Any], expected: list[str]) -> None:
    async with running(told=False, seed=PLACE) as sandbox:
        assert await found(sandbox, filters=filters) == expected


async def test_text_is_looked_for_in_name_mail_address_and_number() -> None:
    async with running(told=False, seed=PLACE) as sandbox:
        assert await found(sandbox, query="EXAMPLE") == ["ada", "bob", "cyd"]
        assert await found(sandbox, query="sample") == ["bob"]
        assert await found(sandbox, query="5550100") == ["bob"]
        assert await found(sandbox, query="nobody") == []


async def test_pages_go_by_number_or_from_the_last_contact_in_the_order_asked_for() -> None:
    async with running(told=False, seed=PLACE) as sandbox:
        sort = [{"field": "lastNameLowerCase", "direction": "asc"}, {"field": "name", "direction": "desc"}]
        assert await found(sandbox, sort=sort) == ["cyd", "ada", "bob"]
        pages = [await search(sandbox, sort=sort, pageLimit=2, page=page) for page in (1, 2, 3)]
        assert [[each["id"] for each in page["contacts"]] for page in pages] == [["cyd", "ada"], ["bob"], []]
        assert [page["total"] for page in pages] == [3, 3, 3]
        last = pages[0]["contacts"][-1]["searchAfter"]
        assert last == ["example", "Ada Example", "ada"]
        rest = await search(sandbox, sort=sort, pageLimit=2, searchAfter=last)
        assert ([each["id"] for each in rest["contacts"]], rest["total"]) == (["bob"], 3)
        # Where the last one is not found any more, it goes on from where it stood.
        gone = await search(sandbox, sort=sort, searchAfter=last, filters=[where("id", "not_eq", "ada")])
        assert [each["id"] for each in gone["contacts"]] == ["bob"]
        first = (await search(sandbox, pageLimit=1))["contacts"][0]
        assert first["searchAfter"] == [1774252800000, "ada"]  # newest first, then by id
        assert "searchAfter" not in (await sandbox.call("GET", "/contacts/ada"))["contact"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"pageLimit": 0},
        {"pageLimit": 501},
        {"page": 1, "searchAfter": [1, "ada"]},
        {"page": 21, "pageLimit": 500},
        {"searchAfter": []},
        {"searchAfter": ["ada"]},
        {"query": "x" * 76},
        {"sort": [{"field": "colour", "direction": "asc"}]},
        {"sort": [{"field": "name", "direction": "up"}]},
        {"filters": [where("colour", "exists")]},
        {"filters": [where("name", "resembles", "a")]},
        {"filters": [where("name", "not_range", {"gt": 1})]},
        {"filters": [where("name", "eq")]},
        {"filters": [where("name", "range", "a")]},
        {"filters": [where("dateAdded", "range", {"over": 1})]},
        {"filters": [where("dateAdded", "range", {"gt": "soon"})]},
        {"filters": [group("XOR")]},
        {"query": "nobody", "filters": [where("name", "eq", "nobody"), group("OR", where("colour", "exists"))]},
        {"query": "nobody", "sort": [{"field": "colour", "direction": "asc"}]},
        {"colour": 1},
    ],
    ids=str,
)
async def test_a_search_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    async with running(told=False, seed=PLACE) as sandbox:
        answer = await search(sandbox, **wrong, status=422)
        assert answer["message"][0]


async def test_nobody_searches_elsewhere() -> None:
    async with running(told=False, seed=PLACE) as sandbox:
        await search(sandbox, locationId="oThErL0cAt1oNoFtEsTs", status=403)
        await sandbox.call("GET", "/users/", locationId="oThErL0cAt1oNoFtEsTs", status=403)
        other = {"companyId": COMPANY, "locationId": "oThErL0cAt1oNoFtEsTs"}
        await sandbox.call("GET", "/users/search", **other, status=403)
        answer = await sandbox.call("GET", "/users/search", companyId="another", status=403)
        assert answer["message"] == "The token does not have access to this company."


async def test_users_of_a_location_are_listed() -> None:
    async with running(told=False, seed=PLACE) as sandbox:
        answer = await sandbox.call("GET", "/users/", locationId=LOCATION)
        assert [user.id for user in UsersReply.model_validate(answer).users] == ["kim", "alex"]
        assert "count" not in answer
        assert answer["users"][0] == {
            "id": "kim",
            "name": "Kim Young",
            "firstName": "Kim",
            "lastName": "Young",
            "email": "kim@example.com",
            "phone": "",
            "extension": "",
            "deleted": False,
            "roles": {"type": "account", "role": "user", "locationIds": [LOCATION]},
        }


@pytest.mark.parametrize(
    ("asked", "expected", "count"),
    [
        ({}, ["alex", "kim"], 2),
        ({"locationId": LOCATION}, ["alex", "kim"], 2),
        ({"query": "EXAMPLE.ORG"}, ["alex"], 1),
        ({"ids": "kim,nobody"}, ["kim"], 1),
        ({"limit": 1}, ["alex"], 2),
        ({"skip": 1}, ["kim"], 2),
        ({"sort": "name", "sortDirection": "desc"}, ["kim", "alex"], 2),
        ({"role": "user", "type": "account"}, ["alex", "kim"], 2),
        ({"role": "admin"}, [], 0),
        ({"type": "agency"}, [], 0),
    ],
    ids=str,
)
async def test_users_of_a_company_are_searched(asked: dict[str, Any], expected: list[str], count: int) -> None:
    async with running(told=False, seed=PLACE) as sandbox:
        reply = UsersReply.model_validate(await sandbox.call("GET", "/users/search", companyId=COMPANY, **asked))
        assert ([user.id for user in reply.users], reply.count) == (expected, count)


async def test_a_search_for_users_that_makes_no_sense_is_refused() -> None:
    async with running(told=False, seed=PLACE) as sandbox:
        for wrong in ({"sort": "colour"}, {"sortDirection": "up"}, {"limit": 0}, {"skip": -1}, {"colour": 1}):
            await sandbox.call("GET", "/users/search", companyId=COMPANY, **wrong, status=422)
        await sandbox.call("GET", "/users/search", status=422)
        await sandbox.call("GET", "/users/", status=422)
