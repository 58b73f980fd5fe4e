"""Everything read from the environment, one frozen model."""

import base64
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from argon2 import Type, extract_parameters
from argon2.exceptions import InvalidHashError
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sentry_sdk.utils import BadDsn, Dsn

HIGHLEVEL_URL = "https://services.leadconnectorhq.com"
AUTHORIZE_URL = "https://marketplace.gohighlevel.com/v2/oauth/chooselocation"
HIGHLEVEL_KEYS = ("MCowBQYDK2VwAyEAi2HR1srL4o18O8BRa7gVJY7G7bupbN3H9AwJrHCDiOg=",)
"""Ed25519 (SPKI, base64), published in HighLevel's Webhook Integration Guide; one key for all apps."""

LEFT_BY_UP = "settings.json"
"""In the folder of `slotwright up`: the settings that other commands need to speak to what it started."""


class SettingsError(Exception):
    """Settings that are missing or malformed, each named in a line of its own."""


def _split(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _url_with(*schemes: str) -> AfterValidator:
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


class Settings(BaseSettings):
    """Settings as every role reads them: the environment first, then what `slotwright up` left in its folder."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True)

    database_url: Annotated[str, _url_with("postgresql", "postgres")] = Field(
        "", description="PostgreSQL 15 or newer", repr=False
    )
    database_statement_cache: int = Field(100, ge=0, description="0 behind PgBouncer in transaction mode")
    redis_url: Annotated[str, _url_with("redis", "rediss", "unix")] = Field(
        "",
        description="Redis 6.2 or newer, or Valkey; it may be empty, flushed or away, work is found all the same",
        repr=False,
    )
    secret_key: Annotated[SecretStr, AfterValidator(_fernet_key)] = Field(
        SecretStr(""), description="encrypts tokens at rest: 32 random bytes in URL-safe base64"
    )
    secret_key_previous: Annotated[SecretStr, AfterValidator(_fernet_key)] = Field(
        SecretStr(""),
        description="a second key, which opens and does not seal, while SECRET_KEY is changed: `slotwright rekey`",
    )

    highlevel_url: Annotated[str, _url_with("http", "https")] = Field(
        HIGHLEVEL_URL, description="a sandbox's address makes that sandbox's webhooks accepted"
    )
    highlevel_version: str = Field("2021-04-15", description="the `Version` header")
    highlevel_app_ids: Listed = Field(
        (),
        description="your marketplace apps, comma separated; webhooks that name another app are kept as ignored, so "
        "without it all of them are",
    )
    highlevel_webhook_keys: Annotated[Listed, AfterValidator(_webhook_keys)] = Field(
        HIGHLEVEL_KEYS, description="Ed25519 public keys, base64, comma separated; by default the published one"
    )
    highlevel_legacy_signature: bool = Field(
        False, description="also take the RSA signature of `X-WH-Signature`, which HighLevel has retired"
    )
    oauth_client_id: str = Field(
        "", description="the client of your marketplace app, which `slotwright locations connect` connects with"
    )
    oauth_client_secret: SecretStr = Field(SecretStr(""), description="that client's secret")
    oauth_redirect_url: Annotated[str, _url_with("http", "https")] = Field(
        "",
        description="where the browser of whoever connects reaches the console's `/oauth/callback`, as registered with "
        "the app; by default http://localhost:CONSOLE_PORT/oauth/callback",
    )
    oauth_scopes: Listed = Field(
        (
            "calendars.readonly",
            "calendars/events.readonly",
            "calendars/events.write",
            "contacts.readonly",
            "contacts.write",
            "locations.readonly",
            "users.readonly",
        ),
        description="what is asked for, comma separated; the app must have them",
    )
    oauth_authorize_url: Annotated[str, _url_with("http", "https")] = Field(
        "",
        description="the page where a location is chosen; by default HighLevel's, or that of the sandbox at "
        "HIGHLEVEL_URL",
    )
    read_timeout: float = Field(10.0, gt=0, le=60, description="seconds a read may take")
    write_timeout: float = Field(
        4.0, gt=0, le=4, description="seconds a write may take: 4 at most, less than a worker's lease"
    )
    rate_limit_kept: int = Field(
        0, ge=0, description="calls of a window (HighLevel's has 100) that are kept for urgent and interactive use"
    )
    rate_limit_processes: int = Field(
        4,
        ge=1,
        description="processes that call HighLevel: while Valkey is away, each makes its part of a location's calls",
    )
    settle_after: float = Field(
        30.0,
        ge=1,
        le=600,
        description="seconds after which a write that was not answered cannot be under way any more, and is sent again "
        "if it is not there",
    )

    host: str = Field("127.0.0.1", description="the address that the receiver listens on")
    port: int = Field(8080, ge=0, le=65535, description="the port that the receiver listens on")
    public_url: Annotated[str, _url_with("http", "https")] = Field(
        "", description="where the receiver is reached from outside; `slotwright doctor` looks whether it is"
    )
    replay_window: int = Field(
        300, ge=10, le=3600, description="seconds that a Standard Webhooks timestamp may be away from our clock"
    )
    ignored_kept: int = Field(
        10_000, ge=0, description="ignored deliveries kept a day of each kind; the rest is only counted"
    )
    worker_lanes: int = Field(10, ge=1, le=200, description="lanes that a worker runs at once")

    console_host: str = Field("127.0.0.1", description="the address that the console listens on")
    console_port: int = Field(8081, ge=0, le=65535, description="the port that the console listens on")
    console_password: Annotated[SecretStr, AfterValidator(_password_hash)] = Field(
        SecretStr(""),
        description="the argon2id hash that `slotwright console --hash-password` prints; needed on any address but "
        "loopback",
    )

    sentry_dsn: Annotated[SecretStr, AfterValidator(_sentry_dsn)] = Field(
        SecretStr(""), description="where unexpected errors go, with our ids and nothing of a booking"
    )
    environment: str = Field("development", description="what Sentry and traces call this installation")
    release: str = Field("", description="what Sentry and traces call this release; by default slotwright@ its version")
    otel_exporter_otlp_endpoint: Annotated[str, _url_with("http", "https")] = Field(
        "", description="an OpenTelemetry collector; one trace for each delivery goes there (needs the extra `traces`)"
    )
    log_format: Literal["json", "text"] = Field("text", description="`json` for machines")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="the least that is logged")


def read_settings(*needed: str, folder: Path | None = None, **given: Any) -> Settings:
    """The settings, with the `needed` ones present; raises SettingsError naming every fault at once.

    `folder` is where `slotwright up` keeps its data: what it wrote there serves commands typed beside it.
    """
    for name, value in _left_by_up(folder).items():
        if not os.environ.get(name.upper()):
            given.setdefault(name, value)
    faults: dict[str, str] = {}
    try:
        settings = Settings(**given)
    except ValidationError as error:
        faults = {str(fault["loc"][0]): _words(fault) for fault in error.errors(include_url=False)}
        # With the defaults in the place of what is malformed it can be told what is missing besides.
        settings = Settings(**{**given, **{name: Settings.model_fields[name].default for name in faults}})
    lines = [f"{name.upper()}: {words}" for name, words in faults.items()]
    missing = [name for name in needed if name not in faults and not _text(getattr(settings, name))]
    lines += [f"{name.upper()} is not set ({Settings.model_fields[name].description})" for name in missing]
    if lines:
        raise SettingsError("\n".join(lines))
    return settings


def _left_by_up(folder: Path | None) -> dict[str, Any]:
    if folder is None:
        return {}
    try:
        return dict(json.loads((folder / LEFT_BY_UP).read_text()))
    except OSError:
        return {}
    except (ValueError, TypeError):
        raise SettingsError(f"{folder / LEFT_BY_UP} is damaged: `slotwright up` writes it anew") from None


def _words(fault: Mapping[str, Any]) -> str:
    return str(fault["msg"]).removeprefix("Value error, ")


def _text(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
