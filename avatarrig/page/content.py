"""What the page shows, as JSON: plain values, and SVG that has no foreign text unescaped."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from avatarrig.body.evidence.learned import load_learned
from avatarrig.body.population.average import average_ratios
from avatarrig.page.listing import Listing, choose
from avatarrig.pictures.svg import pose_svg, t_pose_svg
from avatarrig.wire.estimate import (
    BONE_LABELS,
    FACE_RATIOS,
    FURTHER_LABELS,
    BoneEstimate,
    Ends,
    Estimate,
    Status,
    WindowBone,
)
from avatarrig.wire.reasons import words_for

if TYPE_CHECKING:
    from avatarrig.page.album import Album
    from avatarrig.views import Sighting, Snapshot, Subject
    from avatarrig.wire import HistoryRecord, SkeletonRecord

CHARTED: Final = (
    "hip_width",
    "torso_length",
    "upper_arm_L",
    "lower_arm_L",
    "upper_leg_L",
    "lower_leg_L",
    "wingspan_est",
)
"""Left and right are estimated together, and shoulders are 1 by definition."""

_KEPT_OVERVIEWS: Final = 64
_LISTED_REJECTS: Final = 10
_SENT_NOTES: Final = 400


EVERYBODY: Final = Listing()


class Views(Protocol):
    """What the page is given: what is known, and why there is no news."""

    @property
    def trouble(self) -> str:
        """Why there is no news, for a person; empty where all is well."""

    def snapshot(self) -> Snapshot:
        """What is known now; it does not change any more."""


class Content:
    """Says what is known."""

    def __init__(self, views: Views, album: Album) -> None:
        self._views = views
        self._album = album
        self._overviews: dict[Listing, tuple[tuple[int, int, str], str]] = {}

    def is_known(self, name: str) -> bool:
        """Tells whether there is an estimate of a subject."""
        return self.estimate(name) is not None

    def names(self) -> list[str]:
        """Returns whom there is an estimate of, by name."""
        return sorted(subject.name for subject in self._views.snapshot().estimated)

    def overview(self, listing: Listing = EVERYBODY) -> str:
        """Returns the overview; the same text for all who ask for it while nothing changes."""
        seen, trouble = self._views.snapshot(), self._views.trouble
        state = (seen.version + self._album.version, int(time.time()), trouble)
        known = self._overviews.get(listing)
        if known is None or known[0] != state:
            if len(self._overviews) >= _KEPT_OVERVIEWS:
                self._overviews.clear()
            known = self._overviews[listing] = (
                state,
                self._render_overview(seen, trouble, listing),
            )
        return known[1]

    def follow(self, name: str) -> Callable[[], str | None]:
        """Returns what gives a subject's content: the history once, then what is new of it."""
        sent_until = float("-inf")
        shown: tuple[str, float] | None = None

        def look() -> str | None:
            nonlocal sent_until, shown
            seen = self._views.snapshot().only({name})
            subject = seen.subjects.get(name)
            notes = () if subject is None else subject.notes
            which = (notes[0].fingerprint, notes[0].estimated_at) if notes else None
            if shown != which:  # another history: all of it anew
                sent_until, shown = float("-inf"), which
            fresh = [note for note in notes if note.estimated_at > sent_until]
            history = _history(fresh[-_SENT_NOTES:], anew=len(fresh) == len(notes))
            if fresh:
                sent_until = fresh[-1].estimated_at
            return msgspec.json.encode(self._subject(seen, name, subject, history)).decode()

        return look

    def follow_estimates(self, names: Sequence[str]) -> Callable[[], str]:
        """Returns what tells when the estimates of some were made, for who compares them."""

        def look() -> str:
            made = [self.estimated_at(name) for name in names]
            content = {"trouble": self._views.trouble, "estimated_at": made}
            return msgspec.json.encode(content).decode()

        return look

    def estimate(self, name: str) -> Estimate | None:
        """Returns a subject's latest estimate; None where there is none."""
        subject = self._views.snapshot().subjects.get(name)
        return None if subject is None or subject.record is None else subject.record.estimate

    def estimated_at(self, name: str) -> float | None:
        """Returns when that was made, Unix seconds; None where there is none."""
        subject = self._views.snapshot().subjects.get(name)
        return None if subject is None or subject.record is None else subject.record.estimated_at

    def _render_overview(self, seen: Snapshot, trouble: str, listing: Listing) -> str:
        subjects = seen.estimated
        listed = choose(subjects, listing)
        content = _Overview(
            trouble=trouble,
            stream=_stream(seen),
            subjects=[
                _summary(subject.name, record)
                for subject in listed.subjects
                if (record := subject.record) is not None
            ],
            total=listed.total,
            found=listed.found,
            page=listed.page,
            pages=listed.pages,
            photos=self._album.version,
        )
        return msgspec.json.encode(content).decode()

    def _subject(
        self, seen: Snapshot, name: str, subject: Subject | None, history: _History
    ) -> _About:
        about = _About(
            trouble=self._views.trouble,
            stream=_stream(seen),
            name=name,
            photos=self._album.version,
            history=history,
        )
        if subject is None or subject.record is None:
            return about
        estimate = subject.record.estimate
        return _Estimated(
            **msgspec.structs.asdict(about) | {"known": True},
            observations=subject.record.observations,
            used=estimate.used,
            moments=estimate.moments,
            estimated_at=subject.record.estimated_at,
            consistent=estimate.consistent,
            detectors=len(subject.fingerprints),
            figure=t_pose_svg(estimate),
            pose=None if subject.posed is None else _posed(subject.posed),
            bones=_bones(estimate),
            asymmetry=_asymmetry(estimate),
            face=_face(estimate),
            further=_further(estimate),
            window=_window(estimate),
            notes=estimate.notes,
            advice=estimate.advice,
        )


class _Posed(msgspec.Struct, frozen=True):
    """The latest pose; `at`: Unix seconds; `verdict`: whether the photo counts and why not."""

    path: str
    at: float
    verdict: str
    svg: str | None


def _posed(photo: Sighting) -> _Posed:
    return _Posed(photo.path, photo.observed_at, photo.verdict, _pose(photo))


def _pose(photo: Sighting) -> str | None:
    if photo.pose is None:
        return None
    label = f"pose seen in {photo.path}"
    return pose_svg(photo.pose.unpack(), photo.width, photo.height, label=label)


class _Rejected(msgspec.Struct, frozen=True):
    """A photo that was rejected; `at`: Unix seconds."""

    path: str
    reason: str
    message: str
    attempts: int
    at: float


class _Group(msgspec.Struct, frozen=True):
    """A consumer group; `lag`: messages that it has not done with."""

    group: str
    members: int
    lag: int


class _Stream(msgspec.Struct, frozen=True, kw_only=True):
    """How the photos flow.

    Attributes:
        rate: Photos a second.
        reasons: Why photos were rejected, in words, and how many were, most frequent first.
        rejects: The latest.
        gone: Of which datasets photos are gone and go on counting, in sentences.
    """

    gone: list[str]
    rate: float
    waiting: int
    in_work: int
    found: int
    observed: int
    replicas: int
    rejected: int
    reasons: list[tuple[str, int]]
    rejects: list[_Rejected]
    groups: list[_Group]


def _stream(seen: Snapshot) -> _Stream:
    stream = seen.stream
    reasons = Counter(seen.reasons).most_common()
    return _Stream(
        gone=seen.gone,
        rate=round(seen.rate.per_second(time.time()), 1),
        waiting=stream.waiting,
        in_work=stream.in_work,
        found=stream.found,
        observed=seen.observed,
        replicas=stream.replicas,
        rejected=seen.rejected,
        reasons=[(words_for(reason), count) for reason, count in reasons],
        rejects=[
            _Rejected(
                photo.name,
                words_for(photo.latest.reason),
                photo.latest.message,
                photo.latest.attempts,
                photo.latest.rejected_at,
            )
            for photo in seen.rejects[:_LISTED_REJECTS]
        ],
        groups=[
            _Group(group.group, group.members, sum(group.lag.values())) for group in stream.groups
        ],
    )


class _Summary(msgspec.Struct, frozen=True, kw_only=True):
    """A subject among the others; `bones`: how many its estimate has."""

    name: str
    observations: int
    used: int
    moments: int | None
    stable: int
    bones: int
    drift: bool
    estimated_at: float
    figure: str


def _summary(name: str, record: SkeletonRecord) -> _Summary:
    estimate = record.estimate
    return _Summary(
        name=name,
        observations=record.observations,
        used=estimate.used,
        moments=estimate.moments,
        stable=estimate.stable,
        bones=len(estimate.stats),
        drift=estimate.drift,
        estimated_at=record.estimated_at,
        figure=t_pose_svg(estimate, small=True),
    )


class _Overview(msgspec.Struct, frozen=True, kw_only=True):
    """The page of all subjects; see `avatarrig.page.listing.Listed` and `_About`."""

    trouble: str
    stream: _Stream
    subjects: list[_Summary]
    total: int
    found: int
    page: int
    pages: int
    photos: int


class _Bone(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the table of bones.

    Attributes:
        average: The average person's ratio.
        window: The ratio of the newest days; None where they show no such bone.
        drift: Whether the newest days differ.
        metres: Its length; None where nothing tells how large the person is.
        measured: Whether somebody measured it.
    """

    key: str
    label: str
    value: float
    interval: Ends
    n: int
    samples: int
    status: Status
    prior_share: float
    average: float | None
    window: WindowBone | None
    drift: bool
    metres: float | None
    measured: bool


def _bones(estimate: Estimate) -> list[_Bone]:
    average = average_ratios(load_learned())
    return [
        _bone(key, bone, estimate, average.get(key))
        for key in BONE_LABELS
        if (bone := estimate.stats.get(key)) is not None
    ]


def _bone(key: str, bone: BoneEstimate, estimate: Estimate, average: float | None) -> _Bone:
    window, length = estimate.window, (estimate.metres or {}).get(key)
    change = None if window is None else window.changes.get(key)
    return _Bone(
        key=key,
        label=BONE_LABELS[key],
        value=bone.value,
        interval=bone.interval,
        n=bone.n,
        samples=bone.samples,
        status=bone.status,
        prior_share=bone.prior_share,
        average=average,
        window=None if window is None else window.stats.get(key),
        drift=change is not None and change.drift,
        metres=None if length is None else length.value,
        measured=estimate.is_measured(key),
    )


class _FurtherRow(msgspec.Struct, frozen=True):
    """A length that no photo shows; see `avatarrig.wire.estimate.FurtherBone`."""

    label: str
    value: float
    interval: Ends
    status: Status
    prior_share: float
    metres: float | None
    measured: bool


def _further(estimate: Estimate) -> list[_FurtherRow]:
    return [
        _FurtherRow(
            label=label,
            value=bone.value,
            interval=bone.interval,
            status=bone.status,
            prior_share=bone.prior_share,
            metres=None if bone.metres is None else bone.metres.value,
            measured=estimate.is_measured(key),
        )
        for key, label in FURTHER_LABELS.items()
        if (bone := estimate.further.get(key)) is not None
    ]


class _FaceRow(msgspec.Struct, frozen=True):
    """A proportion of the face; see `avatarrig.wire.estimate.FaceRatio`."""

    label: str
    value: float
    interval: Ends
    n: int
    samples: int


def _face(estimate: Estimate) -> list[_FaceRow]:
    return [
        _FaceRow(label, ratio.value, ratio.interval, ratio.n, ratio.moments)
        for key, label in FACE_RATIOS.items()
        if (ratio := estimate.face.get(key)) is not None
    ]


class _Sides(msgspec.Struct, frozen=True):
    """Left against right; see `avatarrig.wire.estimate.Asymmetry`."""

    label: str
    left_over_right: float
    interval: Ends
    n: int
    significant: bool


def _asymmetry(estimate: Estimate) -> list[_Sides]:
    return [
        _Sides(
            BONE_LABELS.get(f"{bone}_L", bone).removesuffix(", left"),
            sides.left_over_right,
            sides.interval,
            sides.n,
            sides.significant,
        )
        for bone, sides in estimate.asymmetry.items()
    ]


class _Window(msgspec.Struct, frozen=True):
    """The window, its bones apart."""

    days: int
    first: str
    last: str
    used_observations: int
    drift: bool


def _window(estimate: Estimate) -> _Window | None:
    window = estimate.window
    if window is None:
        return None
    return _Window(window.days, window.first, window.last, window.used_observations, window.drift)


class _History(msgspec.Struct, frozen=True):
    """Estimates as they were.

    Attributes:
        anew: Whether this replaces what was sent before.
        ratios: Of each bone of `CHARTED`, as `_point` gives them.
    """

    anew: bool
    at: list[float]
    used: list[int]
    ratios: dict[str, list[list[float | None]]]


def _history(notes: Sequence[HistoryRecord], *, anew: bool) -> _History:
    return _History(
        anew=anew,
        at=[note.estimated_at for note in notes],
        used=[note.used for note in notes],
        ratios={
            key: [_point(note, key) for note in notes]
            for key in CHARTED
            if any(key in note.ratios for note in notes)
        },
    )


def _point(note: HistoryRecord, key: str) -> list[float | None]:
    """Value and interval of all time, then of the window; None where it was not known."""
    ratio, window = note.ratios.get(key), note.window.get(key)
    known = [None, None, None] if ratio is None else [ratio.value, ratio.low, ratio.high]
    return [*known, None if window is None else window[0]]


class _About(msgspec.Struct, frozen=True, kw_only=True):
    """What a subject's page shows of somebody of whom there is no estimate yet.

    Attributes:
        trouble: Why there is no news; empty where all is well.
        photos: Grows with each photo and decision.
    """

    trouble: str
    stream: _Stream
    name: str
    photos: int
    history: _History
    known: bool = False


class _Estimated(_About, frozen=True, kw_only=True):
    """The same of somebody of whom there is one; see `avatarrig.wire.estimate.Estimate`."""

    observations: int
    used: int
    moments: int | None
    estimated_at: float
    consistent: bool
    detectors: int
    figure: str
    pose: _Posed | None
    bones: list[_Bone]
    asymmetry: list[_Sides]
    face: list[_FaceRow]
    further: list[_FurtherRow]
    window: _Window | None
    notes: list[str]
    advice: str
