"""Has the files of ``up --out`` say what the estimates are, a few seconds behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, Protocol

import msgspec
import structlog

from avatarrig.kafka.errors import TransportError
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.photos.object_store import StoreAwayError, lies_in_store
from avatarrig.pictures.preview import draw_preview
from avatarrig.process.background import Background
from avatarrig.runs import RunDirectory, RunStorageError, write_atomically
from avatarrig.runs.estimates import place_of_estimate
from avatarrig.runs.layout import SUBJECTS
from avatarrig.runs.store import RunStore
from avatarrig.views import Subject
from avatarrig.views.board import EVERYTHING, Board
from avatarrig.views.feed import ESTIMATES_OF_NOW, advance, following

WRITE_SECONDS: Final = 4.0
"""While photos flow, an estimate is written at most so often."""

_POLL_SECONDS: Final = 0.2
_RETRY_SECONDS: Final = 1.0
_STOP_SECONDS: Final = 6.0
"""What the aggregator said last is read and written within that, when all ends."""

_log = structlog.get_logger(__name__)


class Files(Protocol):
    """Where files are kept: a folder, or a store."""

    def write(self, files: Mapping[str, bytes]) -> None:
        """Writes files, each whole or not at all. `files`: Path below the place to content."""

    def remove(self, paths: Iterable[str]) -> int:
        """Removes those files that are there; returns how many."""


class Folder:
    """A folder of this machine."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, files: Mapping[str, bytes]) -> None:
        """Writes files, each whole or not at all.

        Args:
            files: Path below the folder to content.

        Raises:
            RunStorageError: The folder cannot take them.
        """
        for name, data in files.items():
            write_atomically(self._path / name, data)

    def remove(self, paths: Iterable[str]) -> int:
        """Removes those files that are there; returns how many.

        Raises:
            OSError: They may not be removed.
        """
        there = [file for file in map(self._path.joinpath, paths) if file.is_file()]
        for file in there:
            file.unlink(missing_ok=True)
        for folder in {file.parent for file in there if file.parent.parent.name == SUBJECTS}:
            if not any(folder.iterdir()):
                folder.rmdir()
        return len(there)


def files_at(out: str) -> Files:
    """Opens the place that ``--out`` names."""
    return RunStore(out) if lies_in_store(out) else Folder(Path(out))


class KeptEstimates:
    """Files of estimates: one person's where all lies, several people's below it.

    Args:
        files: Where they are kept.
    """

    def __init__(self, files: Files) -> None:
        self._files = files
        self._written: dict[str, tuple[int, RunDirectory]] = {}
        """Subject to the version that was written, and where."""
        self._is_first_left = True
        """Whether a single person's files of before may lie where all lies."""

    def write(self, subjects: Iterable[Subject]) -> None:
        """Writes what changed, and removes what is nobody's any more.

        Raises:
            RunStorageError: A file cannot be written.
        """
        known = {subject.name: subject for subject in subjects}
        layout, several = RunDirectory(Path()), len(known) > 1
        places = {name: place_of_estimate(layout, name, several=several) for name in known}
        for name, (_, place) in list(self._written.items()):
            if places.get(name) != place:
                self._files.remove(_names(place))
                del self._written[name]
        if several and self._is_first_left:
            self._files.remove(_names(layout))
            self._is_first_left = False
        for name, subject in known.items():
            version, _ = self._written.get(name, (None, layout))
            if subject.version != version and subject.record is not None:
                estimate = subject.record.estimate
                text = msgspec.json.format(msgspec.json.encode(estimate), indent=2) + b"\n"
                document, picture = _names(places[name])
                drawn = draw_preview(estimate, title=name)
                self._files.write({document: text, picture: drawn})
                self._written[name] = subject.version, places[name]


def _names(place: RunDirectory) -> tuple[str, str]:
    return place.estimate.as_posix(), place.preview.as_posix()


class KeepingEstimates:
    """Keeps the files up to date from a thread of its own, through every outage.

    Args:
        kafka: Where estimates come from.
        files: Where they are kept.
        subject: Whose estimate is kept; None for everybody's.
    """

    def __init__(self, kafka: KafkaSettings, files: Files, subject: str | None) -> None:
        self._kafka = kafka
        self._subject = subject
        self._kept = KeptEstimates(files)
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._trouble = ""

    def start(self, background: Background) -> None:
        """Begins."""
        self._thread = background.start("keeping estimates", self._run)

    def stop(self) -> None:
        """Writes what was estimated last, and ends."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._follow()
            except (TransportError, RunStorageError, StoreAwayError, OSError) as error:
                self._tell(error)
                self._ended.wait(_RETRY_SECONDS)

    def _tell(self, error: Exception) -> None:
        """Says once what keeps files from being written; that Kafka is away others say."""
        said = str(error)
        if isinstance(error, TransportError):
            _log.debug("estimates are not written at the moment", why=said)
        elif said != self._trouble:
            self._trouble = said
            _log.warning("estimates cannot be written", why=said)

    def _follow(self) -> None:
        with following(self._kafka, ESTIMATES_OF_NOW) as reader:
            board = Board(EVERYTHING)
            version, written_at, is_last = -1, float("-inf"), False
            while not is_last:
                is_ending = self._ended.is_set()
                news = advance(reader, board, _POLL_SECONDS)
                is_last = is_ending and not news
                is_due = is_last or time.monotonic() - written_at >= WRITE_SECONDS
                if board.version != version and is_due and not reader.behind:
                    self._kept.write(self._wanted(board.snapshot().estimated))
                    self._trouble = ""
                    version, written_at = board.version, time.monotonic()

    def _wanted(self, subjects: Iterable[Subject]) -> list[Subject]:
        return [each for each in subjects if self._subject in {None, each.name}]
