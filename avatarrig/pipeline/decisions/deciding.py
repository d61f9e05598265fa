"""Taking photos of a run out of its estimate by hand, and bringing them back."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from filelock import Timeout

from avatarrig.body.estimate import EstimateOptions
from avatarrig.body.estimator import Estimator
from avatarrig.body.evidence.counting import Excluded, judge
from avatarrig.body.evidence.standing import (
    KnownPhoto,
    did_you_mean,
    fits,
    including,
    is_itself,
    leaving_out,
    why_same,
)
from avatarrig.body.refused import StateRefusedError
from avatarrig.errors import CommandError, ExitCode
from avatarrig.files import read_file
from avatarrig.pipeline.results import write_drawn
from avatarrig.runs import (
    Decided,
    RunDirectory,
    as_it_stands,
    dataset_of,
    impossible_evidence,
    locked,
    make_folder,
    read_decisions,
    read_index,
    read_observation,
    read_standings,
    write_decisions,
    write_index,
    write_json,
)
from avatarrig.runs.estimates import options_of
from avatarrig.runs.summary import left_out_in, read_summary
from avatarrig.wire import decode_json
from avatarrig.wire.estimate import Estimate
from avatarrig.wire.keys import PhotoKey
from avatarrig.wire.reasons import Exclusion
from avatarrig.wire.standings import AS_SEEN, AUTOMATIC


class Changed(msgspec.Struct, frozen=True):
    """What became of the photos that were named.

    Attributes:
        photos: Those that stand otherwise now.
        same: Those that stood like that before, or that cannot be made to count, with the reason.
        estimates: Subject to the estimate that is written now.
    """

    photos: tuple[KnownPhoto, ...]
    same: tuple[tuple[KnownPhoto, str], ...]
    estimates: dict[str, Estimate]


class _Record(msgspec.Struct, frozen=True):
    subject: str
    path: str
    fingerprint: str


class _Head(msgspec.Struct, frozen=True):
    """What is read of an observation's file; the rest is skipped."""

    image_id: str
    avatarrig: _Record


def exclude_from_run(path: Path, names: Sequence[str], reason: str) -> Changed:
    """Takes photos out of a run's estimate.

    Args:
        names: image_ids, paths or patterns.

    Raises:
        CommandError: There is no such run or photo, or another command is at work on the run.
    """
    return _change(path, names, reason, excluding=True)


def include_in_run(path: Path, names: Sequence[str], reason: str) -> Changed:
    """Brings photos back, or has photos count of which the detector was not sure.

    Args:
        names: image_ids, paths or patterns.

    Raises:
        CommandError: There is no such run or photo, or another command is at work on the run.
    """
    return _change(path, names, reason, excluding=False)


def matching(
    photos: Iterable[KnownPhoto], names: Sequence[str], dataset: Path | None = None
) -> list[KnownPhoto]:
    """Finds the photos that are named.

    Args:
        names: image_ids; paths within the dataset, or where the photos lie; folders; patterns such
            as ``2019/*.jpg``, in which ``*`` stands for folders as well.

    Returns:
        Each once, by path.

    Raises:
        CommandError: A name fits none of them.
    """
    known = sorted(photos, key=lambda photo: photo.path)
    by_id: dict[str, list[KnownPhoto]] = {}
    for photo in known:
        by_id.setdefault(photo.image_id, []).append(photo)
    found: dict[PhotoKey, KnownPhoto] = {}
    for name in names:
        within = _within(name, dataset)
        itself = by_id.get(name) or [photo for photo in known if is_itself(photo, name, within)]
        fitting = itself or [photo for photo in known if fits(photo, name, within)]
        if not fitting:
            raise CommandError(
                f"no photo that was observed is called {name!r}: give a path within the dataset, a "
                "pattern such as '2019/*.jpg', or an image_id as files in observations/ have it"
                + did_you_mean(known, name),
                ExitCode.WRONG_USAGE,
            )
        found |= {photo.key: photo for photo in fitting}
    return list(found.values())


def _within(name: str, dataset: Path | None) -> str:
    """A path within the dataset, where the name is one that leads into it from here."""
    if dataset is None:
        return name
    try:
        return Path(name).resolve().relative_to(dataset).as_posix()
    except (ValueError, OSError):
        return name


def known_photos(run: RunDirectory) -> list[KnownPhoto]:
    """Lists the photos of which a run has observations."""
    return list(_read_heads(run))


def _read_heads(run: RunDirectory) -> Iterator[KnownPhoto]:
    for file in run.observations.glob("*.json"):
        try:
            head = decode_json(read_file(file), _Head)
        except (OSError, msgspec.MsgspecError):  # the next run writes it anew
            continue
        if head.image_id != file.stem:  # a copy, which counts where it is called by its photo
            continue
        about = head.avatarrig
        yield KnownPhoto(head.image_id, about.subject, about.path, about.fingerprint)


def _change(path: Path, names: Sequence[str], reason: str, *, excluding: bool) -> Changed:
    run = RunDirectory(path)
    if not run.observations.is_dir():
        raise CommandError(
            f"{path} is no run directory: give the folder that was named with --out",
            ExitCode.WRONG_USAGE,
        )
    make_folder(run.private)
    try:
        with locked(run):
            return _change_locked(run, names, reason, excluding=excluding)
    except Timeout as error:
        raise CommandError(
            f"{path} is in use by another avatarrig: wait for it to end, then give the same "
            "command again"
        ) from error


def _change_locked(
    run: RunDirectory, names: Sequence[str], reason: str, *, excluding: bool
) -> Changed:
    decisions = read_decisions(run)
    standings = read_standings(run)
    changed: list[KnownPhoto] = []
    same: list[tuple[KnownPhoto, str]] = []
    dataset = dataset_of(run)
    named = [(name, _within(name, dataset)) for name in names]
    photos = matching(known_photos(run), names, dataset)
    stand = [standings.get(photo.key, AS_SEEN) for photo in photos]
    asked = leaving_out(named) if excluding else including(named, stand)
    replaced = _replaced(run, photos) - {photo.key for photo in photos if photo.image_id in names}
    for photo, standing in zip(photos, stand, strict=True):
        seen = read_observation(run.observation(photo.image_id))
        known = decisions.get(photo.key)
        before = AS_SEEN if known is None else known.before
        is_replaced = photo.key in replaced
        to = asked.standing(photo, seen, standing, Exclusion.GONE.value if is_replaced else before)
        if to != standing:
            stood = standing if excluding else to
            decisions[photo.key] = _decided(photo, to, before=stood, reason=reason)
        if is_replaced:
            continue
        if to == standing:
            same.append((photo, why_same(seen, standing)))
        else:
            changed.append(photo)
    if changed or replaced:
        write_decisions(run, decisions.values())
    return Changed(tuple(changed), tuple(same), estimate_files(run))


def _decided(photo: KnownPhoto, to: str, *, before: str, reason: str) -> Decided:
    """What follows from the dataset nobody decides: the next run looks there anew."""
    return Decided(
        image_id=photo.image_id,
        subject=photo.subject,
        path=photo.path,
        standing=AS_SEEN if to in AUTOMATIC else to,
        reason=reason,
        decided_at=time.time(),
        before=before,
    )


def _replaced(run: RunDirectory, photos: Iterable[KnownPhoto]) -> set[PhotoKey]:
    """Earlier versions of photos of the dataset, as the last run had it.

    What is decided of the photo at a path is decided of them along with it, and not told.
    """
    rows = read_index(run)
    here = {row.get("image_id") for row in rows}
    paths = {(row.get("subject"), row.get("rel_image_path")) for row in rows}
    return {
        photo.key
        for photo in photos
        if photo.image_id not in here and (photo.subject, photo.path) in paths
    }


def estimate_files(run: RunDirectory) -> dict[str, Estimate]:
    """Estimates a run from its files and writes what depends on it: estimate, index and summary.

    The proportions are those that the aggregator comes to, bit for bit, when the run's command is
    given the next time.

    Returns:
        Subject to estimate.
    """
    summary = read_summary(run)
    settings = summary.get("settings")
    noted = settings.get("fingerprint") if isinstance(settings, dict) else None
    fingerprint = noted or _usual(run)
    standings = read_standings(run)
    estimators: dict[str, Estimator] = {}
    verdicts: dict[str, str | None] = {}
    for photo in known_photos(run):
        if photo.fingerprint != fingerprint:
            continue
        seen = as_it_stands(read_observation(run.observation(photo.image_id)), standings)
        try:
            verdict = judge(seen)
        except StateRefusedError as error:
            raise impossible_evidence(run, photo.image_id, error) from error
        estimators.setdefault(photo.subject, Estimator()).update(seen)
        verdicts[photo.image_id] = verdict.reason if isinstance(verdict, Excluded) else None
    try:
        options = options_of(run)
    except (OSError, msgspec.MsgspecError):  # only there once a run has ended
        options = EstimateOptions()
    estimates = {
        subject: estimator.estimate(subject=subject, options=options)
        for subject, estimator in sorted(estimators.items())
    }
    write_drawn(run, estimates)
    rows = _rewrite_index(run, verdicts)
    if summary:
        write_json(run.summary, summary | {"left_out_of_estimate": left_out_in(rows)})
    return estimates


def _rewrite_index(run: RunDirectory, verdicts: dict[str, str | None]) -> list[dict[str, Any]]:
    rows = read_index(run)
    for row in rows:
        image_id = row.get("image_id")
        if row.get("ok") and isinstance(image_id, str) and image_id in verdicts:
            row["left_out"] = verdicts[image_id]
    if rows:
        write_index(run, rows)
    return rows


def _usual(run: RunDirectory) -> str:
    counted = Counter(photo.fingerprint for photo in known_photos(run))
    return counted.most_common(1)[0][0] if counted else ""
