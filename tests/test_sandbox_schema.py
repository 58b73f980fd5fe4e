"""schemathesis against the sandbox, over real HTTP: data that fits HighLevel's document, and data that does not."""

import asyncio
import os
import threading
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.corrections import corrected_document
from tests.sandboxes import CUTS, HEADERS, ROOM, at, running
from tests.specification import document
from tests.things import Things
from tests.tour import SEED

if TYPE_CHECKING:
    from schemathesis import Case, GenerationMode
    from schemathesis.schemas import APIOperation

pytestmark = pytest.mark.dear

EXAMPLES = int(os.environ.get("SLOTWRIGHT_EXAMPLES", "1"))
"""Of each operation, fitting ones and as many others; `make fuzz` asks for more. A few are always the same."""
MANY = 50
"""From so many on some of every operation have to succeed."""

LABELS = [f"{method.upper()} {path}" for path, methods in document("v3")["paths"].items() for method in methods]
SENSE = {
    "startTime": (at("10:00"), 0),
    "endTime": (at("11:00"), 4102444800000),
    "startDate": (None, 1774252800000),
    "endDate": (None, 1774857600000),
    "timezone": ("Europe/London", "Europe/London"),
    "limit": (None, 20),
    "skip": (None, 0),
    "offset": (None, 0),
}
"""What means something in a body and in a query."""
OWN_IDS = {"staff": "staffId", "services": "serviceId"}
"""What an id is of inside a list of that name."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Of a sandbox on a loop of its own, since schemathesis calls from outside of any."""
    told: list[str] = []
    up, down = threading.Event(), threading.Event()

    async def serve() -> None:
        async with running(told=False, seed=SEED) as sandbox:
            told.append(str(sandbox.client.make_url("")).rstrip("/"))
            up.set()
            await asyncio.to_thread(down.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert up.wait(10)
    yield told[0]
    down.set()
    thread.join()


@pytest.fixture(scope="module")
def things(address: str) -> Iterator[Things]:
    with httpx.Client(base_url=address) as client:
        yield Things(client)


def meant(said: Any, things: Things, *, body: bool, inside: str = "") -> Any:
    """The same with ids of things that are there, and with times and numbers that mean something."""
    match said:
        case dict():
            return {name: _meant_value(name, value, things, body=body, inside=inside) for name, value in said.items()}
        case list():
            return [meant(each, things, body=body, inside=inside) for each in said]
        case _:
            return said


def _meant_value(name: str, value: Any, things: Things, *, body: bool, inside: str) -> Any:
    if isinstance(value, dict | list):
        return meant(value, things, body=body, inside=name)
    if name in SENSE and (sense := SENSE[name][0 if body else 1]) is not None:
        return sense
    if name == "calendarId":
        return ROOM if body else CUTS
    kind = OWN_IDS.get(inside, name) if name == "id" else name
    return things[kind] if kind in things and isinstance(value, str) else value


@cache
def operations() -> dict[str, "APIOperation[Any, Any, Any, Any]"]:
    """By method and path. Here and not above, since it takes a second that those who run other tests need not wait."""
    import schemathesis
    from schemathesis.core.result import Ok

    schema = schemathesis.openapi.from_dict(corrected_document())
    found = [each.ok() for each in schema.get_all_operations() if isinstance(each, Ok)]
    return {operation.label: operation for operation in found}


@st.composite
def cases(draw: st.DrawFn, label: str, things: Things, mode: "GenerationMode") -> "Case[Any]":
    """In three of four something real is meant."""
    operation = operations()[label]
    case: Case[Any] = draw(operation.as_strategy(generation_mode=mode))
    if draw(st.integers(0, 3)):
        case.headers.clear()
        case.path_parameters = things.places(case.method, operation.path)
        case.query = meant(case.query, things, body=False)
        case.body = meant(case.body, things, body=True)
    return case


@pytest.mark.parametrize("label", LABELS)
def test_no_call_breaks_the_sandbox_and_every_success_is_as_documented(
    label: str, address: str, things: Things
) -> None:
    from schemathesis import GenerationMode
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import response_schema_conformance

    answered: set[int] = set()

    def call(case: "Case[Any]") -> None:
        response = case.call(base_url=address, headers=HEADERS)
        answered.add(response.status_code)
        if case.method in ("DELETE", "POST") and response.status_code < 300:
            things.forget(case.method, case.operation.path)
        case.validate_response(response, checks=[not_a_server_error, response_schema_conformance])

    for mode in GenerationMode:
        settings(
            max_examples=EXAMPLES,
            derandomize=EXAMPLES < MANY,
            database=None,
            deadline=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )(given(case=cases(label, things, mode))(call))()
    assert EXAMPLES < MANY or any(status < 300 for status in answered)


def test_every_operation_is_called() -> None:
    assert operations().keys() == set(LABELS)
    assert len(LABELS) == 59
