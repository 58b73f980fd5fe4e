"""GET /metrics: tallies, budgets and gauges, in the form that Prometheus reads."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from service.console.record import PATIENCE, Record
from service.store import budgets, gauges, sources, tallies
from service.store.database import AWAY, UNFIT
from service.store.gauges import Gauges
from service.store.held import KINDS
from service.store.steps import OPEN
from service.telemetry.tally import BUCKETS, COUNTED

COUNTERS: Mapping[str, str] = {
    "arrivals": "Webhooks that came to a door, by what they were answered.",
    "deliveries": "Deliveries that ended, by how.",
    "steps": "Steps of rules that ended, by action and how.",
    "calls": "Calls to HighLevel, by operation and class of the answer's status.",
    "leases_taken_over": "Lanes taken over from a worker that said nothing more.",
    "moments_missed": "Moments that live rules waited for and that came too late to be asked about.",
    "unexpected_errors": "Errors that nobody thought of, by role.",
    "alerts_sent": "Tries to send an alert, by kind of channel and how they ended.",
}

FROM_THE_START: Mapping[str, Sequence[tuple[str, ...]]] = {
    "deliveries": [("done",), ("ignored",), ("failed",), ("parked",)],
    "leases_taken_over": [()],
    "moments_missed": [()],
    "unexpected_errors": [("receive",), ("work",), ("console",)],
    "steps": [
        (action, state)
        for action in (
            *("add_note", "alert", "assign", "block_slot", "book", "call", "cancel", "create_task", "reschedule"),
            *("retitle", "set_owner", "set_status", "start_workflow", "stop_workflow", "tag_contact"),
        )
        for state in ("done", "failed", "unknown")
    ],
    "arrivals": [("unknown", "busy"), ("unknown", "refused")],
    "alerts_sent": [(channel, "given_up") for channel in ("sentry", "webhook")],
}
"""Shown as 0 before they are first counted, so that the first of them is seen as a rise.
So are those that an alert asks for of each source."""

ASKED_OF_A_SOURCE = ("busy", "refused")


@dataclass(frozen=True, eq=False)
class Itself(Collector):
    """What can be told without the record too, so that its absence is a number and not a hole."""

    version: str
    database_up: bool

    def collect(self) -> Iterable[Metric]:
        yield _gauge(
            "database_up", "Whether the database answers: without it there are no other numbers.", self.database_up
        )
        build = GaugeMetricFamily("slotwright_build_info", "The version that answers.", labels=["version"])
        build.add_metric([self.version], 1)
        yield build


@dataclass(frozen=True, eq=False)
class Snapshot(Collector):
    """What is exposed, as read from the record at one moment."""

    version: str
    counted: Sequence[tuple[str, Mapping[str, str], float]]
    left: Sequence[tuple[str, int | None, int | None]]
    gauges: Gauges
    sources: Sequence[str]

    def collect(self) -> Iterable[Metric]:
        for name, words in COUNTERS.items():
            yield self._counter(name, words)
        yield self._histogram()
        now = self.gauges
        yield _gauge("deliveries_waiting", "Deliveries that have not ended.", now.waiting)
        yield _gauge("deliveries_parked", "Deliveries that nobody works on until somebody says so.", now.parked)
        yield _gauge("bookings_proposed", "Bookings that no webhook told of and that wait for approval.", now.proposals)
        yield _gauge("oldest_waiting_seconds", "Age of the oldest of them, 0 if there is none.", now.oldest_waiting)
        yield _gauge(
            "oldest_ready_seconds",
            "How long the lane that nobody works on has been ready, 0 if there is none.",
            now.oldest_ready,
        )
        steps = GaugeMetricFamily("slotwright_steps_open", "Steps that have not ended.", labels=["state"])
        for state in OPEN:
            steps.add_metric([state], now.steps_open.get(state, 0))
        yield steps
        holds = GaugeMetricFamily("slotwright_holds", "What is held back, by why.", labels=["kind"])
        for kind in KINDS:
            holds.add_metric([kind], now.holds.get(kind, 0))
        yield holds
        budget = GaugeMetricFamily(
            "slotwright_budget_left", "Calls that HighLevel will still take.", labels=["location", "window"]
        )
        for location, burst, day in self.left:
            for window, calls in (("10s", burst), ("day", day)):
                if calls is not None:
                    budget.add_metric([location, window], calls)
        yield budget
        yield from Itself(self.version, database_up=True).collect()

    def _counter(self, name: str, words: str) -> CounterMetricFamily:
        family = CounterMetricFamily(f"slotwright_{name}", words, labels=COUNTED[name])
        shown = [*FROM_THE_START.get(name, ())]
        if name == "arrivals":
            shown += [(source, answer) for source in self.sources for answer in ASKED_OF_A_SOURCE]
        for labels, value in {**dict.fromkeys(shown, 0.0), **self._values(name)}.items():
            family.add_metric(labels, value)
        return family

    def _histogram(self) -> HistogramMetricFamily:
        """Each call is counted in its own bucket; here in that and every larger one, as Prometheus has it."""
        family = HistogramMetricFamily(
            "slotwright_call_seconds", "How long HighLevel took to answer.", labels=["operation"]
        )
        seconds, counted = self._values("call_seconds_sum"), self._values("call_seconds_bucket")
        for (operation,), total in seconds.items():
            so_far, buckets = 0.0, []
            for bound in (*(f"{bound:g}" for bound in BUCKETS), "+Inf"):
                so_far += counted.get((operation, bound), 0)
                buckets.append((bound, so_far))
            family.add_metric([operation], buckets, total)
        return family

    def _values(self, name: str) -> dict[tuple[str, ...], float]:
        """By labels, in the order of COUNTED; what another version counted otherwise is left out."""
        names = COUNTED[name]
        return {
            tuple(labels[label] for label in names): value
            for counted, labels, value in self.counted
            if counted == name and labels.keys() == set(names)
        }


class Metrics:
    """The handler."""

    def __init__(self, record: Record, version: str) -> None:
        self._record = record
        self._version = version

    async def show(self, _: web.Request) -> web.Response:
        """Every number; without the database that it is away; 503 in plain words where its schema is another's."""
        try:
            async with asyncio.timeout(PATIENCE), self._record.read() as connection:
                counted = await tallies.every(connection)
                left = await budgets.left(connection)
                now = await gauges.read(connection)
                known = [source.name for source in await sources.every(connection)]
        except AWAY:
            return _exposed(Itself(self._version, database_up=False))
        except UNFIT:
            return web.Response(status=503, text="The database lacks this version's schema: run slotwright migrate.\n")
        return _exposed(Snapshot(self._version, counted, left, now, known))


def _exposed(collector: Collector) -> web.Response:
    registry = CollectorRegistry()
    registry.register(collector)
    return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _gauge(name: str, words: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"slotwright_{name}", words, value=value)
