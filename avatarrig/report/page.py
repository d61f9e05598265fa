"""The report's files: one HTML page that holds everything, and pictures to send on."""

from __future__ import annotations

import base64
import datetime as dt
import shlex
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from itertools import islice
from typing import Final

import jinja2
import msgspec
from markupsafe import Markup
from PIL import Image

from avatarrig.body.evidence.standing import ADJUDICABLE
from avatarrig.body.landmarks import BONES
from avatarrig.detectors.fetching.models import MODELS
from avatarrig.pictures.preview import draw_preview
from avatarrig.pictures.svg import t_pose_svg
from avatarrig.report import charts
from avatarrig.report.calibration.report import RunReport, calibrate
from avatarrig.report.collect import Collected, SeenPhoto
from avatarrig.report.convergence import CURVES, Course
from avatarrig.report.course_picture import draw_courses
from avatarrig.report.thumbnails import Thumbnails, draw_sheet, to_webp
from avatarrig.views.doubtful import suspects
from avatarrig.views.years import LEAST_PHOTOS, SHOWN, Year, changing, years_of
from avatarrig.wire import Observation
from avatarrig.wire.estimate import (
    BONE_LABELS,
    FACE_RATIOS,
    FURTHER_LABELS,
    SCALE_BASIS,
    Asymmetry,
    BoneEstimate,
    Estimate,
    FaceRatio,
    FurtherBone,
    Window,
)
from avatarrig.wire.reasons import Exclusion, RejectReason, verdict

_METRICS: Final = {
    "pose_score": "How good the pose is, all in one number, 0 to 1.",
    "pose_inmask_ratio": "Share of the joints that lie on the person.",
    "pose_supported_bones": f"Bones seen well enough to measure, of {len(BONES)}.",
}
_CAN_COUNT: Final = ADJUDICABLE | {Exclusion.ON_REQUEST}
"""Reasons that `avatarrig include` overrules."""

_PER_REASON: Final = 6
_SHEET_WORDS: Final = 38
_SUSPECTS: Final = 6


class ReportOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What a report shows.

    Attributes:
        pictures: Thumbnails of the best photos; 0 leaves all photos out.
        written_at: Date to print.
    """

    pictures: int
    written_at: dt.datetime


class ReportFiles(msgspec.Struct, frozen=True, kw_only=True):
    """A report.

    Attributes:
        page: The HTML page; needs no other file.
        skeletons: Subject to its T-pose, PNG.
        courses: Subject to the course of its ratios, PNG; without those whose photos show no bone.
        sheet: The best photos, PNG; None where none is shown.
    """

    page: bytes
    skeletons: dict[str, bytes]
    courses: dict[str, bytes]
    sheet: bytes | None


class _Picture(msgspec.Struct, frozen=True):
    path: str
    words: str
    source: str
    width: int
    height: int

    @property
    def quoted(self) -> str:
        """The path as a shell takes it, and no command for an option."""
        return shlex.quote(f"./{self.path}" if self.path.startswith("-") else self.path)


def make_report(collected: Collected, options: ReportOptions) -> ReportFiles:
    """Lays a run out as a report. `collected`: what `collect` read."""
    thumbnails = Thumbnails(collected.run, collected.dataset)
    shown = _draw(thumbnails, collected.best, options.pictures)
    excluded = {
        reason: (
            len(photos),
            _pictures(_draw(thumbnails, photos, min(_PER_REASON, options.pictures))),
        )
        for reason, photos in collected.excluded.items()
    }
    estimates = {subject: course.estimate for subject, course in collected.courses.items()}
    page = _template().render(
        title=" and ".join(filter(None, estimates)) or str(collected.run.path),
        written_at=options.written_at,
        version=version("avatarrig"),
        counts=_counts(collected),
        subjects=[
            _subject(collected, subject, course, thumbnails if options.pictures else None)
            for subject, course in collected.courses.items()
        ],
        best=_pictures(shown),
        excluded=[
            (reason.words, "include" if reason in _CAN_COUNT else "exclude", *shown)
            for reason, shown in excluded.items()
        ],
        rejected=collected.rejected,
        rejected_pictures=_rejected(thumbnails, collected, options.pictures),
        quality=_quality(collected),
        settings=_settings(collected),
        other_detectors=collected.other_detectors,
        with_pictures=options.pictures > 0,
        run=shlex.quote(str(collected.run.path)),
        verdict=verdict,
    )
    return ReportFiles(
        page=page.encode(),
        skeletons={
            subject: draw_preview(estimate, title=subject)
            for subject, estimate in estimates.items()
        },
        courses={
            subject: draw_courses(curves, title=subject or "Convergence")
            for subject, course in collected.courses.items()
            if (curves := [curve for curve in course.curves if curve.points])
        },
        sheet=_sheet(shown) if shown else None,
    )


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("avatarrig.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html")


def _counts(collected: Collected) -> list[tuple[str, str]]:
    photos = collected.photos
    used = sum(photo.excluded is None for photo in photos)
    person = sum(photo.observation.pose is not None for photo in photos)
    counts = [
        ("observed", len(photos)),
        ("with a person", person),
        ("in the estimate", used),
        ("rejected", len(collected.rejected)),
    ]
    if collected.found is not None:
        counts.insert(0, ("photos found", collected.found))
    return [(name, str(count)) for name, count in counts]


class _Subject(msgspec.Struct, frozen=True, kw_only=True):
    """A person's part of the report.

    Attributes:
        further: Label, length, and whether somebody measured it.
        courses: Name of a ratio, and its course, drawn.
        suspects: Photos to look at, where they are not of one person.
        changing: Bones that differ from year to year.
    """

    name: str
    figure: Markup
    bones: list[_ShownBone]
    in_metres: bool
    photos: int
    learned: str | None
    asymmetry: list[tuple[str, Asymmetry]]
    further: list[tuple[str, FurtherBone, bool]]
    face: list[tuple[str, FaceRatio]]
    window: Window | None
    notes: list[str]
    advice: str
    courses: list[tuple[str, Markup]]
    consistent: bool
    suspects: list[_Picture]
    years: list[Year]
    year_bones: dict[str, str]
    least_photos: int
    changing: list[str]


def _subject(
    collected: Collected, subject: str, course: Course, thumbnails: Thumbnails | None
) -> _Subject:
    estimate = course.estimate
    photos = [
        photo.observation for photo in collected.photos if photo.observation.subject == subject
    ]
    years = years_of(photos)
    return _Subject(
        name=subject,
        figure=Markup(t_pose_svg(estimate)) if estimate.stats else Markup(),  # noqa: S704 - escaped there
        bones=[_shown(key, estimate) for key in BONE_LABELS if key in estimate.stats],
        in_metres=estimate.metres is not None,
        photos=estimate.used,
        learned=estimate.learned,
        asymmetry=[(CURVES[f"{bone}_L"], row) for bone, row in estimate.asymmetry.items()],
        further=[
            (label, estimate.further[key], estimate.is_measured(key))
            for key, label in FURTHER_LABELS.items()
            if key in estimate.further
        ],
        face=[
            (label, estimate.face[key])
            for key, label in FACE_RATIOS.items()
            if key in estimate.face
        ],
        window=estimate.window,
        notes=estimate.notes,
        advice="" if course.advice is None else course.advice.words,
        courses=[
            (curve.name, charts.course_chart(curve)) for curve in course.curves if curve.points
        ],
        consistent=estimate.consistent,
        suspects=[] if estimate.consistent else _suspects(photos, thumbnails),
        years=years,
        year_bones=SHOWN,
        least_photos=LEAST_PHOTOS,
        changing=changing(years),
    )


def _suspects(photos: list[Observation], thumbnails: Thumbnails | None) -> list[_Picture]:
    """Photos to look at where they are not of one person."""
    if thumbnails is None:
        return []
    return [
        _picture(
            doubtful.observation.path,
            " · ".join((verdict(doubtful.excluded), *doubtful.why)),
            picture,
        )
        for doubtful in suspects(photos, _SUSPECTS)
        if (picture := thumbnails.of(doubtful.observation)) is not None
    ]


class _ShownBone(msgspec.Struct, frozen=True):
    """A row of the table.

    Attributes:
        bar: Its interval, drawn; empty for a length that is 1 by definition.
        metres: None where nothing tells the size, or too few photos show it.
        measured: Whether somebody measured it.
    """

    name: str
    estimated: BoneEstimate
    bar: Markup
    metres: float | None
    measured: bool

    @property
    def fixed(self) -> bool:
        """Whether it is 1 by definition."""
        return self.estimated.low == self.estimated.high


def _shown(key: str, estimate: Estimate) -> _ShownBone:
    bone = estimate.stats[key]
    length = (estimate.metres or {}).get(key)
    return _ShownBone(
        BONE_LABELS[key],
        bone,
        Markup() if key == SCALE_BASIS else charts.interval_bar(bone.value, *bone.interval),
        None if length is None else length.value,
        estimate.is_measured(key),
    )


class _Quality(msgspec.Struct, frozen=True):
    """The quality of the poses and what thresholds follow.

    Attributes:
        histograms: Metric, what it says, and how it is spread, drawn.
        options: The thresholds as options of a command.
    """

    with_pose: int
    histograms: list[tuple[str, str, Markup]]
    frame_kinds: Markup
    options: str


def _quality(collected: Collected) -> _Quality | None:
    """None where no pose was found."""
    if not collected.measured.with_pose:
        return None
    calibration = calibrate([collected.measured])
    report: RunReport = calibration.runs[0]
    marks = {"pose_score": calibration.thresholds.min_pose_det}
    return _Quality(
        report.with_pose,
        [
            (
                distribution.metric,
                _METRICS[distribution.metric],
                charts.histogram_chart(distribution, marks.get(distribution.metric)),
            )
            for distribution in report.distributions
        ],
        charts.bars_chart(report.frame_kinds, "frame_kind"),
        calibration.thresholds.options(),
    )


class _Settings(msgspec.Struct, frozen=True):
    """How the photos were observed; `models`: file and SHA-256."""

    run: str
    dataset: str | None
    fingerprint: str
    options: Mapping[str, object]
    models: list[tuple[str, str]]


def _settings(collected: Collected) -> _Settings:
    files = {model.sha256: model.file for model in MODELS.values()}
    settings = collected.settings
    return _Settings(
        str(collected.run.path),
        None if collected.dataset is None else str(collected.dataset),
        collected.photos[0].observation.fingerprint,
        settings.options or {},
        [(files.get(sha, "a model of another version"), sha) for sha in settings.models or ()],
    )


def _draw(
    thumbnails: Thumbnails, photos: Iterable[SeenPhoto], most: int
) -> list[tuple[SeenPhoto, Image.Image]]:
    """Draws the first photos that can be shown."""
    drawn = ((photo, thumbnails.of(photo.observation)) for photo in photos)
    shown = ((photo, picture) for photo, picture in drawn if picture is not None)
    return list(islice(shown, most))


def _rejected(thumbnails: Thumbnails, collected: Collected, most: int) -> list[_Picture]:
    drawn = (
        (photo, thumbnails.of_rejected(photo.rel_image_path, photo.reason))
        # Of near-copies there may be thousands, which shall not hide the others.
        for photo in sorted(
            collected.rejected, key=lambda each: each.reason == RejectReason.NEAR_COPY
        )
    )
    shown = (
        _picture(photo.rel_image_path, verdict(photo.reason), picture)
        for photo, picture in drawn
        if picture is not None
    )
    return list(islice(shown, most))


def _pictures(drawn: Iterable[tuple[SeenPhoto, Image.Image]]) -> list[_Picture]:
    return [
        _picture(
            photo.observation.path, f"{verdict(photo.excluded)} · score {photo.score:.2f}", picture
        )
        for photo, picture in drawn
    ]


def _picture(path: str, words: str, picture: Image.Image) -> _Picture:
    source = "data:image/webp;base64," + base64.b64encode(to_webp(picture)).decode()
    return _Picture(path, words, source, picture.width, picture.height)


def _sheet(drawn: Iterable[tuple[SeenPhoto, Image.Image]]) -> bytes:
    return draw_sheet(
        [
            (picture, f"{_tail(photo.observation.path)}  {photo.score:.2f}")
            for photo, picture in drawn
        ]
    )


def _tail(path: str) -> str:
    """The end of a path, in what a caption has room for."""
    return path if len(path) <= _SHEET_WORDS else f"…{path[1 - _SHEET_WORDS :]}"
