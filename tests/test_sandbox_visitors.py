"""The levers and the page of the sandbox answer nobody on behalf of another site."""

from collections.abc import AsyncIterator

import pytest

from service.sandbox.door.visitors import is_plain_name
from tests.sandboxes import HEADERS, LOCATION, Sandbox, running

FAULT = "GetCalendar:503"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running(told=False) as started:
        yield started


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 201),
        ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({"Sec-Fetch-Site": "none"}, 201),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "elsewhere.example"}, 421),
        ({"Host": "elsewhere.example", "Origin": "http://elsewhere.example"}, 421),
        ({"Host": "sandbox:8090"}, 201),
    ],
)
async def test_a_lever_is_not_pulled_by_a_page_of_another_site(
    sandbox: Sandbox, headers: dict[str, str], status: int
) -> None:
    async with sandbox.client.post("/_sandbox/faults", data=FAULT, headers=headers) as answer:
        assert answer.status == status, await answer.text()
    assert len(await sandbox.call("GET", "/_sandbox/faults")) == (status == 201)


async def test_the_page_is_not_read_under_a_name_that_somebody_else_made_up(sandbox: Sandbox) -> None:
    for path in ("/_sandbox", "/_sandbox/", "/_sandbox/calls"):
        async with sandbox.client.get(path, headers={"Host": "elsewhere.example"}) as answer:
            assert answer.status == 421
            assert "localhost" in (await answer.json())["message"]


async def test_the_api_itself_is_answered_under_any_name(sandbox: Sandbox) -> None:
    headers = {**HEADERS, "Host": "highlevel.example", "Origin": "https://elsewhere.example"}
    async with sandbox.client.get("/calendars/", params={"locationId": LOCATION}, headers=headers) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8090", "[::1]:8090", "10.0.0.7", "sandbox", "a.localhost"])
def test_names_that_nobody_can_have_made_up(host: str) -> None:
    assert is_plain_name(host)


@pytest.mark.parametrize("host", ["elsewhere.example", "127.0.0.1.elsewhere.example", "1.2.3", "[", "sandbox.local"])
def test_names_that_somebody_may_have_made_up(host: str) -> None:
    assert not is_plain_name(host)
