"""When an alert rings: its threshold, span and labels, and what its query means where there are several pods."""

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from service.console.filters import STEP_STATES
from service.console.metrics import FROM_THE_START
from service.store.holds import Kind
from service.store.steps import OPEN
from tests.charts import ROOT
from tests.test_chart_monitoring import DASHBOARD, JOB, RULES, queries
from workers.actions import ACTIONS

PODS = "without (instance, pod, endpoint, container)"
"""All consoles tell the same totals: what tells them apart must not add to them, nor end with one of them."""

RINGS = {
    "MetricsAbsent": ("absent(build_info)", "5m"),
    "DatabaseAway": ("database_up == 0", "2m"),
    "ReadyLanesUnattended": ("oldest_ready_seconds > 60", "2m"),
    "OldestWaitingTooOld": ("oldest_waiting_seconds > 1800", "5m"),
    "StepsUnknown": ('rise(steps_total{state="unknown"}[1h]) > 0', "0s"),
    "StepsFailing": (
        'sum without (action, state) (rise(steps_total{state="failed"}[15m])) > 3 and '
        'sum without (action, state) (rise(steps_total{state="failed"}[15m])) > '
        "0.05 * sum without (action, state) (rise(steps_total[15m]))",
        "5m",
    ),
    "DeliveriesFailed": ('rise(deliveries_total{outcome="failed"}[1h]) > 0', "0s"),
    "DeliveriesParked": ("deliveries_parked > 0", "5m"),
    "BookingsProposed": ("bookings_proposed > 0", "15m"),
    "MomentsMissed": ("rise(moments_missed_total[1h]) > 0", "0s"),
    "BreakerOpen": ('holds{kind="breaker"} > 0', "5m"),
    "TokenRefused": ('holds{kind="token"} > 0', "5m"),
    "PauseForgotten": ('holds{kind="paused"} > 0', "12h"),
    "ReceiversBusy": ('rise(arrivals_total{answer="busy"}[5m]) > 0', "2m"),
    "SignaturesRefused": ('rise(arrivals_total{answer="refused"}[15m]) > 20', "5m"),
    "BudgetNearlySpent": ('budget_left{window="day"} < 10000', "5m"),
    "LeasesTakenOver": ("rise(leases_taken_over_total[30m]) > 5", "0s"),
    "UnexpectedErrors": ("rise(unexpected_errors_total[15m]) > 0", "0s"),
    "AlertsGivenUp": ('rise(alerts_sent_total{outcome="given_up"}[1h]) > 0', "0s"),
}
"""Each alert in short: what `in_short` makes of its query, and how long that has to hold."""

EMITTED: Mapping[str, set[str]] = {
    "answer": {"accepted", "known", "ignored", "refused", "busy"},
    "outcome": {"done", "ignored", "failed", "parked", "given_up"},
    "kind": {*get_args(Kind)},
    "state": set(STEP_STATES) - set(OPEN),
    "window": {"10s", "day"},
}
"""Every value of a label that a query may ask for."""


def in_short(expression: str) -> str:
    """A query without what all have: our prefix, the job, the largest of all pods, and what has risen in a span."""
    text = " ".join(expression.split()).replace("slotwright_", "")
    text = text.replace(f"{{{JOB}}}", "").replace(f"{JOB}, ", "")
    text = re.sub(
        rf"max {re.escape(PODS)} \(max_over_time\((\S+)\)\) - min {re.escape(PODS)} \(min_over_time\(\1\)\)",
        r"rise(\1)",
        text,
    )
    text = re.sub(r"(?<!\) )\( ?(rise\(\S+\)) ?\)", r"\1", text).replace("( ", "(").replace(" )", ")")
    return re.sub(rf"max {re.escape(PODS)} \((\w+(?:{{[^}}]*}})?)\)", r"\1", text)


def test_each_alert_rings_when_it_should() -> None:
    told = {rule["alert"].removeprefix("Slotwright"): (in_short(rule["expr"]), rule.get("for", "0s")) for rule in RULES}
    assert told == RINGS


@pytest.mark.parametrize(("title", "expression"), list(queries()))
def test_a_query_asks_for_values_that_there_are(title: str, expression: str) -> None:
    for label, value in re.findall(r'(\w+)="([^"]*)"', expression):
        if label == "job":
            assert value in ("slotwright-console", "$job"), title
        else:
            assert value in EMITTED[label], title


def test_the_values_that_queries_ask_for_are_those_that_code_writes() -> None:
    """The door's answers are words in its code, so they are looked for there."""
    door = (ROOT / "service" / "receiver" / "door.py").read_text()
    [chosen] = re.findall(r'\banswer = (".*)', door)
    words = {*re.findall(r'"(\w+)"', chosen), *re.findall(r'answer="(\w+)"', door)}
    assert words == EMITTED["answer"]
    given_up = {outcome for _, outcome in FROM_THE_START["alerts_sent"]}
    assert {outcome for (outcome,) in FROM_THE_START["deliveries"]} | given_up == EMITTED["outcome"]


def test_every_action_is_shown_before_its_first_step() -> None:
    actions = {name for action in ACTIONS for name in get_args(action.model_fields["do"].annotation)}
    assert {action for action, _ in FROM_THE_START["steps"]} == actions


def test_the_dashboard_counts_nothing_twice_and_one_release_at_a_time() -> None:
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", []):
            expression = target["expr"]
            for found in re.finditer(r"slotwright_\w+({[^}]*})?", expression):
                assert (found[1] or "").startswith('{namespace=~"$namespace", job="$job"'), panel["title"]
                before = expression[: found.start()]
                if "count by (version)" not in expression:
                    assert re.search(rf"(max|min) {re.escape(PODS)} \((\w+\()?$", before), panel["title"]
    variables = {one["name"]: one for one in DASHBOARD["templating"]["list"]}
    assert not any(variables[name]["multi"] or variables[name]["includeAll"] for name in ("namespace", "job"))
    assert "increase(" not in json.dumps(DASHBOARD), "of one pod, it says nothing of what came before that pod"


def series(metric: str, values: str, pod: str = "a", job: str = "slotwright-console", **labels: str) -> dict[str, str]:
    told = {**labels, "job": job, "pod": pod, "instance": f"{pod}:8081"}
    text = ", ".join(f'{name}="{value}"' for name, value in told.items())
    return {"series": f"slotwright_{metric}{{{text}}}", "values": values}


UNKNOWN = {"metric": "steps_total", "action": "add_note", "state": "unknown"}
BUSY = {"metric": "arrivals_total", "source": "highlevel", "answer": "busy"}
HOUR = 120
CASES: Mapping[str, tuple[str, list[dict[str, str]], Mapping[str, bool]]] = {
    "a console that is replaced": (
        "StepsUnknown",
        [
            series(**UNKNOWN, values=f"1x{3 * HOUR} stale"),
            series(**UNKNOWN, values=f"_x{3 * HOUR - 1} 1x{3 * HOUR}", pod="b"),
        ],
        {"170m": False, "190m": False, "235m": False},
    ),
    "a gap of twenty minutes": (
        "StepsUnknown",
        [series(**UNKNOWN, values=f"1x{2 * HOUR - 1} stale _x40 1x{4 * HOUR}")],
        {"130m": False, "142m": False, "185m": False, "202m": False},
    ),
    "a first unknown step": (
        "StepsUnknown",
        [series(**UNKNOWN, values=f"0x{HOUR} 1x{4 * HOUR}")],
        {"59m": False, "62m": True, "110m": True, "125m": False},
    ),
    "an unknown step while the console is replaced": (
        "StepsUnknown",
        [series(**UNKNOWN, values=f"4x{HOUR} stale"), series(**UNKNOWN, values=f"_x{HOUR} 5x{HOUR}", pod="b")],
        {"59m": False, "62m": True},
    ),
    "a first busy answer": ("ReceiversBusy", [series(**BUSY, values="0x60 7x60")], {"29m": False, "33m": True}),
    "another release": (
        "MetricsAbsent",
        [series("build_info", "1x60 stale"), series("build_info", "1x240", job="north-console")],
        {"29m": False, "45m": True},
    ),
    "a database that is away": (
        "DatabaseAway",
        [series("database_up", "1x60 0x60"), series("build_info", "1x120")],
        {"29m": False, "35m": True},
    ),
    "a database that one console reaches": (
        "DatabaseAway",
        [series("database_up", "0x120"), series("database_up", "1x120", pod="b")],
        {"35m": False},
    ),
}
"""By what happens: an alert, the samples of each half minute, and at which moments it rings."""

PROMTOOL = shutil.which("promtool") or ""

if PROMTOOL:  # Debian's package is large, so it is not asked for: elsewhere RINGS has to do

    @pytest.mark.parametrize("name", CASES)
    def test_prometheus_reads_an_alert_as_it_is_meant(name: str, tmp_path: Path) -> None:
        alert, samples, moments = CASES[name]
        rule: dict[str, Any] = next(dict(rule) for rule in RULES if rule["alert"] == f"Slotwright{alert}")
        rings = {"groups": [{"name": "slotwright", "rules": [{**rule, "labels": {}, "annotations": {}}]}]}
        told = {
            "rule_files": ["alerts.yaml"],
            "evaluation_interval": "30s",
            "tests": [
                {
                    "interval": "30s",
                    "input_series": samples,
                    "promql_expr_test": [
                        {
                            "expr": f'count(ALERTS{{alertname="Slotwright{alert}", alertstate="firing"}}) or vector(0)',
                            "eval_time": moment,
                            "exp_samples": [{"labels": "{}", "value": int(is_ringing)}],
                        }
                        for moment, is_ringing in moments.items()
                    ],
                }
            ],
        }
        (tmp_path / "alerts.yaml").write_text(yaml.safe_dump(rings))
        (tmp_path / "cases.yaml").write_text(yaml.safe_dump(told))
        done = subprocess.run([PROMTOOL, "test", "rules", tmp_path / "cases.yaml"], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
