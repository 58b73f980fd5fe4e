"""RFC 9457 errors: what every door answers when it says no."""

import json

from aiohttp import web

CONTENT_TYPE = "application/problem+json"


def problem(status: int, title: str, detail: str, *, retry_after: int | None = None) -> web.Response:
    """An answer that says what is wrong and what to do. `retry_after` is in seconds."""
    headers = {"Retry-After": str(retry_after)} if retry_after is not None else {}
    return web.Response(
        status=status,
        headers=headers,
        content_type=CONTENT_TYPE,
        text=json.dumps({"type": "about:blank", "title": title, "status": status, "detail": detail}),
    )
