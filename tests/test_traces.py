"""Traces: from the webhook to the last write a delivery is one trace, and off it costs nothing."""

import asyncio
import gc
import subprocess
import sys
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import TestServer
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from service.embedded import Servers
from service.settings import SettingsError, read_settings
from service.store.identifiers import new_id
from service.telemetry import otlp
from service.telemetry.otlp import OtlpTracer
from service.telemetry.traces import NoTracer, tracing
from tests.house import House, event, in_days, now, open_house

TITLE = "Ada Lovelace, +44 20 7946 0123"
HERE = new_id()
NAMED = {"delivery", "source", "answer", "rule", "step", "operation", "ended"}


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """A processor of spans that is still there starts a thread in every fork, and what has two enters no namespace."""
    yield
    with warnings.catch_warnings(action="ignore"):
        gc.collect()  # what the tests before left is none of ours


class Collector:
    """An OpenTelemetry collector, as far as spans over HTTP go. `answers` what it is told to."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.resources: list[dict[str, str]] = []
        self.raw = b""
        self.answers = 200

    async def take(self, request: web.Request) -> web.Response:
        assert request.content_type == "application/x-protobuf"
        body = await request.read()
        if self.answers == 200:
            self.raw += body
            for group in ExportTraceServiceRequest.FromString(body).resource_spans:
                self.resources.append({each.key: each.value.string_value for each in group.resource.attributes})
                self.spans += [span for scope in group.scope_spans for span in scope.spans]
        return web.Response(status=self.answers, content_type="application/x-protobuf")

    def trace(self, delivery_id: str) -> list[Span]:
        """The spans of one delivery, none of them left hanging in the air."""
        spans = [span for span in self.spans if span.trace_id.hex() == delivery_id.replace("-", "")]
        known = {span.span_id for span in spans}
        assert len(known) == len(spans), "each has an id of its own"
        assert [span.name for span in spans if not span.parent_span_id] == ["receive"]
        assert [span.name for span in spans if span.parent_span_id and span.parent_span_id not in known] == []
        return spans


@asynccontextmanager
async def collecting() -> AsyncIterator[tuple[Collector, str]]:
    collector = Collector()
    app = web.Application()
    app.router.add_post("/v1/traces", collector.take)
    async with TestServer(app) as server:
        yield collector, str(server.make_url("/")).rstrip("/")


@asynccontextmanager
async def traced(database_url: str, servers: Servers) -> AsyncIterator[tuple[House, Collector, OtlpTracer]]:
    async with collecting() as (collector, url):
        tracer = OtlpTracer(url, "work", "slotwright@1.2.3", "staging")
        try:
            async with open_house(database_url, servers.redis_url, tracer=tracer) as house:
                await house.rules(RULE)
                yield house, collector, tracer
        finally:
            await asyncio.to_thread(tracer.close)


RULE = """
  - name: evening cuts
    mode: live
    when: appointment.created
    then: [{do: add_note, text: "for {{ title }}"}]
"""


def path(span: Span, spans: list[Span]) -> list[str]:
    """Names from the root to a span."""
    names = [span.name]
    while span.parent_span_id:
        [span] = [each for each in spans if each.span_id == span.parent_span_id]
        names.insert(0, span.name)
    return names


def told(span: Span) -> dict[str, Any]:
    return {each.key: each.value for each in span.attributes}


async def test_a_webhook_and_all_that_follows_from_it_is_one_trace(database_url: str, servers: Servers) -> None:
    async with traced(database_url, servers) as (house, collector, tracer):
        appointment_id = await house.book(in_days(30, "18:00"), title=TITLE)
        await house.settled()
        [first, *_] = await house.deliveries(appointment_id)
        assert await house.notes(appointment_id) == [f"for {TITLE}"]
        await asyncio.to_thread(tracer.close)
    spans = collector.trace(str(first["delivery_id"]))
    [write] = [span for span in spans if span.name == "CreateNote"]
    assert path(write, spans) == ["receive", "work", "rule", "settle add_note", "CreateNote"]
    assert [span.name for span in spans if span.name.startswith("plan")] == ["plan add_note"]
    [settle] = [span for span in spans if span.name == "settle add_note"]
    assert told(settle)["slotwright.step"].string_value == str(first["steps"][0]["step_id"])
    assert told(write)["http.response.status_code"].int_value == 201
    assert {span.status.code for span in spans} == {Status.STATUS_CODE_UNSET}
    [root] = [span for span in spans if span.name == "receive"]
    assert root.start_time_unix_nano <= min(span.start_time_unix_nano for span in spans)
    for span in collector.spans:
        names = {name.removeprefix("slotwright.") for name in told(span)}
        assert names <= {*NAMED, "http.response.status_code"}
    for canary in ("Ada", "7946", "Lovelace", "pit-"):
        assert canary.encode() not in collector.raw
    assert collector.resources[0]["service.name"] == "slotwright-work"
    assert collector.resources[0]["service.version"] == "1.2.3"


async def test_a_webhook_that_comes_again_hangs_under_the_first(database_url: str, servers: Servers) -> None:
    async with traced(database_url, servers) as (house, collector, tracer):
        appointment_id = await house.book(in_days(30, "18:00"))
        await house.settled()
        again = event(await house.appointment(appointment_id), "AppointmentUpdate")
        answers = [await house.post(again) for _ in range(3)]
        assert [status for status, _ in answers] == [202, 200, 200]
        await house.settled()
        await asyncio.to_thread(tracer.close)
    spans = collector.trace(answers[0][1]["delivery"])
    assert sorted(span.name for span in spans if span.name.startswith("receive")) == [
        "receive",
        "receive again",
        "receive again",
    ]
    assert len([span for span in spans if span.name == "work"]) == 1


async def test_a_delivery_that_had_to_wait_is_still_one_trace(database_url: str, servers: Servers) -> None:
    async with traced(database_url, servers) as (house, collector, tracer):
        notes = "/calendars/appointments/{appointment_id}/notes"
        fault = {"method": "POST", "path": notes, "status": 429, "times": 1, "retry_after": 1}
        await house.call("POST", "/_sandbox/faults", fault, status=201)
        appointment_id = await house.book(in_days(30, "18:00"))
        await house.settled()
        [first, *_] = await house.deliveries(appointment_id)
        await asyncio.to_thread(tracer.close)
    spans = collector.trace(str(first["delivery_id"]))
    calls = [span for span in spans if span.name == "CreateNote"]
    assert sorted(told(span)["http.response.status_code"].int_value for span in calls) == [201, 429]
    assert {span.status.code for span in spans if span.name != "CreateNote"} == {Status.STATUS_CODE_UNSET}
    assert len([span for span in spans if span.name == "work"]) == 2


async def test_a_collector_that_takes_nothing_is_told_of_once_and_holds_nobody_up() -> None:
    async with collecting() as (collector, url):
        tracer = OtlpTracer(url, "work", "slotwright@1.2.3", "staging")
        collector.answers = 400
        with structlog.testing.capture_logs() as lines:
            for answers in (400, 400, 200, 200):
                collector.answers = answers
                with tracer.span("nothing is under way"):
                    pass
                with tracer.delivery(HERE), tracer.span("rule", rule="a"):
                    pass
                await asyncio.to_thread(tracer.flush)
            await asyncio.to_thread(tracer.close)
    assert [line["event"] for line in lines] == [
        "the collector takes no traces; they are lost meanwhile",
        "the collector takes traces",
    ]
    assert len(collector.spans) == 4


async def test_a_collector_that_accepts_and_says_nothing_is_waited_for_once_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However many batches there are left: more spans than go into three."""
    monkeypatch.setattr(otlp, "CLOSE_WITHIN", 0.5)
    monkeypatch.setattr(otlp, "TIMEOUT", 60.0)
    asked, says = 0, asyncio.Event()

    async def take(_: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        await says.wait()
        return web.Response()

    app = web.Application()
    app.router.add_post("/v1/traces", take)
    async with TestServer(app) as server:
        tracer = OtlpTracer(str(server.make_url("/")), "work", "slotwright@1.2.3", "staging")
        for _ in range(1_800):
            with tracer.delivery(HERE):
                pass
        try:
            with structlog.testing.capture_logs() as lines:
                async with asyncio.timeout(20):
                    await asyncio.to_thread(tracer.close)
            assert asked == 1
        finally:
            says.set()
    assert [line["event"] for line in lines] == ["the collector takes no traces; they are lost meanwhile"]


async def test_a_collector_that_is_known_to_take_nothing_is_not_asked_at_the_end() -> None:
    async with collecting() as (collector, url):
        tracer = OtlpTracer(url, "work", "slotwright@1.2.3", "staging")
        collector.answers = 400
        with tracer.delivery(HERE):
            pass
        await asyncio.to_thread(tracer.flush)
        collector.answers = 200
        with tracer.delivery(HERE):
            pass
        await asyncio.to_thread(tracer.close)
    assert collector.spans == []


async def test_a_role_that_stops_goes_on_with_other_things_while_its_last_spans_are_sent() -> None:
    """The collector answers from the same loop: were that held up, it would take nothing."""
    async with collecting() as (collector, url):
        async with tracing(read_settings(otel_exporter_otlp_endpoint=url), "work", "1") as tracer:
            with tracer.delivery(HERE):
                pass
        assert [span.name for span in collector.spans] == ["work"]


async def test_what_goes_wrong_is_marked_by_its_kind_alone() -> None:
    async with collecting() as (collector, url):
        tracer = OtlpTracer(url, "work", "slotwright@1.2.3", "staging")
        with pytest.raises(ValueError), tracer.delivery(HERE):
            raise ValueError(TITLE)
        tracer.received(None, now(), now(), source="highlevel", answer="ignored", known=False)
        await asyncio.to_thread(tracer.close)
    [span] = collector.spans
    assert span.status.code == Status.STATUS_CODE_ERROR
    assert told(span)["error.type"].string_value == "ValueError"
    assert b"Ada" not in collector.raw


async def test_traces_are_off_by_default() -> None:
    async with tracing(read_settings(), "work", "1") as tracer:
        assert isinstance(tracer, NoTracer)


def test_nothing_of_opentelemetry_is_imported_while_traces_are_off() -> None:
    script = (
        "import asyncio, sys, workers.cli.work, workers.cli.console\n"
        "from service.settings import Settings\n"
        "from service.telemetry.traces import tracing\n"
        "async def role():\n"
        "    async with tracing(Settings(), 'work', '1'): pass\n"
        "asyncio.run(role())\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


async def test_traces_that_are_asked_for_and_cannot_be_had_are_said_at_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "service.telemetry.otlp")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    settings = read_settings(otel_exporter_otlp_endpoint="http://collector.example.com:4318")
    with pytest.raises(SettingsError, match=r"OTEL_EXPORTER_OTLP_ENDPOINT .* slotwright\[traces\]"):
        async with tracing(settings, "work", "1"):
            pass
