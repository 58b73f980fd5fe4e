"""Every operation, through our own client, over real HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from service.highlevel import operations
from service.highlevel.client import HighLevel
from service.highlevel.operation import Operation
from service.highlevel.rate_limit import Unlimited
from tests import tour_of_bookings, tour_of_calendars, tour_of_services
from tests.sandboxes import Sandbox, running
from tests.tour import SEED

STAGES = {**tour_of_bookings.STAGES, **tour_of_calendars.STAGES, **tour_of_services.STAGES}


@asynccontextmanager
async def touring() -> AsyncIterator[tuple[Sandbox, HighLevel]]:
    async with running(told=False, seed=SEED) as sandbox:
        base = str(sandbox.client.make_url("/"))
        async with HighLevel(base, "pit-sandbox-demo", rate_limit=Unlimited()) as api:
            yield sandbox, api


@pytest.mark.parametrize("stage", STAGES)
async def test_what_is_made_changed_and_deleted_is_read_so(stage: str) -> None:
    async with touring() as (_, api):
        await STAGES[stage](api)


async def test_the_tour_carries_out_every_operation_there_is() -> None:
    declaring = {f"service.highlevel.{name}" for name in operations.__all__}
    known = {each.__name__ for each in Operation.known.values() if each.__module__ in declaring}
    async with touring() as (sandbox, api):
        for stage in STAGES.values():
            await stage(api)
        calls = await sandbox.call("GET", "/_sandbox/calls")
    assert {call["operation"] for call in calls if call["carried_out"] and call["status"] < 300} == known
    assert len(known) == 73
