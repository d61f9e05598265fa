"""The lock files hold what pyproject.toml asks for."""

from __future__ import annotations

import ast
import functools
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
RUN = PROJECT["dependencies"]
OWN = ("avatarrig", "producers", "processors", "aggregators")
PINNED = re.compile(r"^([a-z0-9-]+)==([^ ;]+)", re.MULTILINE)


def extra(name: str) -> list[str]:
    """What an extra asks for, with what the extras that it names ask for."""
    asked = []
    for text in EXTRAS[name]:
        requirement = Requirement(text)
        own = requirement.extras if requirement.name == PROJECT["name"] else ()
        asked += [each for inner in sorted(own) for each in extra(inner)] or [text]
    return asked


OPTIONAL = [*RUN, *extra("s3"), *extra("raw"), *extra("jxl"), *extra("frame"), *extra("usd")]
TEST = [*RUN, *extra("test"), *extra("lint")]


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


def imports(folder: Path) -> Iterator[tuple[str, Path]]:
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                yield from ((alias.name, file) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module, file


@functools.cache
def installed() -> Mapping[str, list[str]]:
    """By what is imported, the distributions that bring it."""
    return packages_distributions()


@pytest.mark.parametrize(
    ("folder", "declared"),
    [(name, OPTIONAL) for name in OWN]
    + [(f"tests/{name}", TEST) for name in ("support", "unit", "integration", "e2e", "chaos")],
)
def test_what_is_imported_is_declared(folder: str, declared: list[str]) -> None:
    distributions = installed()
    names = {canonicalize_name(Requirement(asked).name) for asked in declared}
    undeclared = {
        f"{module} in {file.relative_to(ROOT)}"
        for module, file in imports(ROOT / folder)
        if (top := module.partition(".")[0]) not in sys.stdlib_module_names
        and top in distributions
        and not names & set(map(canonicalize_name, distributions[top]))
        and top not in OWN
    }
    assert not undeclared, "add it to pyproject.toml and run scripts/lock"
