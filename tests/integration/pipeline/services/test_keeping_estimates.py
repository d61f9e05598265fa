"""The files of `up --out`: whose estimates lie where, whole, and gone with their subjects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec
from support.body.estimates import said, skeleton

from avatarrig.pipeline.services.keeping_estimates import Folder, KeptEstimates
from avatarrig.runs import RunDirectory
from avatarrig.runs.estimate_file import read_estimate
from avatarrig.views import Subject

RATIOS = {"shoulder_width": 1.0, "torso_length": 1.4, "upper_arm_L": 0.8}


def person(name: str, version: int = 1, torso: float = 1.4) -> Subject:
    estimate = msgspec.structs.replace(said(RATIOS | {"torso_length": torso}), subject=name)
    return Subject(name=name, record=skeleton(estimate, subject=name), version=version)


def kept(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


BOTH = {"skeleton_estimate.json", "skeleton_estimate.png"}


def test_one_persons_estimate_lies_where_all_lies(tmp_path: Path) -> None:
    KeptEstimates(Folder(tmp_path)).write([person("Anna")])
    assert kept(tmp_path) == BOTH
    assert read_estimate(tmp_path).estimate.estimates["torso_length"] == 1.4
    assert RunDirectory(tmp_path).preview.read_bytes().startswith(b"\x89PNG")


def test_several_peoples_estimates_lie_below_it_under_safe_names(tmp_path: Path) -> None:
    estimates = KeptEstimates(Folder(tmp_path))
    estimates.write([person("Anna")])
    estimates.write([person("Anna"), person("../Björn: 2")])
    folders = {path.parent.name for path in tmp_path.glob("subjects/*/skeleton_estimate.json")}
    assert len(kept(tmp_path)) == 4
    assert "Anna" in folders
    assert all(name.replace("-", "").isalnum() for name in folders)
    assert read_estimate(tmp_path, "../Björn: 2").subject == "../Björn: 2"


def test_an_estimate_of_before_does_not_stay_when_there_are_several(tmp_path: Path) -> None:
    KeptEstimates(Folder(tmp_path)).write([person("Anna")])
    KeptEstimates(Folder(tmp_path)).write([person("Anna"), person("Ben")])
    assert not RunDirectory(tmp_path).estimate.exists()


def test_who_is_forgotten_leaves_nothing_and_who_stays_alone_moves_up(tmp_path: Path) -> None:
    estimates = KeptEstimates(Folder(tmp_path))
    estimates.write([person("Anna"), person("Ben")])
    estimates.write([person("Ben")])
    assert kept(tmp_path) == BOTH
    assert not list(tmp_path.glob("subjects/*"))
    assert read_estimate(tmp_path).subject == "Ben"
    estimates.write([])
    assert kept(tmp_path) == set()


class Counting:
    """A folder that counts what is written."""

    def __init__(self, folder: Path) -> None:
        self._folder = Folder(folder)
        self.names: list[str] = []

    def write(self, files: Mapping[str, bytes]) -> None:
        self.names += files
        self._folder.write(files)

    def remove(self, paths: Iterable[str]) -> int:
        return self._folder.remove(paths)


def test_only_what_changed_is_written(tmp_path: Path) -> None:
    files = Counting(tmp_path)
    estimates = KeptEstimates(files)
    estimates.write([person("Anna"), person("Ben")])
    files.names.clear()
    estimates.write([person("Anna"), person("Ben", version=2, torso=1.5)])
    assert files.names == [
        "subjects/Ben/skeleton_estimate.json",
        "subjects/Ben/skeleton_estimate.png",
    ]
    assert read_estimate(tmp_path, "Ben").estimate.estimates["torso_length"] == 1.5
