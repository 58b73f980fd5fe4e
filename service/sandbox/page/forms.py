"""Forms: what is posted, read."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from aiohttp import web

from service.sandbox.page.view import Unclear


async def read_form(request: web.Request) -> Mapping[str, str]:
    """The first of each name. Raises Unclear."""
    if request.content_type != "application/x-www-form-urlencoded":
        raise Unclear(415, "Not a form", "This address takes what the page's own forms send.")
    text = (await request.read()).decode("utf-8", "replace")
    form: dict[str, str] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        form.setdefault(name, value)
    return form
