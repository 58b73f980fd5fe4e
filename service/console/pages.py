"""Pages: the templates, what all of them are told, and the files they link to."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from typing import Any

import aiohttp_jinja2
from aiohttp import web
from jinja2 import PackageLoader, StrictUndefined

from service.console import words
from service.console.filters import history_link
from service.console.sessions import Sessions

CONTENT_TYPES = {".css": "text/css", ".svg": "image/svg+xml"}
KEPT_FOR = "public, max-age=31536000, immutable"
"""Links name what a file holds, so a changed one is another."""


@dataclass(frozen=True)
class Frame:
    """What is around every page. `statics` are the paths of the files; `sessions` is None where there is
    no sign-in."""

    statics: Mapping[str, str]
    sessions: Sessions | None


FRAME = web.AppKey("frame", Frame)


FILTERS: Mapping[str, Callable[..., str]] = {
    "mark": words.mark_of,
    "tone": words.tone_of,
    "moment": words.moment,
    "length_words": words.length,
    "triggers": words.trigger_words,
    "whole": words.whole,
}


def set_up(app: web.Application, sessions: Sessions | None) -> None:
    """Give an application its templates and the files beside them, which are part of this package."""
    aiohttp_jinja2.setup(
        app,
        loader=PackageLoader("service.console"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=words.shown,
        trim_blocks=True,
        lstrip_blocks=True,
        default_helpers=False,
        filters=FILTERS,
    )
    contents: dict[str, bytes] = {
        file.name: file.read_bytes() for file in (files("service.console") / "static").iterdir() if file.is_file()
    }
    statics = {name: f"/static/{name}?{hashlib.sha256(content).hexdigest()[:12]}" for name, content in contents.items()}
    app[FRAME] = Frame(statics, sessions)

    async def static(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in contents:
            raise web.HTTPNotFound
        kind = CONTENT_TYPES[name[name.rindex(".") :]]
        return web.Response(
            body=contents[name], content_type=kind, charset="utf-8", headers={"Cache-Control": KEPT_FOR}
        )

    app.router.add_get("/static/{name}", static)


def page(request: web.Request, template: str, *, status: int = 200, **values: Any) -> web.Response:
    """A template, filled."""
    frame = request.app[FRAME]
    told = {
        "path": request.path,
        "statics": frame.statics,
        "sign_in": frame.sessions is not None,
        "signed_in": frame.sessions is not None and frame.sessions.is_signed_in(request),
        "version": version("slotwright"),
        "link": history_link,
        "status": status,
    }
    return aiohttp_jinja2.render_template(template, request, {**told, **values}, status=status)


def wants_json(request: web.Request) -> bool:
    """Whether a program asks rather than a browser."""
    accepted = request.headers.get("Accept", "").lower()
    return request.path.endswith(".json") or ("json" in accepted and "text/html" not in accepted)
