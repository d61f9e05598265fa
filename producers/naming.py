"""What the files say about who is in a photo: in the photo itself, or in a file beside it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from avatarrig.photos.people import NamedFace, people_in_photo, people_in_takeout

HEAD_BYTES: Final = 8 << 20
"""As much of a photo is searched for names."""

_LARGEST_SIDECAR: Final = 1 << 20

_SHORTEST_STEM: Final = 40
"""Google cuts the names of its files off, the photo's and the extension's together; of shorter
names than this nothing was cut."""


def people_named(photo: Path) -> tuple[NamedFace, ...]:
    """Reads whom a photo's files name.

    Args:
        photo: Where the photo lies.

    Returns:
        Everybody once; with their places where the photo itself says so.
    """
    try:
        with photo.open("rb") as stream:
            named = people_in_photo(stream.read(HEAD_BYTES))
        return named or _from_sidecar(photo)
    except OSError:  # whoever reads the photo says what is wrong with it
        return ()


def _from_sidecar(photo: Path) -> tuple[NamedFace, ...]:
    for sidecar in _sidecars(photo):
        if sidecar.stat().st_size <= _LARGEST_SIDECAR:
            named = people_in_takeout(sidecar.read_bytes())
            if named:
                return named
    return ()


def _sidecars(photo: Path) -> list[Path]:
    """The JSON files that may be a photo's, the surest first."""
    exact = [
        photo.with_name(f"{photo.name}{ending}")
        for ending in (".json", ".supplemental-metadata.json")
    ]
    there = [path for path in exact if path.is_file()]
    if there or len(photo.name) < _SHORTEST_STEM - len(".supplemental-metadata"):
        return there
    with os.scandir(photo.parent) as entries:
        cut = [
            Path(entry.path)
            for entry in entries
            if entry.name.endswith(".json") and _is_cut(entry.name[: -len(".json")], photo.name)
        ]
    return sorted(cut)


def _is_cut(stem: str, name: str) -> bool:
    whole = f"{name}.supplemental-metadata"
    return len(stem) >= _SHORTEST_STEM and whole.startswith(stem)
