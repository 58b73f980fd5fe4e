"""Calendar groups in the sandbox."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from service.highlevel.groups import GroupReply, GroupsReply
from service.sandbox.seeds.seed import packaged_seed
from tests.sandboxes import CUTS, LOCATION, Sandbox, running

EVENINGS = {"locationId": LOCATION, "name": "Evenings", "description": "After six", "slug": "evenings"}
TEXTS = {"name": "Nights", "description": "", "slug": "nights"}
TAKEN = "The slug is already taken."


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running(told=False) as running_sandbox:
        yield running_sandbox


async def make(sandbox: Sandbox, **fields: Any) -> Any:
    return (await sandbox.call("POST", "/calendars/groups", EVENINGS | fields, status=201))["group"]


async def listed(sandbox: Sandbox) -> Any:
    """Those that were made here."""
    groups = (await sandbox.call("GET", "/calendars/groups", locationId=LOCATION))["groups"]
    return [group for group in groups if group["slug"] in ("evenings", "nights")]


async def test_a_group_is_made_changed_switched_and_deleted(sandbox: Sandbox) -> None:
    assert await listed(sandbox) == []
    made = await make(sandbox)
    assert made == EVENINGS | {"id": made["id"], "isActive": True}
    assert len(made["id"]) == 20
    path = f"/calendars/groups/{made['id']}"
    answer = await sandbox.call("PUT", path, TEXTS)
    assert GroupReply.read(answer).group.slug == "nights"
    assert answer["group"] == made | TEXTS
    assert (await sandbox.call("PUT", f"{path}/status", {"isActive": False}))["success"] is True
    assert await listed(sandbox) == [made | TEXTS | {"isActive": False}]
    answer = await sandbox.call("GET", "/calendars/groups", locationId=LOCATION)
    assert GroupsReply.read(answer).groups[-1].is_active is False
    assert (await sandbox.call("DELETE", path))["success"] is True
    assert await listed(sandbox) == []
    for method, where, body in (
        ("PUT", path, TEXTS),
        ("PUT", f"{path}/status", {"isActive": True}),
        ("DELETE", path, None),
    ):
        assert (await sandbox.call(method, where, body, status=404))["message"] == "The group is not found."


async def test_a_group_can_be_off_from_the_start(sandbox: Sandbox) -> None:
    assert (await make(sandbox, isActive=False))["isActive"] is False
    assert (await make(sandbox, isActive=None, slug="nights"))["isActive"] is True


async def test_a_slug_is_one_groups(sandbox: Sandbox) -> None:
    async def available(slug: str) -> Any:
        body = {"locationId": LOCATION, "slug": slug}
        return (await sandbox.call("POST", "/calendars/groups/validate-slug", body))["available"]

    assert await available("evenings") is True
    made = await make(sandbox)
    assert await available("evenings") is False
    assert (await sandbox.call("POST", "/calendars/groups", EVENINGS, status=400))["message"] == TAKEN
    other = await make(sandbox, slug="nights")
    path = f"/calendars/groups/{other['id']}"
    assert (await sandbox.call("PUT", path, TEXTS | {"slug": "evenings"}, status=400))["message"] == TAKEN
    assert (await sandbox.call("PUT", path, TEXTS))["group"]["slug"] == "nights"
    await sandbox.call("DELETE", f"/calendars/groups/{made['id']}")
    assert await available("evenings") is True


async def test_calendars_of_a_deleted_group_stay_without_it(sandbox: Sandbox) -> None:
    group_id = (await make(sandbox))["id"]
    before = (await sandbox.call("GET", f"/calendars/{CUTS}"))["calendar"]
    changed = (await sandbox.call("PUT", f"/calendars/{CUTS}", {"groupId": group_id}))["calendar"]
    assert changed["groupId"] == group_id
    await sandbox.call("DELETE", f"/calendars/groups/{group_id}")
    assert (await sandbox.call("GET", f"/calendars/{CUTS}"))["calendar"] == before


async def test_a_group_without_texts_is_refused(sandbox: Sandbox) -> None:
    answer = await sandbox.call("POST", "/calendars/groups", EVENINGS | {"name": "", "slug": ""}, status=422)
    assert answer["message"] == ["name should not be empty", "slug should not be empty"]
    answer = await sandbox.call("PUT", "/calendars/groups/x", {"name": "Nights"}, status=422)
    assert answer["message"] == ["description should not be empty", "slug should not be empty"]


async def test_groups_of_another_location_are_out_of_reach() -> None:
    other = "\n  - {id: OtherLocati0nOfTests, timezone: UTC, groups: [{id: theirs, name: Theirs, slug: evenings}]}"
    async with running(told=False, seed=packaged_seed("demo").rstrip() + other) as sandbox:
        elsewhere = {"locationId": "OtherLocati0nOfTests"}
        await sandbox.call("GET", "/calendars/groups", status=403, **elsewhere)
        await sandbox.call("POST", "/calendars/groups", EVENINGS | elsewhere, status=403)
        await sandbox.call("POST", "/calendars/groups/validate-slug", elsewhere | {"slug": "x"}, status=403)
        await sandbox.call("PUT", "/calendars/groups/theirs", TEXTS, status=404)
        await sandbox.call("DELETE", "/calendars/groups/theirs", status=404)
        await sandbox.call("PUT", f"/calendars/{CUTS}", {"groupId": "theirs"}, status=400)
        await make(sandbox)
