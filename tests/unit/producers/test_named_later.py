"""A name written beside a photo that was published before makes its question another one."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from avatarrig.wire.identity import as_said, image_id, is_photo
from producers.publish import described
from producers.references import Dataset, reference_in
from producers.source import LocalFolder

ANNA = Dataset(name="d", person="Anna")
XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    'xmlns:mwg-rs="http://www.metadataworkinggroup.com/schemas/regions/" '
    'xmlns:stArea="http://ns.adobe.com/xmp/sType/Area#"><mwg-rs:Regions><rdf:li><rdf:Description '
    'mwg-rs:Name="%s"><mwg-rs:Area stArea:x="%s" stArea:y="0.5" stArea:w="0.2" stArea:h="0.2"/>'
    "</rdf:Description></rdf:li></mwg-rs:Regions></rdf:Description></rdf:RDF></x:xmpmeta>"
)
PICASA = "[a.jpg]\nfaces=rect64(3f845bcb59418507),8e62b2035b74b477\n[Contacts2]\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(b"\xff\xd8\xff" + name.encode() + b"\xff\xd9")
    return tmp_path


def named(folder: Path, dataset: Dataset = ANNA) -> dict[str, str]:
    """Path to image_id."""
    references = (reference_in(record) for record in described(folder, dataset))
    return {each.path: each.image_id for each in references if each is not None}


def takeout(folder: Path) -> None:
    (folder / "a.jpg.json").write_text(json.dumps({"people": [{"name": "Anna"}]}))


def sidecar(folder: Path) -> None:
    (folder / "a.xmp").write_text(XMP % ("Anna", 0.5))


def picasa(folder: Path) -> None:
    (folder / ".picasa.ini").write_text(f"{PICASA}8e62b2035b74b477=Anna;;\n")


def contacts(folder: Path) -> None:
    (folder / ".picasa.ini").write_text(PICASA)
    (folder / "contacts.xml").write_text('<contact id="8e62b2035b74b477" name="Anna"/>')


def somebody_else(folder: Path) -> None:
    (folder / "a.jpg.xmp").write_text(XMP % ("Jo", 0.5))


WRITTEN = (takeout, sidecar, picasa, contacts, somebody_else)


@pytest.mark.parametrize("write", WRITTEN)
def test_a_name_beside_a_photo_makes_that_one_another_photo(
    folder: Path, write: Callable[[Path], None]
) -> None:
    before = named(folder)
    write(folder)
    after = named(folder)
    assert after["a.jpg"] != before["a.jpg"]
    assert after["b.jpg"] == before["b.jpg"]
    for file in folder.iterdir():
        if file.suffix != ".jpg":
            file.unlink()
    assert named(folder) == before


def test_nothing_is_asked_anew_where_nothing_else_is_said_of_the_subject(folder: Path) -> None:
    sidecar(folder)
    before = named(folder)
    (folder / "a.xmp").write_text(XMP % (" anna ", 0.50004) + " ")
    takeout(folder)
    assert named(folder) == before
    (folder / "a.xmp").write_text(XMP % ("Anna", 0.6))
    assert named(folder) != before


def test_names_change_nothing_where_nobody_is_asked_for_by_name(folder: Path) -> None:
    nobody = Dataset(name="d")
    before = named(folder, nobody)
    sidecar(folder)
    assert named(folder, nobody) == before
    assert named(folder, Dataset(name="d", template=b"1" * 512)) == before


def test_an_identifier_tells_its_photo_whatever_is_said_beside_it() -> None:
    plain = image_id("a.jpg", "12")
    assert as_said(plain, "") == plain
    said = as_said(plain, "True []")
    assert said != as_said(plain, "False []")
    assert is_photo(plain, "a.jpg", "12")
    assert is_photo(said, "a.jpg", "12")
    assert not is_photo(said, "b.jpg", "12")
    assert not is_photo(said, "a.jpg", "13")


@pytest.mark.parametrize("write", WRITTEN)
@pytest.mark.parametrize("names", [True, False])
def test_a_look_tells_a_file_beside_a_photo_that_was_written_since(
    folder: Path, write: Callable[[Path], None], *, names: bool
) -> None:
    def stamps() -> dict[str, object]:
        source = LocalFolder(folder, names=names)  # a folder is listed once a second
        scanned = {entry.photo.path: entry.stamp for entry in source.scan()}
        looked = {path: source.look(path) for path in scanned}
        assert {path: entry and entry.stamp for path, entry in looked.items()} == scanned
        return dict(scanned)

    for file in folder.iterdir():
        os.utime(file, (1e9, 1e9))
    before = stamps()
    write(folder)
    after = stamps()
    assert (after["a.jpg"] != before["a.jpg"]) is names
    if not any(folder.glob("*icasa*")):  # which is every photo's of a folder
        assert after["b.jpg"] == before["b.jpg"]
    for file in folder.iterdir():
        if file.suffix != ".jpg":
            file.write_bytes(file.read_bytes() + b" ")
    assert (stamps()["a.jpg"] != after["a.jpg"]) is names


def test_a_file_beside_is_as_new_as_it_is(folder: Path) -> None:
    source = LocalFolder(folder, names=True)
    sidecar(folder)
    (beside,) = (entry.stamp for entry in source.scan() if entry.photo.path == "a.jpg")
    assert beside.changed_at >= (folder / "a.xmp").stat().st_mtime
    assert beside.size == (folder / "a.jpg").stat().st_size
