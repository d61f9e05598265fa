"""The secret of a broker of one's own, whatever lies where it is kept."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from avatarrig.kafka import own_broker
from avatarrig.kafka.own_broker import OwnBroker, own_broker_at, register, secret_in


@pytest.mark.parametrize(
    "damaged",
    [b"", b"\n", b"\0" * 43, b"short", b"\xff\xfe" * 20, b"a" * 20 + b'"; b="' + b"c" * 20],
    ids=["empty", "blank", "zeroed", "cut off", "no text", "a quotation mark"],
)
def test_a_damaged_secret_is_made_anew(tmp_path: Path, damaged: bytes) -> None:
    """It stands quoted in the broker's settings, which anything else would break."""
    file = tmp_path / "secret"
    secret = secret_in(file)
    assert secret_in(file) == secret
    file.write_bytes(damaged)
    anew = secret_in(file)
    assert anew not in {secret, damaged.decode("latin-1").strip()}
    assert secret_in(file) == anew
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_secret_takes_the_place_of_a_pipe_or_an_empty_folder(tmp_path: Path) -> None:
    pipe, folder = tmp_path / "pipe", tmp_path / "folder"
    os.mkfifo(pipe)
    folder.mkdir()
    for file in (pipe, folder):
        assert secret_in(file) == secret_in(file)
        assert file.is_file()


@pytest.mark.parametrize("owner", ["", "x", "-1", "9" * 30, "9" * 5000])
def test_a_broker_whose_lock_names_no_process_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: str
) -> None:
    """Whatever lies there, the settings of any Kafka on that port are read."""
    monkeypatch.setattr(own_broker, "_folder", lambda: tmp_path)
    lock = tmp_path / "lock"
    lock.write_text(str(os.getpid()))
    register(23817, OwnBroker("s" * 40, str(lock)))
    assert own_broker_at(23817) is not None
    lock.write_text(owner)
    assert own_broker_at(23817) is None
