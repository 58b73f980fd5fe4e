"""Forms: what is posted, read, and which of it was carried out."""

import hashlib
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


MOST_SENT = 500
"""So many forms are remembered, the latest."""


class Sent:
    """Where each form led that was sent and did something, for whoever clicks again before the answer comes.

    Its page numbers a form; one that is sent again with the same number and says something else is another."""

    def __init__(self) -> None:
        self._led_to: dict[bytes, str] = {}

    def led_to(self, subject: str, form: Mapping[str, str]) -> str | None:
        """The address; None for a form that did nothing yet, was forgotten or has no number."""
        return self._led_to.get(_digest(subject, form))

    def keep(self, subject: str, form: Mapping[str, str], address: str) -> None:
        if form.get("once"):
            self._led_to[_digest(subject, form)] = address
            if len(self._led_to) > MOST_SENT:
                del self._led_to[next(iter(self._led_to))]


def _digest(subject: str, form: Mapping[str, str]) -> bytes:
    return hashlib.sha256(repr((subject, sorted(form.items()))).encode("utf-8", "replace")).digest()
