"""Proves that a body was signed by HighLevel. That it is meant for us, it does not prove: all apps share the key."""

import base64
import binascii
from collections.abc import Iterable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from service.settings import read_webhook_key

HEADER = "X-GHL-Signature"
ABSENT = "N/A"
"""What HighLevel puts in a header that it does not use (official sample)."""


class WebhookKeys:
    """The public keys that may have signed a webhook."""

    def __init__(self, keys: Iterable[str]) -> None:
        """`keys`: Ed25519 public keys, each PEM or the base64 of its SPKI. Raises ValueError for anything else."""
        self._keys = tuple(read_webhook_key(key) for key in keys)

    def signed(self, body: bytes, header: str | None) -> bool:
        """Whether `header` is a signature of exactly these bytes by one of the keys."""
        if not header or header == ABSENT:
            return False
        try:
            signature = base64.b64decode(header, validate=True)
        except (binascii.Error, ValueError):
            return False
        return any(_verifies(key, signature, body) for key in self._keys)


def _verifies(key: Ed25519PublicKey, signature: bytes, body: bytes) -> bool:
    try:
        key.verify(signature, body)
    except InvalidSignature:
        return False
    return True
