"""A producer that keeps what it is given; other tests publish to a real broker."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future

from support.waiting import PATIENCE

from avatarrig.wire import PhotoReference, Reject, decode
from avatarrig.wire.topics import IMAGES


class Acknowledged:
    """kafka-python's future of a record that the broker took, or did not take."""

    def __init__(self, error: BaseException | None) -> None:
        self._future: Future[None] = Future()
        if error is None:
            self._future.set_result(None)
        else:
            self._future.set_exception(error)

    def add_callback(self, callback: Callable[[object], object]) -> None:
        if self._future.exception() is None:
            callback(None)

    def add_errback(self, callback: Callable[[BaseException], object]) -> None:
        error = self._future.exception()
        if error is not None:
            callback(error)


class RecordingProducer:
    """Takes records, after as many refusals as it is told."""

    def __init__(self) -> None:
        self.refusals = 0
        self.records: list[PhotoReference | Reject] = []

    def send(self, topic: str, value: bytes, key: bytes) -> Acknowledged:
        assert key
        if self.refusals:
            self.refusals -= 1
            return Acknowledged(ConnectionError("away"))
        is_photo = topic == IMAGES
        self.records.append(decode(value, PhotoReference) if is_photo else decode(value, Reject))
        return Acknowledged(None)

    def flush(self) -> None:
        """Everything is acknowledged at once."""

    @property
    def photos(self) -> list[PhotoReference]:
        return [record for record in self.records if isinstance(record, PhotoReference)]

    @property
    def paths(self) -> list[str]:
        """Photos that were published."""
        return sorted(photo.path for photo in self.photos)

    def wait_for(self, *paths: str) -> None:
        """Waits until these are published."""
        give_up = time.monotonic() + PATIENCE
        while not set(paths) <= set(self.paths):
            assert time.monotonic() < give_up, self.paths
            time.sleep(0.01)
