"""Running the command as a person does, on the demo's rendered pictures."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

import msgspec

DEMO = Path(__file__).parents[2] / "inputs" / "datasets" / "Demo"
RUN_SECONDS = 240


class Command:
    """The ``avatarrig`` command in a folder of its own."""

    def __init__(self, folder: Path, environment: Mapping[str, str] = MappingProxyType({})) -> None:
        self.folder = folder
        self.environment = environment

    def start(
        self,
        *arguments: str | Path,
        stdout: int | IO[Any] = subprocess.PIPE,
        stderr: int | IO[Any] = subprocess.PIPE,
        stdin: int | None = None,
    ) -> subprocess.Popen[str]:
        """Starts it; the caller waits."""
        return subprocess.Popen(
            [sys.executable, "-m", "avatarrig", *map(str, arguments)],
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
