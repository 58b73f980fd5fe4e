"""Standard Webhooks: signs what we send and proves what we get, by the published scheme's symmetric signature.

What is signed is `{id}.{timestamp}.{body}`, by HMAC-SHA256 (standard-webhooks, spec 1.0.0). Pure.
"""

import base64
import binascii
import hmac
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
PREFIX = "whsec_"
VERSION = "v1"
SHORTEST, LONGEST = 24, 64
"""Bytes that a secret may have, by the specification."""

LONGEST_ID = 200
MOST_SIGNATURES = 8


class NotProved(Exception):
    """Why a request is not from who it says; for its sender's eyes, without anything secret."""


@dataclass(frozen=True)
class Proved:
    """A request whose signature holds: its id is the same on every attempt, its time is that of this attempt."""

    id: str
    sent_at: int


def new_secret() -> str:
    return PREFIX + base64.b64encode(os.urandom(32)).decode()


def read_secret(text: str) -> bytes:
    """The key that `whsec_…` stands for. Raises ValueError, in words that do not repeat it."""
    try:
        key = base64.b64decode(text.strip().removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"a secret is {PREFIX} and base64") from None
    if not SHORTEST <= len(key) <= LONGEST:
        raise ValueError(f"a secret has {SHORTEST} to {LONGEST} bytes, this one has {len(key)}")
    return key


def sign(key: bytes, id_: str, sent_at: datetime, body: bytes) -> dict[str, str]:
    """The headers that prove `body`."""
    seconds = int(sent_at.timestamp())
    return {ID: id_, TIMESTAMP: str(seconds), SIGNATURE: f"{VERSION},{_signature(key, id_, seconds, body)}"}


def verify(
    keys: Iterable[bytes], headers: Mapping[str, str], body: bytes, *, now: datetime, window: timedelta
) -> Proved:
    """Raises NotProved unless one of `keys` signed these bytes, at a time no further than `window` from `now`."""
    id_, seconds = headers.get(ID, ""), _seconds(headers.get(TIMESTAMP, ""))
    if not id_ or len(id_) > LONGEST_ID or not id_.isprintable() or "." in id_:
        raise NotProved(f"{ID} is missing, or is none.")
    if seconds is None:
        raise NotProved(f"{TIMESTAMP} is missing, or is no number of seconds since 1970.")
    told = [signature for version, signature in _signatures(headers.get(SIGNATURE, "")) if version == VERSION]
    # Made once for each key: how many are told is the sender's choice, and each costs as much as the body is long.
    wanted = [_signature(key, id_, seconds, body) for key in keys] if told else []
    # Every pair is compared, so that the time taken tells nothing of which one was near.
    matches = [hmac.compare_digest(signature, each) for signature in wanted for each in told[:MOST_SIGNATURES]]
    if not any(matches):
        raise NotProved(f"{SIGNATURE} holds no {VERSION} signature of this id, timestamp and body by a known secret.")
    if abs(now.timestamp() - seconds) > window.total_seconds():
        raise NotProved(
            f"{TIMESTAMP} is more than {window.total_seconds():.0f} s from our clock: sign each attempt anew."
        )
    return Proved(id_, seconds)


def _signature(key: bytes, id_: str, seconds: int, body: bytes) -> str:
    return base64.b64encode(hmac.digest(key, f"{id_}.{seconds}.".encode() + body, sha256)).decode()


def _signatures(header: str) -> list[tuple[str, str]]:
    """`v1,AAAA= v1a,BBBB=`: several are there while a secret is changed."""
    parts = (part.partition(",") for part in header[:2000].split())
    return [(version, signature) for version, _, signature in parts if signature.isascii()]


def _seconds(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 12 else None
