"""A run read back by a program: its observations one by one, or as a table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from avatarrig.runs.decisions import as_it_stands, read_standings
from avatarrig.runs.files import read_observation
from avatarrig.runs.layout import RunDirectory
from avatarrig.wire import Observation

if TYPE_CHECKING:
    import polars as pl


class Run:
    """The observations of a run, read from its files whenever they are asked for.

    >>> from avatarrig import load_run
    >>> run = load_run("outputs/runs/Demo")
    >>> len(run)
    30
    >>> run.frame().select("image_id", "person", "counts").head(1).rows()
    [('photo-00', True, True)]

    Raises:
        FileNotFoundError: There is no such run.
    """

    def __init__(self, path: Path) -> None:
        self._run = RunDirectory(path)
        if not self._run.observations.is_dir():
            raise FileNotFoundError(
                f"{path} is no run directory: it has no observations folder; give the folder "
                "that was named with --out"
            )

    @property
    def path(self) -> Path:
        """The run directory."""
        return self._run.path

    def __len__(self) -> int:
        return len(self._files())

    def __iter__(self) -> Iterator[Observation]:
        """Reads the observations, in the order of their identifiers.

        Yields:
            Observations as they travelled; of photos that were left out or brought back by hand,
            as they count.

        Raises:
            ObservationFileError: A file is damaged, or called like another photo.
            DecisionsFileError: The file of what was decided by hand is damaged.
        """
        standings = read_standings(self._run)
        return (as_it_stands(read_observation(file), standings) for file in self._files())

    def frame(self) -> pl.DataFrame:
        """Returns one row a photo: what it is, its quality and what it says of bone lengths.

        See `avatarrig.runs.frame.photo_frame` for the columns; ``.to_pandas()`` makes a pandas
        frame of it where pandas is installed.

        Raises:
            MissingExtraError: Polars is not installed.
            ObservationFileError: A file is damaged.
        """
        from avatarrig.runs.frame import photo_frame  # noqa: PLC0415 - needs polars, an extra

        return photo_frame(self)

    def landmarks(self) -> pl.DataFrame:
        """Returns one row a landmark of each pose: see `avatarrig.runs.frame.landmark_frame`.

        Raises:
            MissingExtraError: Polars is not installed.
            ObservationFileError: A file is damaged.
        """
        from avatarrig.runs.frame import landmark_frame  # noqa: PLC0415 - needs polars, an extra

        return landmark_frame(self)

    def _files(self) -> list[Path]:
        return sorted(self._run.observations.glob("*.json"))


def load_run(path: Path | str) -> Run:
    """Opens a run to read its observations.

    Args:
        path: The run directory, as named with ``--out``.

    Returns:
        The run: iterate over it, or ask for its `Run.frame`.

    Raises:
        FileNotFoundError: There is no such run.
    """
    return Run(Path(path))
