"""The levers under /_sandbox: what each of them does, in a line, and how they are listed."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from aiohttp import web

ROOT = "/_sandbox"


@dataclass(frozen=True)
class Lever:
    method: str
    path: str
    """Below `/_sandbox`."""
    does: str
    """One line, for people."""
    handle: Callable[[web.Request], Awaitable[web.StreamResponse]]


def add_levers(router: web.UrlDispatcher, levers: Sequence[Lever]) -> None:
    """Serve them, and the list of them at `/_sandbox` itself, with a line of text for each; browsers are sent on to the
    page."""
    lines = [
        json.dumps({"method": lever.method, "path": ROOT + lever.path, "does": lever.does})
        for lever in sorted(levers, key=lambda lever: lever.path)
    ]
    text = "[\n" + ",\n".join(lines) + "\n]\n"

    async def show(request: web.Request) -> web.Response:
        if "text/html" in request.headers.get("Accept", ""):
            raise web.HTTPSeeOther(f"{ROOT}/")
        return web.Response(text=text, content_type="application/json")

    router.add_get(ROOT, show)
    for lever in levers:
        if lever.method == "GET":
            router.add_get(ROOT + lever.path, lever.handle)  # and HEAD
        else:
            router.add_route(lever.method, ROOT + lever.path, lever.handle)
