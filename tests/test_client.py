"""The client: each operation is sent once, and an error says what became of it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from service.highlevel.appointments import DeleteEvent, EditAppointment
from service.highlevel.client import Client, Endpoint, open_session
from service.highlevel.errors import AnswerLost, HighLevelError, NotSent, Refused
from service.highlevel.operation import Operation

EDIT = EditAppointment(event_id="one", appointment_status="confirmed", to_notify=True)


class Server:
    """Reads requests, and says to each what it was told to, then closes the connection."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.requests: list[str] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.requests.append(head.split(" ", 1)[0])
        writer.write(self.answer)
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def answering(answer: bytes) -> AsyncIterator[Server]:
    server = Server(answer)
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listening:
        host, port = listening.sockets[0].getsockname()
        server.url = f"http://{host}:{port}"
        yield server


async def carried_out(url: str, operation: Operation[Any]) -> HighLevelError:
    async with open_session(2) as session:
        with pytest.raises(HighLevelError) as caught:
            await Client(session, Endpoint(url, "2021-04-15", 2, 2), "secret-token")(operation)
    return caught.value


@pytest.mark.parametrize("operation", [EDIT, DeleteEvent(event_id="one")], ids=["PUT", "DELETE"])
async def test_a_write_whose_connection_breaks_is_sent_once(operation: Operation[Any]) -> None:
    async with answering(b"") as server:
        error = await carried_out(server.url, operation)
    assert server.requests == [operation.method]
    assert isinstance(error, AnswerLost)
    assert error.may_have_happened


async def test_what_was_never_connected_was_never_sent() -> None:
    async with answering(b"") as server:
        pass
    error = await carried_out(server.url, EDIT)
    assert isinstance(error, NotSent)
    assert error.retry
    assert not error.may_have_happened


async def test_a_refusal_is_told_in_words_that_can_be_kept_and_without_the_token() -> None:
    body = rb'{"message": ["no \ud83d way\u0000", "again"], "traceId": "t1"}'
    head = b"HTTP/1.1 422 No\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    async with answering(head + body) as server:
        error = await carried_out(server.url, EDIT)
    assert isinstance(error, Refused)
    assert (error.status, error.message, error.trace_id) == (422, "no ? way; again", "t1")
    assert "secret" not in f"{error!r} {error}"
