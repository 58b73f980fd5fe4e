"""Carries out operations over HTTP, for one location."""

import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from pydantic import ValidationError

from service.highlevel.errors import AnswerLost, HighLevelError, NotSent, Unreadable, error_for
from service.highlevel.limits import Limits
from service.highlevel.operation import Operation, ReplyT


@dataclass(frozen=True)
class Call:
    """One call as it went, for the record. Of the headers nothing but the limits, so never a token."""

    operation: str
    request: dict[str, Any]
    status: int | None
    answer: Any
    error: str | None
    milliseconds: float
    limits: Limits | None = None


Recorder = Callable[[Call], Awaitable[None]]


@dataclass(frozen=True)
class Endpoint:
    """Where HighLevel is and how long it may take (seconds)."""

    url: str
    version: str
    read_timeout: float
    write_timeout: float


def proxy_for(url: str) -> str | None:
    """The HTTP proxy that the environment names for an address, by HTTPS_PROXY or HTTP_PROXY and NO_PROXY.

    Not left to aiohttp's `trust_env`: it reads .netrc too, and a call that has a token refuses what it finds there.
    What stands on this machine, such as the sandbox, is asked without a proxy.
    """
    try:
        at = urlsplit(url)
        host = at.hostname
    except ValueError:
        return None
    proxy = getproxies().get(at.scheme)
    if not proxy or not host or _is_loopback(host) or proxy_bypass(host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def open_session(connections: int, proxy: str | None = None) -> aiohttp.ClientSession:
    """A session that sends what it is asked to send once.

    aiohttp on its own sends a PUT or DELETE again when the connection breaks before the answer; whether it may is for
    whoever looks whether it came true.
    """
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=connections), proxy=proxy)
    session._retry_connection = False
    return session


class Client:
    """An Api for one location. Raises HighLevelError; sends each operation at most once."""

    def __init__(
        self, session: aiohttp.ClientSession, endpoint: Endpoint, token: str, record: Recorder | None = None
    ) -> None:
        self._session = session
        self._endpoint = endpoint
        self._token = token
        self._record = record

    def __repr__(self) -> str:
        return f"Client({self._endpoint.url})"

    async def __call__(self, operation: Operation[ReplyT], /) -> ReplyT:
        name = type(operation).__name__
        request = {
            "method": operation.method,
            "path": operation.wire_path(),
            "query": operation.wire_query(),
            "body": operation.wire_body(),
        }
        started = time.perf_counter()
        status: int | None = None
        answer: Any = None
        error: HighLevelError | None = None
        limits: Limits | None = None
        try:
            status, headers, text = await self._send(name, operation.writes(), request)
            answer, limits = _json(text), Limits.read(headers)
            if not 200 <= status < 300:
                error = error_for(status)(
                    name,
                    _message(answer, text),
                    status=status,
                    trace_id=answer.get("traceId") if isinstance(answer, dict) else None,
                    retry_after=_seconds(headers.get("Retry-After")),
                )
            else:
                reply = operation.read_reply(answer)
        except HighLevelError as caught:
            error = caught
        except ValidationError as faults:
            places = ", ".join(".".join(map(str, fault["loc"])) or "the whole" for fault in faults.errors()[:3])
            error = Unreadable(name, f"the answer is not what was expected at: {places}", status=status)
        if self._record is not None:
            milliseconds = (time.perf_counter() - started) * 1000
            words = str(error) if error else None
            await self._record(Call(name, request, status, answer, words, milliseconds, limits))
        if error is not None:
            raise error from None
        return reply

    async def _send(self, name: str, writes: bool, request: dict[str, Any]) -> tuple[int, Any, str]:
        timeout = self._endpoint.write_timeout if writes else self._endpoint.read_timeout
        try:
            async with self._session.request(
                request["method"],
                self._endpoint.url + request["path"],
                params=request["query"],
                json=request["body"],
                headers={
                    "Authorization": f"Bearer {self._token}",
                    "Version": self._endpoint.version,
                    "Accept": "application/json",
                },
                timeout=aiohttp.ClientTimeout(total=timeout, sock_connect=min(timeout, 3.0)),
                allow_redirects=False,
            ) as response:
                return response.status, response.headers, self._without_token(await response.text(errors="replace"))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError) as error:
            raise NotSent(name, f"no connection to HighLevel ({type(error).__name__})") from None
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise AnswerLost(name, f"no answer within {timeout:g} s ({type(error).__name__})") from None

    def _without_token(self, text: str) -> str:
        """What came back is kept and shown: should it quote the token, that goes no further."""
        return text.replace(self._token, "…") if self._token else text


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _message(answer: Any, text: str) -> str:
    """HighLevel's own words: a string, or a list of them at 422."""
    message = answer.get("message") if isinstance(answer, dict) else None
    words = "; ".join(map(str, message)) if isinstance(message, list) else str(message or text.strip()[:200])
    # Half a surrogate pair or a NUL can be sent in JSON, and kept nowhere.
    return words.encode(errors="replace").decode().replace("\0", "") or "no message"


def _seconds(header: str | None) -> float | None:
    try:
        return max(0.0, float(header)) if header else None
    except ValueError:
        return None
