"""A file is published when it is whole."""

from __future__ import annotations

import math

import pytest
from PIL import Image
from support.photos import in_every_format

from producers.settling import OLD_SECONDS, Settling, Stamp, has_end, is_temporary

NOW = 1.0e9
FRESH = Stamp(100, NOW)


def looks(settling: Settling, *, at: float, stamp: Stamp = FRESH, ends: bool = True) -> bool:
    return settling.is_whole("x.jpg", stamp, has_end=ends, now=at, clock=NOW + at)


def test_a_new_file_is_whole_when_two_looks_agree() -> None:
    settling = Settling(quiet=1.0, patience=5.0)
    assert not looks(settling, at=0.0)
    assert not looks(settling, at=0.9)
    assert settling.waiting == ["x.jpg"]
    assert looks(settling, at=1.0)
    assert len(settling) == 0


def test_a_file_that_grows_is_waited_for() -> None:
    settling = Settling(quiet=1.0, patience=5.0)
    for second in range(10):
        assert not looks(settling, at=second, stamp=Stamp(100 + second, NOW + second))
    assert looks(settling, at=10.0, stamp=Stamp(109, NOW + 9))


def test_a_file_without_its_end_is_given_more_time() -> None:
    settling = Settling(quiet=1.0, patience=5.0)
    assert not looks(settling, at=0.0, ends=False)
    assert not looks(settling, at=4.9, ends=False)
    assert looks(settling, at=5.0, ends=False)


def test_an_old_file_needs_one_look_and_one_that_cannot_be_read_never_gets_old() -> None:
    settling = Settling(quiet=1.0, patience=5.0)
    assert looks(settling, at=0.0, stamp=Stamp(100, NOW - OLD_SECONDS))
    unread = Stamp(0, math.inf, "permission")
    assert not looks(settling, at=0.0, stamp=unread, ends=False)
    assert looks(settling, at=5.0, stamp=unread, ends=False)


def test_a_file_that_is_gone_is_forgotten() -> None:
    settling = Settling(quiet=1.0, patience=5.0)
    looks(settling, at=0.0)
    settling.forget("x.jpg")
    assert len(settling) == 0


@pytest.mark.parametrize("name", ["x.part.jpg", "a/x.TMP.png", "x.crdownload.heic"])
def test_names_of_copies_under_way_are_known(name: str) -> None:
    assert is_temporary(name)
    assert not is_temporary(name.replace(".", "-"))
    assert not is_temporary("x.y.jpg")


def test_the_end_of_each_format_is_known_and_half_a_file_has_none() -> None:
    photos = in_every_format(Image.effect_noise((64, 48), 90).convert("RGB"))
    for name, data in photos.items():
        whole = has_end(data[:32], data[-32:], len(data))
        assert whole == (name not in {"TIFF", "AVIF", "HEIC"}), name
        half = data[: len(data) // 2]
        assert not has_end(half[:32], half[-32:], len(half)), name
