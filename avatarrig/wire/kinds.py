"""What the records on the wire hold: one class for each kind."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

SCHEMA_VERSION = 1
"""Version that every record written by this code carries."""


class PackedArray(msgspec.Struct, frozen=True):
    """An array as little-endian float32 bytes with its shape."""

    shape: tuple[int, ...]
    data: bytes

    @classmethod
    def pack(cls, array: NDArray[np.floating[Any]]) -> PackedArray:
        """Packs an array of any shape; values are rounded to float32."""
        return cls(tuple(array.shape), np.ascontiguousarray(array, dtype="<f4").tobytes())

    def unpack(self) -> NDArray[np.float32]:
        """Returns the array, writable, in native byte order."""
        return np.frombuffer(self.data, dtype="<f4").reshape(self.shape).astype(np.float32)


class Sought(msgspec.Struct, frozen=True, kw_only=True):
    """Who is meant in a photo that may show others; what it holds of a face is biometric data.

    Attributes:
        asked: Stands for what was asked: estimates of different questions are never pooled.
        template: The face that is looked for, as `avatarrig.detectors.faces` packs it; empty
            where faces are not compared.
        region: Where the file itself says that the subject's face is: left, top, width, height
            in shares of the upright photo.
        named: Whether the file names the subject, without saying where; None where it names
            nobody.
    """

    asked: str
    template: bytes = b""
    region: tuple[float, float, float, float] | None = None
    named: bool | None = None


class PhotoReference(msgspec.Struct, frozen=True, kw_only=True):
    """Where a photo lies and whose it is; never its pixels.

    Attributes:
        image_id: Derived from content and path; see `avatarrig.wire.identity`.
        uri: ``file://`` or another URI that a detector can open.
        dataset: Name of the dataset the photo was found in.
        path: Path within the dataset, POSIX separators.
        subject: Whose skeleton the photo tells about.
        content_hash: SHA-256 of the file's bytes, hexadecimal.
        size: Bytes.
        found_at: When the photo was found, Unix seconds.
        captured_at: When it was taken, Unix seconds; None where the file does not say.
        run: Identifier of the run that asked for it; empty for a service.
        duplicate_of: image_id of an earlier photo with the same bytes. Such a photo is
            observed, but does not count in the estimate.
        sought: Who is meant; None where nothing was said, and the most prominent person is.
    """

    image_id: str
    uri: str
    dataset: str
    path: str
    subject: str
    content_hash: str
    size: int
    found_at: float
    captured_at: float | None = None
    run: str = ""
    duplicate_of: str | None = None
    sought: Sought | None = None
    version: int = SCHEMA_VERSION


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What one photo says about bone lengths, as integers; see `avatarrig.body`.

    Attributes:
        learned: Version of what was learned; sums of different versions are never mixed.
        information: Packed upper triangle of the information matrix, then the scatter, fixed
            point.
        vector: Information vector, fixed point.
        ratios: Bin of the log-histogram for each ratio key that the photo shows.
    """

    learned: str
    information: tuple[int, ...] = ()
    vector: tuple[int, ...] = ()
    ratios: dict[str, int] = {}


class Observation(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="observation"):
    """What the detector saw in one photo.

    Landmarks are in the coordinates of the upright original photo: x and y as shares of its
    width and height (0..1 inside), z in the scale of x as MediaPipe gives it.

    Attributes:
        fingerprint: Detector fingerprint: models, thresholds and schema.
        width: Upright width in pixels.
        height: Upright height in pixels.
        people: How many people were seen, after merging duplicates.
        ambiguous: Whether it was a toss-up who the subject is.
        subject_confidence: How sure the choice of the subject is, 0..1.
        pose: (33, 5): x, y, z, visibility, presence; None where nobody was found.
        world: (33, 3): metres, hip-centred.
        face: (478, 3): x, y, z.
        blendshapes: (52,) scores 0..1 in MediaPipe's order.
        meta: Quality metrics by their documented names.
        evidence: What the photo says about bone lengths; None where it says nothing.
        excluded: Why the photo does not count in the estimate; None where it counts.
        look: What the surroundings of the person look like, in a few numbers that are the same
            for copies of the photo (`look_likeness`); empty where it was not told.
    """

    image_id: str
    dataset: str
    path: str
    subject: str
    content_hash: str
    found_at: float
    observed_at: float
    fingerprint: str
    width: int
    height: int
    captured_at: float | None = None
    run: str = ""
    people: int = 0
    ambiguous: bool = False
    subject_confidence: float = 0.0
    pose: PackedArray | None = None
    world: PackedArray | None = None
    face: PackedArray | None = None
    blendshapes: PackedArray | None = None
    meta: dict[str, float | int | str | bool | None] = {}
    evidence: Evidence | None = None
    excluded: str | None = None
    look: tuple[int, ...] = ()
    version: int = SCHEMA_VERSION


class Reject(msgspec.Struct, frozen=True, kw_only=True):
    """A photo, or another message, that was rejected.

    Attributes:
        reason: Short code such as ``unreadable``, ``too_large``, ``crashed``.
        message: What is wrong and what to do, for a person.
        attempts: How often it was tried.
        rejected_at: Unix seconds.
        reference: The photo; None where the message itself was refused.
        origin: Topic, partition and offset of the refused message.
    """

    reason: str
    message: str
    attempts: int
    rejected_at: float
    reference: PhotoReference | None = None
    fingerprint: str = ""
    origin: str = ""
    run: str = ""
    version: int = SCHEMA_VERSION


class Forget(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="forget"):
    """A subject shall be forgotten: what the partition says of it before this counts no more.

    On the observations topic it is written to every partition; what was counted of each
    partition is then taken back on the tallies topic.

    Attributes:
        forget: Digest of the subject, as in `avatarrig.wire.identity`; the name is not kept.
        forgotten_at: Unix seconds.
        partition: On the tallies topic, the input partition.
        offset: On the tallies topic, where the input partition said so.
    """

    forget: str
    forgotten_at: float
    partition: int = -1
    offset: int = -1
    version: int = SCHEMA_VERSION


class Decision(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="decision"):
    """Somebody decided whether photos of a subject count; undone by a later one.

    It is written to every partition of the observations topic, so that photos observed later are
    decided as well. What a partition has counted of the photos stands in the record it is given:
    it keeps no photo by itself, and could not take one back otherwise.

    Attributes:
        image_ids: The photos.
        standing: ``counts``: they show the subject, whatever the detector says; a reason not to
            count, such as ``left_out``; empty: as if nobody had decided.
        reason: Why, in the words of whoever decided.
        decided_at: Unix seconds.
        observed: The partition's first observations of the photos, one for each fingerprint,
            without face and blendshapes.
    """

    subject: str
    image_ids: tuple[str, ...]
    standing: str
    decided_at: float
    reason: str = ""
    observed: tuple[Observation, ...] = ()
    version: int = SCHEMA_VERSION


class TallyUpdate(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="tally"):
    """Everything one input partition has said about a subject so far (level 1 to level 2).

    Attributes:
        partition: Input partition that was tallied.
        offset: Last offset of that partition which the tally contains.
        tally: The tally as `avatarrig.body` packs it.
        found_at: When the photo was found that waited longest of those that are new in this
            update, Unix seconds; None where none is.
    """

    subject: str
    fingerprint: str
    partition: int
    offset: int
    tally: bytes
    found_at: float | None = None
    version: int = SCHEMA_VERSION


class SkeletonRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The current estimate of one subject.

    Attributes:
        applied: Input partition to the last offset contained in the estimate.
        observations: Photos contained, with or without a person.
        estimate: The estimate as documented for ``skeleton_estimate.json``.
        estimated_at: Unix seconds.
    """

    subject: str
    fingerprint: str
    applied: dict[int, int]
    observations: int
    estimate: dict[str, Any]
    estimated_at: float
    version: int = SCHEMA_VERSION


class HistoryRatio(msgspec.Struct, frozen=True, array_like=True):
    """One ratio as it stood at some time.

    Attributes:
        value: Over shoulder width.
        low: Lower end of the 90 % interval.
        high: Upper end.
        n: Photos that show the bone well.
        status: insufficient, provisional or stable.
    """

    value: float
    low: float
    high: float
    n: int
    status: str


class HistoryRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What was known about a subject at some time; see `avatarrig.wire.history`.

    Attributes:
        estimated_at: Unix seconds.
        observations: Photos contained, with or without a person.
        used: Photos that count.
        moments: How many moments these were taken in; None where 1.0 noted it.
        ratios: Key of ``skeleton_estimate.json`` to its ratio.
        window: The same of the rolling window: value, lower and upper end; empty without one.
    """

    subject: str
    fingerprint: str
    estimated_at: float
    observations: int
    used: int
    ratios: dict[str, HistoryRatio]
    window: dict[str, tuple[float, float, float]] = {}
    moments: int | None = None
    version: int = SCHEMA_VERSION
