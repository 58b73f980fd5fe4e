"""All 59 operations by plain HTTP, as the seed documents show them: with every parameter and field that they name."""

import copy
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from tests import plain_bookings, plain_calendars, plain_services
from tests.plain_calls import DOCUMENTS, OPERATIONS, Plain, expect
from tests.sandboxes import ADA, CUTS, DANA, HEADERS, KIM, LOCATION, at, running
from tests.tour import HAIR, SEED

STAGES = {**plain_bookings.STAGES, **plain_calendars.STAGES, **plain_services.STAGES}


@asynccontextmanager
async def calling() -> AsyncIterator[Plain]:
    async with (
        running(told=False, seed=SEED) as sandbox,
        aiohttp.ClientSession(sandbox.client.make_url("/")) as session,
    ):
        yield Plain(session)


@pytest.mark.parametrize("stage", STAGES)
async def test_what_the_documents_name_is_taken_and_what_they_require_is_required(stage: str) -> None:
    async with calling() as call:
        await STAGES[stage](call)


async def test_every_documented_operation_is_carried_out() -> None:
    async with calling() as call:
        for stage in STAGES.values():
            await stage(call)
        assert call.asked == OPERATIONS.keys()
    assert len(OPERATIONS) == 59


IDS_OF_A_CALENDAR = {"groupId": HAIR, "teamMembers.0.userId": DANA}
CLOCKS = {
    f"{where}.0.hours.0.{name}": hour
    for where in ("openHours", "availabilities")
    for name, hour in (("openHour", 11), ("closeHour", 12))
}
"""The documents have 11.5 in both, while the specification has whole hours; and from 11:30 to 11:30 nothing is open."""
IDS_OF_AN_APPOINTMENT = {"calendarId": CUTS, "assignedUserId": KIM}
NEVER_ANSWERED = {"startTime", "endTime", "meetingLocationType", "assignedUserId", "rrule"}
"""Recorded answers to writing an appointment lack them."""
NEVER_KEPT = {"meetingLocation", "teamMembers.0.meetingLocation", "teamMembers.0.meetingLocationType"}
"""Deprecated, and in no body of the documents."""


DAY_OF_ITS_OWN = {
    "availabilities": [
        {
            "date": "2023-09-24T00:00:00.000Z",
            "hours": [{"openHour": 9, "openMinute": 0, "closeHour": 10, "closeMinute": 0}],
        }
    ]
}


@dataclass(frozen=True)
class Example:
    """`instead` is what stands in place of what the document's example has; `lacking` what our answer has not, or has
    of another type."""

    instead: dict[str, Any]
    lacking: set[str]


EXAMPLES = {
    "create calendar": Example(IDS_OF_A_CALENDAR | CLOCKS | {"locationId": LOCATION}, NEVER_KEPT),
    "update calendar": Example(IDS_OF_A_CALENDAR | CLOCKS, NEVER_KEPT),
    # An example has isRecurring as the text "true"; recorded it is true.
    "create appointment": Example(
        IDS_OF_AN_APPOINTMENT | {"locationId": LOCATION, "contactId": ADA}, NEVER_ANSWERED | {"isRecurring"}
    ),
    "update appointment": Example(IDS_OF_AN_APPOINTMENT, NEVER_ANSWERED),
}


def test_every_example_of_the_documents_has_its_place_in_the_table() -> None:
    assert EXAMPLES.keys() == DOCUMENTS["examples"].keys()


@pytest.mark.parametrize("name", EXAMPLES)
async def test_an_example_is_taken_as_it_stands_and_answered_with_what_the_document_shows(name: str) -> None:
    told, example = DOCUMENTS["examples"][name], EXAMPLES[name]
    body = copy.deepcopy(told["body"])
    instead = dict(example.instead)
    async with calling() as call:
        path = told["path"]
        if name == "update calendar":
            made = await sent(call, "POST", "/calendars/", {"locationId": LOCATION, "name": "New"} | DAY_OF_ITS_OWN)
            path = path.replace("{calendarId}", made["calendar"]["id"])
            instead["availabilities.0.id"] = made["calendar"]["availabilities"][0]["id"]
        elif name == "update appointment":
            booking = {"calendarId": CUTS, "locationId": LOCATION, "contactId": ADA, "startTime": at("10:00")}
            made = await sent(call, "POST", "/calendars/events/appointments", booking)
            path = path.replace("{eventId}", made["id"])
        for place, value in instead.items():
            put(body, place.split("."), value)
        answer = await sent(call, told["method"], path, body)
    assert set(lacking(answer, told["answer"])) == (
        example.lacking if "calendar" not in answer else {f"calendar.{place}" for place in example.lacking}
    )
    kept = {name: body[name] for name in ("title", "name", "slug", "address", "slotDuration") if name in body}
    expect(answer.get("calendar", answer), kept)


async def sent(call: Plain, method: str, path: str, body: Any) -> Any:
    async with call.session.request(method, path, json=body, headers=HEADERS) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


def put(body: Any, place: list[str], value: Any) -> None:
    """In place of what is there; KeyError or IndexError where nothing is."""
    *way, last = [int(step) if step.isdigit() else step for step in place]
    for step in way:
        body = body[step]
    assert body[last] != value, place
    body[last] = value


def lacking(answer: Any, told: Any, place: str = "") -> Iterator[str]:
    """Places that the document's answer has and ours has not, or of another type."""
    match told, answer:
        case dict(), dict():
            for name, value in told.items():
                if name in answer:
                    yield from lacking(answer[name], value, f"{place}{name}.")
                else:
                    yield f"{place}{name}"
        case list(), list() if answer or not told:
            for number, (one, other) in enumerate(zip(answer, told, strict=False)):
                yield from lacking(one, other, f"{place}{number}.")
        case _ if not (type(told) is type(answer) or {type(told), type(answer)} == {int, float}):
            yield place.rstrip(".")
