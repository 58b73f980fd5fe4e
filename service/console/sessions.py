"""Sessions: sealed cookies that every console process can open, and none once the password is changed."""

import base64
from collections.abc import Callable
from datetime import datetime, timedelta

from aiohttp import web
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

COOKIE = "slotwright_session"
LASTS = timedelta(hours=12)
CONTENT = b"signed in"

KNOWN_COOKIE = "slotwright_known"
KNOWN_FOR = timedelta(days=180)
KNOWN_CONTENT = b"signed in here before"
KNOWN_PATH = "/sign-in"

PURPOSE = b"slotwright console session"


class Sessions:
    """Nothing is stored: the key is derived from the password's hash, the time of sign-in is in the token.

    So whoever has the hash can seal a session: it is as secret as the password. A second, long-lived cookie lets in
    nobody; it says that this browser signed in before, and so its tries are not counted with those of guessers.
    """

    def __init__(self, password_hash: str, clock: Callable[[], datetime]) -> None:
        key = HKDF(SHA256(), length=32, salt=None, info=PURPOSE).derive(password_hash.encode())
        self._seal = Fernet(base64.urlsafe_b64encode(key))
        self._clock = clock

    def is_signed_in(self, request: web.Request) -> bool:
        return self._holds(request, COOKIE, CONTENT, LASTS)

    def is_known(self, request: web.Request) -> bool:
        """Whether somebody signed in with this browser before, with the password of today."""
        return self._holds(request, KNOWN_COOKIE, KNOWN_CONTENT, KNOWN_FOR)

    def begin(self, request: web.Request, answer: web.Response) -> None:
        self._give(request, answer, COOKIE, CONTENT, LASTS, "/")
        self._give(request, answer, KNOWN_COOKIE, KNOWN_CONTENT, KNOWN_FOR, KNOWN_PATH)

    def end(self, request: web.Request, answer: web.Response) -> None:
        answer.del_cookie(COOKIE, path="/", httponly=True, samesite="Strict", secure=_is_encrypted(request))

    def _holds(self, request: web.Request, name: str, content: bytes, lasts: timedelta) -> bool:
        try:
            # What is not ASCII is no token, and not an error either.
            token = request.cookies.get(name, "").encode("ascii", "replace")
            return self._seal.decrypt_at_time(token, int(lasts.total_seconds()), self._now()) == content
        except InvalidToken:
            return False

    def _give(
        self, request: web.Request, answer: web.Response, name: str, content: bytes, lasts: timedelta, path: str
    ) -> None:
        answer.set_cookie(
            name,
            self._seal.encrypt_at_time(content, self._now()).decode(),
            max_age=int(lasts.total_seconds()),
            path=path,
            httponly=True,
            samesite="Strict",
            secure=_is_encrypted(request),
        )

    def _now(self) -> int:
        return int(self._clock().timestamp())


def _is_encrypted(request: web.Request) -> bool:
    """Between the browser and us, or whoever ends TLS for us. Who claims it wrongly loses only their own cookie."""
    told = request.headers.get("X-Forwarded-Proto", "").partition(",")[0].strip().lower()
    return request.secure or told == "https"
