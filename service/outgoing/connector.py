"""How an address is reached: each connection is judged on the very address that it is about to be made to."""

import socket
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeAlias

import aiohttp
from aiohttp import ClientRequest, ClientTimeout
from aiohttp.abc import AbstractResolver
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

from service.outgoing.addresses import is_public

AddressInfo: TypeAlias = tuple[int, int, int, str, tuple[Any, ...]]
"""Family, kind, protocol, a name, and the address itself: as `socket.getaddrinfo` gives it."""

Sockets: TypeAlias = Callable[[AddressInfo], socket.socket]

UNUSED = 3.0
"""Seconds that a connection is kept without being used: fewer than most servers keep theirs, for what is posted into a
connection that the other side is just closing is in doubt."""


def plain_socket(info: AddressInfo) -> socket.socket:
    return socket.socket(info[0], info[1], info[2])


@dataclass
class Way:
    """How far one try came: before a connection is had, nothing has left this machine."""

    connected: bool = False
    tried: bool = False
    """Some address was allowed."""
    forbidden: bool = False
    """Some address was not."""


_way: ContextVar[Way | None] = ContextVar("way", default=None)


def begin() -> Way:
    """Of the try that this task makes next."""
    way = Way()
    _way.set(way)
    return way


class Forbidden(OSError):
    """An address that is not to be connected to."""


class OutgoingConnector(aiohttp.TCPConnector):
    """Tells the Way. With `public_only` it makes no connection to an address that is not public, whoever named it."""

    def __init__(self, *, public_only: bool, resolver: AbstractResolver | None, sockets: Sockets) -> None:
        def judged(info: AddressInfo) -> socket.socket:
            # Here, and not where a name is looked up: a name may lead elsewhere at every look.
            way = _way.get()
            if public_only and not is_public(str(info[4][0])):
                if way is not None:
                    way.forbidden = True
                raise Forbidden("the address is not public")
            if way is not None:
                way.tried = True
            return sockets(info)

        super().__init__(resolver=resolver, socket_factory=judged, limit=0, keepalive_timeout=UNUSED)

    async def connect(
        self,
        req: ClientRequest,
        traces: list[Trace],
        timeout: ClientTimeout,  # noqa: ASYNC109 (as it is overridden)
    ) -> Connection:
        connection = await super().connect(req, traces, timeout)
        way = _way.get()
        if way is not None:
            way.connected = True
        return connection
