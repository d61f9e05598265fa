"""The files in deploy/ are what Docker, Kubernetes, Prometheus and Grafana expect."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from avatarrig.broker.jars import KAFKA_VERSION
from avatarrig.topics import DEFAULT_PARTITIONS, DETECTOR_GROUPS, IMAGES

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
OWN_KINDS = {"ScaledObject", "Kustomization"}
"""Kubernetes itself has no schema of them."""


def run(*command: str | Path) -> None:
    tool = Path(sys.executable).parent / command[0]
    program = str(tool) if tool.exists() else str(command[0])
    done = subprocess.run(
        (program, *map(str, command[1:])), capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout + done.stderr


def manifests() -> list[dict[str, Any]]:
    files = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())["resources"]
    return [
        document
        for file in files
        for document in yaml.safe_load_all((KUBERNETES / file).read_text())
    ]


def manifest(kind: str, name: str) -> dict[str, Any]:
    (found,) = [m for m in manifests() if (m["kind"], m["metadata"]["name"]) == (kind, name)]
    return found


def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return document


def pods() -> list[dict[str, Any]]:
    kinds = ("Deployment", "Job")
    return [m["spec"]["template"]["spec"] for m in manifests() if m["kind"] in kinds]


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


@pytest.mark.parametrize(
    "resource", manifests(), ids=lambda m: f"{m['kind']}-{m['metadata']['name']}"
)
def test_kubernetes_takes_the_manifests(resource: dict[str, Any]) -> None:
    if resource["kind"] not in OWN_KINDS:
        kubernetes_validate.validate(resource, "1.33", strict=True)


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
    assert len(ways_out) == 2
    for rule in ways_out:
        assert all("namespaceSelector" in to for to in rule["to"])
        assert {port["port"] for port in rule["ports"]} <= {53, 9092}


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
    ],
    ids=lambda arguments: arguments[0],
)  # fmt: skip
def test_the_commands_exist_with_their_options(arguments: list[str]) -> None:
    words = [arguments[0]] if arguments[0] != "topics" else arguments[:2]
    helped = subprocess.run(
        (sys.executable, "-m", "avatarrig", *words, "--help"),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
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
