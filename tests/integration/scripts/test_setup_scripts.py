"""What scripts/demo and scripts/test do before they start, on machines that lack something."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TOOLS = ("sh", "cat", "cksum", "dirname", "cp", "mkdir")

FAKE_PYTHON = """\
#!/bin/sh
echo "python $*" >>"$CALLS"
case $* in
  "- run" | "- test") echo $MISSING ;;
  "-m venv --clear"*) mkdir -p "$4/bin" && cp "$0" "$4/bin/python" && echo made >"$4/pyvenv.cfg" ;;
esac
"""
FAKE_APT = """\
#!/bin/sh
echo "apt-get $*" >>"$CALLS"
"""


class Machine:
    """A machine with a checkout whose path has a space, and with nothing but the tools named."""

    def __init__(self, home: Path) -> None:
        self.project = home / "a checkout"
        self.path = home / "bin"
        self.calls_file = home / "calls"
        self.environment = {"PATH": str(self.path), "CALLS": str(self.calls_file)}
        self.path.mkdir()
        for tool in TOOLS:
            found = shutil.which(tool)
            assert found is not None
            (self.path / tool).symlink_to(found)
        for folder in ("scripts", "requirements"):
            (self.project / folder).mkdir(parents=True)
        for name in ("demo", "test", "setup.sh"):
            shutil.copy(ROOT / "scripts" / name, self.project / "scripts" / name)
        (self.project / "pyproject.toml").write_text("[project]\n")
        self.lock("run.txt", "numpy==2.0\n")
        self.lock("test.txt", "numpy==2.0\npytest==9.0\n")

    def program(self, name: str, text: str) -> None:
        file = self.path / name
        file.write_text(text)
        file.chmod(0o755)

    def user(self, number: int) -> None:
        self.program("id", f"#!/bin/sh\necho {number}\n")

    def lock(self, name: str, text: str) -> None:
        (self.project / "requirements" / name).write_text(text)

    def run(self, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", str(self.project / "scripts" / script), *arguments],
            env=self.environment,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def calls(self) -> list[str]:
        """What was called since the last time."""
        lines = self.calls_file.read_text().splitlines() if self.calls_file.exists() else []
        self.calls_file.unlink(missing_ok=True)
        return lines


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    bare = Machine(tmp_path)
    bare.user(1000)
    return bare


@pytest.mark.parametrize("script", ["demo", "test"])
def test_without_python_it_says_which_versions_do(machine: Machine, script: str) -> None:
    result = machine.run(script)
    assert result.returncode == 1
    assert "needs Python 3.11, 3.12, 3.13 or 3.14" in result.stderr
    assert "apt-get install python3 python3-venv" in result.stderr


def test_a_python_that_is_named_but_does_not_run_is_refused(machine: Machine) -> None:
    machine.program("python3", FAKE_PYTHON)
    machine.environment["AVATARRIG_PYTHON"] = "/nowhere/python3"
    result = machine.run("demo")
    assert result.returncode == 1
    assert "AVATARRIG_PYTHON=/nowhere/python3 is no Python" in result.stderr


def test_missing_libraries_are_told_with_the_exact_command(machine: Machine) -> None:
    machine.program("python3", FAKE_PYTHON)
    machine.program("apt-get", FAKE_APT)
    machine.environment["MISSING"] = "python3.12-venv libegl1"
    result = machine.run("test")
    assert result.returncode == 1
    assert (
        "  sudo apt-get update && sudo apt-get install -y python3.12-venv libegl1" in result.stderr
    )
    assert not [call for call in machine.calls() if call.startswith("apt-get")]


def test_missing_libraries_are_named_where_there_is_no_apt(machine: Machine) -> None:
    machine.program("python3", FAKE_PYTHON)
    machine.environment["MISSING"] = "libegl1"
    result = machine.run("test")
    assert result.returncode == 1
    assert "libegl1" in result.stderr
    assert "sudo apt-get" not in result.stderr


def test_root_gets_missing_libraries_installed(machine: Machine) -> None:
    machine.program("python3", FAKE_PYTHON)
    machine.program("apt-get", FAKE_APT)
    machine.user(0)
    machine.environment["MISSING"] = "libegl1 libgl1"
    assert machine.run("test").returncode == 0
    calls = machine.calls()
    update = calls.index("apt-get update -qq")
    assert calls[update + 1].endswith("--no-install-recommends libegl1 libgl1")


def test_set_up_is_done_once(machine: Machine) -> None:
    machine.program("python3", FAKE_PYTHON)
    assert machine.run("test", "unit", "-x").returncode == 0
    first = machine.calls()
    assert [call for call in first if "--require-hashes" in call and call.endswith("test.txt")]
    assert first[-1] == "python -m pytest tests/unit -x"
    assert machine.run("test", "unit", "chaos", "-k", "unit").returncode == 0
    second = machine.calls()
    assert not [call for call in second if "pip" in call or "venv" in call]
    assert second[-1] == "python -m pytest tests/unit tests/chaos -k unit"


def test_a_new_lock_is_installed(machine: Machine) -> None:
    machine.program("python3", FAKE_PYTHON)
    machine.run("test")
    machine.calls()
    machine.lock("run.txt", "numpy==2.1\n")
    assert machine.run("test").returncode == 0
    assert [call for call in machine.calls() if "--require-hashes" in call]


def test_an_environment_that_moved_is_installed_anew(machine: Machine, tmp_path: Path) -> None:
    machine.program("python3", FAKE_PYTHON)
    machine.run("test")
    machine.calls()
    machine.project = machine.project.rename(tmp_path / "elsewhere")
    assert machine.run("test").returncode == 0
    assert [call for call in machine.calls() if "--editable" in call]


def test_the_demo_uses_what_the_tests_installed(machine: Machine) -> None:
    machine.program("python3", FAKE_PYTHON)
    machine.run("test")
    machine.calls()
    command = machine.project / ".venv" / "bin" / "avatarrig"
    command.write_text('#!/bin/sh\necho "avatarrig $*" >>"$CALLS"\n')
    command.chmod(0o755)
    for fetches in (["avatarrig models fetch", "avatarrig broker fetch"], []):
        assert machine.run("demo", "--workers", "2").returncode == 0
        calls = machine.calls()
        assert not [call for call in calls if "pip" in call]
        assert [call for call in calls if call.startswith("avatarrig")] == [
            *fetches,
            "avatarrig inputs/datasets/Demo --out outputs/runs/Demo --workers 2",
        ]
        assert "compare_with_truth.py" in calls[-1]


def test_a_failed_run_fails_the_demo(machine: Machine) -> None:
    machine.program("python3", FAKE_PYTHON)
    machine.run("test")
    command = machine.project / ".venv" / "bin" / "avatarrig"
    command.write_text("#!/bin/sh\nexit 3\n")
    command.chmod(0o755)
    assert machine.run("demo").returncode == 3
