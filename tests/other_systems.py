"""Other systems, as posts meet them: servers, names that lead somewhere, and a network that is not there."""

import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from tempfile import NamedTemporaryFile

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from service.outgoing.client import Answered, Outgoing
from service.outgoing.connector import AddressInfo
from service.outgoing.errors import OutgoingError
from service.standard_webhooks import new_secret, read_secret, verify

NOW = datetime(2027, 3, 25, 18, tzinfo=UTC)
KEY = b"k" * 32
SECRET = new_secret()

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Names(AbstractResolver):
    """Looks up names in turn: each time the next answer, the last for ever after."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=0,
            )
            for address in found
        ]

    async def close(self) -> None:
        pass


class Unplugged:
    """Makes no socket, and tells which it was asked for: the tests are nobody's load on the internet."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, info: AddressInfo) -> socket.socket:
        self.asked.append(info[4][0])
        raise OSError("unplugged")


@asynccontextmanager
async def serving(
    handler: Handler, context: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[str, tuple[str, int]]]:
    """A server of the author's: its address, and the place that a setting allows."""
    app = web.Application(client_max_size=1 << 20)
    app.router.add_route("*", "/{path:.*}", handler)
    server = TestServer(app, scheme="https" if context else "http")
    await server.start_server(ssl=context)
    try:
        yield str(server.make_url("/hook")), ("127.0.0.1", server.port or 0)
    finally:
        await server.close()


def self_signed() -> ssl.SSLContext:
    """What a server shows that nobody vouches for."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    made = x509.CertificateBuilder(
        name, name, key.public_key(), 1, NOW - timedelta(days=900), NOW + timedelta(days=900)
    )
    local = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    certificate = made.add_extension(local, critical=True).sign(key, hashes.SHA256())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with NamedTemporaryFile() as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        file.write(certificate.public_bytes(Encoding.PEM))
        file.flush()
        context.load_cert_chain(file.name)
    return context


async def post(outgoing: Outgoing, url: str, body: bytes = b"{}", id_: str = "one") -> Answered:
    return await outgoing.post(url, body, webhook_id=id_, timestamp=NOW, secret=KEY)


async def refusal(url: str, outgoing: Outgoing, body: bytes = b"{}") -> OutgoingError:
    with pytest.raises(OutgoingError) as raised:
        await post(outgoing, url, body)
    return raised.value


async def answer(handler: Handler, within: float = 4.0, body: bytes = b"{}") -> Answered | OutgoingError:
    """What a post comes to at a server that does this."""
    async with serving(handler) as (url, place), Outgoing(allowed=[place], within=within) as outgoing:
        try:
            return await post(outgoing, url, body)
        except OutgoingError as error:
            return error


def saying(status: int, **headers: str) -> Handler:
    async def handle(_: web.Request) -> web.Response:
        return web.Response(status=status, headers=headers)

    return handle


@dataclass
class Receiver:
    """Another system: takes posts and answers as it is told, 200 where it is not."""

    url: str = ""
    answers: list[int | None] = field(default_factory=list)
    """None is to hang up without one."""
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.got.append((headers, await request.read()))
        status = self.answers.pop(0) if self.answers else 200
        if status is None:
            assert request.transport is not None
            request.transport.abort()
        return web.Response(status=status or 200, text="hush-answer")

    @property
    def ids(self) -> list[str]:
        """Of the posts, as far as their signatures hold."""
        key, window = read_secret(SECRET), timedelta(minutes=1)
        return [verify([key], headers, body, now=datetime.now(UTC), window=window).id for headers, body in self.got]
