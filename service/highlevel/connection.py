"""How HighLevel is reached: sessions that send once, through the proxy that the environment names."""

from ipaddress import ip_address
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


def open_session(connections: int = 100, proxy: str | None = None) -> aiohttp.ClientSession:
    """A session that sends what it is asked to send once.

    aiohttp on its own sends a PUT or DELETE again when the connection breaks before the answer; whether it may is for
    whoever looks whether it came true.
    """
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=connections), proxy=proxy)
    session._retry_connection = False
    return session
