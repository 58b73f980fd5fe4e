"""Traces: one for each delivery, from the webhook to the last write. Off unless a collector is named.

A trace's id is its delivery's, and so is known to every process that works on it; nothing is stored or handed on for
it. The span that all others hang under is the receiver's, whose id is the delivery's second half.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Protocol
from uuid import UUID

from service.settings import Settings, SettingsError

Value = str | int


class Span(Protocol):
    """Something that takes a while. What it is told must be nobody's data: ids, names of rules, states."""

    def tell(self, **attributes: Value | None) -> None: ...


class Tracer(Protocol):
    """Makes spans, each under the one around it."""

    def received(
        self, delivery_id: UUID | None, began: datetime, ended: datetime, *, source: str, answer: str, known: bool
    ) -> None:
        """A webhook was taken. The first of a delivery is its trace's root; one that was `known` hangs under it."""

    def delivery(self, delivery_id: UUID) -> contextlib.AbstractContextManager[Span]:
        """A worker's go at a delivery; there may be several."""

    def span(self, name: str, **attributes: Value | None) -> contextlib.AbstractContextManager[Span]:
        """A part of what is under way; nothing where nothing is."""

    def call(self, operation: str, seconds: float, *, status: int | None, failed: bool) -> None:
        """A call to HighLevel that has just ended."""

    def close(self) -> None:
        """Send what has not been sent. Blocks meanwhile, for a few seconds at most, where the collector is away."""


class NoSpan:
    def tell(self, **attributes: Value | None) -> None:
        pass


class NoTracer:
    """Traces nothing."""

    def received(
        self, delivery_id: UUID | None, began: datetime, ended: datetime, *, source: str, answer: str, known: bool
    ) -> None:
        pass

    def delivery(self, delivery_id: UUID) -> contextlib.AbstractContextManager[Span]:
        return contextlib.nullcontext(NoSpan())

    def span(self, name: str, **attributes: Value | None) -> contextlib.AbstractContextManager[Span]:
        return contextlib.nullcontext(NoSpan())

    def call(self, operation: str, seconds: float, *, status: int | None, failed: bool) -> None:
        pass

    def close(self) -> None:
        pass


@contextlib.asynccontextmanager
async def tracing(settings: Settings, role: str, release: str) -> AsyncIterator[Tracer]:
    """A tracer for the length of the body; what else runs goes on while the last spans are sent.

    Raises SettingsError when it cannot be had and was asked for.
    """
    if not settings.otel_exporter_otlp_endpoint:
        yield NoTracer()
        return
    try:
        from service.telemetry.otlp import OtlpTracer
    except ImportError:
        raise SettingsError(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, and what sends traces is not installed: install slotwright[traces]"
        ) from None
    tracer = OtlpTracer(settings.otel_exporter_otlp_endpoint, role, release, settings.environment)
    try:
        yield tracer
    finally:
        await asyncio.to_thread(tracer.close)
