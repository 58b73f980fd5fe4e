"""How HighLevel is reached: sessions that send once, through the proxy that the environment names."""

from dataclasses import dataclass
from ipaddress import ip_address
from types import SimpleNamespace
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp


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


def open_session(connections: int = 100, proxy: str | None = None) -> aiohttp.ClientSession:
    """A session that sends what it is asked to send once, and tells the Way of each try.

    aiohttp on its own sends a PUT or DELETE again when the connection breaks before the answer; whether it may is for
    whoever looks whether it came true.
    """
    connector = aiohttp.TCPConnector(limit=connections)
    session = aiohttp.ClientSession(connector=connector, proxy=proxy, trace_configs=[_told()])
    session._retry_connection = False
    return session


def sends_once(session: aiohttp.ClientSession) -> bool:
    """Whether it is one of `open_session`."""
    return getattr(session, "_retry_connection", True) is False and bool(session.trace_configs)


def _told() -> aiohttp.TraceConfig:
    async def connected(session: aiohttp.ClientSession, context: SimpleNamespace, _: object) -> None:
        if isinstance(context.trace_request_ctx, Way):
            context.trace_request_ctx.connected = True

    config = aiohttp.TraceConfig()
    config.on_connection_create_end.append(connected)
    config.on_connection_reuseconn.append(connected)
    return config
