"""Who may pull the levers and use the page: anybody on this machine, but no page of another site.

There is no sign-in, so a site that somebody looks at could otherwise have their browser book, or post webhooks, here.
"""

import ipaddress
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from service.sandbox.door.edge import answered
from service.sandbox.lever import ROOT

READS = frozenset({"GET", "HEAD", "OPTIONS"})


@web.middleware
async def keep_strangers_out(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Before all that stands under `/_sandbox`; HighLevel's API itself asks for a token."""
    if f"{request.path}/".startswith(f"{ROOT}/"):
        if not is_plain_name(request.headers.get("Host", "")):
            message = "this name is not the sandbox's: ask for it by its address, or as localhost"
            return answered({"statusCode": 421, "message": message}, 421)
        if request.method not in READS and not is_from_here(request):
            message = "this was sent by a page of another site; nothing was done"
            return answered({"statusCode": 403, "message": message}, 403)
    return await handler(request)


def is_from_here(request: web.Request) -> bool:
    """Whether no browser sent it on behalf of another site."""
    if site := request.headers.get("Sec-Fetch-Site"):
        return site in ("same-origin", "none")
    # Older browsers, and any that came by plain HTTP to another name than localhost. Who sends neither is no browser.
    origin = request.headers.get("Origin")
    try:
        return origin is None or urlsplit(origin).netloc.lower() == request.headers.get("Host", "").lower()
    except ValueError:
        return False


def is_plain_name(host: str) -> bool:
    """Whether nobody outside can have made this name up for our address: a number, localhost, a name without dots."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if ("." not in name and ":" not in name) or name.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
