"""What watches over it: every alert has its page in the runbook, and every query asks for what is served."""

import json
import re
from collections.abc import Iterator
from typing import Any

import click
import pytest
import yaml

from service.console.metrics import Snapshot
from service.store.gauges import Gauges
from service.telemetry.tally import COUNTED
from tests.charts import HELM, render, values
from workers.cli.commands import slotwright

ALERTS = yaml.safe_load((HELM / "alerts.yaml").read_text())
RUNBOOK = (HELM / "RUNBOOK.md").read_text()
JOB = 'job="slotwright-console"'
"""Of the release `slotwright`, as the file has it; the chart puts its own there."""

DASHBOARD = json.loads((HELM / "dashboards" / "slotwright.json").read_text())
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
WATCHED = {
    *("OldestWaitingTooOld", "ReadyLanesUnattended", "StepsUnknown", "StepsFailing", "DeliveriesFailed"),
    *("ReceiversBusy", "SignaturesRefused", "BudgetNearlySpent", "LeasesTakenOver", "UnexpectedErrors"),
    "AlertsGivenUp",
    *(
        "DeliveriesParked",
        "BookingsProposed",
        "MomentsMissed",
        "BreakerOpen",
        "TokenRefused",
        "PauseForgotten",
        "MetricsAbsent",
        "DatabaseAway",
    ),
}
FUNCTIONS = {
    *("absent", "and", "bottomk", "by", "count", "histogram_quantile", "max", "max_over_time", "min"),
    *("min_over_time", "rate", "sum", "topk", "without"),
}
ADDED = {"namespace", "job", "instance", "pod", "endpoint", "container"}
"""Labels that Prometheus adds to what it reads."""


def served() -> dict[str, set[str]]:
    """Each metric of the console, with its labels."""
    counted = [(name, dict.fromkeys(labels, "1"), 1.0) for name, labels in COUNTED.items()]
    snapshot = Snapshot("0", counted, [("location", 1, 1)], Gauges(0, 0.0, 0.0, {}), [])
    found: dict[str, set[str]] = {}
    for family in snapshot.collect():
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def queries() -> Iterator[tuple[str, str]]:
    """Every expression, by the title of what it is for."""
    for rule in RULES:
        yield rule["alert"], rule["expr"]
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["name"], variable["query"].removeprefix("label_values")


@pytest.mark.parametrize(("title", "expression"), list(queries()))
def test_a_query_asks_for_what_is_served(title: str, expression: str) -> None:
    metrics = served()
    names = set(re.findall(r"\bslotwright_\w+", expression))
    assert names
    assert names - set(metrics) == set()
    labels = set().union(*(metrics[name] for name in names)) | ADDED
    bare = re.sub(r'"[^"]*"|\[[^]]*\]', " ", expression)
    words = set(re.findall(r"\b[a-z]\w*", bare)) - FUNCTIONS - names
    # What is left are labels, and the spans of `offset`.
    assert {word for word in words if not re.fullmatch(r"\d+[smhd]", word)} - labels == set(), title
    assert bare.count("(") == bare.count(")")
    assert bare.count("{") == bare.count("}")


def test_every_metric_that_is_served_is_watched_or_drawn() -> None:
    asked = {name for _, expression in queries() for name in re.findall(r"\bslotwright_\w+", expression)}
    assert set(served()) - asked == set()


def test_there_is_an_alert_for_each_thing_that_may_go_wrong() -> None:
    assert {rule["alert"] for rule in RULES} == {f"Slotwright{name}" for name in WATCHED}


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_an_alert_is_one_that_prometheus_takes_and_a_person_understands(rule: dict[str, Any]) -> None:
    assert set(rule) - {"for"} == {"alert", "expr", "labels", "annotations"}
    assert re.fullmatch(r"\d+[smh]", rule.get("for", "0s"))
    assert rule["labels"]["severity"] in ("warning", "critical")
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    assert rule["annotations"]["runbook_url"] == f"RUNBOOK.md#{rule['alert'].lower()}"


def test_the_runbook_has_a_page_for_each_alert_and_no_other() -> None:
    headings = re.findall(r"^## (.*)$", RUNBOOK, re.MULTILINE)
    *alerts, key, last = headings
    assert alerts == [rule["alert"] for rule in RULES]
    assert (key, last) == ("Changing SECRET_KEY", "Going back to the release before")
    for page in RUNBOOK.split("\n## ")[1:-2]:
        assert "**Look at**" in page, page[:40]
        assert "**Do.**" in page, page[:40]


@pytest.mark.parametrize("line", sorted(set(re.findall(r"`(?:kubectl [^`]*? -- )?slotwright ([a-z][^`]*)`", RUNBOOK))))
def test_every_command_in_the_runbook_exists_with_its_options(line: str) -> None:
    command: click.Command | None = slotwright
    words = line.split()
    while isinstance(command, click.Group):
        command = command.get_command(click.Context(command), words.pop(0))
    assert command is not None, line
    command.make_context("slotwright", [{"DIR": ".", "N": "1"}.get(word, word) for word in words])


def test_the_runbook_names_settings_and_values_that_there_are() -> None:
    told = yaml.safe_load((HELM / "values.yaml").read_text())
    named = re.findall(r"`((?:receiver|workers|console|networkPolicy)\.[\w.]+)`", RUNBOOK)
    assert len(named) > 3
    for path in named:
        value = told
        for part in path.split("."):
            value = value[part]


def test_the_dashboard_can_be_read_by_grafana() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) > 20
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
        if panel["type"] != "row":
            assert panel["description"], panel["title"]
            assert panel["datasource"]["uid"] == "${datasource}"


def test_the_operators_get_the_alerts_to_the_letter_but_for_their_own_release_and_runbook() -> None:
    rule = render(values("full")).one("PrometheusRule")
    assert rule["apiVersion"] == "monitoring.coreos.com/v1"
    text = (HELM / "alerts.yaml").read_text().replace(JOB, 'job="booking-slotwright-console", namespace="salon"')
    assert rule["spec"] == yaml.safe_load(text.replace("RUNBOOK.md#", "https://wiki.example.com/slotwright#"))
    assert rule["metadata"]["labels"]["release"] == "prometheus"
    given = {"prometheusRule": {"enabled": True}}
    assert render(given).one("PrometheusRule")["spec"] == yaml.safe_load(text)


def test_grafanas_sidecar_finds_the_dashboard() -> None:
    config = render(values("full")).one("ConfigMap", "-dashboard")
    assert config["metadata"]["labels"]["grafana_dashboard"] == "1"
    [text] = config["data"].values()
    assert json.loads(text) == DASHBOARD


def test_prometheus_is_shown_to_the_console() -> None:
    release = render(values("full"))
    monitor = release.one("ServiceMonitor")
    assert monitor["apiVersion"] == "monitoring.coreos.com/v1"
    assert monitor["spec"]["endpoints"] == [{"port": "http", "path": "/metrics", "interval": "15s"}]
    wanted = monitor["spec"]["selector"]["matchLabels"]
    chosen = [one for one in release.all("Service") if wanted.items() <= one["metadata"]["labels"].items()]
    assert [one["metadata"]["name"] for one in chosen] == ["booking-slotwright-console"]
    assert [port["name"] for port in chosen[0]["spec"]["ports"]] == ["http"]
    # What the alerts ask by: Prometheus calls a job after its Service, where the monitor does not say otherwise.
    assert "jobLabel" not in monitor["spec"]
    for rule in release.one("PrometheusRule")["spec"]["groups"][0]["rules"]:
        assert f'job="{chosen[0]["metadata"]["name"]}", namespace="salon"' in rule["expr"]
