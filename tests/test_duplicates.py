"""What comes twice, or in the wrong order, by the receiver's own door: one effect, and the last word stands."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from service.embedded import Servers
from tests.house import House, event, open_house, signed
from tests.sandboxes import ALEX, DANA, KIM
from tests.test_order import booking
from workers.jobs import Drainer

RULES = """
  - {name: given, mode: live, when: appointment.created, then: [{do: assign, to: kim, replace: anybody}]}
  - name: noted
    mode: live
    when: [appointment.created, appointment.updated, appointment.cancelled]
    if: {status: {is: confirmed}}
    then: [{do: add_note, text: "{{ status }}"}]
  - {name: blocked, mode: live, when: appointment.created, then: [{do: block_slot, after: 15m, follow: true}]}
"""


@pytest.fixture
async def idle(database_url: str, servers: Servers) -> AsyncIterator[House]:
    """A house without a worker."""
    async with open_house(database_url, servers.redis_url, working=False) as opened:
        await opened.rules(RULES)
        yield opened


async def worked_off(house: House) -> None:
    drainer = Drainer(house.work)
    sweeping = asyncio.create_task(drainer.sweep())
    await house.settled()
    await drainer.stop()
    await sweeping


@pytest.mark.parametrize("together", [True, False], ids=["all before the worker looks", "each worked off"])
async def test_create_update_and_cancel_arriving_reversed(idle: House, together: bool) -> None:
    id_ = "reversed000000000001"
    created = booking(id_, assignedUserId=DANA)
    updated = booking(id_, 1, assignedUserId=ALEX, title="updated")
    cancelled = booking(id_, 2, assignedUserId=ALEX, title="updated", appointmentStatus="cancelled")
    await idle.call("PUT", f"/_sandbox/appointments/{id_}", cancelled)
    for told in (cancelled, updated, created):
        status, _ = await idle.post(event(told, "AppointmentCreate" if told is created else "AppointmentUpdate"))
        assert status == 202
        if not together:
            await worked_off(idle)
    await worked_off(idle)
    now = await idle.appointment(id_)
    assert (now["appointmentStatus"], now["assignedUserId"], now["title"]) == ("cancelled", ALEX, "updated")
    assert await idle.notes(id_) == []
    assert await idle.blocks(ALEX) == await idle.blocks(KIM) == []
    calls = await idle.call("GET", "/_sandbox/calls")
    assert [call for call in calls if call["method"] != "GET"] == []
    states = [(delivery["state"], delivery["reason"]) for delivery in await idle.deliveries(id_)]
    assert [state for state, _ in states] == ["done"] * 3
    assert [(reason or "").startswith("stale") for _, reason in states] == [False, True, True]


async def test_a_thousand_duplicates_over_twenty_connections_are_one_delivery_and_one_effect(house: House) -> None:
    await house.rules(RULES)
    id_ = "thousand000000000001"
    await house.call("PUT", f"/_sandbox/appointments/{id_}", booking(id_, assignedUserId=DANA))
    body = json.dumps(event(booking(id_, assignedUserId=DANA))).encode()
    headers, url = signed(house.key, body), house.door.make_url("/hooks/highlevel")
    answers: list[tuple[int, Any]] = []

    async def post(session: aiohttp.ClientSession) -> None:
        async with session.post(url, data=body, headers=headers) as response:
            answers.append((response.status, await response.json()))

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=20)) as session:
        await asyncio.gather(*(post(session) for _ in range(1000)))
    assert len(answers) == 1000
    assert len({answer["delivery"] for _, answer in answers}) == 1
    assert sorted(status for status, _ in answers) == [200] * 999 + [202]
    assert sum(not answer["known"] for _, answer in answers) == 1
    await house.settled()
    assert (await house.appointment(id_))["assignedUserId"] == KIM
    assert await house.notes(id_) == ["confirmed"]
    assert len(await house.blocks(KIM)) == 1
    counts = {name: await house.writes(name) for name in ("EditAppointment", "CreateNote", "CreateBlockSlot")}
    assert counts == {"EditAppointment": 1, "CreateNote": 1, "CreateBlockSlot": 1}
    first, *echoes = await house.deliveries(id_)
    assert str(first["delivery_id"]) == answers[0][1]["delivery"]
    assert all(echo["steps"] == [] for echo in echoes)
