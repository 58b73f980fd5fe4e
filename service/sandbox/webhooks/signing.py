"""Signatures of webhooks: Ed25519 over the raw body, in base64, as HighLevel's integration guide has it."""

import base64
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

HEADER = "X-GHL-Signature"
Signature = Literal["valid", "forged", "none"]


class Signer:
    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @property
    def public_key(self) -> str:
        """In PEM."""
        return self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")

    def headers(self, body: bytes, signature: Signature = "valid") -> dict[str, str]:
        """A forged signature is a good one by somebody else's key."""
        headers = {"Content-Type": "application/json"}
        if signature == "none":
            return headers
        key = self._key if signature == "valid" else Ed25519PrivateKey.generate()
        return {**headers, HEADER: base64.b64encode(key.sign(body)).decode("ascii")}
