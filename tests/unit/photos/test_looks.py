"""A glance at a photo tells near-copies from others, and the sharp from the blurred."""

from __future__ import annotations

import cv2
import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray
from support.bursts import RENDERED, burst

from avatarrig.photos.looks.look import ALIKE, SMALL_SIDE, Look, apart, look_at


def seen(picture: NDArray[np.uint8]) -> Look:
    look = look_at(cv2.imencode(".png", picture)[1].tobytes())
    assert look is not None
    return look


def scene(person: int, *, shift: int = 0, light: float = 1.0) -> NDArray[np.uint8]:
    """A wall that stands, and somebody small before it, at a place."""
    random = np.random.default_rng(4)
    wall = cv2.resize(random.integers(60, 200, (12, 9), np.uint8), (360, 480))
    picture = np.asarray(wall, np.uint8).copy()
    cv2.rectangle(picture, (person, 200), (person + 30, 330), 15, -1)
    return np.roll((picture * light).astype(np.uint8), shift, 1)


def test_frames_of_a_burst_are_nearly_alike_and_other_photos_are_not() -> None:
    first, second = (look_at(frame) for frame in burst(RENDERED / "000.jpg", 2))
    other = look_at((RENDERED / "001.jpg").read_bytes())
    assert first is not None
    assert second is not None
    assert other is not None
    assert apart(first, first) == 0
    assert apart(first, second) < ALIKE < apart(first, other)


def test_a_hand_that_moves_makes_no_other_picture_and_a_person_who_moves_does() -> None:
    still = seen(scene(100))
    assert apart(still, seen(scene(100, shift=9))) < ALIKE
    assert apart(still, seen(scene(104))) < ALIKE
    assert apart(still, seen(scene(190))) > ALIKE


def test_light_matters_little() -> None:
    assert apart(seen(scene(100)), seen(scene(100, light=0.95))) < ALIKE


def test_a_picture_of_another_shape_is_another() -> None:
    picture = scene(100)
    assert apart(seen(picture), seen(picture[:300])) == float("inf")
    assert apart(seen(picture), seen(np.asarray(cv2.resize(picture, (181, 240))))) < ALIKE


@pytest.mark.parametrize("size", [(16, 16), (16, 2000), (2000, 16), (700, 500)])
def test_pictures_of_every_size_are_compared(size: tuple[int, int]) -> None:
    plain = seen(np.full(size, 90, np.uint8))
    assert len(plain.picture) <= SMALL_SIDE**2
    assert apart(plain, plain) == 0


def test_the_sharper_of_two_is_told() -> None:
    blurred, sharp = (look_at(frame) for frame in burst(RENDERED / "000.jpg", 2, sharpest=1))
    assert blurred is not None
    assert sharp is not None
    assert sharp.sharpness > 2 * blurred.sharpness


def test_what_is_no_picture_is_not_looked_at() -> None:
    assert look_at(b"\xff\xd8\xff no picture") is None


@pytest.mark.parametrize(("width", "picture"), [(97, b"1" * 97), (2, b"123"), (1, b"")])
def test_nonsense_is_no_look(width: int, picture: bytes) -> None:
    data = msgspec.msgpack.encode({"sharpness": 1.0, "width": width, "picture": picture})
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(data, type=Look)
