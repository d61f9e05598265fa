"""Running the command as a person does, on the demo's rendered pictures."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

import click.testing
import msgspec
from click.testing import CliRunner

from avatarrig.cli import avatarrig

DEMO = Path(__file__).parents[2] / "inputs" / "datasets" / "Demo"
RUN_SECONDS = 240


class Command:
    """The ``avatarrig`` command in a folder of its own.

    Args:
        module: What is run: the product, or one that puts something in a part's place.
    """

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str] = MappingProxyType({}),
        *,
        module: str = "avatarrig",
    ) -> None:
        self.folder = folder
        self.environment = environment
        self._module = module

    def start(
        self,
        *arguments: str | Path,
        stdout: int | IO[Any] = subprocess.PIPE,
        stderr: int | IO[Any] = subprocess.PIPE,
        stdin: int | None = None,
    ) -> subprocess.Popen[str]:
        """Starts it; the caller waits."""
        return subprocess.Popen(
            [sys.executable, "-m", self._module, *map(str, arguments)],
            cwd=self.folder,
            env={**os.environ, "COLUMNS": "120", **self.environment},
            stdout=stdout,
            stderr=stderr,
            stdin=stdin,
            text=True,
        )

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Runs it to its end."""
        with self.start(*arguments) as process:
            try:
                out, err = process.communicate(timeout=RUN_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def ask(self, *arguments: str | Path) -> click.testing.Result:
        """Runs within this process what starts no others: a process of its own loads for long."""
        environment = {"COLUMNS": "120", **self.environment}
        with contextlib.chdir(self.folder):
            return CliRunner().invoke(avatarrig, [*map(str, arguments)], env=environment)


class Result(msgspec.Struct):
    """What ``--json`` printed, and where the files are."""

    run: Path
    document: dict[str, Any]
    estimate: bytes


def finished(process: subprocess.CompletedProcess[str], run: Path) -> Result:
    """Reads the result of a run that ended well."""
    assert process.returncode == 0, process.stderr
    return Result(
        run, msgspec.json.decode(process.stdout), (run / "skeleton_estimate.json").read_bytes()
    )


def copy_demo(folder: Path, names: Sequence[str]) -> Path:
    """Copies the demo's first pictures under other names."""
    for number, name in enumerate(names):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(DEMO / f"{number:03}.jpg", target)
    return folder
