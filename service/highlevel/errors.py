"""What can go wrong with a call. Each error answers two questions: may it be tried again, may it have happened.

HighLevelError
├── NotSent            nothing left this machine              again: yes   happened: no
├── AnswerLost         sent, and no answer came               again: yes   happened: perhaps
├── Unreadable         an answer that cannot be read          again: yes   happened: perhaps
├── ServerError        5xx: failed after taking the call      again: yes   happened: perhaps
├── RateLimited        429: not taken, come back later        again: yes   happened: no
├── Unauthorized       401: token, scope or version           again: no    happened: no
└── Refused            any other 4xx: said no                 again: no    happened: no
    └── NotFound       404
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


class RateLimited(HighLevelError):
    retry = True


class Unauthorized(HighLevelError):
    pass


class Refused(HighLevelError):
    pass


class NotFound(Refused):
    pass


def error_for(status: int) -> type[HighLevelError]:
    """The error that an answer of this status (not 2xx) means."""
    if status >= 500:
        return ServerError
    return {401: Unauthorized, 404: NotFound, 408: AnswerLost, 429: RateLimited}.get(status, Refused)
