"""What 1.0 left behind, and what it is owed: see tests/data/one_point_zero/README.md."""

from __future__ import annotations

import functools
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

DATA = Path(__file__).parents[2] / "data" / "one_point_zero"
SUBJECT = "Ada"
FORGOTTEN = "Bob"
HEIGHT = "1.70m"
WINDOW = "30d"
FINGERPRINT = "a47e5d20b60ec098"


class Message(msgspec.Struct, frozen=True, array_like=True):
    """A message as it lay in a topic."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


def messages(topic: str) -> list[Message]:
    """What a topic held, by partition and offset."""
    return [message for message in _messages() if message.topic == topic]


def values(topic: str) -> list[bytes]:
    """What a topic's records are, tombstones left out."""
    return [message.value for message in messages(topic) if message.value is not None]


def estimate() -> dict[str, Any]:
    """The estimate that 1.0 gave."""
    document: dict[str, Any] = msgspec.json.decode(
        (DATA / "run/skeleton_estimate.json").read_bytes()
    )
    return document


def copy_run(folder: Path) -> tuple[Path, Path]:
    """Copies photos and run directory; the photos lie where the run says they do."""
    photos, run = folder / "photos" / SUBJECT, folder / "runs" / SUBJECT
    shutil.copytree(DATA / "photos", photos)
    shutil.copytree(DATA / "run", run)
    identity_file = run / ".avatarrig" / "run.json"
    identity = msgspec.json.decode(identity_file.read_bytes())
    identity_file.write_bytes(
        msgspec.json.encode(identity | {"dataset_dir": str(photos.resolve())})
    )
    return photos, run


_OFFSETS = 0.03


def check_estimate(document: dict[str, Any], then: dict[str, Any]) -> None:
    """Checks an estimate from the run's observations against that which 1.0 gave.

    Evidence is made anew from the stored landmarks, and photos of one moment are no independent
    witnesses any more: what is said now must meet what 1.0 said. Medians are of plain ratios, from
    which today's weights subtract other constant offsets.
    """
    assert document["photos"].items() >= then["photos"].items()
    assert document["used_observations"] == then["used_observations"]
    for key, bone in then["stats"].items():
        today = document["stats"][key]
        assert today["n"] == bone["n"]
        assert today["median"] == pytest.approx(bone["median"], rel=_OFFSETS), key
        assert today["interval"][0] <= bone["interval"][1], key
        assert today["interval"][1] >= bone["interval"][0], key


def check_contains(today: object, then: object) -> None:
    """Checks that everything that was there is there, and equal; there may be more."""
    if not isinstance(then, dict):
        assert today == then
        return
    assert isinstance(today, dict)
    for key, value in then.items():
        check_contains(today[key], value)


@functools.cache
def _messages() -> list[Message]:
    return msgspec.msgpack.decode((DATA / "topics.msgpack").read_bytes(), type=list[Message])
