"""Sealing: secrets lie encrypted in Postgres under SECRET_KEY. A second key opens too, so that the first can change."""

from typing import Self

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr

from service.settings import Settings


class Shut(Exception):
    """It was sealed with another key, or there is none to open it with."""


class Keys:
    """What is sealed is sealed with the first; either opens."""

    def __init__(self, first: SecretStr, second: SecretStr | None = None) -> None:
        """Fernet keys, each 32 bytes in URL-safe base64; an empty one is none. Raises ValueError for anything else."""
        texts = [key.get_secret_value() for key in (first, second) if key is not None]
        self._fernets = [Fernet(text) for text in texts if text]
        self._may_seal = bool(texts[0])

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(settings.secret_key, settings.secret_key_previous)

    def __repr__(self) -> str:
        return f"Keys({len(self._fernets)})"

    def seal(self, secret: bytes) -> bytes:
        """Raises Shut where there is no first key."""
        if not self._may_seal:
            raise Shut
        return self._fernets[0].encrypt(secret)

    def open(self, sealed: bytes) -> bytes:
        """Raises Shut."""
        try:
            return MultiFernet(self._fernets).decrypt(sealed)
        except (InvalidToken, ValueError):
            raise Shut from None

    def seal_text(self, secret: SecretStr) -> bytes:
        return self.seal(secret.get_secret_value().encode())

    def open_text(self, sealed: bytes) -> SecretStr:
        """Raises Shut."""
        return SecretStr(self.open(sealed).decode())
