"""What the sandbox's levers say to what they cannot use."""

import json
from collections.abc import AsyncIterator
from io import BytesIO

import pytest

from service.sandbox.webhooks.envelopes import compact
from tests.sandboxes import ADA, HEADERS, LOCATION, Sandbox, at, running

HUGE = b'{"raw": "' + b"x" * 1024**2 + b'"}'
"""More than a mebibyte."""
HALF_A_PAIR = json.dumps("\ud800")


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running() as running_sandbox:
        yield running_sandbox


async def refused(sandbox: Sandbox, method: str, path: str, body: bytes, status: int) -> str:
    async with sandbox.client.request(method, path, data=BytesIO(body), headers=HEADERS) as answer:
        assert answer.status == status, await answer.text()
        said = await answer.json()
        assert said["statusCode"] == status
        return str(said["message"])


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "webhooks", '{"raw": %s}'),
        ("POST", "webhooks", '{"body": {"a": [%s]}}'),
        ("POST", "webhooks", '{"body": {%s: 1}}'),
        ("POST", "faults", '{"operation": "*", "status": 503, "message": %s}'),
        ("PUT", "appointments/a", '{"title": %s}'),
        ("POST", "installs", '{"location": %s}'),
        ("PUT", "clock", '{"now": %s}'),
    ],
)
async def test_half_a_surrogate_pair_is_no_text(sandbox: Sandbox, method: str, path: str, body: str) -> None:
    message = await refused(sandbox, method, f"/_sandbox/{path}", (body % HALF_A_PAIR).encode(), 422)
    assert message == "half a surrogate pair is no text"
    assert sandbox.receiver.arrived == []


def test_what_is_posted_has_bytes_whatever_it_says() -> None:
    assert compact({"a": "\ud800 Zoë"}) == '{"a":"\\ud800 Zoë"}'.encode()
    assert json.loads(compact({"a": "\ud800"})) == {"a": "\ud800"}


async def test_a_location_that_is_not_there_is_told_which_are(sandbox: Sandbox) -> None:
    for method, path, body in (
        ("POST", "spend", '{"location": "other", "calls": 1}'),
        ("POST", "installs", '{"location": "other"}'),
        (
            "PUT",
            "appointments/a",
            f'{{"locationId": "other", "calendarId": "c", "startTime": "{at("10:00")}", "endTime": "{at("11:00")}"}}',
        ),
    ):
        message = await refused(sandbox, method, f"/_sandbox/{path}", body.encode(), 422)
        assert message == f"no location other; there is {LOCATION}"


async def test_a_method_that_a_lever_has_not_is_told_which_it_has(sandbox: Sandbox) -> None:
    message = await refused(sandbox, "PATCH", "/_sandbox/faults", b"", 405)
    assert message == "Cannot PATCH /_sandbox/faults: it has DELETE, GET, HEAD, POST"
    async with sandbox.client.delete("/_sandbox/clock") as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD, PUT")
    # Of the API, which has its own words.
    assert await refused(sandbox, "PATCH", f"/contacts/{ADA}", b"", 404) == f"Cannot PATCH /contacts/{ADA}"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/_sandbox/webhooks"),
        ("PUT", "/_sandbox/appointments/a"),
        ("PUT", f"/contacts/{ADA}"),
        ("POST", "/oauth/token"),
    ],
)
async def test_a_body_of_more_than_a_mebibyte_is_answered_in_json(sandbox: Sandbox, method: str, path: str) -> None:
    assert await refused(sandbox, method, path, HUGE, 413) == "request entity too large"
    calls = await sandbox.call("GET", "/_sandbox/calls")
    of_the_api = [] if path.startswith("/_sandbox") else [(path, 413, False)]
    assert [(call["path"], call["status"], call["carried_out"]) for call in calls] == of_the_api
