"""Settings: what is missing or malformed is named, all of it at once, and nothing secret is ever shown."""

import base64
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import ValidationError

from service.settings import HIGHLEVEL_KEYS, HIGHLEVEL_URL, LEFT_BY_UP, Settings, SettingsError, read_settings
from tests.house import public_key

GOOD = {
    "DATABASE_URL": "postgresql://slotwright:hush-database@localhost/slotwright",
    "REDIS_URL": "redis://:hush-redis@localhost:6379/0",
    "SECRET_KEY": base64.urlsafe_b64encode(b"32 bytes that nobody else knows.").decode(),
    "SENTRY_DSN": "https://hush-sentry@example.com/1",
    "ALERT_WEBHOOKS": "https://hooks.example.com/hush-alerts,https://hooks.example.com/hush-more",
}
SECRETS = ("hush", GOOD["SECRET_KEY"])

REDIS_MISSING = (
    "REDIS_URL is not set (Redis 6.2 or newer, or Valkey; it may be empty, flushed or away, work is found all the same)"
)


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of ours in the environment."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def export(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    for name, value in values.items():
        monkeypatch.setenv(name, value)


def faults(*needed: str, **given: Any) -> list[str]:
    with pytest.raises(SettingsError) as refusal:
        read_settings(*needed, **given)
    assert not any(secret in str(refusal.value) for secret in SECRETS)
    return str(refusal.value).splitlines()


def test_what_nobody_sets_has_a_default_that_keeps_to_itself() -> None:
    settings = read_settings()
    assert (settings.host, settings.port) == ("127.0.0.1", 8080)
    assert settings.highlevel_url == HIGHLEVEL_URL == "https://services.leadconnectorhq.com"
    assert settings.highlevel_webhook_keys == HIGHLEVEL_KEYS
    assert (settings.highlevel_app_ids, settings.ignored_kept) == ((), 10_000)
    assert settings.sentry_dsn.get_secret_value() == ""


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    key = public_key(Ed25519PrivateKey.generate())
    export(monkeypatch, **GOOD, PORT="9000", HIGHLEVEL_APP_IDS=" a, b,,", HIGHLEVEL_WEBHOOK_KEYS=f"{key},{key}")
    settings = read_settings("database_url", "redis_url", "secret_key")
    assert settings.database_url == GOOD["DATABASE_URL"]
    assert settings.secret_key.get_secret_value() == GOOD["SECRET_KEY"]
    assert (settings.port, settings.highlevel_app_ids) == (9000, ("a", "b"))
    assert settings.highlevel_webhook_keys == (key, key)


def test_what_is_missing_is_named_with_what_it_is_for() -> None:
    assert faults("database_url", "redis_url", "secret_key") == [
        "DATABASE_URL is not set (PostgreSQL 15 or newer)",
        REDIS_MISSING,
        "SECRET_KEY is not set (encrypts tokens at rest: 32 random bytes in URL-safe base64)",
    ]


def test_what_is_missing_and_what_is_malformed_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    export(monkeypatch, DATABASE_URL="mysql://root:hush@localhost", PORT="hush", LOG_LEVEL="hush", REDIS_URL="")
    assert faults("database_url", "redis_url", "secret_key") == [
        "DATABASE_URL: should be a URL beginning with postgresql:// or postgres://",
        "PORT: Input should be a valid integer, unable to parse string as an integer",
        "LOG_LEVEL: Input should be 'debug', 'info', 'warning' or 'error'",
        REDIS_MISSING,
        "SECRET_KEY is not set (encrypts tokens at rest: 32 random bytes in URL-safe base64)",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "localhost/hush"),
        ("DATABASE_URL", "postgresql://user:hush\u2100@localhost"),
        ("DATABASE_URL", "postgresql://user:hush@[::1"),
        ("DATABASE_URL", "postgresql+asyncpg://user:hush@localhost"),
        ("REDIS_URL", "http://:hush@localhost"),
        ("SECRET_KEY", "hush"),
        ("SECRET_KEY", "hüsh" * 11),
        ("SECRET_KEY", GOOD["SECRET_KEY"][:-2]),
        ("HIGHLEVEL_URL", "services.leadconnectorhq.com"),
        ("HIGHLEVEL_URL", "https:services.leadconnectorhq.com"),
        ("HIGHLEVEL_URL", "ftp://hush@localhost"),
        ("HIGHLEVEL_WEBHOOK_KEYS", "hush"),
        ("HIGHLEVEL_WEBHOOK_KEYS", f"{HIGHLEVEL_KEYS[0]},hush"),
        ("PORT", "65536"),
        ("PORT", "tcp://10.0.0.1:8080"),
        ("WRITE_TIMEOUT", "4.1"),
        ("WRITE_TIMEOUT", "nan"),
        ("READ_TIMEOUT", "-5"),
        ("WORKER_LANES", "0"),
        ("IGNORED_KEPT", "-1"),
        ("DATABASE_STATEMENT_CACHE", "-1"),
        ("CALL_SECRET", "whsec_hush"),
        ("CALL_SECRET", "whsec_aHVzaA=="),
        ("CALL_ALLOWED", "hush.example.com"),
        ("CALL_ALLOWED", "127.0.0.1:9099,http://hush:80"),
        ("CALL_TIMEOUT", "4.1"),
        ("ALERT_WEBHOOKS", "hooks.example.com/hush"),
        ("ALERT_WEBHOOKS", "ftp://hush.example.com/"),
        ("ALERT_WEBHOOKS", "https://me:hush@example.com/"),
        ("ALERT_WEBHOOKS", "https://example.com/#hush"),
        ("ALERT_WEBHOOKS", "https://example.com/hush one"),
        ("ALERT_WEBHOOKS", "https://ok.example.com/,https://[hush"),
        ("ALERT_WEBHOOKS", "https://hush:x/"),
        ("LOG_FORMAT", "xml"),
    ],
)
def test_what_is_malformed_is_named_without_its_value(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    export(monkeypatch, **{name: value})
    [fault] = faults()
    assert fault.startswith(f"{name}: ")
    assert value not in fault


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    export(monkeypatch, PORT="", HIGHLEVEL_URL="", LOG_LEVEL="")
    settings = read_settings()
    assert (settings.port, settings.highlevel_url, settings.log_level) == (8080, HIGHLEVEL_URL, "info")


def test_no_secret_shows_when_settings_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    export(monkeypatch, **GOOD)
    settings = read_settings("database_url", "redis_url", "secret_key")
    for shown in (repr(settings), str(settings), f"{settings}"):
        assert not any(secret in shown for secret in SECRETS)
        assert "port=8080" in shown


def test_a_refusal_shows_no_value_even_where_nobody_rewords_it() -> None:
    with pytest.raises(ValidationError) as refusal:
        Settings.model_validate({"database_url": "mysql://root:hush@localhost", "port": "hush"})
    assert "hush" not in str(refusal.value)


def test_settings_cannot_be_changed_and_travel_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    export(monkeypatch, **GOOD)
    settings = read_settings("database_url")
    with pytest.raises(ValidationError):
        settings.port = 1
    assert pickle.loads(pickle.dumps(settings)) == settings


def left(folder: Path, text: str) -> Path:
    (folder / LEFT_BY_UP).write_text(text)
    return folder


def test_what_up_left_in_its_folder_serves_other_commands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    left(tmp_path, json.dumps({"database_url": "postgresql:///left", "port": 9000, "unknown": 1}))
    settings = read_settings("database_url", folder=tmp_path)
    assert (settings.database_url, settings.port) == ("postgresql:///left", 9000)
    export(monkeypatch, DATABASE_URL="postgresql:///said", PORT="")
    settings = read_settings("database_url", folder=tmp_path, port=1)
    assert (settings.database_url, settings.port) == ("postgresql:///said", 1), "what is said goes before what is left"


def test_a_folder_without_settings_is_no_fault(tmp_path: Path) -> None:
    assert read_settings(folder=tmp_path) == read_settings(folder=tmp_path / "nothing") == read_settings()


@pytest.mark.parametrize("text", ["", "{", "5", '"text"', "[1]"])
def test_a_damaged_file_in_the_folder_is_named(tmp_path: Path, text: str) -> None:
    assert faults(folder=left(tmp_path, text)) == [
        f"{tmp_path / LEFT_BY_UP} is damaged: `slotwright up` writes it anew"
    ]


def test_what_is_malformed_in_the_file_is_named_like_any_other(tmp_path: Path) -> None:
    assert faults("redis_url", folder=left(tmp_path, '{"database_url": "hush"}')) == [
        "DATABASE_URL: should be a URL beginning with postgresql:// or postgres://",
        REDIS_MISSING,
    ]
