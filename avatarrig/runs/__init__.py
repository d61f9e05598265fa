"""A run's files: where they are, how they are written and read back."""

from avatarrig.runs.atomic import RunStorageError, write_atomically, write_json
from avatarrig.runs.files import (
    Pictures,
    WantedFiles,
    is_complete,
    parse_observation,
    read_file_counts,
    read_observation,
    write_observation,
)
from avatarrig.runs.layout import ForeignRunError, RunDirectory, RunIdentity, open_run
from avatarrig.runs.loaded import Run, load_run
from avatarrig.runs.observation_document import ObservationFileError

__all__ = [
    "ForeignRunError",
    "ObservationFileError",
    "Pictures",
    "Run",
    "RunDirectory",
    "RunIdentity",
    "RunStorageError",
    "WantedFiles",
    "is_complete",
    "load_run",
    "open_run",
    "parse_observation",
    "read_file_counts",
    "read_observation",
    "write_atomically",
    "write_json",
    "write_observation",
]
