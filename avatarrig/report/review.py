"""The page on which a person decides which photos count."""

from __future__ import annotations

import base64
import shlex
import unicodedata
from pathlib import Path
from typing import Final

import jinja2
import msgspec

from avatarrig.body.evidence.counting import why_not
from avatarrig.body.recognition import LIKENESS
from avatarrig.report.collect import collect
from avatarrig.report.thumbnails import Thumbnails, to_webp
from avatarrig.runs import RunDirectory, load_run
from avatarrig.views.doubtful import Doubtful, most_doubtful
from avatarrig.wire.reasons import Exclusion, verdict

PAGE_NAME: Final = "review.html"


class _Card(msgspec.Struct, frozen=True):
    image_id: str
    path: str
    subject: str
    state: str
    counts: bool
    why: str
    source: str
    width: int
    height: int


def make_review(directory: Path, most: int) -> tuple[bytes, int]:
    """Lays the photos that matter most out as a page.

    Args:
        most: At most so many photos of each subject.

    Returns:
        The HTML page, which needs no other file, and how many photos it shows.

    Raises:
        UnreportableRunError: It holds no observation, or a file that cannot be read.
        ObservationFileError: An observation is damaged.
    """
    collected = collect(directory)
    shown = {photo.observation.image_id for photo in collected.photos}
    by_subject: dict[str, list[Doubtful]] = {}
    subjects = sorted({photo.observation.subject for photo in collected.photos})
    for subject in subjects:
        photos = [
            photo.observation
            for photo in collected.photos
            if photo.observation.subject == subject and photo.observation.image_id in shown
        ]
        by_subject[subject] = most_doubtful(photos, most)
    thumbnails = Thumbnails(collected.run, collected.dataset)
    cards = [_card(photo, thumbnails) for photos in by_subject.values() for photo in photos]
    page = _template().render(
        title=directory.resolve().name,
        cards=cards,
        run=shlex.quote(str(directory)),
        several=len(subjects) > 1,
    )
    return page.encode(), len(cards)


def _card(photo: Doubtful, thumbnails: Thumbnails) -> _Card:
    seen = photo.observation
    picture = thumbnails.of(seen)
    likeness = seen.meta.get(LIKENESS)
    state = verdict(photo.excluded)
    words = [why for why in photo.why if why not in state]
    if photo.excluded is None:
        words.append(f"moves the estimate by {photo.pull:.1f} %")
    if isinstance(likeness, float):
        words.append(f"likeness {likeness:.2f}")
    source = ""
    if picture is not None:
        source = "data:image/webp;base64," + base64.b64encode(to_webp(picture)).decode()
    return _Card(
        image_id=seen.image_id,
        path=seen.path,
        subject=seen.subject,
        state=state,
        counts=photo.excluded is None,
        why=" · ".join(words),
        source=source,
        width=0 if picture is None else picture.width,
        height=0 if picture is None else picture.height,
    )


class Sorted(msgspec.Struct, frozen=True):
    """What labels say of a run's photos, by their image_ids.

    Attributes:
        others: Those labelled good that show somebody else, as far as the detector knows: a label
            tells of the pose, not of whose it is.
        unknown: Paths that are labelled and were not observed in the run.
    """

    bad: list[str]
    good: list[str]
    others: list[str]
    unknown: list[str]


def sorted_by(directory: Path, labels: dict[str, bool]) -> Sorted:
    """Sorts labelled photos into those to leave out and those to bring back.

    Args:
        labels: Path of a photo within its dataset to whether it is good.
    """
    by_path: dict[str, list[tuple[str, bool]]] = {}
    for seen in load_run(RunDirectory(directory).path):
        is_other = why_not(seen) is Exclusion.SOMEBODY_ELSE
        path = unicodedata.normalize("NFC", seen.path)
        by_path.setdefault(path, []).append((seen.image_id, is_other))
    told = Sorted([], [], [], [])
    for path, is_good in labels.items():
        found = by_path.get(unicodedata.normalize("NFC", path), ())
        if not found:
            told.unknown.append(path)
        for image_id, is_other in found:
            if not is_good:
                told.bad.append(image_id)
            elif is_other:
                told.others.append(path)
            else:
                told.good.append(image_id)
    return told


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("avatarrig.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template("review.html")
