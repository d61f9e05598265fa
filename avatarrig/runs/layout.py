"""Where the files of a run are."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout

from avatarrig.errors import AvatarRigError, ExitCode
from avatarrig.files import make_way, read_file, told
from avatarrig.runs.atomic import refused, remove_unfinished, write_json
from avatarrig.wire import decode_json

OBSERVATIONS = "observations"
OVERLAYS = "overlays"
MASKS = "masks"
SUBJECTS = "subjects"
"""Of several people: a folder with the estimate of each."""
ESTIMATE = "skeleton_estimate.json"


class RunDirectory(msgspec.Struct, frozen=True):
    """A run directory: what people keep, and under ``.avatarrig`` what the pipeline keeps."""

    path: Path

    @property
    def observations(self) -> Path:
        """Folder of the observation files."""
        return self.path / OBSERVATIONS

    @property
    def index(self) -> Path:
        """One line per photo: observed or rejected, and where the files are."""
        return self.path / "phase1_index.jsonl"

    @property
    def summary(self) -> Path:
        """Counts, rejects with reasons, settings."""
        return self.path / "phase1_summary.json"

    @property
    def estimate(self) -> Path:
        """The skeleton estimate."""
        return self.path / ESTIMATE

    @property
    def decisions(self) -> Path:
        """Which photos were left out or brought back by hand, and why."""
        return self.path / "decisions.json"

    @property
    def preview(self) -> Path:
        """The skeleton estimate as a T-pose picture."""
        return self.path / "skeleton_estimate.png"

    @property
    def private(self) -> Path:
        """What the pipeline keeps for itself: broker data, logs, the run's identity."""
        return self.path / ".avatarrig"

    @property
    def standings(self) -> Path:
        """How photos stood in the estimate when the last run ended."""
        return self.private / "standings.json"

    @property
    def files(self) -> Path:
        """How many files of which kind the dataset held at the last look."""
        return self.private / "files.json"

    @property
    def finished(self) -> Path:
        """What the last run knew in the end, as long as nothing was left to do."""
        return self.private / "finished.msgpack"

    @property
    def broker(self) -> Path:
        """Log data of the embedded broker."""
        return self.private / "broker"

    @property
    def logs(self) -> Path:
        """What the stages had to say."""
        return self.private / "logs"

    def observation(self, image_id: str) -> Path:
        """File of one observation."""
        return self.observations / f"{image_id}.json"

    def overlay(self, image_id: str) -> Path:
        """Skeleton, face mesh and mask drawn over the photo, with a caption."""
        return self.path / OVERLAYS / f"{image_id}.png"

    def raw(self, image_id: str) -> Path:
        """Skeleton and face mesh over the photo, all of them as the models gave them."""
        return self.path / OVERLAYS / f"{image_id}_raw.png"

    def mask(self, image_id: str) -> Path:
        """8-bit person mask, 255 = person, in the photo's size."""
        return self.path / MASKS / f"{image_id}.png"

    def files_of(self, image_id: str) -> list[Path]:
        """All files that a photo may have, its observation last."""
        pictures = [self.overlay(image_id), self.raw(image_id), self.mask(image_id)]
        return [*pictures, self.observation(image_id)]

    def remove_unfinished(self) -> None:
        """Removes what killed writers have left half-written; none may be at work."""
        for folder in (self.path, *(self.path / name for name in (OBSERVATIONS, OVERLAYS, MASKS))):
            remove_unfinished(folder)


_IDENTITY = "run.json"
_LOCK = "lock"


class RunIdentity(msgspec.Struct, frozen=True):
    """What makes a run the same run when its command is given again."""

    run: str
    dataset_dir: str
    dataset: str


class ForeignRunError(AvatarRigError, ValueError):
    """The run directory belongs to another dataset."""

    exit_code = ExitCode.WRONG_USAGE


@contextlib.contextmanager
def locked(run: RunDirectory) -> Iterator[None]:
    """Keeps other commands that change a run away from it.

    Raises:
        filelock.Timeout: One is at work on it.
        RunStorageError: The lock cannot be made.
    """
    file = run.private / _LOCK
    make_way(file)
    lock = FileLock(file, blocking=False)
    try:
        lock.acquire()
    except Timeout:
        raise
    except OSError as error:
        raise refused(error, file) from error
    try:
        yield
    finally:
        lock.release()


def dataset_of(run: RunDirectory) -> Path | None:
    """Folder of a run's photos, as the run itself noted it; None where it noted nothing."""
    try:
        identity = decode_json(read_file(run.private / _IDENTITY), RunIdentity)
    except (OSError, msgspec.MsgspecError):
        return None
    return Path(identity.dataset_dir)


def open_run(path: Path, dataset_dir: Path) -> tuple[RunDirectory, RunIdentity]:
    """Opens a run directory, or makes it.

    Args:
        dataset_dir: The folder of photos that the run is about.

    Returns:
        The directory and its identity, the same each time.

    Raises:
        ForeignRunError: The directory holds the run of another dataset.
        RunStorageError: It cannot be written.
    """
    run = RunDirectory(path)
    wanted = str(dataset_dir.resolve())
    identity_file = run.private / _IDENTITY
    try:
        identity = decode_json(read_file(identity_file), RunIdentity)
    except (FileNotFoundError, NotADirectoryError):
        identity = RunIdentity(uuid.uuid4().hex[:12], wanted, dataset_dir.resolve().name)
        write_json(identity_file, identity)
    except (OSError, msgspec.MsgspecError) as error:
        raise ForeignRunError(
            f"{told(identity_file, error)}: delete it, or choose another --out"
        ) from error
    if identity.dataset_dir != wanted:
        raise ForeignRunError(
            f"{path} holds the run of {identity.dataset_dir}, not of {wanted}: choose another --out"
        )
    return run, identity
