"""Posts to other systems: what goes out, and what each end of a try means."""

import asyncio
from datetime import timedelta

import pytest
from aiohttp import web

from service.outgoing.client import MOST_READ, MOST_SENT, Answered, Outgoing
from service.outgoing.errors import (
    AnswerLost,
    Busy,
    NotPosted,
    OutgoingError,
    Redirected,
    Refused,
    ServerError,
    TooLarge,
)
from service.outgoing.posting import Posting, is_posting
from service.standard_webhooks import verify
from tests.other_systems import KEY, NOW, Names, answer, post, refusal, saying, serving

# What goes out


async def test_a_post_is_signed_and_its_id_is_the_same_at_every_try() -> None:
    got: list[tuple[dict[str, str], bytes]] = []

    async def take(request: web.Request) -> web.Response:
        got.append((dict(request.headers), await request.read()))
        response = web.Response(status=500 if len(got) == 1 else 200)
        response.set_cookie("track", "you")
        return response

    async with serving(take) as (url, (_, port)):
        # By a name, for nobody keeps cookies of an address.
        url, names = f"http://hooks.internal:{port}/hook", Names(["127.0.0.1"])
        async with Outgoing(allowed=[("hooks.internal", port)], resolver=names) as outgoing:
            with pytest.raises(ServerError):
                await post(outgoing, url, b'{"a":"b"}', "step-1")
            await post(outgoing, url, b'{"a":"b"}', "step-1")
    for headers, body in got:
        told = {name.lower(): value for name, value in headers.items()}
        proved = verify([KEY], told, body, now=NOW, window=timedelta(seconds=1))
        assert (proved.id, body) == ("step-1", b'{"a":"b"}')
        assert told["content-type"] == "application/json"
        assert told["user-agent"] == "Slotwright"
        assert "cookie" not in told


async def test_posts_one_after_the_other_share_a_connection() -> None:
    ports = set()

    async def take(request: web.Request) -> web.Response:
        assert request.transport is not None
        ports.add(request.transport.get_extra_info("peername")[1])
        return web.Response(body=b"x" * 1000)

    async with serving(take) as (url, place), Outgoing(allowed=[place]) as outgoing:
        for _ in range(5):
            await post(outgoing, url)
    assert len(ports) == 1


async def test_a_body_that_is_too_large_is_not_posted() -> None:
    refused = await answer(saying(200), body=b"x" * (MOST_SENT + 1))
    assert isinstance(refused, TooLarge)
    assert await answer(saying(200), body=b"x" * MOST_SENT) == Answered(200)


# What came of it


@pytest.mark.parametrize(
    ("status", "kind", "retry", "may_have_happened"),
    [
        (301, Redirected, False, False),
        (307, Redirected, False, False),
        (304, Redirected, False, False),
        (400, Refused, False, False),
        (401, Refused, False, False),
        (404, Refused, False, False),
        (408, AnswerLost, True, True),
        (410, Refused, False, False),
        (425, Busy, True, False),
        (429, Busy, True, False),
        (500, ServerError, True, True),
        (503, ServerError, True, True),
        (599, ServerError, True, True),
    ],
)
async def test_a_status_tells_whether_to_try_again_and_whether_it_may_have_happened(
    status: int, kind: type[OutgoingError], retry: bool, may_have_happened: bool
) -> None:
    error = await answer(saying(status))
    assert isinstance(error, OutgoingError)
    assert (type(error), error.status) == (kind, status)
    assert (error.retry, error.may_have_happened) == (retry, may_have_happened)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_any_2xx_is_an_answer(status: int) -> None:
    assert await answer(saying(status)) == Answered(status)


async def test_a_redirect_is_not_followed() -> None:
    asked = []

    async def lead_on(request: web.Request) -> web.Response:
        asked.append(request.path)
        raise web.HTTPTemporaryRedirect("/secret-place")

    error = await answer(lead_on)
    assert str(error).endswith("answered 307: redirects are not followed: name the address that it leads to")
    assert asked == ["/hook"]


@pytest.mark.parametrize(("told", "seconds"), [("17", 17.0), ("0.5", 0.5), ("soon", None), ("", None)])
async def test_who_asks_to_come_back_later_says_when(told: str, seconds: float | None) -> None:
    error = await answer(saying(429, **{"Retry-After": told}))
    assert isinstance(error, Busy)
    assert error.retry_after == seconds


async def test_an_answer_that_does_not_come_in_time_is_a_doubt() -> None:
    async def wait(_: web.Request) -> web.Response:
        await asyncio.sleep(10)
        return web.Response()

    error = await answer(wait, within=0.05)
    assert isinstance(error, AnswerLost)
    assert error.message == "no answer within 0.05 s"


async def test_a_connection_that_breaks_before_the_answer_is_a_doubt() -> None:
    async def hang_up(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    error = await answer(hang_up)
    assert isinstance(error, AnswerLost)
    assert error.may_have_happened


async def test_where_nobody_listens_nothing_has_happened() -> None:
    async with serving(saying(200)) as (url, place):
        pass
    async with Outgoing(allowed=[place]) as outgoing:
        error = await refusal(url, outgoing)
    assert isinstance(error, NotPosted)
    assert (error.retry, error.may_have_happened) == (True, False)


async def test_a_long_answer_is_an_answer_and_is_not_read_to_its_end() -> None:
    sent = 0

    async def go_on(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(400):
            await response.write(b"x" * MOST_READ)
            sent += MOST_READ
        return response

    assert await answer(go_on) == Answered(200)
    assert sent < 200 * MOST_READ


async def test_an_answer_that_never_ends_is_an_answer_in_time() -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await asyncio.sleep(10)
        return response

    assert await answer(drip, within=0.1) == Answered(200)


async def test_an_error_tells_the_host_and_nothing_else_of_the_address_or_the_body() -> None:
    async with serving(saying(500)) as (url, place), Outgoing(allowed=[place]) as outgoing:
        error = await refusal(f"{url}/hush?token=hush", outgoing, b'{"name":"hush"}')
    assert str(error) == f"127.0.0.1:{place[1]} answered 500: it failed"
    assert "hush" not in repr(error)


@pytest.mark.parametrize("within", [0, -1, 4.1])
def test_no_post_may_take_longer_than_a_workers_lease_is_sure_to_last(within: float) -> None:
    with pytest.raises(ValueError):
        Outgoing(within=within)


def test_a_posting_is_stored_and_restored_and_its_bytes_stay_the_same() -> None:
    posting = Posting(url="https://api.example.com/hook?key=hush", body={"b": "später", "a": "1"})
    stored = posting.stored()
    assert is_posting(stored)
    assert not is_posting({"operation": "CreateNote", "fields": {}})
    assert Posting.restored(stored) == posting
    reordered = {**stored, "fields": {**stored["fields"], "body": {"a": "1", "b": "später"}}}
    assert Posting.restored(reordered).content == posting.content == '{"a":"1","b":"später"}'.encode()
    assert posting.shown() == {"method": "POST", "host": "api.example.com", "body": {"a": "1", "b": "später"}}
