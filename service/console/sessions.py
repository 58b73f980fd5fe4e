"""Sessions: a sealed cookie that every console process can open, and none once the password is changed."""

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
PURPOSE = b"slotwright console session"


class Sessions:
    """Nothing is stored: the key is derived from the password's hash, the time of sign-in is in the token."""

    def __init__(self, password_hash: str, clock: Callable[[], datetime]) -> None:
        key = HKDF(SHA256(), length=32, salt=None, info=PURPOSE).derive(password_hash.encode())
        self._seal = Fernet(base64.urlsafe_b64encode(key))
        self._clock = clock

    def is_signed_in(self, request: web.Request) -> bool:
        try:
            # What is not ASCII is no token, and not an error either.
            token = request.cookies.get(COOKIE, "").encode("ascii", "replace")
            content = self._seal.decrypt_at_time(token, int(LASTS.total_seconds()), self._now())
        except InvalidToken:
            return False
        return content == CONTENT

    def begin(self, request: web.Request, answer: web.Response) -> None:
        answer.set_cookie(
            COOKIE,
            self._seal.encrypt_at_time(CONTENT, self._now()).decode(),
            max_age=int(LASTS.total_seconds()),
            path="/",
            httponly=True,
            samesite="Strict",
            secure=_is_encrypted(request),
        )

    def end(self, request: web.Request, answer: web.Response) -> None:
        answer.del_cookie(COOKIE, path="/", httponly=True, samesite="Strict", secure=_is_encrypted(request))

    def _now(self) -> int:
        return int(self._clock().timestamp())


def _is_encrypted(request: web.Request) -> bool:
    """Between the browser and us, or whoever ends TLS for us. Who claims it wrongly loses only their own cookie."""
    told = request.headers.get("X-Forwarded-Proto", "").partition(",")[0].strip().lower()
    return request.secure or told == "https"
