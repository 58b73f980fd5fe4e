"""What can go wrong with a call. Each error answers two questions: may it be tried again, may it have happened.

HighLevelError
├── NotSent             nothing left this machine                again: yes   happened: no
├── AnswerLost          sent, and no answer came                 again: yes   happened: perhaps
├── Unreadable          an answer that cannot be read            again: yes   happened: perhaps
├── ServerError         5xx: failed after taking the call        again: yes   happened: perhaps
│   └── CommandTimedOut 401 that says so: a fault of theirs      again: yes   happened: perhaps
├── RateLimited         429, or held back: come back later       again: yes   happened: no
├── Unauthorized        401                                      again: no    happened: no
│   ├── TokenRefused    the token is unknown or has expired
│   ├── ScopeMissing    the token does not reach this far
│   └── VersionRefused  the Version header is not to its liking
└── Refused             any other 4xx: said no                   again: no    happened: no
    ├── Forbidden       403: another location's, or stopped at the edge
    ├── NotFound        404
    └── PathUnknown     404 of another kind: no such call, at least under this Version

HighLevel says 401 to all of those, and 404 to both, and tells them apart in words alone, so `error_for` reads them:
nowhere else is anything decided by an error's text.
"""

from typing import ClassVar


class HighLevelError(Exception):
    """A call that did not end as asked. Carries no token and no body that we sent."""

    retry: ClassVar[bool] = False
    may_have_happened: ClassVar[bool] = False

    def __init__(
        self,
        operation: str,
        message: str,
        *,
        status: int | None = None,
        trace_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(operation, message)
        self.operation = operation
        self.message = message
        self.status = status
        self.trace_id = trace_id
        self.retry_after = retry_after
        """Seconds until a new try makes sense, where the answer said so."""

    def __str__(self) -> str:
        status = f" answered {self.status}" if self.status else ""
        return f"{self.operation}{status}: {self.message}"


class NotSent(HighLevelError):
    retry = True


class AnswerLost(HighLevelError):
    retry = True
    may_have_happened = True


class Unreadable(HighLevelError):
    retry = True
    may_have_happened = True


class ServerError(HighLevelError):
    """Their side failed after taking the call."""

    retry = True
    may_have_happened = True


class CommandTimedOut(ServerError):
    """HighLevel answered 401 `Command timed out`, which passes (seen by a public integrator)."""


class RateLimited(HighLevelError):
    """Not taken. Without a status it was not even sent: the location's budget has no call left."""

    retry = True


class Unauthorized(HighLevelError):
    """A 401 in words that say no more."""


class TokenRefused(Unauthorized):
    pass


class ScopeMissing(Unauthorized):
    pass


class VersionRefused(Unauthorized):
    pass


class Refused(HighLevelError):
    pass


class Forbidden(Refused):
    pass


class NotFound(Refused):
    pass


class PathUnknown(Refused):
    """`Cannot GET /…`: it says nothing of what was asked about."""


def error_for(status: int, message: str) -> type[HighLevelError]:
    """The error that an answer of this status (not 2xx), in these words, means."""
    if status >= 500:
        return ServerError
    if status < 400:  # neither done nor refused: nobody said where a redirect of theirs would lead
        return Unreadable
    if status == 401:
        return _unauthorized(message.lower())
    if status == 404 and message.startswith("Cannot "):
        return PathUnknown
    return {403: Forbidden, 404: NotFound, 408: AnswerLost, 429: RateLimited}.get(status, Refused)


def _unauthorized(words: str) -> type[HighLevelError]:
    if "timed out" in words:
        return CommandTimedOut
    if "scope" in words:
        return ScopeMissing
    if "version header" in words:
        return VersionRefused
    if ("token" in words or "jwt" in words) and ("invalid" in words or "expired" in words):
        return TokenRefused
    return Unauthorized
