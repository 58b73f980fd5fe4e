"""The chart's values: what is mistaken is refused, by name and before anything is sent to a cluster."""

import json
from collections.abc import Iterator
from typing import Any

import helm_python as helm
import pytest
import yaml

from service.settings import Settings
from tests.charts import HELM, OWN, SECRET, Object, render, settings_schema

SCHEMA = json.loads((HELM / "values.schema.json").read_text())
DEFAULTS = yaml.safe_load((HELM / "values.yaml").read_text())
FREE = {
    *("global", "podSecurityContext"),
    *("affinity.nodeAffinity", "affinity.podAffinity", "affinity.podAntiAffinity"),
    *("rules.volume", "extraVolumes[]", "extraEnv[].valueFrom", "podSelector", "namespaceSelector"),
}
"""Where an object of Kubernetes stands, or somebody else's."""

MISTAKES = [
    ("recevier: {replicas: 3}", "at '': additional properties 'recevier' not allowed"),
    ("receiver: {replicaCount: 3}", "at '/receiver': additional properties 'replicaCount' not allowed"),
    ("receiver: {replicas: three}", "at '/receiver/replicas': got string, want integer"),
    ("settings: {LOGLEVEL: debug}", "at '/settings': additional properties 'LOGLEVEL' not allowed"),
    (
        "settings: {LOG_LEVEL: verbose}",
        "at '/settings/LOG_LEVEL': value must be one of 'debug', 'info', 'warning', 'error'",
    ),
    ("settings: {WRITE_TIMEOUT: 10}", "at '/settings/WRITE_TIMEOUT': maximum: got 10, want 4"),
    (
        "settings: {DATABASE_URL: 'postgresql://booking:hush@db/booking'}",
        "at '/settings': additional properties 'DATABASE_URL' not allowed",
    ),
    ("extraVolumeMounts: [{name: ca}]", "at '/extraVolumeMounts/0': missing property 'mountPath'"),
    ("secrets: {SECRET_KEY: hush}", "at '/secrets/SECRET_KEY': got string, want object"),
    ("image: {tag: 0.2}", "at '/image/tag': got number, want string"),
    (
        "workers: {resources: {limits: {memroy: 1Gi}}}",
        "at '/workers/resources/limits': additional properties 'memroy' not allowed",
    ),
    ("console: {ingress: {enabled: true}}", "at '/console': additional properties 'ingress' not allowed"),
    ("ingress: {enabled: true}", "at '/ingress/hosts': minItems: got 0, want 1"),
    (
        "networkPolicy: {consoleFrom: [{podselector: {}}]}",
        "at '/networkPolicy/consoleFrom/0': additional properties 'podselector' not allowed",
    ),
    ("workers: {keda: {enabled: true, minReplicas: 0}}", "at '/workers/keda/minReplicas': minimum: got 0, want 1"),
    ("rules: {files: {salon.txt: 'rules: []'}}", "at '/rules/files': additional properties 'salon.txt' not allowed"),
    ("rules: {files: {salon.yaml: {rules: []}}}", "at '/rules/files/salon.yaml': got object, want string"),
    ("receiver: null", "at '': missing property 'receiver'"),
]
"""Values files with one mistake each, and what an operator is told."""

CONTRADICTIONS = [
    (
        "serviceMonitor: {enabled: true}",
        "networkPolicy.consoleFrom: serviceMonitor and workers.keda read the console's /metrics, and nobody may reach "
        "it: name Prometheus and KEDA there",
    ),
    (
        "receiver: {autoscaling: {enabled: true, minReplicas: 5, maxReplicas: 2}}",
        "receiver.autoscaling: minReplicas is 5, more than maxReplicas, which is 2",
    ),
    ("extraEnv: [{name: PORT, value: '9000'}]", "extraEnv: PORT is a setting that the chart sets itself"),
    ("extraEnv: [{name: LOG_FORMAT, value: text}]", "extraEnv: LOG_FORMAT is a setting that the chart sets itself"),
    (
        "podLabels: {app.kubernetes.io/name: booking}",
        "podLabels: app.kubernetes.io/name is a label that the chart sets itself",
    ),
    (
        "rules: {examples: true, volume: {emptyDir: {}}}",
        "rules.volume: it takes the place of rules.files, rules.examples and rules.configMaps: leave those empty",
    ),
    ("extraVolumes: [{name: rules, emptyDir: {}}]", "extraVolumes: rules is a volume that the chart makes itself"),
    (
        "rules: {files: {a/b.yaml: 'rules: []', a__b.yaml: 'rules: []'}}",
        "rules.files: a__b.yaml and a/b.yaml would be one key of a ConfigMap: rename one",
    ),
]


@pytest.mark.parametrize(("text", "told"), MISTAKES, ids=[text for text, _ in MISTAKES])
def test_a_mistake_is_refused_with_its_place(text: str, told: str) -> None:
    with pytest.raises(helm.HelmValuesError) as refusal:
        render(helm.values_from_yaml(text))
    assert str(refusal.value).strip().splitlines() == ["slotwright:", f"- {told}"]
    assert "hush" not in str(refusal.value)


@pytest.mark.parametrize(("text", "told"), CONTRADICTIONS, ids=[text for text, _ in CONTRADICTIONS])
def test_what_contradicts_itself_is_refused_with_what_to_do(text: str, told: str) -> None:
    with pytest.raises(helm.HelmRenderError) as refusal:
        render(helm.values_from_yaml(text))
    assert told in str(refusal.value)


def test_a_date_stays_what_was_written() -> None:
    release = render(helm.values_from_yaml("settings: {HIGHLEVEL_VERSION: 2021-07-28}"))
    [container] = release.one("Deployment", "-workers")["spec"]["template"]["spec"]["containers"]
    assert {"name": "HIGHLEVEL_VERSION", "value": "2021-07-28"} in container["env"]


def test_a_default_can_be_taken_back() -> None:
    """Null is how Helm spells that; the model's own default holds then."""
    assert "ENVIRONMENT" not in render(helm.values_from_yaml("settings: {ENVIRONMENT: null}")).environment()


def test_the_schema_says_of_settings_what_the_model_says() -> None:
    assert SCHEMA["properties"]["settings"]["properties"] == settings_schema()


def test_every_setting_can_be_set_in_one_place_and_no_more() -> None:
    places = [*settings_schema(), *SCHEMA["properties"]["secrets"]["properties"], *OWN]
    assert sorted(places) == sorted(name.upper() for name in Settings.model_fields)
    assert set(SCHEMA["properties"]["secrets"]["properties"]) == set(SECRET)


def test_no_object_takes_a_name_that_nobody_knows() -> None:
    loose = {path for path, found in objects(SCHEMA) if found.get("additionalProperties") is not False}
    plain = {path for path, found in objects(SCHEMA) if found.get("additionalProperties") == {"type": "string"}}
    assert {
        path.removesuffix("[]").rpartition(".")[2] if "Selector" in path else path for path in loose - plain
    } == FREE


def test_every_default_is_explained_by_the_schema_and_the_other_way_round() -> None:
    def compare(schema: Object, value: Any, path: str) -> None:
        if isinstance(value, dict) and "properties" in schema and path not in (".settings", ".affinity"):
            assert set(value) == set(schema["properties"]) - {"global"}, path
            for name, inner in value.items():
                compare(schema["properties"][name], inner, f"{path}.{name}")

    compare(SCHEMA, DEFAULTS, "")


def objects(schema: Any, path: str = "") -> Iterator[tuple[str, Object]]:
    """Each place where the schema lets an object stand, by its path."""
    if "$ref" in schema:
        schema = SCHEMA["definitions"][schema["$ref"].rpartition("/")[2]]
    if schema.get("type") == "object":
        yield path, schema
    for name, inner in schema.get("properties", {}).items():
        yield from objects(inner, f"{path}.{name}".lstrip("."))
    if "items" in schema:
        yield from objects(schema["items"], f"{path}[]")
