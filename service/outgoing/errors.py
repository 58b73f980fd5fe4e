"""What can go wrong with a post. Each error answers two questions: may it be tried again, may it have happened.

OutgoingError
├── NotPosted       nothing left this machine                        again: yes   happened: no
├── AnswerLost      sent, and no answer came; 408                    again: yes   happened: perhaps
├── ServerError     5xx: failed after taking it                      again: yes   happened: perhaps
├── Busy            425 or 429: not taken, come back later           again: yes   happened: no
├── Refused         any other 4xx: said no                           again: no    happened: no
│   └── Redirected  3xx: it says that something else is meant        again: no    happened: no
├── NotAllowed      we do not post there                             again: no    happened: no
├── TooLarge        more than we post                                again: no    happened: no
└── NoSecret        there is nothing to sign it with                 again: no    happened: no
"""

from typing import ClassVar


class OutgoingError(Exception):
    """A post that did not end as asked. Names the host; carries no path, no secret and nothing of what was posted."""

    retry: ClassVar[bool] = False
    may_have_happened: ClassVar[bool] = False

    def __init__(self, host: str, message: str, *, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(host, message)
        self.host = host
        self.message = message
        self.status = status
        self.retry_after = retry_after
        """Seconds until a new try makes sense, where the answer said so."""

    def __str__(self) -> str:
        status = f" answered {self.status}" if self.status else ""
        return f"{self.host}{status}: {self.message}"


class NotPosted(OutgoingError):
    retry = True


class AnswerLost(OutgoingError):
    retry = True
    may_have_happened = True


class ServerError(OutgoingError):
    retry = True
    may_have_happened = True


class Busy(OutgoingError):
    retry = True


class Refused(OutgoingError):
    pass


class Redirected(Refused):
    pass


class NotAllowed(OutgoingError):
    pass


class TooLarge(OutgoingError):
    pass


class NoSecret(OutgoingError):
    pass


def error_for(host: str, status: int, retry_after: float | None) -> OutgoingError:
    """The error that an answer of this status (not 2xx) means. Whoever answered says no more: its body is not read."""
    kind, message = _meaning(status)
    return kind(host, message, status=status, retry_after=retry_after)


def _meaning(status: int) -> tuple[type[OutgoingError], str]:
    if status >= 500:
        return ServerError, "it failed"
    if status < 400:
        return Redirected, "redirects are not followed: name the address that it leads to"
    if status == 408:
        return AnswerLost, "it waited too long for what was posted"
    if status in (425, 429):
        return Busy, "not now"
    return Refused, "it refused"
