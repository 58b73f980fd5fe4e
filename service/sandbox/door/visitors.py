"""Who may pull the levers and use the page: anybody on this machine, but no page of another site.

There is no sign-in, so a site that somebody looks at could otherwise have their browser book, or post webhooks, here.
"""

import ipaddress
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from service import origin
from service.sandbox.door.edge import answered
from service.sandbox.lever import ROOT

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Nothing was done · Sandbox</title>
<h1>Nothing was done</h1>
<p>{message}.</p>
<p><a href="{root}/">The sandbox's week</a></p>
</html>
"""
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
READS = frozenset({"GET", "HEAD", "OPTIONS"})


@web.middleware
async def keep_strangers_out(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Before all that stands under `/_sandbox`; HighLevel's API itself asks for a token."""
    if f"{request.path}/".startswith(f"{ROOT}/"):
        if not is_plain_name(request.headers.get("Host", "")):
            message = "this name is not the sandbox's: ask for it by its address, or as localhost"
            return _turned_away(request, 421, message)
        if request.method not in READS and not origin.is_own(request.headers):
            message = "this was sent by a page of another site; nothing was done"
            return _turned_away(request, 403, message)
    return await handler(request)


def _turned_away(request: web.Request, status: int, message: str) -> web.Response:
    """In the words that whoever asks can read."""
    if "text/html" not in request.headers.get("Accept", ""):
        return answered({"statusCode": status, "message": message}, status)
    text = PAGE.format(message=message[0].upper() + message[1:], root=ROOT)
    return web.Response(text=text, status=status, content_type="text/html", charset="utf-8", headers=PAGE_HEADERS)


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
