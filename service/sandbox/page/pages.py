"""Pages: the templates, the files they link to, and the headers that every answer of them carries."""

import hashlib
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined

from service.sandbox.lever import ROOT
from service.sandbox.page.placement import placed, stylesheet
from service.sandbox.page.view import PAGES, WEEK_PATH
from service.sandbox.page.words import shown

CONTENT_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # our own forms say where they come from, nobody else is told anything
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
KEPT_FOR = "public, max-age=31536000, immutable"
"""Links name what a file holds, so a changed one is another."""


class Pages:
    def __init__(self) -> None:
        self._contents: dict[str, bytes] = {
            file.name: file.read_bytes() for file in (files(__package__) / "static").iterdir() if file.is_file()
        }
        self._contents["page.css"] += stylesheet().encode()
        self._templates = Environment(
            loader=PackageLoader(__package__),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=shown,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals |= {
            "statics": {
                name: f"{PAGES}/static/{name}?{hashlib.sha256(content).hexdigest()[:12]}"
                for name, content in self._contents.items()
            },
            "version": version("slotwright"),
            "home": WEEK_PATH,
            "root": ROOT,
            "placed": placed,
        }

    def page(self, template: str, *, status: int = 200, part: bool = False, **values: Any) -> web.Response:
        """A template, filled; of one with a `live` block that `part` alone, for the script that looks for changes."""
        frame = "part.html" if part else "frame.html"
        text = self._templates.get_template(template).render(frame=frame, status=status, **values)
        headers = {**HEADERS, "Cache-Control": "no-store"}
        return web.Response(text=text, status=status, content_type="text/html", charset="utf-8", headers=headers)

    async def static(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in self._contents:
            raise web.HTTPNotFound
        return web.Response(
            body=self._contents[name],
            content_type=CONTENT_TYPES[name[name.rindex(".") :]],
            charset="utf-8",
            headers={**HEADERS, "Cache-Control": KEPT_FOR},
        )
