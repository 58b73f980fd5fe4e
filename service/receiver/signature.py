"""Proves that a body was signed by HighLevel. That it is meant for us, it does not prove: all apps share the key."""

import base64
import binascii
from collections.abc import Iterable, Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key
from nacl.bindings import crypto_sign_BYTES, crypto_sign_open
from nacl.exceptions import BadSignatureError

from service.setting_kinds import read_webhook_key

HEADER = "X-GHL-Signature"
LEGACY_HEADER = "X-WH-Signature"
ABSENT = "N/A"
"""What HighLevel puts in a header that it does not use (official sample)."""

LEGACY_KEY = (
    "MIICIjANBgkqhkiG9w0BAQEFAAOCAg8AMIICCgKCAgEAokvo/r9tVgcfZ5DysOSCFrm602qYV0MaAiNnX9O8KxMbiyRKWeL9JpCp"
    "Vpt4XHIcBOK4u3cLSqJGOLaPuXw6dO0t6Q/ZVdAV5Phz+ZtzPL16iCGeK9po6D6JHBpbi989mmzMryUnQJezlYJ3DVfBcsedpinh"
    "eNnyYeFXolrJvcsjDtfAeRx5ByHQmTnSdFUzuAnC9/GepgLT9SM4nCpvuxmZMxrJt5Rw+VUaQ9B8JSvbMPpez4peKaJPZHBbU3Od"
    "eCVx5klVXXZQGNHOs8gF3kvoV5rTnXV0IknLBXlcKKAQLZcY/Q9rG6Ifi9c+5vqlvHPCUJFT5XUGG5RKgOKUJ062fRtN+rLYZUV+"
    "BjafxQauvC8wSWeYja63VSUruvmNj8xkx2zE/Juc+yjLjTXpIocmaiFeAO6fUtNjDeFVkhf5LNb59vECyrHD2SQIrhgXpO4Q3dVN"
    "A5rw576PwTzNh/AMfHKIjE4xQA1SZuYJmNnmVZLIZBlQAF9Ntd03rfadZ+yDiOXCCs9FkHibELhCHULgCsnuDJHcrGNd5/Ddm5hx"
    "GQ0ASitgHeMZ0kcIOwKDOzOU53lDza6/Y09T7sYJPQe7z0cvj7aE4B+Ax1ZoZGPzpJlZtGXCsu9aTEGEnKzmsFqwcSsnw3JB31IG"
    "KAykT1hhTiaCeIY/OwwwNUY2yvcCAwEAAQ=="
)
"""RSA, 4096 bits (SPKI, base64), published in HighLevel's WebhookAuthentication page; retired, by its own word, on
2026-09-01."""


class WebhookKeys:
    """The public keys that may have signed a webhook."""

    def __init__(self, keys: Iterable[str], *, legacy: str | None = None) -> None:
        """`keys`: Ed25519 public keys, each PEM or the base64 of its SPKI. Raises ValueError for anything else.

        `legacy`: the base64 of an RSA key's SPKI, for bodies that have no other signature.
        """
        self._keys = tuple(read_webhook_key(key).public_bytes_raw() for key in keys)
        self._legacy = _read_rsa_key(legacy) if legacy else None

    def signed(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """Whether the headers hold a signature of exactly these bytes by one of the keys."""
        if header := _told(headers, HEADER):
            signature = _decoded(header)
            return signature is not None and any(_verifies(key, signature, body) for key in self._keys)
        if self._legacy and (header := _told(headers, LEGACY_HEADER)):
            signature = _decoded(header)
            return signature is not None and _verifies_rsa(self._legacy, signature, body)
        return False


def _told(headers: Mapping[str, str], name: str) -> str:
    header = headers.get(name, "")
    return "" if header == ABSENT else header


def _decoded(header: str) -> bytes | None:
    try:
        return base64.b64decode(header, validate=True)
    except (binascii.Error, ValueError):
        return None


def _verifies(key: bytes, signature: bytes, body: bytes) -> bool:
    """By libsodium, which takes half the time that OpenSSL does: it is the dearest thing that a receiver does."""
    if len(signature) != crypto_sign_BYTES:
        return False
    try:
        crypto_sign_open(signature + body, key)
    except BadSignatureError:
        return False
    return True


def _verifies_rsa(key: RSAPublicKey, signature: bytes, body: bytes) -> bool:
    try:
        key.verify(signature, body, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def _read_rsa_key(text: str) -> RSAPublicKey:
    key = load_der_public_key(base64.b64decode(text))
    if not isinstance(key, RSAPublicKey):
        raise ValueError("not an RSA key")
    return key
