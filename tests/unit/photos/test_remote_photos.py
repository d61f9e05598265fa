"""References to a store resolve inside the roots, whatever their URLs try."""

from __future__ import annotations

import errno
import time
from pathlib import Path

import pytest
from support.references import reference

from avatarrig.photos import remote
from avatarrig.photos.object_store import StoreUrlError, from_store_url, to_store_url
from avatarrig.photos.refused import PhotoRefusedError
from avatarrig.photos.remote import RemotePhotos
from avatarrig.photos.source import StorageUnreachableError
from avatarrig.photos.uri import to_file_uri


@pytest.mark.parametrize(
    "uri",
    [
        "s3://bucket/photos",
        "s3://bucket/photos-of-others/1.jpg",
        "s3://bucket/other/1.jpg",
        "s3://other/photos/Ann/1.jpg",
        "s3://bucket/photos/Ann/../../other/1.jpg",
        "s3://bucket/photos/Ann/%2e%2e/Bea/1.jpg",
        "s3://bucket/photos/Ann/%2E./1.jpg",
        "s3://bucket/photos/Ann/./1.jpg",
        "s3://bucket/photos/Ann/1.jpg?versionId=2",
        "s3://bucket/photos/Ann/1.jpg#x",
        "s3://bucket/photos/Ann/%00.jpg",
        "s3://user@bucket/photos/Ann/1.jpg",
        "s3://127.0.0.1:9000/photos/Ann/1.jpg",
        "s3://file:///etc/passwd",
        "s3://bucket::file:///etc/passwd",
        "s3:///etc/passwd",
    ],
)
def test_what_leads_out_of_the_roots_is_refused_unread(tmp_path: Path, uri: str) -> None:
    photos = RemotePhotos(["s3://bucket/photos/Ann"], 1000, tmp_path)
    with pytest.raises(PhotoRefusedError) as refused:
        photos.locally(reference(uri=uri))
    assert refused.value.reason == "outside_roots"
    photos.close()


def test_without_a_store_among_the_roots_every_store_is_refused(tmp_path: Path) -> None:
    photos = RemotePhotos([], 1000, tmp_path)
    with pytest.raises(PhotoRefusedError, match="none"):
        photos.locally(reference(uri="s3://bucket/1.jpg"))
    photos.close()


@pytest.mark.parametrize("uri", ["file:///x.jpg", "http://host/x.jpg", "s3a://bucket/x.jpg", "x"])
def test_everything_else_is_left_to_the_detector_process(tmp_path: Path, uri: str) -> None:
    photos = RemotePhotos(["s3://bucket"], 1000, tmp_path)
    assert photos.locally(reference(uri=uri)) == reference(uri=uri)
    photos.close()


@pytest.mark.parametrize(
    "name", ["b/x.jpg", "b/ü #%41?&.JPG", "b/a//b.jpg", "b//x.jpg", "b/;:@+,=$!*'().jpg"]
)
def test_any_key_is_named_and_found_again(name: str) -> None:
    assert from_store_url(to_store_url(name)) == name


def test_a_url_of_a_file_names_no_object(tmp_path: Path) -> None:
    with pytest.raises(StoreUrlError, match="s3://BUCKET"):
        from_store_url(to_file_uri(tmp_path))


class RangesRefused:
    """A store that refuses each range of an object, as S3 does of an empty one (416)."""

    def __init__(self, size: int, *, is_well: bool = True) -> None:
        self._size = size
        self._is_well = is_well

    def info(self, name: str) -> dict[str, object]:
        if not self._is_well and not name.endswith(".jpg"):
            raise OSError(errno.EINVAL, "the token ran out")
        return {"size": self._size, "name": name}

    def cat_file(self, *_: object, **__: object) -> bytes:
        raise OSError(errno.EINVAL, "the requested range is not satisfiable")


def fetched(content: bytes, folder: Path) -> bytes:
    photos = RemotePhotos(["s3://bucket/photos"], 1000, folder)
    photo = reference(uri="s3://bucket/photos/x.jpg", content=content)
    try:
        while (local := photos.locally(photo)) is None:
            time.sleep(0.001)
        return Path(local.uri.removeprefix("file://")).read_bytes()
    finally:
        photos.close()


def test_an_empty_object_is_fetched_for_the_decoder_to_refuse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "open_store", lambda: RangesRefused(0))
    assert fetched(b"", tmp_path) == b""


def test_an_object_that_a_healthy_store_refuses_for_good_is_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = RangesRefused(6)
    monkeypatch.setattr(remote, "open_store", lambda: store)
    with pytest.raises(PhotoRefusedError) as refused:
        fetched(b"pixels", tmp_path)
    assert refused.value.reason == "unreadable"


def test_the_same_answer_of_a_store_that_is_at_fault_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = RangesRefused(6, is_well=False)
    monkeypatch.setattr(remote, "open_store", lambda: store)
    with pytest.raises(StorageUnreachableError):
        fetched(b"pixels", tmp_path)


class Whole:
    """A store that hands over what it has."""

    def info(self, name: str) -> dict[str, object]:
        return {"size": len(b"pixels"), "name": name}

    def cat_file(self, *_: object, **__: object) -> bytes:
        return b"pixels"


def test_a_photo_waits_for_which_this_machine_has_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "open_store", Whole)
    assert fetched(b"pixels", tmp_path) == b"pixels"
    with pytest.raises(StorageUnreachableError, match=r"cannot take the photo .*free some space"):
        fetched(b"pixels", tmp_path / "away")
