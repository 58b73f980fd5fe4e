"""No write is sent twice without proof that the first did not happen."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from service.highlevel.appointments import CreateAppointment, DeleteEvent, EditAppointment
from service.highlevel.call import Call
from service.highlevel.client import Patience
from service.highlevel.errors import HighLevelError
from service.highlevel.operation import Operation
from tests.clients import TOKEN, Renewable, called, order, received
from tests.sandboxes import ADA, CUTS, DANA, LOCATION, Sandbox, at, running

BOOK = CreateAppointment(
    calendar_id=CUTS,
    location_id=LOCATION,
    contact_id=ADA,
    start_time=at("10:00"),
    assigned_user_id=DANA,
    ignore_free_slot_validation=True,
)


def proves_that_nothing_happened(call: Call) -> bool:
    """HighLevel took no call, or no token. Other words come with a 401 that says nothing about the write."""
    return call.status == 429 or (call.status == 401 and call.answer["message"].startswith("Invalid token"))


OUTCOMES = (
    *("delay=0.0001", "429", "429,retry_after=0", "400", "408", "500", "502", "503", "504"),
    *("expired_token", "missing_scope", "401", "timed_out"),
    *("502,html", "503,after", "drop", "drop_after", "truncated", "invalid"),
)
"""What may become of a try; the first is that it is answered."""

WRITES = st.sampled_from(
    [
        BOOK,
        EditAppointment(event_id="made", appointment_status="confirmed", title="Cut"),
        DeleteEvent(event_id="made"),
    ]
)


@contextmanager
def kept() -> Iterator[tuple[asyncio.Runner, Sandbox]]:
    """One for all examples."""
    with asyncio.Runner() as runner:
        opened = running(told=False)
        yield runner, runner.run(opened.__aenter__())
        runner.run(opened.__aexit__(None, None, None))


def test_no_write_is_sent_twice_without_proof_that_the_first_did_not_happen() -> None:
    with kept() as (runner, sandbox):
        seen: set[int | None] = set()

        async def example(write: Operation[Any], outcomes: list[str]) -> None:
            await sandbox.call("DELETE", "/_sandbox/faults", status=204)
            placed = {"calendarId": CUTS, "contactId": ADA, "startTime": at("12:00"), "endTime": at("13:00")}
            await sandbox.call("PUT", "/_sandbox/appointments/made", placed)
            await order(sandbox, *(f"{type(write).__name__}:{outcome}" for outcome in outcomes))
            await sandbox.call("DELETE", "/_sandbox/calls", status=204)
            calls: list[Call] = []

            async def record(call: Call) -> None:
                calls.append(call)

            tokens = Renewable("pit-sandbox-demo", TOKEN)
            came = await called(sandbox, write, Patience(pause=0), tokens, record=record)
            *before, (_, carried_out) = tries = await received(sandbox)
            seen.update(status for status, _ in tries)
            assert len(calls) == len(tries)
            assert all(proves_that_nothing_happened(call) for call in calls[:-1]), tries
            assert not any(carried_out_before for _, carried_out_before in before)
            if isinstance(came, HighLevelError):
                assert came.may_have_happened or not carried_out
            else:
                assert carried_out

        @settings(max_examples=300, deadline=None, database=None)
        @given(WRITES, st.lists(st.sampled_from(OUTCOMES), max_size=6))
        def examples(write: Operation[Any], outcomes: list[str]) -> None:
            runner.run(example(write, outcomes))

        examples()
        assert {None, 200, 400, 401, 429, 500, 502, 503, 504} <= seen
