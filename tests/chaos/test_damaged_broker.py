"""What the embedded broker keeps is damaged: the same command mends it, and says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.cli.disturbed import Disturbed, Flock

pytestmark = pytest.mark.broker
PHOTOS = 20
CHECKED = 100
"""A byte of a segment that its first batch's checksum is over: behind 61 bytes of header."""


@pytest.mark.parametrize("topic", ["avatarrig.observations", "avatarrig.rejects"])
def test_a_flipped_byte_in_a_segment_costs_no_photo(
    start: Callable[..., Disturbed], tmp_path: Path, topic: str
) -> None:
    few = Flock(tmp_path / "photos", PHOTOS)
    few.add("broken.jpg", "crash")
    first = start(few.photos)
    whole = first.result()
    # A broker that took too long to end was killed, and Kafka cuts off itself what is damaged then.
    (first.run.broker / "data" / ".kafka_cleanshutdown").touch()
    flip_a_byte(first.run.broker / "data", topic, CHECKED)
    again = start(few.photos)
    result = again.result()
    assert result.document["photos"] == whole.document["photos"]
    assert result.estimate == whole.estimate
    assert "data was damaged and is now in" in again.errors()
    assert start(few.photos).result().estimate == whole.estimate


@pytest.mark.parametrize("place", [0, 8, 12], ids=["offset", "length", "epoch"])
def test_a_flipped_byte_that_no_checksum_is_over_costs_no_photo(
    start: Callable[..., Disturbed], tmp_path: Path, place: int
) -> None:
    few = Flock(tmp_path / "photos", PHOTOS)
    few.add("broken.jpg", "crash")
    first = start(few.photos)
    whole = first.result()
    flip_a_byte(first.run.broker / "data", "avatarrig.observations", place)
    for _ in range(2):
        result = start(few.photos).result()
        assert result.document["photos"] == whole.document["photos"]
        assert result.estimate == whole.estimate


def test_storage_that_no_broker_starts_with_costs_no_photo(
    start: Callable[..., Disturbed], tmp_path: Path
) -> None:
    few = Flock(tmp_path / "photos", PHOTOS)
    first = start(few.photos)
    whole = first.result()
    file = first.run.broker / "data" / "meta.properties"
    file.write_bytes(bytes(file.stat().st_size))  # as a power failure leaves it
    first.run.finished.unlink()
    again = start(few.photos)
    result = again.result()
    assert result.document["photos"] == whole.document["photos"]
    assert result.estimate == whole.estimate
    assert "data was damaged and is now in" in again.errors()


def flip_a_byte(data: Path, topic: str, place: int) -> None:
    segments = [file for file in data.glob(f"{topic}-*/*.log") if file.stat().st_size]
    content = bytearray(segments[0].read_bytes())
    content[place] ^= 0xFF
    segments[0].write_bytes(content)
