"""Visitors: from which page of which site a request comes, and whether the name it was sent to is ours."""

import ipaddress
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from service import origin
from service.console.errors import Refused

PROBES = frozenset({"/healthz", "/readyz"})


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address, or be meant by a name."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


@web.middleware
async def only_loopback_names(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Where there is no sign-in: a site whose name was turned to 127.0.0.1 must not read the pages."""
    if request.path not in PROBES and not is_loopback(_host_name(request.headers.get("Host", ""))):
        raise Refused(
            421,
            "Not by this name",
            "Without a password this console answers only to localhost and 127.0.0.1. To reach it by another name, set "
            "CONSOLE_PASSWORD: slotwright console --hash-password makes one.",
        )
    return await handler(request)


@web.middleware
async def only_our_own_forms(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What is posted comes from a page of this console, as far as the browser tells."""
    if request.method not in ("GET", "HEAD") and not origin.is_own(request.headers):
        raise Refused(403, "Not from here", "This form was sent by another site. Nothing was done.")
    return await handler(request)


def comes_from_elsewhere(request: web.Request) -> bool:
    """Somebody followed a link on another site: the session cookie stays away until a page of ours asks again."""
    return request.headers.get("Sec-Fetch-Site") == "cross-site"


def own_path(text: str) -> str:
    """`text` if it is a path of this console, else the first page: nobody is sent elsewhere."""
    harmless = text.startswith("/") and "\\" not in text and text.isprintable() and not text.startswith("//")
    try:
        parts = urlsplit(text)
    except ValueError:
        return "/"
    return text if harmless and not parts.scheme and not parts.netloc else "/"


def _host_name(host: str) -> str:
    return host.partition("]")[0] if host.startswith("[") else host.partition(":")[0]
