"""Errors of texts: why one could not be rendered."""

from typing import ClassVar


class TextError(Exception):
    """A text could not be rendered; nothing was sent, and the same facts will fail again.

    TextError
    ├── MissingFact     it mentions a fact that has no value
    ├── TooLong         it comes out longer than HighLevel takes, or mentions a fact that is
    └── Unrenderable    a fact is not of the kind that it was declared to be
    """

    retry: ClassVar[bool] = False
    may_have_happened: ClassVar[bool] = False


class MissingFact(TextError):
    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is missing")
        self.name = name


class TooLong(TextError):
    """`what` is the text or a fact; `most` are the characters that it may have."""

    def __init__(self, what: str, most: int) -> None:
        super().__init__(f"{what} is longer than {most:,} characters")
        self.what, self.most = what, most


class Unrenderable(TextError):
    def __init__(self, reason: str) -> None:
        super().__init__(f"the text cannot be rendered: {reason}")
        self.reason = reason
