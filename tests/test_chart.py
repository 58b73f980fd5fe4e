"""The chart, rendered by Helm's own engine: what Kubernetes accepts, and what keeps pods in bounds."""

import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import helm_python as helm
import kubernetes_validate
import pytest
import yaml

from service.settings import Settings, read_settings
from tests.charts import HELM, NAMES, OWN, ROOT, SECRET, Object, Release, render, values
from workers.cli.commands import slotwright
from workers.cli.roles import FINISH_WITHIN

CUSTOM = {"ScaledObject", "ServiceMonitor", "PrometheusRule"}
"""Kinds of others, whose schemas are not Kubernetes' own."""

STORES = ("DATABASE_URL", "REDIS_URL")
KEYS = ("SECRET_KEY", "SECRET_KEY_PREVIOUS")
COMPONENT = "app.kubernetes.io/component"
OLDEST, NEWEST = "1.27", "1.37"


@pytest.fixture(params=NAMES)
def release(request: pytest.FixtureRequest) -> Release:
    return render(values(request.param))


@pytest.fixture
def full() -> Release:
    return render(values("full"))


@pytest.mark.parametrize("name", NAMES)
def test_the_linter_has_nothing_to_warn_of(name: str) -> None:
    report = helm.lint(HELM, values(name), strict=True)
    assert report["errors"] == []
    assert [message for message in report["messages"] if message["severity"] > 1] == []


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_kubernetes_takes_every_object_to_the_letter(release: Release, version: str) -> None:
    checked = [found for found in release.objects if found["kind"] not in CUSTOM]
    assert len(checked) > 5
    for found in checked:
        assert kubernetes_validate.validate(found, version, strict=True) == version


def test_the_oldest_kubernetes_that_is_tested_is_the_oldest_that_is_let_in() -> None:
    assert yaml.safe_load((HELM / "Chart.yaml").read_text())["kubeVersion"] == f">={OLDEST}.0-0"


def test_its_version_is_that_of_the_project() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    told = yaml.safe_load((HELM / "Chart.yaml").read_text())
    assert (told["version"], told["appVersion"]) == (version, version)


def test_the_values_explain_themselves_on_a_few_pages() -> None:
    assert len((HELM / "values.yaml").read_text().splitlines()) < 150


def test_every_object_says_what_it_belongs_to(release: Release) -> None:
    for found in release.objects:
        labels = found["metadata"]["labels"]
        assert labels["app.kubernetes.io/instance"] == "booking"
        assert labels["app.kubernetes.io/name"] == labels["app.kubernetes.io/part-of"] == "slotwright"
        assert labels["app.kubernetes.io/managed-by"] == "Helm"
        assert labels["app.kubernetes.io/version"]
        assert labels["helm.sh/chart"].startswith("slotwright-")
        assert found["metadata"]["namespace"] == "salon"


def test_every_pod_is_kept_in_bounds(release: Release) -> None:
    pods = dict(release.pods())
    assert len(pods) >= 4
    for name, pod in pods.items():
        spec = pod["spec"]
        assert spec["enableServiceLinks"] is spec["automountServiceAccountToken"] is False, name
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name


def test_every_pod_says_what_it_needs_unless_told_otherwise() -> None:
    for name, pod in render({}).pods():
        for container in pod["spec"]["containers"]:
            assert set(container["resources"]) == {"requests", "limits"}, name


def test_every_container_runs_a_command_that_there_is(release: Release) -> None:
    for _, pod in release.pods():
        for container in pod["spec"]["containers"]:
            command: click.Command | None = slotwright
            for word in container["args"]:
                if not isinstance(command, click.Group):
                    break
                command = command.get_command(click.Context(command), word)
            assert command is not None, container["args"]
            assert not isinstance(command, click.Group), container["args"]


def test_every_name_in_the_environment_is_a_setting(release: Release) -> None:
    known = {name.upper() for name in Settings.model_fields} | {"HTTPS_PROXY", "NO_PROXY", "NODE_NAME"}
    assert release.environment() - known == set()
    assert set(OWN) <= release.environment()


@pytest.mark.parametrize(
    ("component", "secrets"),
    [
        ("receiver", {*STORES, *KEYS, "SENTRY_DSN"}),
        ("workers", {*STORES, *KEYS, "OAUTH_CLIENT_SECRET", "CALL_SECRET", "ALERT_WEBHOOKS", "SENTRY_DSN"}),
        ("console", {"DATABASE_URL", "CONSOLE_PASSWORD", *KEYS, "OAUTH_CLIENT_SECRET", "SENTRY_DSN"}),
        ("migrations", {"DATABASE_URL"}),
        ("rules", {"DATABASE_URL"}),
        ("doctor", set(SECRET)),
    ],
)
def test_a_role_gets_the_secrets_that_it_reads_and_no_other(full: Release, component: str, secrets: set[str]) -> None:
    variables = environment_of(full, component)
    assert {name for name, variable in variables.items() if "secretKeyRef" in variable.get("valueFrom", {})} == secrets
    assert {name for name in SECRET if "value" in variables.get(name, {})} == set()


def test_the_console_has_the_keys_of_tokens_only_where_it_connects_locations() -> None:
    variables = environment_of(render(values("default")), "console")
    assert set(SECRET) & set(variables) == {"DATABASE_URL", "CONSOLE_PASSWORD"}


def test_migrations_go_past_the_pooler_and_everything_else_through_it(full: Release) -> None:
    sources = {
        component: environment_of(full, component)["DATABASE_URL"]["valueFrom"]["secretKeyRef"]["name"]
        for component in ("receiver", "workers", "console", "migrations")
    }
    assert sources == {"receiver": "pooler", "workers": "pooler", "console": "pooler", "migrations": "database"}


def test_the_chart_makes_no_secret(release: Release) -> None:
    assert release.all("Secret") == []


def test_numbers_and_lists_reach_the_model_as_they_were_meant(full: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, variable in environment_of(full, "workers").items():
        if "value" in variable:
            monkeypatch.setenv(name, variable["value"])
    settings = read_settings()
    assert settings.ignored_kept == 2_000_000
    assert settings.highlevel_app_ids == ("0123456789abcdef01234567", "5a1db0c5510751077e57ab1e")
    assert settings.highlevel_legacy_signature is True
    assert (settings.write_timeout, settings.database_statement_cache, settings.host) == (3.5, 0, "::")


def test_migrations_need_nothing_of_the_release(release: Release) -> None:
    before = [found for found in release.objects if "pre-install" in annotations(found).get("helm.sh/hook", "")]
    assert {found["kind"] for found in before} <= {"Job", "NetworkPolicy"}
    migrations = [
        found["metadata"]["name"] for found in release.all("Job") if "-migrations" in found["metadata"]["name"]
    ]
    assert [found["metadata"]["name"] for found in before if found["kind"] == "Job"] == migrations
    ours = {found["metadata"]["name"] for found in release.objects if found not in before}
    for found in before:
        assert annotations(found)["helm.sh/hook"] == "pre-install,pre-upgrade"
        assert annotations(found)["helm.sh/hook-delete-policy"] == "before-hook-creation,hook-succeeded"
        if found["kind"] == "Job":
            spec = found["spec"]["template"]["spec"]
            assert spec["serviceAccountName"] == "default"
            assert spec.get("volumes", []) in ([], values("full")["extraVolumes"])
            assert not ours & set(strings(spec)) - {"slotwright"}


def test_receivers_go_on_serving_until_nobody_sends_to_them(release: Release) -> None:
    deployment = release.one("Deployment", "-receiver")
    assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    spec = deployment["spec"]["template"]["spec"]
    [container] = spec["containers"]
    sleep, seconds = container["lifecycle"]["preStop"]["exec"]["command"]
    assert sleep == "sleep"
    assert spec["terminationGracePeriodSeconds"] >= int(seconds) + FINISH_WITHIN + 5
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}
    assert (
        container["livenessProbe"]["httpGet"]
        == container["startupProbe"]["httpGet"]
        == {
            "path": "/healthz",
            "port": "http",
        }
    )


def test_workers_have_time_for_the_steps_under_way() -> None:
    spec = render({}).one("Deployment", "-workers")["spec"]["template"]["spec"]
    settings = read_settings()
    assert spec["terminationGracePeriodSeconds"] > 2 * settings.read_timeout + settings.write_timeout


def test_selectors_are_those_of_the_first_release_for_ever(release: Release, tmp_path: Path) -> None:
    for deployment in release.all("Deployment"):
        component = deployment["metadata"]["labels"][COMPONENT]
        assert deployment["spec"]["selector"] == {
            "matchLabels": {
                "app.kubernetes.io/name": "slotwright",
                "app.kubernetes.io/instance": "booking",
                COMPONENT: component,
            }
        }
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        assert deployment["spec"]["selector"]["matchLabels"].items() <= labels.items()


def test_an_upgrade_keeps_names_and_selectors(tmp_path: Path) -> None:
    shutil.copytree(HELM, tmp_path / "chart")
    (tmp_path / "chart" / "Chart.yaml").write_text(
        (HELM / "Chart.yaml").read_text().replace("ersion: 0.2.0", "ersion: 9.0.0")
    )
    with helm.Chart.load(tmp_path / "chart") as later:
        files = later.render({}, name="booking", namespace="salon", is_upgrade=True)
    parsed = [found for text in files.values() if "kind: Deployment" in text for found in yaml.safe_load_all(text)]
    after = {found["metadata"]["name"]: found for found in parsed if found["kind"] == "Deployment"}
    assert {found["metadata"]["labels"]["app.kubernetes.io/version"] for found in after.values()} == {"9.0.0"}
    assert {name: found["spec"]["selector"] for name, found in after.items()} == {
        found["metadata"]["name"]: found["spec"]["selector"] for found in render({}).all("Deployment")
    }


def test_two_releases_in_one_namespace_do_not_meet() -> None:
    one, other = (render(values("full"), name=name) for name in ("north", "south"))
    assert names(one) & names(other) == set()
    for selector in selectors(one):
        assert not any(selector.items() <= pod["metadata"]["labels"].items() for _, pod in other.pods())
        assert any(selector.items() <= pod["metadata"]["labels"].items() for _, pod in one.pods()), selector


def test_the_longest_release_name_still_makes_names_that_kubernetes_takes() -> None:
    release = render(values("full") | {"fullnameOverride": ""}, name="b" * 53)
    assert max(len(found["metadata"]["name"]) for found in release.objects) <= 63


def test_the_notes_say_what_to_do_next(release: Release) -> None:
    assert "What to do next" in release.notes
    assert "helm -n salon test booking" in release.notes
    assert "locations add" in release.notes


def environment_of(release: Release, component: str) -> dict[str, Object]:
    [pod] = [pod for _, pod in release.pods() if pod["metadata"]["labels"][COMPONENT] == component]
    [container] = pod["spec"]["containers"]
    named = {variable["name"]: variable for variable in container["env"]}
    assert len(named) == len(container["env"])
    return named


def annotations(found: Object) -> dict[str, str]:
    return dict(found["metadata"].get("annotations", {}))


def names(release: Release) -> set[tuple[str, str]]:
    return {(found["kind"], found["metadata"]["name"]) for found in release.objects}


def selectors(release: Release) -> list[dict[str, str]]:
    """All that choose pods of ours."""
    found = [
        one["spec"][key].get("matchLabels", one["spec"][key])
        for one in release.objects
        for key in ("selector", "podSelector")
        if key in one.get("spec", {}) and one["kind"] != "ServiceMonitor"
    ]
    assert len(found) > 8
    return found


def strings(value: Any) -> Iterator[str]:
    match value:
        case dict():
            for inner in value.values():
                yield from strings(inner)
        case list():
            for inner in value:
                yield from strings(inner)
        case str():
            yield value
