"""Who reaches whom, and how many there are: Ingress, network policies, autoscalers, budgets."""

import pytest

from tests.charts import NAMES, Object, Release, render, values

COMPONENT = "app.kubernetes.io/component"
INSIDE = ("workers", "migrations", "rules", "doctor")


def policies(release: Release, component: str) -> list[Object]:
    """Those that choose the pods of a component."""
    [labels] = [
        pod["metadata"]["labels"] for _, pod in release.pods() if pod["metadata"]["labels"][COMPONENT] == component
    ]
    found = [one["spec"] for one in release.all("NetworkPolicy")]
    return [spec for spec in found if spec["podSelector"]["matchLabels"].items() <= labels.items()]


def ways_in(release: Release, component: str) -> list[Object]:
    chosen = policies(release, component)
    assert any("Ingress" in spec["policyTypes"] for spec in chosen), "nothing is denied"
    return [rule for spec in chosen for rule in spec.get("ingress", [])]


def ways_out(release: Release, component: str) -> list[tuple[set[str], object]]:
    chosen = policies(release, component)
    assert any("Egress" in spec["policyTypes"] for spec in chosen), "nothing is denied"
    rules = [rule for spec in chosen for rule in spec.get("egress", [])]
    return [({f"{port['protocol']} {port['port']}" for port in rule["ports"]}, rule.get("to")) for rule in rules]


def test_only_the_receivers_may_be_reached_by_everybody() -> None:
    release = render(values("volume"))
    assert ways_in(release, "receiver") == [{"ports": [{"port": "http"}]}]
    assert [ways_in(release, component) for component in (*INSIDE, "console")] == [[]] * (len(INSIDE) + 1)


def test_the_console_is_reached_by_those_who_are_named() -> None:
    given = values("full")
    release = render(given)
    peers = given["networkPolicy"]["consoleFrom"]
    assert ways_in(release, "console") == [{"ports": [{"port": "http"}], "from": peers}]
    assert ways_in(release, "receiver") == [
        {"ports": [{"port": "http"}], "from": given["networkPolicy"]["receiverFrom"]}
    ]
    assert [ways_in(release, component) for component in INSIDE] == [[]] * len(INSIDE)


@pytest.mark.parametrize("component", ["receiver", "workers", "console", "rules", "doctor"])
def test_pods_reach_out_only_to_what_they_work_with(component: str) -> None:
    assert ways_out(render(values("volume")), component) == [
        ({"UDP 53", "TCP 53"}, None),
        ({"TCP 5432", "TCP 6432"}, None),
        ({"TCP 6379"}, None),
        ({"TCP 443"}, None),
    ]


def test_where_they_reach_out_to_can_be_narrowed_and_widened() -> None:
    given = values("full")["networkPolicy"]["egress"]
    ways = ways_out(render(values("full")), "workers")
    assert ({"TCP 5432", "TCP 6432"}, given["postgres"]["to"]) in ways
    assert ({"TCP 4318"}, given["extra"][0]["to"]) in ways


def test_migrations_may_reach_the_database_before_any_other_policy_is_there() -> None:
    [own] = [one for one in render({}).all("NetworkPolicy") if one["metadata"]["name"].endswith("-migrations")]
    assert own["metadata"]["annotations"]["helm.sh/hook-weight"] == "-1"
    assert [{port["port"] for port in rule["ports"]} for rule in own["spec"]["egress"]] == [{53}, {5432, 6432}]


@pytest.mark.parametrize("name", NAMES)
def test_an_ingress_leads_to_the_doors_of_the_receivers_and_nowhere_else(name: str) -> None:
    release = render(values(name))
    backends = [
        (path["path"], path["backend"]["service"]["name"])
        for ingress in release.all("Ingress")
        for rule in ingress["spec"]["rules"]
        for path in rule["http"]["paths"]
    ]
    services = {one["metadata"]["name"]: one["spec"]["selector"][COMPONENT] for one in release.all("Service")}
    assert {services[service] for _, service in backends} == ({"receiver"} if name == "full" else set())
    assert {path for path, _ in backends} == ({"/hooks", "/triggers"} if name == "full" else set())
    assert sorted(services.values()) == ["console", "receiver"]


def test_services_and_probes_speak_to_the_ports_that_roles_listen_on() -> None:
    release = render({})
    for component, port in (("receiver", "PORT"), ("console", "CONSOLE_PORT")):
        [container] = release.one("Deployment", f"-{component}")["spec"]["template"]["spec"]["containers"]
        [named] = container["ports"]
        environment = {variable["name"]: variable.get("value") for variable in container["env"]}
        assert str(named["containerPort"]) == environment[port]
        [served] = release.one("Service", f"-{component}")["spec"]["ports"]
        assert served["targetPort"] == named["name"] == "http"


def test_who_scales_a_deployment_says_how_many_there_are() -> None:
    plain, scaled = render({}), render(values("full"))
    for component in ("receiver", "workers"):
        assert plain.one("Deployment", f"-{component}")["spec"]["replicas"] == 2
        assert "replicas" not in scaled.one("Deployment", f"-{component}")["spec"]
    assert plain.all("HorizontalPodAutoscaler") == plain.all("ScaledObject") == []
    autoscaler = scaled.one("HorizontalPodAutoscaler")["spec"]
    assert (autoscaler["minReplicas"], autoscaler["maxReplicas"]) == (3, 12)
    assert autoscaler["scaleTargetRef"]["name"] == scaled.one("Deployment", "-receiver")["metadata"]["name"]


def test_keda_is_given_the_queues_age_by_the_console() -> None:
    """The fields are those of KEDA's `metrics-api` trigger; Kubernetes does not know its kinds."""
    release = render(values("full"))
    scaled = release.one("ScaledObject")
    service = release.one("Service", "-console")
    assert scaled["apiVersion"] == "keda.sh/v1alpha1"
    assert scaled["spec"] == {
        "scaleTargetRef": {"name": release.one("Deployment", "-workers")["metadata"]["name"]},
        "pollingInterval": 15,
        "minReplicaCount": 3,
        "maxReplicaCount": 20,
        "triggers": [
            {
                "type": "metrics-api",
                "metricType": "Value",
                "metadata": {
                    "url": f"http://{service['metadata']['name']}.salon.svc:{service['spec']['ports'][0]['port']}/metrics",
                    "format": "prometheus",
                    "valueLocation": "slotwright_oldest_ready_seconds",
                    "targetValue": "5",
                },
            }
        ],
    }


def test_one_pod_of_a_role_at_a_time_may_be_taken_away() -> None:
    budgets = render({}).all("PodDisruptionBudget")
    assert {one["spec"]["selector"]["matchLabels"][COMPONENT] for one in budgets} == {"receiver", "workers", "console"}
    assert {one["spec"]["maxUnavailable"] for one in budgets} == {1}


def test_the_pods_of_a_role_are_spread() -> None:
    for deployment in render({}).all("Deployment"):
        constraints = deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]
        assert [one["topologyKey"] for one in constraints] == ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]
        assert {one["whenUnsatisfiable"] for one in constraints} == {"ScheduleAnyway"}
        for one in constraints:
            assert one["labelSelector"] == deployment["spec"]["selector"]
