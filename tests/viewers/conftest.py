"""Programs of others' making: Node with three-vrm and Khronos' validator, and Blender.

What they need is fetched once, into folders beside these tests that git does not know, by
whichever process of the suite comes first; the others wait for it. Where a program cannot be had
at all (no Node, no network, no Python that Blender runs in) the tests that need it are skipped,
with the reason.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from support.browser.chromium import chromium
from support.viewers.estimates import ESTIMATES, OTHERS
from support.viewers.three import Viewer

from avatarrig.cli.commands.export import export

HERE = Path(__file__).parent
_OUT_OF_REACH = (
    "ENOTFOUND",
    "EAI_AGAIN",
    "ETIMEDOUT",
    "ECONNREFUSED",
    "ECONNRESET",
    "ENETUNREACH",
)
_NO_WHEEL = ("No matching distribution", "Could not find a version", "Temporary failure")


def run_of(folder: Path, estimates: dict[str, float]) -> Path:
    folder.mkdir(exist_ok=True)
    document = {"estimates": estimates, "stats": {}, "subject": "Anna"}
    (folder / "skeleton_estimate.json").write_text(json.dumps(document))
    return folder


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run, with all that it can be exported as."""
    folder = run_of(tmp_path_factory.mktemp("viewers") / "run", ESTIMATES)
    for kind, *more in (
        ("glb",),
        ("bvh",),
        ("usd", "--names", "unreal"),
        ("json",),
        ("vrm", "--body"),
    ):
        command = [str(folder), "--height", "1.72m", "--format", kind, *more]
        done = CliRunner().invoke(export, command)
        assert done.exit_code == 0, done.output
    return folder


@pytest.fixture(scope="session")
def other_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of somebody built otherwise."""
    return run_of(tmp_path_factory.mktemp("viewers") / "other", OTHERS)


@pytest.fixture(scope="session")
def modules() -> Path:
    """Folder of the Node packages of the lock file."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("there is no Node here")
    folder = HERE / "node_modules"
    with _wanting(HERE / "package-lock.json", folder) as is_there:
        if not is_there:
            command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
            done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
            if any(word in done.stderr for word in _OUT_OF_REACH):
                pytest.skip("Node's packages are out of reach")
            assert done.returncode == 0, done.stderr
    return folder


@contextmanager
def _wanting(lock: Path, folder: Path) -> Iterator[bool]:
    """Whether what a lock file names is in a folder; what is put there meanwhile is, from then on.

    One process at a time is let in: two that install into one folder break each other's.
    """
    stamp = folder / ".installed"
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
        yield stamp.is_file() and stamp.read_text() == wanted
        stamp.write_text(wanted)


Node = Callable[..., str]


@pytest.fixture(scope="session")
def node(modules: Path) -> Node:
    """Runs a script of this folder with Node; gives what it prints."""

    def call(script: str, *arguments: str | Path) -> str:
        command = ["node", script, *map(str, arguments)]
        done = subprocess.run(
            command, cwd=modules.parent, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return call


@pytest.fixture(scope="session")
def viewer(modules: Path) -> Iterator[Viewer]:
    """three-vrm in Chromium."""
    swift = ("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
    with chromium(*swift, "--ignore-gpu-blocklist") as browser:
        yield Viewer(browser, modules.parent)


Blender = Callable[[Sequence[str | Path]], list[dict[str, Any]]]


@pytest.fixture(scope="session")
def blender() -> Blender:
    """Has Blender's Python run ``blender.py``; gives what it tells of each file."""
    python = _blender_python()

    def call(arguments: Sequence[str | Path]) -> list[dict[str, Any]]:
        command = [str(python), "blender.py", *map(str, arguments)]
        done = subprocess.run(
            command, cwd=HERE, capture_output=True, text=True, check=False, timeout=600
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]

    return call


def _blender_python() -> Path:
    folder, lock = HERE / ".venv-blender", HERE / "blender.txt"
    python = folder / "bin" / "python"
    with _wanting(lock, folder) as is_there:
        if not is_there:
            _make_environment(folder)
            _install(python, lock)
    return python


def _install(python: Path, lock: Path) -> None:
    command = [str(python), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(lock)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and any(word in done.stderr for word in _NO_WHEEL):
        pytest.skip("Blender cannot be had here as a Python module")
    assert done.returncode == 0, done.stderr


def _make_environment(folder: Path) -> None:
    """Blender 4.5 runs in Python 3.11 alone, and wants an older numpy than this project."""
    if sys.version_info[:2] == (3, 11):
        venv.create(folder, with_pip=True, clear=True)
        return
    python = shutil.which("python3.11")
    if python is None:
        pytest.skip("Blender needs Python 3.11, which is not here")
    done = subprocess.run([python, "-m", "venv", "--clear", str(folder)], check=False)
    if done.returncode:
        pytest.skip("Python 3.11 makes no environments here")
