"""Posts to addresses that rule authors choose: signed, once each, within limits, and to no private address."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

import aiohttp
from aiohttp.abc import AbstractResolver

from service import standard_webhooks
from service.highlevel.answer import seconds
from service.outgoing.addresses import Target, target
from service.outgoing.connector import OutgoingConnector, Sockets, Way, begin, plain_socket
from service.outgoing.errors import AnswerLost, NotAllowed, NotPosted, OutgoingError, TooLarge, error_for

MOST_SENT: Final = 64 * 1024
"""Bytes of a body."""

MOST_READ: Final = 64 * 1024
"""Bytes of an answer's body that are read, to be thrown away: its connection can be used again then. Of one that is
longer the connection is closed."""

LONGEST: Final = 4.0
"""Seconds: less than a worker's lease, so that whoever takes over finds no post under way."""

HEADERS: Final = {
    "Content-Type": "application/json",
    "User-Agent": "Slotwright",
    "Accept": "*/*",
    "Accept-Encoding": "identity",
}


@dataclass(frozen=True)
class Answered:
    """It was taken: the status was a 2xx. What else was answered is nobody's business."""

    status: int


class Outgoing:
    """Raises OutgoingError. Sends once: whether again, is for whoever decides what a doubt means.

    `allowed` are hosts and ports that may be private and may do without https; everywhere else the connection goes to a
    public address by https, or is not made. Redirects are not followed, cookies not kept, and the environment names no
    proxy: behind one, nobody could tell where a post goes. Opened by its first post; `close` it.
    """

    def __init__(
        self,
        *,
        allowed: Iterable[tuple[str, int]] = (),
        within: float = LONGEST,
        resolver: AbstractResolver | None = None,
        sockets: Sockets = plain_socket,
    ) -> None:
        """`within`: seconds that a post may take, from looking up the name to the end of the answer. `resolver` looks
        up names, `sockets` makes the sockets of connections that were found to be allowed."""
        if not 0 < within <= LONGEST:
            raise ValueError(f"a post may take up to {LONGEST:g} seconds")
        self._allowed = frozenset(allowed)
        self._within = within
        self._resolver = resolver
        self._sockets = sockets
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        while self._sessions:
            await self._sessions.popitem()[1].close()

    async def post(
        self, url: str, body: bytes, *, webhook_id: str, timestamp: datetime, secret: bytes | None
    ) -> Answered:
        """Post JSON, signed where there is a secret. `webhook_id` is the same on every try of one post, `timestamp`
        that of this try."""
        to = self._judged(url, body)
        session = self._session(public_only=to.place not in self._allowed)
        headers = HEADERS | (standard_webhooks.sign(secret, webhook_id, timestamp, body) if secret else {})
        way = begin()
        try:
            async with session.post(to.url, data=body, headers=headers, allow_redirects=False) as response:
                await _throw_away(response)
                if 200 <= response.status < 300:
                    return Answered(response.status)
                error = error_for(to.host, response.status, seconds(response.headers.get("Retry-After")))
        except (TimeoutError, aiohttp.ClientError, OSError) as broken:
            error = self._unanswered(to, broken, way)
        except BaseException as unforeseen:
            # The frames that it passed hold the secret, and some reports show what frames hold.
            unforeseen.__context__ = None
            raise unforeseen.with_traceback(None) from None
        raise error

    def _judged(self, url: str, body: bytes) -> Target:
        try:
            to = target(url)
        except ValueError as error:
            raise NotAllowed("the address", str(error)) from None
        if not to.is_secure and to.place not in self._allowed:
            raise NotAllowed(to.host, "only https is posted to, and what CALL_ALLOWED names")
        if len(body) > MOST_SENT:
            raise TooLarge(to.host, f"at most {MOST_SENT:,} bytes are posted, these are {len(body):,}")
        return to

    def _session(self, *, public_only: bool) -> aiohttp.ClientSession:
        session = self._sessions.get(public_only)
        if session is None:
            session = self._sessions[public_only] = aiohttp.ClientSession(
                connector=OutgoingConnector(public_only=public_only, resolver=self._resolver, sockets=self._sockets),
                timeout=aiohttp.ClientTimeout(total=self._within),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                raise_for_status=False,
            )
        return session

    def _unanswered(self, to: Target, error: Exception, way: Way) -> OutgoingError:
        kind = type(error).__name__
        if isinstance(error, aiohttp.InvalidURL) or (way.forbidden and not way.tried):
            return NotAllowed(to.host, "it leads to an address that is not public, and CALL_ALLOWED does not name it")
        if not way.connected:
            within = f" within {self._within:g} s" if isinstance(error, TimeoutError) else ""
            return NotPosted(to.host, f"no connection{within} ({kind})")
        if isinstance(error, TimeoutError):
            return AnswerLost(to.host, f"no answer within {self._within:g} s")
        return AnswerLost(to.host, f"the connection broke before the answer ({kind})")


async def _throw_away(response: aiohttp.ClientResponse) -> None:
    """Read what else was answered, as far as it is short. How it ends changes nothing: the status was the answer."""
    read = 0
    try:
        async for part in response.content.iter_any():
            read += len(part)
            if read > MOST_READ:
                break
        else:
            return
    except (TimeoutError, aiohttp.ClientError, OSError):
        pass
    response.close()
