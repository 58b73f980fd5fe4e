"""Kinds of settings: what a value may be, and the words for one that it may not be."""

import base64
from typing import Annotated, Any
from urllib.parse import urlsplit

from argon2 import Type, extract_parameters
from argon2.exceptions import InvalidHashError
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key
from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic_settings import NoDecode
from sentry_sdk.utils import BadDsn, Dsn

from service.standard_webhooks import read_secret


def _split(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def url_with(*schemes: str) -> AfterValidator:
    def check(value: str) -> str:
        try:
            parts = urlsplit(value)
            _ = parts.port
        except ValueError:  # in words that may quote a password
            parts = urlsplit("")
        if value and (parts.scheme not in schemes or (parts.scheme.startswith("http") and not parts.hostname)):
            raise ValueError(f"should be a URL beginning with {' or '.join(f'{scheme}://' for scheme in schemes)}")
        return value

    return AfterValidator(check)


def _sentry_dsn(value: SecretStr) -> SecretStr:
    if value.get_secret_value():
        try:
            Dsn(value.get_secret_value())
        except BadDsn:
            raise ValueError("should be a DSN as Sentry shows it: https://key@host/project") from None
    return value


def _password_hash(value: SecretStr) -> SecretStr:
    if value.get_secret_value():
        try:
            kind = extract_parameters(value.get_secret_value()).type
        except (InvalidHashError, ValueError):
            kind = None
        if kind is not Type.ID:
            raise ValueError("should be an argon2id hash, as `slotwright console --hash-password` prints it")
    return value


def _fernet_key(value: SecretStr) -> SecretStr:
    if value.get_secret_value():
        try:
            Fernet(value.get_secret_value())
        except ValueError:
            raise ValueError(
                "should be 32 random bytes in URL-safe base64, as from: openssl rand -base64 32 | tr '+/' '-_'"
            ) from None
    return value


def _webhook_secret(value: SecretStr) -> SecretStr:
    if value.get_secret_value():
        read_secret(value.get_secret_value())
    return value


def read_place(text: str) -> tuple[str, int]:
    """Host and port of `127.0.0.1:9099`, `[::1]:9099` or `hooks.internal:9099`. Raises ValueError."""
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port or parts.netloc != text or parts.username is not None:
        raise ValueError("should be hosts with their ports, such as 127.0.0.1:9099")
    return host, port


def read_addresses(text: str) -> tuple[str, ...]:
    """Addresses to post to, from a list with commas. Raises ValueError, in words that do not repeat them."""
    addresses = _split(text)
    for address in addresses:
        try:
            parts = urlsplit(address)
            whole = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            whole = False
        if not whole or "@" in parts.netloc or parts.fragment or any(character.isspace() for character in address):
            raise ValueError("should be addresses such as https://hooks.example.com/path, comma separated")
    return tuple(addresses)


def _addresses(value: SecretStr) -> SecretStr:
    read_addresses(value.get_secret_value())
    return value


def _places(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        read_place(value)
    return values


def read_webhook_key(text: str) -> Ed25519PublicKey:
    """An Ed25519 public key, from PEM or the base64 of its SPKI. Raises ValueError for anything else."""
    try:
        key = load_pem_public_key(text.encode()) if "BEGIN" in text else load_der_public_key(base64.b64decode(text))
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("a webhook key is neither PEM nor the base64 of an SPKI public key") from None
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("a webhook key is not an Ed25519 key")
    return key


def _webhook_keys(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        read_webhook_key(value)
    return values


Listed = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]

SentryDsn = Annotated[SecretStr, AfterValidator(_sentry_dsn)]
PasswordHash = Annotated[SecretStr, AfterValidator(_password_hash)]
FernetKey = Annotated[SecretStr, AfterValidator(_fernet_key)]
WebhookSecret = Annotated[SecretStr, AfterValidator(_webhook_secret)]
WebhookAddresses = Annotated[SecretStr, AfterValidator(_addresses)]
Places = Annotated[Listed, AfterValidator(_places)]
WebhookKeys = Annotated[Listed, AfterValidator(_webhook_keys)]
