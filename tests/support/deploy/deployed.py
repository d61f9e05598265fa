"""What the files in deploy/ say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
STORE = KUBERNETES / "object-store"


def manifests() -> list[dict[str, Any]]:
    files = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())["resources"]
    return [
        document
        for file in files
        for document in yaml.safe_load_all((KUBERNETES / file).read_text())
    ]


def with_object_store() -> list[dict[str, Any]]:
    """The manifests, changed by the component as kustomize does it."""
    component = yaml.safe_load((STORE / "kustomization.yaml").read_text())
    assert component["kind"] == "Component"
    changed = manifests()
    for patch in component["patches"]:
        wanted = (patch["target"]["kind"], patch["target"]["name"])
        (target,) = [m for m in changed if (m["kind"], m["metadata"]["name"]) == wanted]
        for operation in yaml.safe_load((STORE / patch["path"]).read_text()):
            _change(target, operation)
    for file in component["resources"]:
        changed += yaml.safe_load_all((STORE / file).read_text())
    return changed


def _change(target: Any, operation: dict[str, Any]) -> None:  # noqa: ANN401 - YAML
    """Carries out one operation of a JSON patch."""
    *way, last = operation["path"].lstrip("/").split("/")
    for step in way:
        target = target[int(step) if isinstance(target, list) else step]
    at = int(last) if isinstance(target, list) and last != "-" else last
    match operation["op"]:
        case "test":
            assert target[at] == operation["value"]
        case "remove":
            del target[at]
        case "add" if at == "-":
            target.append(operation["value"])
        case "add":
            assert at not in target
            target[at] = operation["value"]
        case "replace":
            target[at]  # it must be there
            target[at] = operation["value"]


def manifest(kind: str, name: str) -> dict[str, Any]:
    (found,) = [m for m in manifests() if (m["kind"], m["metadata"]["name"]) == (kind, name)]
    return found


def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return document


def pods() -> list[dict[str, Any]]:
    kinds = ("Deployment", "Job")
    return [m["spec"]["template"]["spec"] for m in manifests() if m["kind"] in kinds]
