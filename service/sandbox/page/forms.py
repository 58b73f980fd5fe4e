"""Forms: what is posted, read, and only when a page of the sandbox's own posts it."""

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web

from service.sandbox.page.view import Unclear


async def read_form(request: web.Request) -> Mapping[str, str]:
    """The first of each name. Raises Unclear."""
    if not _from_our_own_page(request):
        raise Unclear(403, "Not from here", "This form was sent by a page of another site. Nothing was done.")
    if request.content_type != "application/x-www-form-urlencoded":
        raise Unclear(415, "Not a form", "This address takes what the page's own forms send.")
    text = (await request.read()).decode("utf-8", "replace")
    form: dict[str, str] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        form.setdefault(name, value)
    return form


def _from_our_own_page(request: web.Request) -> bool:
    """The sandbox has no sign-in, so any site could have whoever looks at it book here."""
    if site := request.headers.get("Sec-Fetch-Site"):
        return site in ("same-origin", "none")
    # Older browsers, and any that came by plain HTTP to another name than localhost. Who sends neither is no browser.
    origin = request.headers.get("Origin")
    try:
        return origin is None or urlsplit(origin).netloc.lower() == request.headers.get("Host", "").lower()
    except ValueError:
        return False
