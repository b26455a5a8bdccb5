"""What the rendered chart promises. Each test is named after the promise; its docstring says why it matters."""

import functools
import json
import re
from typing import Any

import kubernetes_validate
import pytest
import yaml

from charts import documents
from charts.rendering import CHART, SERVICES, TOP, VALUES, containers, helm, masked, of_kind, pods, text, things

KUBERNETES = ("1.30", "1.31", "1.32", "1.33", "1.34")
ELSEWHERE = {"Certificate", "PodMonitor", "PrometheusRule"}
"""Kinds that cert-manager and the Prometheus operator bring: Kubernetes has no schema of them."""
ROLES = ("serve", "work")
EVERYTHING = ("finishUpgrade.enabled=true", "monitoring.enabled=true", "monitoring.dashboards.enabled=true")
all_values = pytest.mark.parametrize("values", VALUES)


def test_lint_finds_nothing() -> None:
    done = helm("lint", "--strict", str(CHART), "--values", str(VALUES["county"]))
    assert done.returncode == 0, done.stdout + done.stderr


@all_values
def test_renders_as_it_did(values: str) -> None:
    """A change of the chart shows what it changes. `make charts-write` writes them again."""
    golden = TOP / "tests" / "charts" / "golden" / f"{values}.yaml"
    assert masked(text(values)) == golden.read_text(encoding="utf-8"), "make charts-write"


def test_readme_and_schema_follow_from_the_values() -> None:
    assert (CHART / "README.md").read_text(encoding="utf-8") == documents.readme(), "make charts-write"
    assert json.loads((CHART / "values.schema.json").read_text(encoding="utf-8")) == documents.schema(), "make charts-write"


@pytest.mark.req("PF3")
@all_values
@pytest.mark.parametrize("version", KUBERNETES)
def test_kubernetes_takes_every_object(values: str, version: str) -> None:
    """A misspelt field is otherwise dropped in silence."""
    found = things(values, *EVERYTHING)
    for thing in found:
        if thing["kind"] not in ELSEWHERE:
            kubernetes_validate.validate(thing, version, strict=True)
    assert len(found) > 50


def test_the_same_values_render_the_same_text() -> None:
    """Order that changes by itself is a difference in GitOps that nobody made."""
    first = text("province", *EVERYTHING)
    text.cache_clear()
    assert text("province", *EVERYTHING) == first


def test_only_generated_secrets_differ_between_two_renders_for_evaluation() -> None:
    first = text("evaluation")
    text.cache_clear()
    second = text("evaluation")
    assert first != second
    assert masked(first) == masked(second)


def test_every_service_runs_in_both_roles() -> None:
    assert of_kind(things("county"), "Deployment").keys() == {f"{service}-{role}" for service in SERVICES for role in ROLES}


@all_values
def test_no_version_is_in_a_selector(values: str) -> None:
    """Selectors cannot be changed: the next release could not be installed."""
    for name, deployment in of_kind(things(values), "Deployment").items():
        assert set(deployment["spec"]["selector"]["matchLabels"]) == {
            "app.kubernetes.io/name",
            "app.kubernetes.io/instance",
            "app.kubernetes.io/component",
            "tiaochu/role",
        }, name


def test_replicas_are_left_to_the_autoscaler() -> None:
    """A number in the Deployment would throw the pods away at each upgrade."""
    found = things("province")
    scaled = of_kind(found, "HorizontalPodAutoscaler")
    assert scaled.keys() == {f"{service}-serve" for service in SERVICES}
    for name, deployment in of_kind(found, "Deployment").items():
        assert ("replicas" in deployment["spec"]) == (name not in scaled), name


@pytest.mark.req("PF3")
@all_values
def test_every_pod_is_restricted(values: str) -> None:
    """The namespace enforces `restricted`, and whoever gets into a container finds nothing to use."""
    for name, pod in pods(things(values, *EVERYTHING)):
        spec = pod["spec"]
        assert spec["automountServiceAccountToken"] is False, name
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
    for name, container in containers(things(values, *EVERYTHING)):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name


@all_values
def test_every_image_has_a_tag_or_a_digest(values: str) -> None:
    """`latest` is another program tomorrow."""
    for name, container in containers(things(values)):
        assert re.search(r"(:[^/:]+|@sha256:[0-9a-f]{64})$", container["image"]), name
        assert not container["image"].endswith(":latest"), name


def test_a_digest_wins_over_the_tag() -> None:
    digest = "sha256:" + "0" * 64
    found = things("county", f'image.digests={{"intake":"{digest}"}}')
    images = {container["name"]: container["image"] for _, container in containers(found) if container["name"] in SERVICES}
    assert images["intake"] == f"registry.example/tiaochu/intake@{digest}"
    assert images["routing"].startswith("registry.example/tiaochu/routing:")


@all_values
def test_every_container_says_what_it_needs(values: str) -> None:
    """Without requests the scheduler crowds a node; without a limit of memory one leak takes it down. CPU is not limited: throttling costs latency."""
    for name, container in containers(things(values)):
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}, name
        assert container["resources"]["limits"].keys() == {"memory"}, name


@all_values
def test_probes_ask_plain_http_and_liveness_asks_nobody_else(values: str) -> None:
    """Kubernetes' gRPC probes speak no TLS; a liveness probe that reached the database would restart every pod when that is away."""
    for name, deployment in of_kind(things(values), "Deployment").items():
        [container] = deployment["spec"]["template"]["spec"]["containers"]
        asked = {probe: container[f"{probe}Probe"]["httpGet"] for probe in ("startup", "readiness", "liveness")}
        assert asked == {
            "startup": {"path": "/started", "port": "ops"},
            "readiness": {"path": "/ready", "port": "ops"},
            "liveness": {"path": "/live", "port": "ops"},
        }, name
        assert container["startupProbe"]["failureThreshold"] * container["startupProbe"]["periodSeconds"] == 300, name


@all_values
def test_a_pod_is_given_time_to_leave(values: str) -> None:
    """Pause until nobody resolves its address, then up to 25 s to finish: less than that would cut calls off."""
    for name, deployment in of_kind(things(values), "Deployment").items():
        spec = deployment["spec"]["template"]["spec"]
        pause = spec["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert pause + 25 < spec["terminationGracePeriodSeconds"], name


@all_values
def test_an_old_pod_stays_until_a_new_one_is_ready(values: str) -> None:
    """A release that cannot start, or whose migration failed, must leave the old one serving."""
    for name, deployment in of_kind(things(values), "Deployment").items():
        assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0, name


def test_migrations_are_jobs_of_the_revision_and_no_hooks() -> None:
    """A hook would wait for a database that comes with the release, and Argo CD runs hooks differently."""
    found = of_kind(things("county"), "Job")
    assert len(found) == len(SERVICES)
    for name, job in found.items():
        assert re.fullmatch(r"(\w+)-migrate-1-[0-9a-f]{6}", name)
        assert "annotations" not in job["metadata"]
        assert job["spec"]["template"]["spec"]["containers"][0]["args"] == ["migrate"]
    other = of_kind(things("county", 'image.tag="0.2.0"'), "Job")
    assert not found.keys() & other.keys(), "a Job cannot change: another image is another Job, also where there are no revisions"


def test_the_last_step_of_an_upgrade_is_asked_for() -> None:
    """After it a rollback is no longer safe."""
    assert not [name for name in of_kind(things("county"), "Job") if "finish" in name]
    finishing = [name for name in of_kind(things("county", "finishUpgrade.enabled=true"), "Job") if "finish" in name]
    assert len(finishing) == len(SERVICES)


@all_values
def test_only_the_migration_holds_the_owner_s_password(values: str) -> None:
    """Whoever takes over a serving pod must not be able to drop a table or the wall between districts."""
    for name, pod in pods(things(values)):
        if "postgresql" in name:
            continue
        passwords = [
            item["key"] for volume in pod["spec"].get("volumes", []) if volume["name"] == "database" for item in volume["secret"]["items"]
        ]
        expected = ["owner-password"] if "-migrate-" in name or "-finish-upgrade-" in name else ["password"]
        assert passwords == ([] if name.endswith(("check", "nats-0", "issuer", "nats")) else expected), name


@all_values
def test_secrets_are_files_and_never_in_the_environment(values: str) -> None:
    """The environment is printed by crashes and inherited; a file is read again when it changes."""
    for name, container in containers(things(values)):
        assert not [variable for variable in container.get("env", []) if "valueFrom" in variable], name
        assert "envFrom" not in container, name
        # A file mounted by subPath is never renewed.
        assert not [m for m in container["volumeMounts"] if "subPath" in m and m["name"] != "files"], name


def test_no_secret_is_made_in_production() -> None:
    assert not of_kind(things("county", *EVERYTHING), "Secret")
    assert not of_kind(things("province", *EVERYTHING), "Secret")


def test_what_evaluation_makes_outlives_the_release() -> None:
    """Uninstalling must not lose the keys that open what lies on the volumes."""
    found = things("evaluation")
    for thing in (*of_kind(found, "Secret").values(), *of_kind(found, "PersistentVolumeClaim").values()):
        assert thing["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    assert {"postgresql", "nats", "issuer"} == of_kind(found, "StatefulSet").keys()


def test_callers_see_every_pod() -> None:
    """One gRPC connection through a cluster address would stay with one pod for ever."""
    found = things("county")
    for name, service in of_kind(found, "Service").items():
        assert service["spec"]["clusterIP"] == "None", name
    [container] = of_kind(found, "Deployment")["docking-work"]["spec"]["template"]["spec"]["containers"]
    environment = {variable["name"]: variable["value"] for variable in container["env"]}
    assert json.loads(environment["TIAOCHU_PEERS"]) == {peer: f"dns:///cell-tiaochu-{peer}:50051" for peer in SERVICES if peer != "docking"}
    assert environment["TIAOCHU_CONNECTION_AGE_SECONDS"] == "60"


def _matches(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    return bool(selector.get("matchLabels", {}).items() <= labels.items())


@pytest.mark.req("PF3")
@all_values
def test_every_pod_stands_behind_a_policy_and_every_open_port_is_in_it(values: str) -> None:
    """What no policy selects is open to the whole cluster."""
    found = things(values, 'networkPolicy.monitoring=[{"podSelector":{}}]')
    policies = of_kind(found, "NetworkPolicy").values()
    for name, pod in pods(found):
        labels = pod["metadata"]["labels"]
        mine = [policy["spec"] for policy in policies if _matches(policy["spec"]["podSelector"], labels)]
        assert len(mine) == 1, name
        assert mine[0]["policyTypes"] == ["Ingress", "Egress"]
        let_in = {port["port"] for rule in mine[0].get("ingress") or [] for port in rule["ports"]}
        opened = {port["containerPort"] for container in pod["spec"]["containers"] for port in container.get("ports", [])}
        assert opened == let_in, name


def test_services_reach_whom_they_read_and_nobody_else() -> None:
    """From the code: `consumers` and `peers.call` of each service's app.py."""
    facts = yaml.safe_load((CHART / "files" / "components.yaml").read_text(encoding="utf-8"))
    policies = of_kind(things("county"), "NetworkPolicy")
    for service in SERVICES:
        for role in ROLES:
            to = {
                peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"]
                for rule in policies[f"{service}-{role}"]["spec"]["egress"]
                if {"port": 50051, "protocol": "TCP"} in rule["ports"]
                for peer in rule["to"]
            }
            assert to == set(facts[service]["reads"]), service
    assert not any("50051" in str(rule) for rule in policies["intake-migrate"]["spec"]["egress"])


@functools.cache
def _consumed(service: str) -> set[str]:
    """Producers that a service's composition root names as keys of `consumers`."""
    package = {"docking": "docking-gateway"}.get(service, service)
    source = (TOP / "services" / package / "src" / f"tiaochu_{service}" / "app.py").read_text(encoding="utf-8")
    if "for producer in PRODUCERS" in source:
        return set(re.findall(r'"(\w+)"', re.findall(r"PRODUCERS = \((.*?)\)", source)[0]))
    return set(re.findall(r'"(\w+)": \[', source.split("consumers={")[1].split("}")[0]))


@pytest.mark.parametrize("service", SERVICES)
def test_whoever_is_consumed_may_be_reached(service: str) -> None:
    """A consumer reads the gap from its producer: without the way it would stop at the first lost message."""
    facts = yaml.safe_load((CHART / "files" / "components.yaml").read_text(encoding="utf-8"))
    assert _consumed(service) - {service} <= set(facts[service]["reads"])


def test_a_budget_stands_where_there_is_more_than_one_pod() -> None:
    """With one pod it would only keep its node from being drained."""
    assert of_kind(things("county"), "PodDisruptionBudget").keys() == {f"{s}-{r}" for s in SERVICES for r in ROLES}
    assert not of_kind(things("evaluation"), "PodDisruptionBudget")


def test_pods_spread_over_zones_and_nodes() -> None:
    for name, deployment in of_kind(things("province"), "Deployment").items():
        constraints = deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]
        assert {c["topologyKey"] for c in constraints} == {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}, name
        for constraint in constraints:
            assert _matches(constraint["labelSelector"], deployment["spec"]["template"]["metadata"]["labels"]), name


def test_what_a_service_sets_for_itself_wins() -> None:
    """And what it leaves alone stays."""
    spec = of_kind(things("province"), "HorizontalPodAutoscaler")["reporting-serve"]["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (3, 4)
    [container] = of_kind(things("province"), "Deployment")["reporting-serve"]["spec"]["template"]["spec"]["containers"]
    assert container["resources"] == {"requests": {"cpu": "200m", "memory": "192Mi"}, "limits": {"memory": "1Gi"}}


def test_certificates_name_the_service_first() -> None:
    """Callers check the first DNS name, callees the common name."""
    found = of_kind(things("county"), "Certificate")
    assert found.keys() == {*SERVICES, "cli"}
    for name, certificate in found.items():
        assert certificate["spec"]["commonName"] == certificate["spec"]["dnsNames"][0] == name
        assert certificate["spec"]["usages"] == ["server auth", "client auth"]


def test_agencies_come_over_tls_to_their_paths_only() -> None:
    """Health and figures are not for the street."""
    [ingress] = of_kind(things("county"), "Ingress").values()
    assert [path["path"] for rule in ingress["spec"]["rules"] for path in rule["http"]["paths"]] == ["/docking/"]
    assert ingress["spec"]["tls"][0]["hosts"] == ["docking.county.example"]


def test_a_release_s_name_leaves_room_for_those_of_its_jobs() -> None:
    """A name beyond 63 characters is refused by Kubernetes only in the middle of an upgrade."""
    longest = "a" * 18
    options = (str(CHART), "--values", str(VALUES["county"]), "--set", "finishUpgrade.enabled=true")
    done = helm("template", longest, *options)
    assert max(len(name) for name in re.findall(r"(?m)^  name: (\S+)$", done.stdout)) <= 63 - len("999")
    assert "the release's name is too long" in helm("template", f"{longest}a", *options).stderr


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("databse={}", "additional properties 'databse' not allowed"),
        ('database.urls="x"', "additional properties 'urls' not allowed"),
        ('components.intake.serve.replicas="two"', "got string, want integer"),
        ("components.billing={}", "additional properties 'billing' not allowed"),
        ('image.pullPolicy="Sometimes"', "value must be one of"),
        ("replicaCount=2", "replicaCount is not a key of this chart: set defaults.serve.replicas"),
        ('oidc.issuer=""', "oidc.issuer and oidc.jwksUrl are needed"),
        ('database.url="postgresql://intake:secret@db/intake"', "database.url holds a password"),
        ('database.ownerUrl="mysql://db"', "database.ownerUrl must be a postgresql:// address"),
        ('nats.url="nats://intake:secret@nats:4222"', "nats.url holds a password"),
        ('nats.url="http://nats"', "nats.url must be a nats:// or tls:// address"),
        ('storage.url="file:///data"', "storage.url must be an s3:// address"),
        ('ingress={"enabled":true,"host":"a.example","tlsSecret":""}', "ingress.host and ingress.tlsSecret are needed"),
        ('tls.certManager.issuer.name=""', "tls.certManager.issuer.name is needed"),
        (
            'defaults.serve.autoscaling={"enabled":true,"minReplicas":5,"maxReplicas":2}',
            "autoscaling.minReplicas is more than maxReplicas",
        ),
    ],
)
def test_a_wrong_value_is_refused_with_a_sentence(setting: str, sentence: str) -> None:
    done = helm("template", "cell", str(CHART), "--values", str(VALUES["county"]), "--set-json", setting)
    assert done.returncode != 0
    assert sentence in done.stderr
