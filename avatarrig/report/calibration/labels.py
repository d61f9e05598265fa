"""Labels that a person gave to photos: which poses are good."""

from __future__ import annotations

import csv
import io
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from avatarrig.errors import AvatarRigError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from avatarrig.report.calibration.measured import MeasuredPhoto

IMAGE_COLUMN: Final = "image"
LABEL_COLUMN: Final = "label"
_MEANINGS: Final = {"good": True, "bad": False}
_BETWEEN: Final = (",", ";", "\t")
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")


class LabelsRefusedError(AvatarRigError, ValueError):
    """A file of labels cannot be used."""


def read_labels(file: Path) -> dict[str, bool]:
    """Reads a CSV file of labels.

    The first line names the columns, ``image`` and ``label`` among them; without such a line
    the first two columns are taken. Rows whose label is empty are not labelled yet.

    Args:
        file: As ``avatarrig audit`` writes it, filled in.

    Returns:
        Path of the photo within its dataset, POSIX separators, to whether its pose is good.

    Raises:
        LabelsRefusedError: Naming the file, the line and what is wrong.
    """
    try:
        first_line, rows, image, label = _table(_text(file.read_bytes()))
    except (OSError, csv.Error) as error:
        raise LabelsRefusedError(f"{file} cannot be read as CSV: {error}") from error
    labels: dict[str, bool] = {}
    for line, row in enumerate(rows[first_line:], first_line + 1):
        if len(row) <= max(image, label) or not row[label].strip():
            continue
        meaning = _MEANINGS.get(row[label].strip().lower())
        path = _posix(row[image])
        if meaning is None:
            raise LabelsRefusedError(
                f"{file}, line {line}: {row[label]!r} is no label; write good, bad or nothing"
            )
        if labels.get(path, meaning) != meaning:
            raise LabelsRefusedError(f"{file}, line {line}: {path} is labelled good and bad")
        labels[path] = meaning
    if not labels:
        raise LabelsRefusedError(
            f"{file} labels no photo: write good or bad into its column {LABEL_COLUMN!r}"
        )
    return labels


def labelled(
    photos: Iterable[MeasuredPhoto], labels: dict[str, bool]
) -> list[tuple[MeasuredPhoto, bool]]:
    """Pairs photos with their labels; photos without one are left out.

    Raises:
        LabelsRefusedError: No photo of the run is labelled.
    """
    pairs = [
        (photo, labels[_posix(photo.path)]) for photo in photos if _posix(photo.path) in labels
    ]
    if not pairs:
        example = next(iter(labels))
        raise LabelsRefusedError(
            f"no label is of a photo of these runs (the labels name {example!r}, for example): "
            "paths are within the dataset, as in the observations"
        )
    return pairs


def _text(data: bytes) -> str:
    """Reads what a table program saved: in Europe many write neither UTF-8 nor commas."""
    try:
        return data.decode("utf-16" if data.startswith(_UTF16) else "utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _table(text: str) -> tuple[int, list[list[str]], int, int]:
    """First line with data, all rows, and the columns of image and label."""
    tables = [list(csv.reader(io.StringIO(text, newline=""), delimiter=sign)) for sign in _BETWEEN]
    for rows in tables:
        names = [name.strip().lower() for name in rows[0]] if rows else []
        if IMAGE_COLUMN in names and LABEL_COLUMN in names:
            return 1, rows, names.index(IMAGE_COLUMN), names.index(LABEL_COLUMN)
    return 0, tables[0], 0, 1


def _posix(path: str) -> str:
    return str(PurePosixPath(path.strip().replace("\\", "/")))
