"""The lock files hold what pyproject.toml asks for."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
RUN = PROJECT["dependencies"]
TEST = [*RUN, *PROJECT["optional-dependencies"]["test"], *PROJECT["optional-dependencies"]["lint"]]
PINNED = re.compile(r"^([a-z0-9-]+)==([^ ;]+)", re.MULTILINE)


def locked(lock: str) -> dict[str, set[str]]:
    """Versions by package: more than one where the Python version decides."""
    versions: dict[str, set[str]] = {}
    for name, version in PINNED.findall((ROOT / "requirements" / lock).read_text()):
        versions.setdefault(name, set()).add(version)
    return versions


@pytest.mark.parametrize(
    ("lock", "requirement"),
    [("run.txt", asked) for asked in RUN] + [("test.txt", asked) for asked in TEST],
)
def test_every_dependency_is_locked_within_its_range(lock: str, requirement: str) -> None:
    asked = Requirement(requirement)
    versions = locked(lock).get(canonicalize_name(asked.name))
    assert versions, f"{asked.name} is not in requirements/{lock}: run scripts/lock"
    assert all(version in asked.specifier for version in versions), "run scripts/lock"


def test_tests_run_with_the_versions_that_users_run() -> None:
    test = locked("test.txt")
    assert {name: test.get(name) for name in locked("run.txt")} == locked("run.txt")


def test_one_flavour_of_opencv_is_installed() -> None:
    assert [name for name in locked("test.txt") if name.startswith("opencv")] == [
        "opencv-contrib-python"
    ]


@pytest.mark.parametrize("lock", ["run.txt", "test.txt"])
def test_every_version_has_hashes_and_no_index_is_named(lock: str) -> None:
    text = (ROOT / "requirements" / lock).read_text()
    assert text.count(" \\\n    --hash=sha256:") >= len(PINNED.findall(text))
    assert "://" not in text
