"""What is no photo is passed over by its name, and counted as what it is."""

from __future__ import annotations

import pytest

from avatarrig.photos.passed_over import (
    Passed,
    is_junk,
    is_photo_name,
    junk_among,
    kind_of_file,
)


@pytest.mark.parametrize(
    "folder",
    [
        *("@eaDir", "@Recycle", "#recycle", "#snapshot", "~snapshot", "$RECYCLE.BIN", "RECYCLER"),
        *("lost+found", "LOST.DIR", "FOUND.000", "found.013", "System Volume Information"),
        *(".Trashes", ".Trash-1000", ".@__thumb", ".thumbnails", ".picasaoriginals", ".stversions"),
        *("__MACOSX", "Network Trash Folder", "TheVolumeSettingsFolder", "iPod Photo Cache"),
        *("Anna Previews.lrdata", "_gsdata_", ".AppleDouble", ".DocumentRevisions-V100"),
    ],
)
def test_folders_of_systems_and_servers_are_not_looked_into(folder: str) -> None:
    assert is_junk(folder)


@pytest.mark.parametrize(
    "folder", ["@anna", "#anna", "found", "found.1", "Recycled art", "Anna", "~", "thumbs", "2019."]
)
def test_folders_of_people_are(folder: str) -> None:
    assert not is_junk(folder)


@pytest.mark.parametrize(
    ("path", "junk"),
    [
        ("Photos Library.photoslibrary/resources/derivatives/0", "resources"),
        ("a/iPhoto Library.photolibrary/Thumbnails", "Thumbnails"),
        ("Photos Library.photoslibrary/originals/0", None),
        ("a/Old.aplibrary/Masters/2009", None),
        ("a/resources", None),
        ("a/#recycle/b", "#recycle"),
    ],
)
def test_of_a_programs_library_the_photos_alone_are_taken(path: str, junk: str | None) -> None:
    assert junk_among(path.split("/")) == junk


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("x.jpg.crdownload", Passed.UNFINISHED),
        ("x.jpg.part", Passed.UNFINISHED),
        ("x.jpg.tmp", Passed.UNFINISHED),
        ("x.jpg.!sync", Passed.UNFINISHED),
        (".x.jpg.icloud", Passed.HIDDEN),
        ("._x.jpg", Passed.HIDDEN),
        (".trashed-1699999999-x.jpg", Passed.HIDDEN),
        ("Thumbs.db", Passed.SYSTEM),
        ("Picasa.ini", Passed.SYSTEM),
        ("x.MP4", Passed.VIDEO),
        ("x.jpg.xmp", Passed.SIDECAR),
        ("x.AAE", Passed.SIDECAR),
        ("x.jpg.supplemental-metadata.json", Passed.SIDECAR),
        ("x.jpg_original", Passed.OTHER),
        ("x.jpg:Zone.Identifier", Passed.OTHER),
        ("x.jpg~", Passed.OTHER),
        ("x", Passed.OTHER),
    ],
)
def test_files_are_counted_as_what_they_are(name: str, kind: Passed) -> None:
    assert not is_photo_name(name)
    assert kind_of_file(name) is kind
