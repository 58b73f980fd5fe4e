"""The sandbox's webhooks on purpose: twice, in any order, held back, and over a restart."""

import asyncio
import json
from collections.abc import Mapping
from random import Random
from typing import Any

import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import ValidationError

from service.sandbox.webhooks.address import Address
from service.sandbox.webhooks.outbox import Manners, Outbox, Patience
from tests.sandboxes import APPOINTMENTS, Receiver, Sandbox, at, running, until, verify

LEVER = "/_sandbox/webhooks"
QUICK = Patience(first_delay=0.001)


async def retitled(sandbox: Sandbox, titles: list[str]) -> None:
    booked = await sandbox.book(at("10:00"), title=titles[0])
    for title in titles[1:]:
        await sandbox.call("PUT", f"{APPOINTMENTS}/{booked['id']}", {"title": title})


def titles_of(sandbox: Sandbox) -> list[str]:
    return [body["appointment"]["title"] for body in sandbox.receiver.bodies]


async def quiet(sandbox: Sandbox) -> Any:
    """The lever's answer once nothing waits."""
    async with asyncio.timeout(5):
        while (answer := await sandbox.call("GET", LEVER))["waiting"]:
            await asyncio.sleep(0.002)
    return answer


async def test_a_duplicate_comes_after_a_good_answer_too_with_the_same_bytes_and_signature() -> None:
    async with running(duplicates=1, patience=QUICK) as sandbox:
        sandbox.receiver.answers = [500, 200, 500]
        await retitled(sandbox, ["1", "2"])
        answer = await quiet(sandbox)
        assert answer.pop("channels").keys() == {"app", "workflow"}
        assert answer == {
            "waiting": 0,
            "delivered": 2,
            "given_up": 0,
            "duplicates": 1,
            "reorder": False,
            "hold": False,
        }
        # Refused, taken, the same again though it was taken, whatever is said to that; then the next.
        assert titles_of(sandbox) == ["1", "1", "1", "2", "2"]
        first = sandbox.receiver.arrived[0]
        for body, headers, _ in sandbox.receiver.arrived[:3]:
            assert (body, headers["X-GHL-Signature"]) == (first[0], first[1]["X-GHL-Signature"])
            verify(sandbox, body, headers)


async def test_some_come_twice_by_chance() -> None:
    async with running(duplicates=0.5, patience=QUICK) as sandbox:
        await retitled(sandbox, [str(number) for number in range(20)])
        assert (await quiet(sandbox))["delivered"] == 20
        assert 20 < len(sandbox.receiver.arrived) < 40


async def test_with_reorder_what_belongs_together_comes_in_any_order() -> None:
    async with running(reorder=True, patience=Patience(first_delay=0.02)) as sandbox:
        await sandbox.call("PUT", LEVER, {"hold": True})
        titles = [str(number) for number in range(10)]
        await retitled(sandbox, titles)
        await sandbox.call("PUT", LEVER, {"hold": False})
        assert (await quiet(sandbox))["delivered"] == 10
        assert sorted(titles_of(sandbox)) == titles
        assert titles_of(sandbox) != titles


async def test_with_reorder_one_in_trouble_does_not_hold_up_its_own_lane() -> None:
    async with running(patience=Patience(first_delay=0.001, longest_delay=60)) as sandbox:
        await sandbox.call("PUT", LEVER, {"reorder": True})
        sandbox.receiver.answers, sandbox.receiver.headers = [500], {"Retry-After": "60"}
        await retitled(sandbox, ["1"])
        await until(lambda: len(sandbox.receiver.arrived) == 1)
        sandbox.receiver.headers = {}
        booked = sandbox.receiver.bodies[0]["appointment"]["id"]
        await sandbox.call("PUT", f"{APPOINTMENTS}/{booked}", {"title": "2"})
        await until(lambda: titles_of(sandbox) == ["1", "2"])


async def test_what_is_held_goes_out_in_order_once_it_may() -> None:
    async with running(patience=QUICK) as sandbox:
        assert (await sandbox.call("PUT", LEVER, {"hold": True}))["hold"] is True
        await retitled(sandbox, ["1", "2", "3"])
        for _ in range(5):
            assert (await sandbox.call("GET", LEVER))["waiting"] == 3
        assert sandbox.receiver.arrived == []
        answer = await sandbox.call("POST", LEVER, {"body": {"appointment": {"title": "by hand"}}})
        assert answer["status"] == 200  # one posted by hand goes
        sandbox.receiver.arrived.clear()
        assert (await sandbox.call("PUT", LEVER, {"hold": False}))["hold"] is False
        await quiet(sandbox)
        assert titles_of(sandbox) == ["1", "2", "3"]


async def test_a_retry_is_held_too() -> None:
    async with running(patience=Patience(first_delay=0.02)) as sandbox:
        sandbox.receiver.answers = [500]
        await retitled(sandbox, ["1"])
        await until(lambda: len(sandbox.receiver.arrived) == 1)
        await sandbox.call("PUT", LEVER, {"hold": True})
        await asyncio.sleep(0.05)
        assert len(sandbox.receiver.arrived) == 1
        await sandbox.call("PUT", LEVER, {"hold": False})
        assert (await quiet(sandbox))["delivered"] == 1
        assert titles_of(sandbox) == ["1", "1"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"duplicates": 1.1},
        {"duplicates": -1},
        {"duplicates": None},
        {"duplicates": float("nan")},
        {"hold": "maybe"},
        {"reorder": None},
        {"x": 1},
        [],
    ],
    ids=str,
)
async def test_manners_that_cannot_be_are_refused_and_change_nothing(wrong: Any) -> None:
    async with running() as sandbox:
        await sandbox.call("PUT", LEVER, {"duplicates": 0.25, "reorder": True})
        await sandbox.call("PUT", LEVER, wrong, status=422)
        answer = await sandbox.call("GET", LEVER)
        assert (answer["duplicates"], answer["reorder"], answer["hold"]) == (0.25, True, False)


async def test_what_waits_survives_a_restart_in_order_and_on_its_own_channel() -> None:
    app, flow = Receiver(answers=[500]), Receiver()
    hooks = web.Application()
    hooks.router.add_post("/app", app.receive)
    hooks.router.add_post("/flow", flow.receive)

    def marked(body: bytes) -> Mapping[str, str]:
        return {"X-Length": str(len(body))}

    async with TestServer(hooks) as server:
        addresses: Any = {name: Address(str(server.make_url(f"/{name}")), marked) for name in ("app", "flow")}
        addresses["workflow"] = addresses.pop("flow")

        def outbox(addresses: Any) -> Outbox:
            return Outbox(addresses, Patience(first_delay=60), Random(1), Manners())

        before = outbox(addresses)
        await before.open()
        for number in range(3):
            before.put("visit", f'{{"number":{number},"who":"Zoë"}}'.encode())
        await until(lambda: len(app.arrived) == 1)  # refused, and for a minute nothing more in its lane
        before.behave(Manners(hold=True))
        before.put("visit", b'{"flow":1}', "workflow")
        kept = json.loads(json.dumps(before.dump()))
        await before.close()
        assert before.dump() == kept  # and closing loses nothing
        assert (app.bodies, flow.bodies) == ([{"number": 0, "who": "Zoë"}], [])

        after = outbox(addresses)
        after.load(kept)
        assert (after.waiting, after.dump()) == (4, kept)
        await after.open()
        await until(lambda: not after.waiting)
        assert [body["number"] for body in app.bodies] == [0, 0, 1, 2]
        assert app.arrived[1][0] == app.arrived[0][0]
        assert flow.bodies == [{"flow": 1}]
        assert flow.arrived[0][1]["X-Length"] == "10"
        await after.close()

        lonely = outbox({"workflow": addresses["workflow"]})
        lonely.load(kept)
        with structlog.testing.capture_logs() as logs:
            await lonely.open()
        await until(lambda: lonely.waiting == 3)
        lonely.put("visit", b"{}")  # and nothing new
        await lonely.close()
        assert lonely.dump() == kept[:3]
        [told] = [each for each in logs if each["event"] == "webhooks wait for an address"]
        assert (told["channel"], told["waiting"], told["give"]) == ("app", 3, "--webhook-url")

        app.arrived.clear()
        again = outbox(addresses)
        again.load(lonely.dump())
        await again.open()
        await until(lambda: not again.waiting)
        await again.close()
        assert [body["number"] for body in app.bodies] == [0, 1, 2]
    with pytest.raises(ValidationError):
        outbox(addresses).load([{"lane": "visit"}])


async def test_a_share_is_no_percentage() -> None:
    async with running() as sandbox:
        answer = await sandbox.call("PUT", LEVER, {"duplicates": 20}, status=422)
        assert answer["message"] == "duplicates: a share of 1, as in 0.2"
