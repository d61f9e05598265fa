"""The files in deploy/ are what Docker, Kubernetes, Prometheus and Grafana expect."""

from __future__ import annotations

import copy
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from click.testing import CliRunner
from support.deploy.deployed import (
    DEPLOY,
    KUBERNETES,
    ROOT,
    STORE,
    compose,
    manifest,
    manifests,
    pods,
    with_object_store,
)

from avatarrig.cli import avatarrig
from avatarrig.kafka.embedded.jars import KAFKA_VERSION
from avatarrig.wire.topics import DEFAULT_PARTITIONS, DETECTOR_GROUPS, IMAGES


def run(*command: str | Path) -> None:
    tool = Path(sys.executable).parent / command[0]
    program = str(tool) if tool.exists() else str(command[0])
    done = subprocess.run(
        (program, *map(str, command[1:])), capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_compose_fits_its_schema() -> None:
    run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yaml")


@pytest.mark.skipif(not shutil.which("hadolint", path=Path(sys.executable).parent), reason="x86")
def test_the_dockerfile_has_no_known_faults() -> None:
    run("hadolint", "--config", DEPLOY / "hadolint.yaml", DEPLOY / "Dockerfile")


def test_prometheus_takes_its_configuration() -> None:
    run("promtool", "check", "config", DEPLOY / "prometheus" / "prometheus.yml")


def test_alerts_fire_when_they_should() -> None:
    run("promtool", "test", "rules", DEPLOY / "prometheus" / "rules.test.yml")


def test_every_alert_has_a_test_and_a_meaning() -> None:
    rules = (DEPLOY / "prometheus" / "rules.yml").read_text()
    alerts = re.findall(r"alert: (\w+)", rules)
    tests = (DEPLOY / "prometheus" / "rules.test.yml").read_text()
    meanings = (ROOT / "docs" / "how-to" / "deploy.md").read_text()
    assert alerts
    assert [name for name in alerts if f"alertname: {name}" not in tests] == []
    assert [name for name in alerts if f"`{name}`" not in meanings] == []


@pytest.mark.parametrize("resources", [manifests(), with_object_store()], ids=["base", "store"])
def test_kubernetes_takes_the_manifests(resources: list[dict[str, Any]]) -> None:
    for resource in resources:
        if resource["kind"] != "ScaledObject":
            kubernetes_validate.validate(resource, "1.33", strict=True)


def accepted_by_keda(scaling: dict[str, Any]) -> bool:
    """Whether all of it has its place in a ScaledObject, and the types that it should."""
    from cloudcoil.models.keda.v1alpha1 import ScaledObject

    try:
        known = ScaledObject.model_validate(scaling, strict=True)
    except ValueError:  # which what pydantic raises is
        return False
    return bool(known.model_dump(mode="json", by_alias=True, exclude_unset=True) == scaling)


def test_keda_takes_its_manifest() -> None:
    scaling = manifest("ScaledObject", "detect")
    assert accepted_by_keda(scaling)
    misspelt, mistyped, missing = (copy.deepcopy(scaling) for _ in range(3))
    behaviour = misspelt["spec"]["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    behaviour["scaleDown"]["stabilizationWindowSecond"] = 300
    mistyped["spec"]["triggers"][0]["metadata"]["lagThreshold"] = 50
    del missing["spec"]["scaleTargetRef"]
    assert not any(map(accepted_by_keda, (misspelt, mistyped, missing)))


def test_every_manifest_is_applied() -> None:
    listed = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())["resources"]
    there = {file.name for file in KUBERNETES.glob("*.yaml")} - {"kustomization.yaml"}
    assert set(listed) == there


def test_detectors_scale_by_the_lag_of_their_group_up_to_the_partitions() -> None:
    scaling = manifest("ScaledObject", "detect")["spec"]
    (trigger,) = scaling["triggers"]
    (job,) = manifest("Job", "topics")["spec"]["template"]["spec"]["containers"]
    assert scaling["scaleTargetRef"]["name"] == manifest("Deployment", "detect")["metadata"]["name"]
    assert trigger["metadata"]["consumerGroup"] == DETECTOR_GROUPS
    assert trigger["metadata"]["topic"] == IMAGES
    assert scaling["maxReplicaCount"] == DEFAULT_PARTITIONS
    assert job["args"][-2:] == ["--partitions", str(DEFAULT_PARTITIONS)]


def test_pods_have_no_rights_and_no_writable_root() -> None:
    assert len(pods()) == 4
    for pod in pods():
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False
        for container in pod["containers"]:
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"] is True
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert {"cpu", "memory"} <= set(container["resources"]["requests"])


def test_services_are_probed() -> None:
    for name in ("ingest", "detect", "aggregate"):
        template = manifest("Deployment", name)["spec"]["template"]
        (container,) = template["spec"]["containers"]
        assert container["livenessProbe"]["httpGet"]["path"] == "/health"
        assert container["readinessProbe"]["httpGet"]["path"] == "/ready"
        (port,) = container["ports"]
        annotations = template["metadata"]["annotations"]
        assert annotations["prometheus.io/port"] == str(port["containerPort"])


def test_no_pod_reaches_beyond_names_and_kafka() -> None:
    policies = {
        m["metadata"]["name"]: m["spec"] for m in manifests() if m["kind"] == "NetworkPolicy"
    }
    denied = policies.pop("nothing-unless-allowed")
    assert (denied["podSelector"], denied["policyTypes"]) == ({}, ["Ingress", "Egress"])
    assert "egress" not in denied
    ways_out = [rule for spec in policies.values() for rule in spec.get("egress", [])]
    assert [reached(rule) for rule in ways_out] == [{"kube-system"}, {"kafka"}]
    assert [ports(rule) for rule in ways_out] == [{53}, {9092}]


def reached(rule: dict[str, Any]) -> set[str]:
    """Namespaces that a way out leads to; whatever else it may lead to is no namespace."""
    for to in rule["to"]:
        assert set(to) <= {"namespaceSelector", "podSelector"}
    return {to["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
            for to in rule["to"]}  # fmt: skip


def ports(rule: dict[str, Any]) -> set[int]:
    return {port["port"] for port in rule["ports"]}


def test_with_an_object_store_there_is_one_way_out_more_and_no_volume_of_photos() -> None:
    before, after = manifests(), with_object_store()
    policies = [m for m in after if m["kind"] == "NetworkPolicy"]
    (added,) = [policy for policy in policies if policy not in before]
    assert added["spec"]["policyTypes"] == ["Egress"]
    (rule,) = added["spec"]["egress"]
    assert (reached(rule), ports(rule)) == ({"object-store"}, {9000})
    (who,) = added["spec"]["podSelector"]["matchExpressions"]
    assert who["values"] == ["ingest", "detect"]
    (settings,) = [m for m in after if m["kind"] == "ConfigMap"]
    assert settings["data"]["AWS_ENDPOINT_URL"] == "http://s3.object-store.svc:9000"
    deployments = {m["metadata"]["name"]: m for m in after if m["kind"] == "Deployment"}
    for name in who["values"]:
        pod = deployments[name]["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        assert [volume["name"] for volume in pod["volumes"]] == ["tmp"]
        assert [mount["name"] for mount in container["volumeMounts"]] == ["tmp"]
        assert {"secretRef": {"name": "avatarrig-object-store"}} in container["envFrom"]
        assert deployments[name]["spec"]["template"]["metadata"]["labels"] == {
            "app.kubernetes.io/name": name
        }
        assert "s3://photos" in container["args"]
    assert deployments["aggregate"] in before


def test_every_file_of_the_component_is_applied() -> None:
    component = yaml.safe_load((STORE / "kustomization.yaml").read_text())
    listed = {*component["resources"], *(patch["path"] for patch in component["patches"])}
    assert listed == {file.name for file in STORE.iterdir()} - {"kustomization.yaml"}


def test_composed_services_have_no_way_out_but_the_pages() -> None:
    document = compose()
    assert document["networks"]["pipeline"] == {"internal": True}
    for name in ("ingest", "detect", "topics"):
        service = document["services"][name]
        assert service["networks"] == ["pipeline"]
        assert service["read_only"] is True
    for service in document["services"].values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_containers_run_the_kafka_that_is_tested() -> None:
    images = {service["image"] for service in compose()["services"].values()}
    assert {i for i in images if i.startswith("apache/kafka")} == {f"apache/kafka:{KAFKA_VERSION}"}


def test_the_image_that_is_built_is_the_one_that_is_run() -> None:
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version
    kustomized = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())["images"]
    assert {image["newTag"] for image in kustomized} == {version[1]}
    own = {s["image"] for s in compose()["services"].values() if "avatarrig" in s["image"]}
    assert own == {f"avatarrig-light:{version[1]}", f"avatarrig-detect:{version[1]}"}


@pytest.mark.parametrize(
    "arguments",
    [
        *(service["command"] for service in compose()["services"].values()
          if "avatarrig" in service["image"]),
        *(container["args"] for pod in pods() for container in pod["containers"]),
        *(container["args"] for m in with_object_store() if m["kind"] == "Deployment"
          for container in m["spec"]["template"]["spec"]["containers"]),
    ],
    ids=lambda arguments: arguments[0],
)  # fmt: skip
def test_the_commands_exist_with_their_options(arguments: list[str]) -> None:
    words = [arguments[0]] if arguments[0] != "topics" else arguments[:2]
    helped = CliRunner().invoke(avatarrig, [*words, "--help"], catch_exceptions=False).output
    options = [word for word in arguments if word.startswith("--")]
    assert [option for option in options if option not in helped] == []


def environment_names() -> set[str]:
    names = set(manifest("ConfigMap", "avatarrig")["data"])
    for service in compose()["services"].values():
        names |= {name for name in service.get("environment", {}) if name.startswith("AVATARRIG_")}
    return names


def test_the_environment_variables_are_settings() -> None:
    listed = subprocess.run(
        (sys.executable, "-m", "avatarrig", "settings", "--json"),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    unknown = {name for name in environment_names() if f'"{name}"' not in listed}
    assert not unknown
