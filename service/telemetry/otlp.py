"""Traces by OTLP over HTTP. Imported only where a collector is named: it needs the extra `traces`."""

import contextlib
import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from datetime import datetime
from uuid import UUID

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    NonRecordingSpan,
    NoOpTracer,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
)
from opentelemetry.trace import Span as OtelSpan
from opentelemetry.trace.propagation import set_span_in_context

from service.telemetry.outage import Outage
from service.telemetry.traces import NoSpan, Span, Value

TIMEOUT = 5.0
"""Seconds that the collector may take for a batch."""

CLOSE_WITHIN = 3.0
"""Seconds that the spans which are left at the end may take; a role that stops has other things to finish."""

LOW = (1 << 64) - 1


class GivenIds(IdGenerator):
    """Random ids, but for a root, whose are its delivery's."""

    def __init__(self) -> None:
        self._random = RandomIdGenerator()
        self.root: ContextVar[SpanContext | None] = ContextVar("root", default=None)

    def generate_trace_id(self) -> int:
        root = self.root.get()
        return root.trace_id if root else self._random.generate_trace_id()

    def generate_span_id(self) -> int:
        root = self.root.get()
        return root.span_id if root else self._random.generate_span_id()


class QuietExporter(SpanExporter):
    """Says once that the collector takes nothing, and once that it does again."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._outage = Outage("the collector takes no traces; they are lost meanwhile", "the collector takes traces")
        self._closing = False

    def hurry(self) -> None:
        """From now on nothing is sent to a collector that is known to take nothing."""
        self._closing = True

    def give_up(self) -> None:
        """What has not been taken by now is lost."""
        self._outage.met()
        self._exporter.shutdown()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self._closing and self._outage:
            return SpanExportResult.FAILURE
        result = self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            if not self._closing:
                self._outage.over()
        else:
            self._outage.met()
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


class OtlpSpan:
    def __init__(self, span: OtelSpan) -> None:
        self._span = span

    def tell(self, **attributes: Value | None) -> None:
        self._span.set_attributes(_named(attributes))


class OtlpTracer:
    """A tracer that sends spans to a collector, in batches, from a thread of its own."""

    def __init__(self, endpoint: str, role: str, release: str, environment: str) -> None:
        self._ids = GivenIds()
        resource = Resource.create(
            {
                "service.namespace": "slotwright",
                "service.name": f"slotwright-{role}",
                "service.version": release.rpartition("@")[2],
                "deployment.environment.name": environment,
            }
        )
        # It would say of each batch that is not taken why not; QuietExporter says it once.
        logging.getLogger("opentelemetry.exporter").setLevel(logging.CRITICAL)
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=TIMEOUT)
        self._exporter = QuietExporter(exporter)
        provider = TracerProvider(ALWAYS_ON, resource, shutdown_on_exit=False, id_generator=self._ids)
        provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self._provider: TracerProvider | None = provider
        self._tracer: Tracer = provider.get_tracer("slotwright")
        self._around: ContextVar[SpanContext | None] = ContextVar("around", default=None)

    def received(
        self, delivery_id: UUID | None, began: datetime, ended: datetime, *, source: str, answer: str, known: bool
    ) -> None:
        if delivery_id is None:
            return
        root = _root(delivery_id)
        token = self._ids.root.set(None if known else root)
        try:
            span = self._tracer.start_span(
                "receive again" if known else "receive",
                _under(root) if known else Context(),
                SpanKind.SERVER,
                _named({"delivery": str(delivery_id), "source": source, "answer": answer}),
                start_time=_nanoseconds(began),
            )
        finally:
            self._ids.root.reset(token)
        span.end(_nanoseconds(ended))

    @contextlib.contextmanager
    def delivery(self, delivery_id: UUID) -> Iterator[Span]:
        with self._span("work", _root(delivery_id), SpanKind.CONSUMER, {"delivery": str(delivery_id)}) as span:
            yield span

    @contextlib.contextmanager
    def span(self, name: str, **attributes: Value | None) -> Iterator[Span]:
        parent = self._around.get()
        if parent is None:
            yield NoSpan()
            return
        with self._span(name, parent, SpanKind.INTERNAL, attributes) as span:
            yield span

    def call(self, operation: str, seconds: float, *, status: int | None, failed: bool) -> None:
        parent = self._around.get()
        if parent is None:
            return
        ended = time.time_ns()
        began = ended - int(seconds * 1e9)
        told = {**_named({"operation": operation}), **({"http.response.status_code": status} if status else {})}
        span = self._tracer.start_span(operation, _under(parent), SpanKind.CLIENT, told, start_time=began)
        if failed:
            span.set_status(Status(StatusCode.ERROR))
        span.end(ended)

    def flush(self) -> None:
        """Send what there is now; returns once that was tried."""
        if self._provider:
            self._provider.force_flush(int(TIMEOUT * 1000))

    def close(self) -> None:
        """Send the rest, as far as that goes in CLOSE_WITHIN; spans that end later are nobody's."""
        if self._provider:
            # The SDK gives each batch its whole time, and cannot be told of less: it goes on in a thread that keeps
            # no process from its end.
            self._exporter.hurry()
            ending = threading.Thread(target=self._provider.shutdown, name="end of traces", daemon=True)
            ending.start()
            ending.join(CLOSE_WITHIN)
            if ending.is_alive():
                self._exporter.give_up()
        # As long as the SDK's own is there it starts a thread in every fork.
        self._provider, self._tracer = None, NoOpTracer()

    @contextlib.contextmanager
    def _span(
        self, name: str, parent: SpanContext, kind: SpanKind, attributes: Mapping[str, Value | None]
    ) -> Iterator[Span]:
        span = self._tracer.start_span(name, _under(parent), kind, _named(attributes))
        token = self._around.set(span.get_span_context())
        try:
            yield OtlpSpan(span)
        except BaseException as error:
            # Leaving off to wait is nothing that went wrong. Of an error the kind alone: its words may quote a booking.
            if not hasattr(error, "wait"):
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(Status(StatusCode.ERROR))
            raise
        finally:
            self._around.reset(token)
            span.end()


def _root(delivery_id: UUID) -> SpanContext:
    return SpanContext(delivery_id.int, delivery_id.int & LOW, is_remote=True, trace_flags=TraceFlags(1))


def _under(parent: SpanContext) -> Context:
    return set_span_in_context(NonRecordingSpan(parent), Context())


def _named(attributes: Mapping[str, Value | None]) -> dict[str, Value]:
    return {f"slotwright.{name}": value for name, value in attributes.items() if value is not None}


def _nanoseconds(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000) * 1000
