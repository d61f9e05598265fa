"""A run that has nothing left to do is told from its files, without a broker.

At its end a run writes down what it knew of the topics, and how the broker's files lay. The same
command later looks at every photo and every file that it wrote, as it would with a broker. Where
anything differs, the run goes its usual way.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final

import msgspec
import structlog

from avatarrig.files import read_file
from avatarrig.kafka.embedded import storage_state
from avatarrig.photos.passed_over import FileCounts
from avatarrig.pipeline.decisions.standings import unsettled
from avatarrig.pipeline.request import PreparedRun
from avatarrig.runs import (
    RunStorageError,
    lacking_files,
    read_decisions,
    write_atomically,
    write_json,
)
from avatarrig.views.progress import Progress, Remembered, found_photo
from avatarrig.wire import Reject
from producers.publish import described
from producers.references import Published, is_near_copy, reference_in
from producers.scan import DatasetError

UNVERIFIED: Final = (
    "{} observation files of an earlier version carry no checksum and are read as they are"
)
_DIGEST_BYTES: Final = 32
_FORMAT: Final = 1
_log = structlog.get_logger(__name__)


class _Finished(msgspec.Struct, frozen=True, kw_only=True):
    format: int
    run: str
    fingerprint: str
    learned: str | None
    storage: bytes
    told: bytes
    remembered: Remembered


class FinishedRun:
    """What a run directory says of its last run, where that left nothing to do.

    Attributes:
        all_detected: Whether `look` found that no detector has to look at any photo.
    """

    def __init__(self, run: PreparedRun) -> None:
        self._run = run
        self._request = run.request
        self._directory = run.directory
        self.all_detected = False

    def write(self, progress: Progress) -> None:
        """Writes down how a run ended; the broker has ended by now.

        What cannot be written costs the next start some seconds.
        """
        if self._request.kafka is not None:
            return
        document = msgspec.msgpack.encode(
            _Finished(
                format=_FORMAT,
                run=self._run.identity.run,
                fingerprint=self._run.fingerprint,
                learned=self._run.learned,
                storage=storage_state(self._directory.broker),
                told=self._told(),
                remembered=progress.remembered(),
            )
        )
        try:
            write_atomically(self._directory.finished, hashlib.sha256(document).digest() + document)
        except RunStorageError as error:
            _log.warning("what the run knew is not kept", why=str(error))

    def look(self, tell: Callable[[str], None]) -> Progress | None:
        """Looks whether anything is left to do.

        Args:
            tell: Hears of what a person may want to know of the files.

        Returns:
            How the run stands; None where it has to be carried out, or fails in its usual way.

        Raises:
            DecisionsFileError: The file of decisions is damaged.
        """
        remembered = self._read()
        if remembered is None:
            return None
        try:
            return self._looked(remembered, tell)
        except (DatasetError, RunStorageError) as error:
            _log.info("the run goes its usual way", why=str(error))
            return None

    def _looked(self, remembered: Remembered, tell: Callable[[str], None]) -> Progress | None:
        progress = self._run.progress()
        progress.recall(remembered)
        counts = FileCounts()
        unverified = 0
        for record in described(
            self._request.dataset,
            self._run.dataset,
            max_images=self._request.max_images,
            leave_out=(self._directory.path,),
            clips=self._request.clips,
            counts=counts,
        ):
            is_done, is_verified = self._is_done(record, progress)
            if not is_done:
                return None
            unverified += not is_verified
        self.all_detected = True
        if not self._is_settled(progress):
            return None
        if self._request.max_images is None:
            write_json(self._directory.files, counts.to_document())
        if unverified:
            tell(UNVERIFIED.format(unverified))
        return progress

    def _read(self) -> Remembered | None:
        if self._request.kafka is not None:
            return None
        try:
            data = read_file(self._directory.finished)
            digest, document = data[:_DIGEST_BYTES], data[_DIGEST_BYTES:]
            if hashlib.sha256(document).digest() != digest:
                raise msgspec.DecodeError("it does not fit its checksum")
            finished = msgspec.msgpack.decode(document, type=_Finished)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as error:
            _log.warning("what the last run knew is of no use", why=str(error))
            return None
        return finished.remembered if self._fits(finished) else None

    def _fits(self, finished: _Finished) -> bool:
        """Whether that was this run, as it is asked for now, and its broker's records as then."""
        run = self._run
        known = (finished.format, finished.run, finished.fingerprint, finished.learned)
        return (
            known == (_FORMAT, run.identity.run, run.fingerprint, run.learned)
            and (finished.told == self._told() or not self._request.tells_measured)
            and finished.storage == storage_state(self._directory.broker)
        )

    def _told(self) -> bytes:
        """What this request tells the aggregator of the person, packed."""
        asked = self._request.estimate
        told = (asked.height, asked.measured) if self._request.tells_measured else None
        return msgspec.msgpack.encode(told)

    def _is_done(self, record: Published, progress: Progress) -> tuple[bool, bool]:
        """Tells of a photo whether nothing is left to do, and whether its file has a checksum."""
        reference = reference_in(record)
        if reference is None:
            return False, True
        photo = found_photo(reference, is_near_copy=is_near_copy(record))
        progress.found(photo)
        rejected = progress.reject_of(photo)
        if isinstance(record, Reject) and not photo.is_near_copy:
            same = rejected is not None and rejected.message == record.message
            return same, True
        if rejected is not None:
            return True, True
        if not progress.is_observed(photo):
            return False, True
        wanted = self._request.detecting.wanted
        lacking = lacking_files(
            self._directory, photo.image_id, photo.subject, self._run.fingerprint, wanted
        )
        return lacking.nothing, lacking.is_verified

    def _is_settled(self, progress: Progress) -> bool:
        """Whether every photo stands as it shall, and is in an estimate."""
        left = unsettled(
            progress,
            read_decisions(self._directory),
            prune=self._run.prune,
            period=self._request.period,
        )
        return next(left, None) is None and progress.estimates_complete
