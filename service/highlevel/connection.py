"""How HighLevel is reached: sessions that send once, through the proxy that the environment names."""

from contextvars import ContextVar
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from aiohttp import ClientRequest, ClientTimeout
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

from service.highlevel.errors import AnswerLost, HighLevelError, NotSent


def proxy_for(url: str) -> str | None:
    """The HTTP proxy that the environment names for an address, by HTTPS_PROXY or HTTP_PROXY and NO_PROXY.

    Not left to aiohttp's `trust_env`: it reads .netrc too, and a call that has a token refuses what it finds there.
    What stands on this machine, such as the sandbox, is asked without a proxy.
    """
    try:
        at = urlsplit(url)
        host = at.hostname
    except ValueError:
        return None
    proxy = getproxies().get(at.scheme)
    if not proxy or not host or _is_loopback(host) or proxy_bypass(host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


@dataclass
class Way:
    """How far one try came: before a connection is had, nothing has left this machine."""

    connected: bool = False


_way: ContextVar[Way | None] = ContextVar("way", default=None)


def begin() -> Way:
    """Of the try that this task makes next, in a session of `open_session`."""
    way = Way()
    _way.set(way)
    return way


class _Connector(aiohttp.TCPConnector):
    """Tells the Way. Tracing would tell the same, at the price of a dozen calls for each request."""

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


def open_session(connections: int = 100, proxy: str | None = None) -> aiohttp.ClientSession:
    """A session that sends what it is asked to send once, and tells how far it came.

    aiohttp on its own sends a PUT or DELETE again when the connection breaks before the answer; whether it may is for
    whoever looks whether it came true.
    """
    session = aiohttp.ClientSession(connector=_Connector(limit=connections), proxy=proxy)
    session._retry_connection = False
    return session


def require_sends_once(session: aiohttp.ClientSession) -> None:
    """Raises ValueError for a session that is none of `open_session`: what it says of a try cannot be relied on."""
    if not isinstance(session.connector, _Connector) or getattr(session, "_retry_connection", True):
        raise ValueError("aiohttp sends some calls again by itself: open the session with open_session")


def unanswered(operation: str, error: Exception, way: Way, within: float) -> HighLevelError:
    """What a try came to that aiohttp ended with an error. `within`: the seconds that it had."""
    kind = type(error).__name__
    never = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError)
    if isinstance(error, never):
        return NotSent(operation, f"no connection to HighLevel ({kind})")
    if not way.connected:
        return NotSent(operation, f"no connection to HighLevel within {within:.3g} s ({kind})")
    if isinstance(error, TimeoutError):
        return AnswerLost(operation, f"no answer within {within:.3g} s")
    return AnswerLost(operation, f"the connection broke before the answer ({kind})")
