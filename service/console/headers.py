"""Headers that every answer carries: nothing foreign is loaded, framed, guessed, kept or told on."""

from aiohttp import web

# Own pages are told where a form came from, also over plain HTTP; nobody else is told anything. `no-referrer` would
# make browsers send `Origin: null` with our own forms.
REFERRER_POLICY = "same-origin"

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": REFERRER_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Server": "slotwright",
}


async def add_headers(_: web.Request, response: web.StreamResponse) -> None:
    """Called before an answer's first byte, whoever made it; a page is never kept by anybody."""
    for name, value in HEADERS.items():
        response.headers[name] = value
    response.headers.setdefault("Cache-Control", "no-store")
