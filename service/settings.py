"""Everything read from the environment, one frozen model."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from service.setting_kinds import (
    FernetKey,
    Listed,
    PasswordHash,
    Places,
    SentryDsn,
    WebhookAddresses,
    WebhookKeys,
    WebhookSecret,
    url_with,
)

HIGHLEVEL_URL = "https://services.leadconnectorhq.com"
AUTHORIZE_URL = "https://marketplace.gohighlevel.com/v2/oauth/chooselocation"
HIGHLEVEL_KEYS = ("MCowBQYDK2VwAyEAi2HR1srL4o18O8BRa7gVJY7G7bupbN3H9AwJrHCDiOg=",)
"""Ed25519 (SPKI, base64), published in HighLevel's Webhook Integration Guide; one key for all apps."""

LEFT_BY_UP = "settings.json"
"""In the folder of `slotwright up`: the settings that other commands need to speak to what it started."""


class SettingsError(Exception):
    """Settings that are missing or malformed, each named in a line of its own."""


class Settings(BaseSettings):
    """Settings as every role reads them: the environment first, then what `slotwright up` left in its folder."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True)

    database_url: Annotated[str, url_with("postgresql", "postgres")] = Field(
        "", description="PostgreSQL 15 or newer", repr=False
    )
    database_statement_cache: int = Field(100, ge=0, description="0 behind PgBouncer in transaction mode")
    redis_url: Annotated[str, url_with("redis", "rediss", "unix")] = Field(
        "",
        description="Redis 6.2 or newer, or Valkey; it may be empty, flushed or away, work is found all the same",
        repr=False,
    )
    secret_key: FernetKey = Field(
        SecretStr(""), description="encrypts tokens at rest: 32 random bytes in URL-safe base64"
    )
    secret_key_previous: FernetKey = Field(
        SecretStr(""),
        description="a second key, which opens and does not seal, while SECRET_KEY is changed: `slotwright rekey`",
    )

    highlevel_url: Annotated[str, url_with("http", "https")] = Field(
        HIGHLEVEL_URL, description="a sandbox's address makes that sandbox's webhooks accepted"
    )
    highlevel_version: str = Field("2021-04-15", description="the `Version` header")
    highlevel_app_ids: Listed = Field(
        (),
        description="your marketplace apps, comma separated; webhooks that name another app are kept as ignored, so "
        "without it all of them are",
    )
    highlevel_webhook_keys: WebhookKeys = Field(
        HIGHLEVEL_KEYS, description="Ed25519 public keys, base64, comma separated; by default the published one"
    )
    highlevel_legacy_signature: bool = Field(
        False, description="also take the RSA signature of `X-WH-Signature`, which HighLevel has retired"
    )
    oauth_client_id: str = Field(
        "", description="the client of your marketplace app, which `slotwright locations connect` connects with"
    )
    oauth_client_secret: SecretStr = Field(SecretStr(""), description="that client's secret")
    oauth_redirect_url: Annotated[str, url_with("http", "https")] = Field(
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
            "locations/customFields.readonly",
            "users.readonly",
        ),
        description="what is asked for, comma separated; the app must have them",
    )
    oauth_authorize_url: Annotated[str, url_with("http", "https")] = Field(
        "",
        description="the page where a location is chosen; by default HighLevel's, or that of the sandbox at "
        "HIGHLEVEL_URL",
    )
    read_timeout: float = Field(10.0, gt=0, le=60, description="seconds a read may take")
    write_timeout: float = Field(
        4.0, gt=0, le=4, description="seconds a write may take: 4 at most, less than a worker's lease"
    )
    rate_limit_kept: int = Field(
        10, ge=0, description="calls of a window (HighLevel's has 100) that are kept for what starts within the hour"
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
    reconcile_every: int = Field(
        900,
        ge=0,
        le=86_400,
        description="seconds between two looks through a location's calendars for what no webhook told; 0 is never",
    )
    reconcile_share: int = Field(
        20, ge=1, le=100, description="percent of a location's calls in a window that such a look makes at most"
    )
    reconcile_ahead: int = Field(60, ge=1, le=366, description="days ahead that it looks")
    reconciled_an_hour: int = Field(
        20,
        ge=0,
        description="bookings of a location in an hour that it found and rules act on by themselves; more wait for "
        "approval",
    )

    host: str = Field("127.0.0.1", description="the address that the receiver listens on")
    port: int = Field(8080, ge=0, le=65535, description="the port that the receiver listens on")
    public_url: Annotated[str, url_with("http", "https")] = Field(
        "", description="where the receiver is reached from outside; `slotwright doctor` looks whether it is"
    )
    replay_window: int = Field(
        300, ge=10, le=3600, description="seconds that a Standard Webhooks timestamp may be away from our clock"
    )
    ignored_kept: int = Field(
        10_000, ge=0, description="ignored deliveries kept a day of each kind; the rest is only counted"
    )
    keep_acted: int = Field(
        400,
        ge=1,
        description="days that a delivery is kept that a rule held for, or that failed, and what `once_per` remembers: "
        "of an appointment, a series or a day from when that was over, else from when it was done; one that is open or "
        "parked, or has an unknown step, is kept until somebody has seen to it",
    )
    keep_dull: int = Field(
        14, ge=1, description="days that a delivery is kept that no rule held for; then it is a number a day"
    )
    keep_ignored: int = Field(
        7, ge=4, description="days that an ignored delivery is kept: longer than HighLevel retries, which is 3"
    )
    keep_keys: int = Field(
        30, ge=4, description="days that a delivery which was dropped is known again if it comes once more"
    )
    call_secret: WebhookSecret = Field(
        SecretStr(""),
        description="signs what the action `call` posts, and alerts: whsec_ and the base64 of 24 to 64 random bytes; "
        "without it no rule can call",
    )
    call_allowed: Places = Field(
        (),
        description="hosts with their ports, comma separated, that `call` and alerts may post to although they are "
        "private or without https, such as 127.0.0.1:9099",
    )
    call_timeout: float = Field(
        4.0, gt=0, le=4, description="seconds a `call` may take: 4 at most, less than a worker's lease"
    )
    alert_webhooks: WebhookAddresses = Field(
        SecretStr(""),
        description="addresses that alerts are posted to, comma separated, such as those of Slack's incoming webhooks; "
        "whoever has one can post there",
    )
    worker_lanes: int = Field(40, ge=1, le=200, description="lanes that a worker runs at once")

    console_host: str = Field("127.0.0.1", description="the address that the console listens on")
    console_port: int = Field(8081, ge=0, le=65535, description="the port that the console listens on")
    console_password: PasswordHash = Field(
        SecretStr(""),
        description="the argon2id hash that `slotwright console --hash-password` prints; needed on any address but "
        "loopback",
    )

    sentry_dsn: SentryDsn = Field(
        SecretStr(""), description="where unexpected errors and alerts go, with our ids and nothing of a booking"
    )
    environment: str = Field("development", description="what Sentry and traces call this installation")
    release: str = Field("", description="what Sentry and traces call this release; by default slotwright@ its version")
    otel_exporter_otlp_endpoint: Annotated[str, url_with("http", "https")] = Field(
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
