"""A sample of a run for a person to label: a CSV file and a contact sheet of overlays."""

from __future__ import annotations

import contextlib
import csv
import io
from typing import TYPE_CHECKING, Final

import msgspec
from PIL import Image, ImageDraw, ImageFont, ImageOps

from avatarrig.body.evidence.counting import why_not
from avatarrig.photos.damage import unless_damaged
from avatarrig.report.calibration.labels import IMAGE_COLUMN, LABEL_COLUMN
from avatarrig.report.calibration.measured import UnreadableRunError
from avatarrig.runs import RunDirectory
from avatarrig.runs.decisions import as_it_stands, read_standings
from avatarrig.runs.files import read_observation
from avatarrig.runs.observation_document import ObservationFileError
from avatarrig.wire.reasons import Exclusion, verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from avatarrig.report.calibration.measured import MeasuredPhoto, MeasuredRun

_FORMULAS: Final = ("=", "+", "-", "@")
_COLUMNS: Final = 5
_CELL: Final = (360, 300)
_CAPTION: Final = 57
_PAPER, _INK, _EMPTY = "white", "black", "#d8d8d8"


def choose_sample(run: MeasuredRun, size: int) -> tuple[MeasuredPhoto, ...]:
    """Chooses photos with a pose that cover the whole range of scores evenly.

    The choice is the same each time: labels are worth most where thresholds may come to lie,
    and a random sample of a good run hardly holds a bad pose.

    Returns:
        At least one and at most that many, by rising score.

    Raises:
        UnreadableRunError: No photo shows a pose.
    """
    ranked = sorted(run.with_pose, key=lambda photo: (photo.score, photo.image_id))
    if not ranked:
        raise UnreadableRunError(f"no photo of {run.directory} shows a pose: nothing to label")
    if len(ranked) <= size:
        return tuple(ranked)
    last = max(size - 1, 1)
    return tuple(ranked[index * (len(ranked) - 1) // last] for index in range(size))


def without_gone(run: MeasuredRun) -> MeasuredRun:
    """Leaves out photos that are gone from the dataset, or replaced: labels are by path.

    Raises:
        DecisionsFileError: The file of what was decided by hand is damaged.
    """
    standings = read_standings(RunDirectory(run.directory)).items()
    gone = {image_id for (_, image_id), standing in standings if standing == Exclusion.GONE}
    there = tuple(photo for photo in run.photos if photo.image_id not in gone)
    return msgspec.structs.replace(run, photos=there)


def verdicts_of(directory: Path, sample: Sequence[MeasuredPhoto]) -> dict[str, str]:
    """Tells whether photos of a run count and why not, in words, by image_id.

    Nothing is told of a run of the prototype, whose observations hold no evidence.

    Raises:
        DecisionsFileError: The file of what was decided by hand is damaged.
    """
    run = RunDirectory(directory)
    standings = read_standings(run)
    verdicts = {}
    for photo in sample:
        with contextlib.suppress(ObservationFileError):
            seen = read_observation(run.observation(photo.image_id))
            verdicts[photo.image_id] = verdict(why_not(as_it_stands(seen, standings)))
    return verdicts


def to_csv(sample: Sequence[MeasuredPhoto], verdicts: Mapping[str, str]) -> bytes:
    """Lays a sample out as CSV (UTF-8); the label's column is to be filled in."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["number", IMAGE_COLUMN, LABEL_COLUMN, "pose_score", "frame_kind", "estimate"])
    for number, photo in enumerate(sample, 1):
        stands = verdicts.get(photo.image_id, "")
        score = f"{photo.score:.3f}"
        writer.writerow([number, _in_table(photo.path), "", score, photo.frame_kind, stands])
    return text.getvalue().encode()


def _in_table(path: str) -> str:
    """A path as a table program leaves it alone: some beginnings make it a formula."""
    return f"./{path}" if path.startswith(_FORMULAS) else path


def draw_contact_sheet(
    run: MeasuredRun, sample: Sequence[MeasuredPhoto], verdicts: Mapping[str, str]
) -> bytes:
    """Draws the overlays of a sample, numbered as in the CSV file.

    A photo without an overlay gets an empty field that says so.

    Args:
        sample: What `choose_sample` chose, at least one photo.
        verdicts: What `verdicts_of` told of them.

    Returns:
        A JPEG, 1800 pixels wide.
    """
    width, height = _CELL
    rows = -(-len(sample) // _COLUMNS)
    sheet = Image.new("RGB", (_COLUMNS * width, rows * height), _PAPER)
    for index, photo in enumerate(sample):
        corner = (index % _COLUMNS * width, index // _COLUMNS * height)
        stands = verdicts.get(photo.image_id, "")
        sheet.paste(_cell(run.directory, photo, index + 1, stands), corner)
    data = io.BytesIO()
    sheet.save(data, "JPEG", quality=85)
    return data.getvalue()


def _cell(directory: Path, photo: MeasuredPhoto, number: int, stands: str) -> Image.Image:
    width, height = _CELL
    cell = Image.new("RGB", _CELL, _PAPER)
    room = (width - 8, height - _CAPTION)
    overlay = directory / "overlays" / f"{photo.image_id}.png"
    picture = unless_damaged(lambda: _contained(overlay, room), None)
    if picture is None:
        picture = Image.new("RGB", room, _EMPTY)
        ImageDraw.Draw(picture).text((8, 8), "no overlay: run with --debug-overlays", _INK)
    cell.paste(picture, ((width - picture.width) // 2, 0))
    pen, font = ImageDraw.Draw(cell), ImageFont.load_default(14)
    pen.text((6, height - _CAPTION + 2), f"{number}  score {photo.score:.2f}", _INK, font)
    pen.text((6, height - _CAPTION + 19), _ascii_tail(photo.path, 46), _INK, font)
    pen.text((6, height - _CAPTION + 36), stands, _INK, ImageFont.load_default(12))
    return cell


def _contained(overlay: Path, room: tuple[int, int]) -> Image.Image:
    with Image.open(overlay) as opened:
        return ImageOps.contain(opened.convert("RGB"), room)


def _ascii_tail(path: str, characters: int) -> str:
    """The end of a path in what the built-in font can draw."""
    drawable = path.encode("ascii", "replace").decode("ascii")
    return drawable if len(drawable) <= characters else f"...{drawable[3 - characters :]}"
