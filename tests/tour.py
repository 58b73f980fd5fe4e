"""What a tour over all operations begins with, and what it asks of the answers: that they hold what was said."""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

import pytest
from pydantic import BaseModel

from service.highlevel.errors import NotFound
from service.highlevel.operation import Api, Operation
from tests.sandboxes import ADA, ALEX, CUTS, DANA, FOREVER, KIM, LOCATION, ROOM

HAIR = "gHaiR3mT8qLw5ZrK1vNp"
SEED = f"""
clients: [{{id: 5a1db0c5510751077e57ab1e-sandbox, secret: sandbox-demo-secret, company_id: cMp4nY7xQ2wLr8KtZ3vB}}]
locations:
  - id: {LOCATION}
    name: Leeds Salon
    timezone: Europe/London
    tokens: [pit-sandbox-demo]
    users: [{{id: {DANA}, name: Dana}}, {{id: {KIM}, name: Kim}}, {{id: {ALEX}, name: Alex}}]
    custom_fields: [{{id: fLangQ8mWx3vTn6Jd2Rk, name: Preferred language}}]
    contacts: [{{id: {ADA}, name: Ada Example, fields: {{Preferred language: French}}}}]
    groups: [{{id: {HAIR}, name: Hair, slug: hair-of-all-kinds}}]
    calendars:
      - id: {CUTS}
        name: Cuts
        group_id: {HAIR}
        team: [{DANA}, {KIM}, {ALEX}]
        slot_minutes: 60
        open_hours: [{{days: [Mon, Tue, Wed, Thu, Fri, Sat], opens: 09:00, closes: 20:00}}]
      - id: {ROOM}
        name: Training room
        type: event
        group_id: {HAIR}
        slot_minutes: 60
        open_hours: [{{days: [Mon, Tue, Wed, Thu, Fri, Sat, Sun], opens: 00:00, closes: 24:00}}]
"""
"""A salon in which nothing has happened yet."""

Stage = Callable[[Api], Awaitable[None]]
WINDOW = {"location_id": LOCATION, "start_time": FOREVER["startTime"], "end_time": FOREVER["endTime"]}
OF_ONE_ANSWER = {"traceId", "appointmentMeta", "messages"}
"""Told beside a thing in some answers; no part of it."""


def differing(shown: Any, said: Any, place: str = "") -> Iterator[str]:
    """Where what is shown is not what was said; times are instants, and an answer may say more."""
    match said, shown:
        case dict(), dict():
            for name, value in said.items():
                yield from differing(shown.get(name), value, f"{place}.{name}")
        case list(), list() if len(said) == len(shown):
            for number, (one, other) in enumerate(zip(shown, said, strict=True)):
                yield from differing(one, other, f"{place}[{number}]")
        case str(), str() if said[10:14:3] == shown[10:14:3] == "T:":
            if datetime.fromisoformat(shown) != datetime.fromisoformat(said):
                yield f"{place}: {said} is shown as {shown}"
        case _:
            if shown != said:
                yield f"{place}: {said!r} is shown as {shown!r}"


def plain(reply: BaseModel) -> dict[str, Any]:
    """The thing itself, as JSON values by the wire's names."""
    return reply.model_dump(mode="json", by_alias=True, exclude=OF_ONE_ANSWER)


def agree(reply: BaseModel, operation: Operation[Any], *but: str) -> None:
    """Every field of the operation stands in the answer as it was said, but for those named (by Python's names)."""
    said = operation.model_dump(
        mode="json", by_alias=True, exclude_unset=True, exclude={*operation.layout().path, *but}
    )
    refuse_differences(plain(reply), said)


def same(some: Iterable[BaseModel], others: Iterable[BaseModel]) -> None:
    """As many, in the same order, to the last field."""
    one, other = [plain(each) for each in some], [plain(each) for each in others]
    refuse_differences(one, other)
    refuse_differences(other, one)


def refuse_differences(shown: Any, said: Any) -> None:
    """Raises AssertionError with all of them."""
    if found := list(differing(shown, said)):
        raise AssertionError("; ".join(found))


async def gone(api: Api, operation: Operation[Any]) -> None:
    with pytest.raises(NotFound):
        await api(operation)
