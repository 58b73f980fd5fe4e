"""From which site a request comes, as far as a browser tells."""

from collections.abc import Mapping
from urllib.parse import urlsplit


def is_own(headers: Mapping[str, str]) -> bool:
    """Whether no browser sent it on behalf of another site than the one that it was sent to.

    Older browsers, and any that came by plain HTTP to another name than localhost, send no `Sec-Fetch-Site`; who sends
    no `Origin` either is no browser. `headers` are looked up whatever their case.
    """
    if site := headers.get("Sec-Fetch-Site"):
        return site in ("same-origin", "none")
    origin = headers.get("Origin")
    try:
        return origin is None or urlsplit(origin).netloc.lower() == headers.get("Host", "").lower()
    except ValueError:
        return False
