"""Files of a run that shall lie in an object store, taken there for the detector process.

That process holds no credentials: it writes into a folder as ever, and this one takes what it
finds there to the store before the observation is sent.
"""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from avatarrig.errors import AvatarRigError
from avatarrig.photos.object_store import StoreAwayError
from avatarrig.photos.refused import PhotoRefusedError
from avatarrig.photos.source import PhotoSource, StorageUnreachableError
from avatarrig.runs import RunDirectory
from avatarrig.runs.store import RunStore

SENDS = 3
"""Photos whose files are sent at once by a replica."""


class AnswerRefusedError(AvatarRigError, ValueError):
    """The detector process says that it wrote files which are not there, or are no files."""


class StoredFiles:
    """Sends the files of observed photos, and deletes them here.

    Args:
        store: Where they shall lie.
        folder: The run directory that the detector process writes to; nobody else does.
    """

    def __init__(self, store: RunStore, folder: Path, max_bytes: int) -> None:
        self._store = store
        self._run = RunDirectory(folder)
        self._source = PhotoSource([folder], max_bytes)
        self._pool = ThreadPoolExecutor(SENDS, thread_name_prefix="send")

    def send(self, image_id: str) -> Future[None]:
        """Begins to send a photo's files, the observation last.

        Returns:
            Done when they lie in the store. Otherwise its exception is `StorageUnreachableError`
            (try again later), `RunStorageError` (the store takes none) or `AnswerRefusedError`.
        """
        return self._pool.submit(self._send, image_id)

    def keep_only(self, image_ids: Collection[str]) -> None:
        """Deletes what is here of photos other than these."""
        for file in self._run.path.glob("*/[!.]*"):  # those that are whole
            if not {file.stem, file.stem.removesuffix("_raw")} & set(image_ids):
                file.unlink(missing_ok=True)

    def close(self) -> None:
        """Gives up what is on its way."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _send(self, image_id: str) -> None:
        run = self._run
        files = [file for file in run.files_of(image_id) if file.exists()]
        if run.observation(image_id) not in files:
            raise AnswerRefusedError("the detector wrote no observation")
        try:
            content = {
                file.relative_to(run.path).as_posix(): self._source.read_file(file)
                for file in files
            }
        except PhotoRefusedError as error:
            raise AnswerRefusedError(error.message) from error
        try:
            self._store.write(content)
        except StoreAwayError as error:
            raise StorageUnreachableError(str(error)) from error
