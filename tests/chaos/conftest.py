"""Many photos, a run of them that nothing disturbs, and runs to disturb."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.cli.disturbed import Disturbed, Flock
from support.command import Command, Result
from support.shared import made_once

from avatarrig.runs import RunDirectory

PHOTOS = 520
DOCUMENT = "document.json"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Patience with each condition is bounded; this is the last resort."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.timeout(1500))


@pytest.fixture(scope="session")
def _flock(tmp_path_factory: pytest.TempPathFactory) -> Flock:
    return Flock(tmp_path_factory.mktemp("flock"), PHOTOS)


@pytest.fixture
def flock(_flock: Flock, undisturbed: Result) -> Iterator[Flock]:
    """The photos; each test sets its own pace."""
    yield _flock
    _flock.pace(0)


@pytest.fixture(scope="session")
def undisturbed(_flock: Flock, tmp_path_factory: pytest.TempPathFactory) -> Result:
    """How a run of these photos ends when it is left alone: each process has the same photos."""

    def leave_alone(folder: Path) -> None:
        run = Disturbed(_flock.photos, folder / "run")
        try:
            (folder / DOCUMENT).write_bytes(msgspec.json.encode(run.result().document))
        finally:
            run.close()

    folder = made_once(tmp_path_factory, "undisturbed", leave_alone)
    document = msgspec.json.decode((folder / DOCUMENT).read_bytes())
    estimate = RunDirectory(folder / "run").estimate.read_bytes()
    assert document["photos"]["observed"] == _flock.count
    assert b'"shoulder_width": 1' in estimate
    return Result(folder / "run", document, estimate)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Disturbed]]:
    """Starts the command; the second time in a test it is the same command again."""
    runs: list[Disturbed] = []

    def begin(photos: Path, *options: str, **settings: Any) -> Disturbed:
        run = Disturbed(photos, tmp_path / "run", "--workers", "2", *options, **settings)
        runs.append(run)
        return run

    yield begin
    for run in runs:
        run.close()


@pytest.fixture(scope="session")
def command(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """The command, for looking at what happened."""
    return Command(tmp_path_factory.mktemp("command"))
