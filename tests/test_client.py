"""The client: each operation is sent once, and an error says what became of it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from service.highlevel.appointments import DeleteEvent, EditAppointment
from service.highlevel.client import HighLevel, Patience
from service.highlevel.connection import open_session, proxy_for
from service.highlevel.errors import AnswerLost, HighLevelError, NotSent, Refused
from service.highlevel.operation import Operation

EDIT = EditAppointment(event_id="one", appointment_status="confirmed", to_notify=True)


class Server:
    """Reads requests, and says to each what it was told to, then closes the connection."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.requests: list[str] = []
        self.heads: list[str] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.heads.append(head)
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
    async with open_session(2, proxy_for(url)) as session:
        with pytest.raises(HighLevelError) as caught:
            await HighLevel(url, "secret-token", session=session, writes=Patience(total=2, pause=0.01))(operation)
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


@pytest.mark.parametrize(
    ("answer", "error"),
    [(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", Refused), (b"", AnswerLost)],
    ids=["its answer", "its silence"],
)
async def test_what_the_environment_names_as_proxy_is_gone_through(
    answer: bytes, error: type[HighLevelError], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with answering(answer) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.removeprefix("http://"))
        assert isinstance(await carried_out("http://highlevel.example.com", EDIT), error)
    assert (
        proxy.heads[0].splitlines()[0] == "PUT http://highlevel.example.com/calendars/events/appointments/one HTTP/1.1"
    )


async def test_what_a_proxy_does_not_let_through_was_never_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    async with answering(b"HTTP/1.1 407 Who\r\nContent-Length: 0\r\n\r\n") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("//", "//robin:hush@"))
        error = await carried_out("https://highlevel.example.com", EDIT)
    assert isinstance(error, NotSent)
    assert len(proxy.heads) > 1, "what was never sent is tried again"
    for head in proxy.heads:
        assert head.splitlines()[0] == "CONNECT highlevel.example.com:443 HTTP/1.1"
        assert "Proxy-Authorization: Basic " in head
        assert "secret-token" not in head
    assert "hush" not in f"{error!r} {error}"


def test_a_proxy_is_passed_by_for_what_is_named_and_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://proxy.example.com:3128")
    monkeypatch.setenv("NO_PROXY", ".svc,10.0.0.1")
    assert proxy_for("https://highlevel.example.com") == "http://proxy.example.com:3128"
    near = (
        "http://sandbox.salon.svc",
        "http://10.0.0.1",
        "http://127.0.0.1:8090",
        "http://[::1]",
        "http://localhost:1",
    )
    assert [proxy_for(url) for url in (*near, "")] == [None] * 6


async def test_a_netrc_does_not_take_the_place_of_the_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("default login robin password hush")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    async with answering(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n") as server:
        await carried_out(server.url, EDIT)
    assert "Authorization: Bearer secret-token" in server.heads[0]
