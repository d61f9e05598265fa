"""A run's files: where they are, how they are written and read back."""

from avatarrig.runs.atomic import RunStorageError, make_folder, write_atomically, write_json
from avatarrig.runs.decisions import (
    Decided,
    Decisions,
    DecisionsFileError,
    as_it_stands,
    read_decisions,
    read_standings,
    write_decisions,
    write_standings,
)
from avatarrig.runs.files import (
    Lacking,
    Pictures,
    WantedFiles,
    is_complete,
    lacking_files,
    parse_observation,
    read_file_counts,
    read_index,
    read_observation,
    write_index,
    write_observation,
    write_pictures,
)
from avatarrig.runs.layout import ForeignRunError, RunDirectory, RunIdentity, dataset_of, open_run
from avatarrig.runs.loaded import Run, load_run
from avatarrig.runs.observation_document import ObservationFileError

__all__ = [
    "Decided",
    "Decisions",
    "DecisionsFileError",
    "ForeignRunError",
    "Lacking",
    "ObservationFileError",
    "Pictures",
    "Run",
    "RunDirectory",
    "RunIdentity",
    "RunStorageError",
    "WantedFiles",
    "as_it_stands",
    "dataset_of",
    "is_complete",
    "lacking_files",
    "load_run",
    "make_folder",
    "open_run",
    "parse_observation",
    "read_decisions",
    "read_file_counts",
    "read_index",
    "read_observation",
    "read_standings",
    "write_atomically",
    "write_decisions",
    "write_index",
    "write_json",
    "write_observation",
    "write_pictures",
    "write_standings",
]
