"""A photo's bytes come from where photos may lie; what stands in the way is told apart."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from support.references import reference

from avatarrig.photos.refused import PhotoRefusedError
from avatarrig.photos.source import PhotoSource, StorageUnreachableError
from avatarrig.photos.uri import to_file_uri


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "x.jpg").write_bytes(b"pixels")
    return folder


def read(photos: Path, uri: str, *, max_bytes: int = 1000) -> bytes:
    return PhotoSource([photos], max_bytes).read(reference(uri=uri))


def refusal(photos: Path, uri: str, *, max_bytes: int = 1000) -> str:
    with pytest.raises(PhotoRefusedError) as refused:
        read(photos, uri, max_bytes=max_bytes)
    assert refused.value.message
    return refused.value.reason


def test_a_photo_within_the_roots_is_read(photos: Path) -> None:
    assert read(photos, to_file_uri(photos / "x.jpg")) == b"pixels"


def test_a_root_may_be_a_link(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(photos)
    assert read(tmp_path / "link", to_file_uri(photos / "x.jpg")) == b"pixels"


@pytest.mark.parametrize(
    "uri", ["s3://bucket/x.jpg", "http://host/x.jpg", "x.jpg", "file://host/x.jpg"]
)
def test_other_uris_are_not_supported(photos: Path, uri: str) -> None:
    assert refusal(photos, uri) == "unsupported"


def test_nothing_outside_of_the_roots_is_read(photos: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(b"pixels")
    (photos / "link.jpg").symlink_to(secret)
    beside = tmp_path / "photos-too"
    beside.mkdir()
    (beside / "x.jpg").write_bytes(b"pixels")
    for path in (secret, photos / "link.jpg", beside / "x.jpg"):
        assert refusal(photos, to_file_uri(path)) == "outside_roots"
    climbing = f"{to_file_uri(photos)}/%2e%2e/secret.jpg"
    assert refusal(photos, climbing) == "outside_roots"


def test_a_large_file_is_refused(photos: Path) -> None:
    assert refusal(photos, to_file_uri(photos / "x.jpg"), max_bytes=5) == "too_large"


def test_a_photo_that_changed_since_is_refused(photos: Path) -> None:
    (photos / "x.jpg").write_bytes(b"others")
    assert refusal(photos, to_file_uri(photos / "x.jpg")) == "changed"


def test_what_is_no_file_is_refused_and_not_waited_for(photos: Path) -> None:
    (photos / "folder.jpg").mkdir()
    os.mkfifo(photos / "pipe.jpg")
    for name in ("folder.jpg", "pipe.jpg"):
        assert refusal(photos, to_file_uri(photos / name)) == "not_a_file"


def test_a_missing_photo_is_refused(photos: Path) -> None:
    assert refusal(photos, to_file_uri(photos / "gone.jpg")) == "missing"
    assert refusal(photos, to_file_uri(photos / "x.jpg" / "inside.jpg")) == "missing"


@pytest.mark.parametrize("empty", [True, False])
def test_a_missing_storage_may_come_back(photos: Path, *, empty: bool) -> None:
    (photos / "x.jpg").unlink()
    if not empty:
        photos.rmdir()
    with pytest.raises(StorageUnreachableError, match="mounted"):
        read(photos, to_file_uri(photos / "x.jpg"))


@pytest.mark.parametrize(
    "number", [errno.EIO, errno.ESTALE, errno.ENETUNREACH, errno.ENOTCONN, errno.ETIMEDOUT]
)
def test_a_storage_that_fails_may_recover(
    photos: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def fail(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "open", fail)
    with pytest.raises(StorageUnreachableError, match=os.strerror(number)):
        read(photos, to_file_uri(photos / "x.jpg"))


def test_a_photo_that_may_not_be_read_is_refused(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)  # root, who may run this, may read everything
    assert refusal(photos, to_file_uri(photos / "x.jpg")) == "permission"
