"""Channels: where alerts are sent to."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, Protocol
from urllib.parse import urlsplit

from service.outgoing.client import Outgoing
from service.setting_kinds import read_addresses
from service.standard_webhooks import read_secret
from service.store.alerts import URGENT
from service.store.notices import Notice
from service.telemetry import sentry
from service.telemetry.sentry import Alarmed
from workers.alerting.words import said
from workers.workplace import Workplace

REST: Final = timedelta(seconds=1)
"""Between two posts to one address: Slack takes one a second."""


class Channel(Protocol):
    @property
    def name(self) -> str:
        """As it is remembered, and shown."""

    @property
    def kind(self) -> str:
        """As it is counted."""

    @property
    def rest(self) -> timedelta:
        """Between two that it is told of."""

    async def tell(self, notice: Notice) -> None:
        """Raises OutgoingError."""


@dataclass(frozen=True)
class Sentry:
    name = kind = "sentry"
    rest = timedelta()

    async def tell(self, notice: Notice) -> None:
        """Of what, where and how often; a rule's words may name somebody, and stay here."""
        sentry.alert(
            Alarmed(
                kind=notice.kind,
                urgent=notice.kind in URGENT,
                rule=notice.rule,
                location=notice.location_id,
                delivery=str(notice.delivery_id or ""),
                times=notice.telling - notice.told,
            )
        )


@dataclass(frozen=True)
class Webhook:
    """`url` is as good as a password. Its body has a `text` and nothing else: there are receivers (Google Chat) that
    refuse what they do not know."""

    outgoing: Outgoing
    url: str = field(repr=False)
    secret: bytes | None = field(repr=False)
    clock: Callable[[], datetime]
    kind = "webhook"
    rest = REST

    @property
    def name(self) -> str:
        """Its host, and what tells two addresses there apart."""
        return f"{urlsplit(self.url).netloc} {sha256(self.url.encode()).hexdigest()[:8]}"

    async def tell(self, notice: Notice) -> None:
        body = json.dumps({"text": said(notice)}, ensure_ascii=False).encode()
        await self.outgoing.post(self.url, body, webhook_id=notice.number, timestamp=self.clock(), secret=self.secret)


def channels(work: Workplace) -> list[Channel]:
    """Those that the settings name."""
    settings = work.settings
    signing = settings.call_secret.get_secret_value()
    secret = read_secret(signing) if signing else None
    urls = dict.fromkeys(read_addresses(settings.alert_webhooks.get_secret_value()))
    found: list[Channel] = [Webhook(work.outgoing, url, secret, work.clock) for url in urls]
    return [*found, Sentry()] if settings.sentry_dsn.get_secret_value() else found
