"""Rooms import what lies below them: the contracts hold, and each fails where it is broken."""

from __future__ import annotations

import graphlib
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grimp
import pytest

ROOT = Path(__file__).parents[2]
STAGES = ("producers", "processors", "aggregators")
PACKAGES = ("avatarrig", *STAGES)
MOST_FILES = 20

BROKEN = {
    "rooms": [
        ("avatarrig/wire/topics.py", "import avatarrig.body.bones"),
        ("avatarrig/views/board.py", "import avatarrig.page.content"),
        ("avatarrig/pipeline/groups.py", "import avatarrig.cli.errors"),
        ("processors/outcome.py", "import producers.settling"),
    ],
    "circles": [("avatarrig/metrics/buckets.py", "import avatarrig.pipeline.services.measured")],
    "write-side": [
        ("aggregators/worker.py", "import avatarrig.page.page"),
        ("producers/ingest.py", "import avatarrig.views.board"),
    ],
    "command-line": [
        ("avatarrig/cli/commands/tail.py", "import kafka"),
        ("avatarrig/cli/commands/status.py", "import avatarrig.kafka.reading"),
    ],
    "screen": [("avatarrig/pipeline/results.py", "import rich.text")],
    "client": [("avatarrig/views/feed.py", "from kafka import KafkaConsumer")],
    "pure": [("avatarrig/body/bones.py", "import cv2")],
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The product's sources in a place where they may be changed."""
    folder = tmp_path_factory.mktemp("house")
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            copy = folder / file.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(file.read_bytes())
    (folder / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    return folder


def contracts() -> list[dict[str, Any]]:
    return list(
        tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    )


def broken(house: Path) -> set[str]:
    """Which contracts do not hold."""
    names = {str(contract["name"]): str(contract["id"]) for contract in contracts()}
    process = subprocess.run(
        (Path(sys.executable).parent / "lint-imports", "--no-logo", "--no-cache"),
        cwd=house,
        env={**os.environ, "COLUMNS": "300"},
        capture_output=True,
        text=True,
        check=False,
    )
    found = {
        names[line.removesuffix("BROKEN").strip()]
        for line in process.stdout.splitlines()
        if line.endswith("BROKEN")
    }
    assert (process.returncode == 0) == (not found), process.stdout + process.stderr
    return found


def test_every_contract_holds_and_makes_no_exception(house: Path) -> None:
    assert broken(house) == set()
    assert not any("ignore_imports" in contract for contract in contracts())
    assert {contract["id"] for contract in contracts()} == BROKEN.keys()


@pytest.mark.parametrize(
    ("contract", "file", "line"),
    [(contract, file, line) for contract, cases in BROKEN.items() for file, line in cases],
)
def test_a_forbidden_import_is_found(house: Path, contract: str, file: str, line: str) -> None:
    changed = house / file
    sound = changed.read_bytes()
    changed.write_bytes(sound + f"\n{line}\n".encode())
    try:
        assert contract in broken(house)
    finally:
        changed.write_bytes(sound)


def test_the_contract_of_the_write_side_names_all_of_it_but_the_process_and_its_settings() -> None:
    """The process shows the page beside its worker, and is told of it."""
    (contract,) = (each for each in contracts() if each["id"] == "write-side")
    inside = (ROOT / "aggregators").glob("[!_]*")
    modules = {
        f"aggregators.{one.stem}"
        for one in inside
        if one.suffix == ".py" or (one / "__init__.py").exists()
    } - {"aggregators.settings"}
    assert set(contract["source_modules"]) == {*modules, "producers", "processors"}


def test_every_room_has_its_place_among_the_layers() -> None:
    (contract,) = (each for each in contracts() if each["id"] == "rooms")
    layers = {name.strip() for layer in contract["layers"] for name in layer.split("|")}
    rooms = {
        f"avatarrig.{each.stem}"
        for each in (ROOT / "avatarrig").iterdir()
        if (each.suffix == ".py" or (each / "__init__.py").is_file()) and each.stem[0] != "_"
    }
    assert layers == {*rooms, *STAGES}


def test_no_module_imports_itself_in_a_circle() -> None:
    graph = grimp.build_graph(*PACKAGES, exclude_type_checking_imports=True, cache_dir=None)
    imports = {
        module: graph.find_modules_directly_imported_by(module) - {module}
        for module in graph.modules
    }
    graphlib.TopologicalSorter(imports).prepare()  # raises CycleError, naming the circle


def folders() -> Iterator[Path]:
    for package in PACKAGES:
        yield ROOT / package
        yield from (each for each in (ROOT / package).rglob("*") if each.is_dir())


def test_no_folder_is_so_full_that_it_has_a_second_concept_in_it() -> None:
    full = {
        str(folder.relative_to(ROOT)): count
        for folder in folders()
        if (count := len(list(folder.glob("[!_]*.py")))) > MOST_FILES
    }
    assert not full


def test_the_map_of_the_house_names_what_is_there() -> None:
    text = (ROOT / "docs" / "development.md").read_text()
    named = set(re.findall(rf"`((?:{'|'.join(PACKAGES)}|tests|scripts)/[\w/.-]+)`", text))
    assert len(named) > 50
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []
