"""The console's password: its hash, made once by whoever sets it up, and the comparison, a few at a time."""

import asyncio
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 12
AT_ONCE = 2
"""Comparisons at once: each takes as much memory as the hash says, 64 MiB as made here."""


def password_hash(password: str) -> str:
    """The argon2id hash for CONSOLE_PASSWORD. Raises ValueError for a password that is too short."""
    if len(_one_form(password)) < SHORTEST:
        raise ValueError(f"a password has at least {SHORTEST} characters")
    return PasswordHasher().hash(_one_form(password))


class Password:
    """The one password that lets in."""

    def __init__(self, hashed: str) -> None:
        self._hash = hashed
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def is_right(self, password: str) -> bool:
        async with self._turns:
            return await asyncio.to_thread(self._compare, _one_form(password))

    def _compare(self, password: str) -> bool:
        try:
            return PasswordHasher().verify(self._hash, password)
        except (VerificationError, InvalidHashError):
            return False


def _one_form(password: str) -> str:
    """The same letters are the same password, whichever keyboard put them together."""
    return unicodedata.normalize("NFKC", password)
