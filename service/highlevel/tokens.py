"""Where a client gets its token from, whom it tells that the token was refused, and how the token travels."""

from typing import Protocol

from service.highlevel.errors import TokenRefused

WITHHELD = "…".encode()
SHORTEST = 8
"""Letters of a token worth the name; what is shorter stands in any answer."""


class Tokens(Protocol):
    """The token of one location, whoever keeps it."""

    async def token(self) -> str:
        """The one to use now. Raises HighLevelError: TokenRefused when there is none that could be."""
        ...

    async def refused(self, token: str) -> bool:
        """HighLevel did not take this one. Whether `token` now gives another. Raises HighLevelError."""
        ...


class StaticToken:
    """A private integration token: it is what it is.

    What no header can carry, such as a line end that was read from a file with it, is refused when it is asked for, not
    when it is given: frames that hold it would come along with the error.
    """

    def __init__(self, token: str) -> None:
        self._bearer = Bearer(token)

    def __repr__(self) -> str:
        return "StaticToken(…)"

    async def token(self) -> str:
        token = self._bearer.token
        if token.isascii() and token.isprintable():
            return token
        del token
        raise TokenRefused("Token", "a token is printable ASCII in one line")

    async def refused(self, token: str) -> bool:
        return False


class Bearer:
    """A token on its way to HighLevel. Whoever shows the values of a frame, as reports of errors do, shows no token."""

    __slots__ = ("token",)

    def __init__(self, token: str) -> None:
        self.token = token

    def __repr__(self) -> str:
        return "Bearer(…)"

    @property
    def header(self) -> str:
        return f"Bearer {self.token}"

    def left_out_of(self, body: bytes) -> bytes:
        """What came back is kept and shown: should it quote the token, that goes no further."""
        return body.replace(self.token.encode(), WITHHELD) if len(self.token) >= SHORTEST else body
