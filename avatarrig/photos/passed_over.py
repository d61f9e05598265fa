"""What of a dataset is no photo: told apart by name, counted, put into words."""

from __future__ import annotations

import re
from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from avatarrig.photos.formats import PHOTO_SUFFIXES, RAW_SUFFIXES, split_suffix
from avatarrig.wire.counted import counted

if TYPE_CHECKING:
    from collections.abc import Sequence


class Passed(StrEnum):
    """What is passed over, each with one of them in words and several."""

    VIDEO = "video"
    SIDECAR = "sidecar"
    LINK = "link"
    HIDDEN = "hidden"
    SYSTEM = "system"
    UNFINISHED = "unfinished"
    OTHER = "other"
    FOLDER = "folder"


_WORDS: Final = {
    Passed.VIDEO: ("video", "videos"),
    Passed.SIDECAR: ("sidecar", "sidecars"),
    Passed.LINK: ("link", "links"),
    Passed.HIDDEN: ("hidden file", "hidden files"),
    Passed.SYSTEM: ("system file", "system files"),
    Passed.UNFINISHED: ("unfinished copy", "unfinished copies"),
    Passed.OTHER: ("other file", "other files"),
    Passed.FOLDER: ("hidden or system folder", "hidden or system folders"),
}

VIDEO_SUFFIXES: Final = frozenset(
    f".{name}"
    for name in (
        *("3g2", "3gp", "avi", "flv", "insv", "lrv", "m2t", "m2ts", "m2v", "m4v", "mkv", "mov"),
        *("mp4", "mpe", "mpeg", "mpg", "mts", "ogv", "ts", "vob", "webm", "wmv"),
    )
)
_SIDECARS: Final = frozenset(
    f".{name}"
    for name in (
        *("aae", "arp", "cos", "cot", "dop", "exif", "json", "lrprev", "nksc", "on1", "pp3"),
        *("rpp", "rrdata", "thm", "xml", "xmp"),
    )
)

_UNFINISHED: Final = frozenset(
    f".{name}"
    for name in (
        *("crdownload", "download", "filepart", "icloud", "opdownload", "part", "partial"),
        *("tmp", "!sync", "!ut"),
    )
)
"""What browsers, copying and synchronising programs call a file that is not there yet."""

SYSTEM_FILES: Final = frozenset(
    {"desktop.ini", "ehthumbs.db", "ehthumbs_vista.db", "icon\r", "picasa.ini", "thumbs.db"}
)
"""Names, in lower case, that systems leave in folders."""

SYSTEM_FOLDERS: Final = frozenset(
    {
        "#recycle",
        "#snapshot",
        "$recycle.bin",
        "@__thumb",
        "@eadir",
        "@recently-snapshot",
        "@recycle",
        "@tmp",
        "__macosx",
        "_gsdata_",
        "ipod photo cache",
        "lost+found",
        "lost.dir",
        "network trash folder",
        "recycled",
        "recycler",
        "system volume information",
        "temporary items",
        "thevolumesettingsfolder",
        "~snapshot",
    }
)
"""The same of folders: trash, snapshots and thumbnails of systems, file servers and programs."""

_SAVED_BY_CHECKS: Final = re.compile(r"found\.\d{3}")
"""Folders in which a check of a disk puts what it found."""
_SHOWN: Final = 5
_CATALOGUES: Final = (".lrdata", ".lrlibrary")
"""Endings of folders in which a photo program keeps previews."""

_LIBRARIES: Final = (".aplibrary", ".migratedphotolibrary", ".photolibrary", ".photoslibrary")
_PHOTOS_OF_LIBRARIES: Final = frozenset({"masters", "modified", "originals"})
"""Endings of folders that are a photo program's library, and where the photos lie in them: all
else there are previews, faces that were cut out, and indexes."""


def is_hidden(name: str) -> bool:
    """Whether a name is hidden, as ``.DS_Store``, ``._x`` and ``.Trashes`` are."""
    return name.startswith(".")


def is_system_name(name: str) -> bool:
    """Whether a name is a system's or a program's own, and nothing below it is a photo to count."""
    lower = name.lower()
    if lower in SYSTEM_FILES or lower in SYSTEM_FOLDERS or lower.endswith(_CATALOGUES):
        return True
    return _SAVED_BY_CHECKS.fullmatch(lower) is not None


def is_junk(name: str, within: str = "") -> bool:
    """Whether a name is hidden (``.DS_Store``, ``._x``) or a system's or a library's own.

    Args:
        name: Of a file or a folder.
        within: Name of the folder that holds it.
    """
    if within.lower().endswith(_LIBRARIES) and name.lower() not in _PHOTOS_OF_LIBRARIES:
        return True
    return is_hidden(name) or is_system_name(name)


def junk_among(folders: Sequence[str]) -> str | None:
    """Finds the first folder on the way to a file that nothing is looked for in."""
    pairs = zip(folders, ("", *folders), strict=False)
    return next((name for name, within in pairs if is_junk(name, within)), None)


def is_photo_name(name: str, suffixes: frozenset[str] = PHOTO_SUFFIXES) -> bool:
    """Whether a file name ends like a photo's, or as is said, and is no junk."""
    return not is_junk(name) and split_suffix(name)[1] in suffixes


def kind_of_file(name: str) -> Passed:
    """Tells what a file is that is no photo."""
    if is_hidden(name):
        return Passed.HIDDEN
    if is_system_name(name):
        return Passed.SYSTEM
    _, suffix = split_suffix(name)
    if suffix in VIDEO_SUFFIXES:
        return Passed.VIDEO
    if suffix in _UNFINISHED:
        return Passed.UNFINISHED
    return Passed.SIDECAR if suffix in _SIDECARS else Passed.OTHER


class FileCounts:
    """What was found in a dataset.

    Attributes:
        photos: Files that go by a photo's name.
        raw: Those of them that go by a raw photo's.
        clips: Files that go by a clip's name and are looked into.
        passed: How many of each kind were passed over.
        folders: Names of folders that were not looked into.
        videos: Names of some videos that were passed over.
    """

    def __init__(self) -> None:
        self.photos = 0
        self.raw = 0
        self.clips = 0
        self.passed: Counter[Passed] = Counter()
        self.folders: set[str] = set()
        self.videos: list[str] = []

    def found(self, path: str) -> None:
        """Counts a photo, or a clip that is looked into."""
        if split_suffix(path)[1] in VIDEO_SUFFIXES:
            self.clips += 1
            return
        self.photos += 1
        self.raw += split_suffix(path)[1] in RAW_SUFFIXES

    def passed_over(self, kind: Passed, name: str) -> None:
        """Counts what is no photo."""
        self.passed[kind] += 1
        if kind is Passed.VIDEO and len(self.videos) < _SHOWN:
            self.videos.append(name)
        if kind is Passed.FOLDER:
            self.folders.add(name)

    def to_document(self) -> dict[str, Any]:
        """Lays the counts out as ``phase1_summary.json`` holds them."""
        return {
            "total": self._files,
            "photos": self.photos,
            "raw": self.raw,
            "clips": self.clips,
            "passed_over": {kind.value: self.passed[kind] for kind in Passed if self.passed[kind]},
            "folders_passed_over": sorted(self.folders),
            "videos_passed_over": self.videos,
        }

    def __str__(self) -> str:
        return words_for_files(self.to_document())

    @property
    def _files(self) -> int:
        return self.photos + self.clips + self.passed.total() - self.passed[Passed.FOLDER]


def words_for_files(document: dict[str, Any]) -> str:
    """Puts counts into words.

    Args:
        document: As `FileCounts.to_document` lays them out.

    Returns:
        For example ``10 files: 8 photos (2 of them RAW), 1 video and 1 sidecar passed over``.
    """
    total, photos, raw = document["total"], document["photos"], document["raw"]
    files, found = counted(total, "file"), counted(photos, "photo")
    if raw:
        found += f" ({raw} of them RAW)"
    if clips := document.get("clips"):
        found += f", {counted(clips, 'clip')}"
    passed = {Passed(kind): count for kind, count in document["passed_over"].items()}
    named = {
        Passed.VIDEO: document.get("videos_passed_over", ()),
        Passed.FOLDER: document["folders_passed_over"],
    }
    parts = [
        counted(count, *_WORDS[kind]) + _some(named.get(kind, ()), count)
        for kind, count in passed.items()
    ]
    if not parts:
        return f"{files}: {found}"
    listed = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    return f"{files}: {found}, {listed} passed over"


def _some(names: Sequence[str], count: int) -> str:
    """Names the first of so many."""
    shown = ", ".join(names[:_SHOWN])
    return f" ({shown}{', …' if count > len(names[:_SHOWN]) else ''})" if names else ""
