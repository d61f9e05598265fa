"""What the records on the wire hold: one class for each kind."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from avatarrig.wire.bounds import (
    Applied,
    Code,
    Count,
    Fingerprint,
    Finite,
    Fixed,
    FixedRow,
    ImageId,
    Name,
    Offset,
    Partition,
    PathText,
    Pixels,
    Prose,
    Seconds,
    Uri,
)
from avatarrig.wire.estimate import Estimate, Height, Measured
from avatarrig.wire.reasons import RejectReason

SCHEMA_VERSION = 1
"""Version that every record written by this code carries."""


class PackedArray(msgspec.Struct, frozen=True):
    """An array as little-endian float32 bytes with its shape."""

    shape: Annotated[tuple[Annotated[int, Meta(ge=0, le=1 << 16)], ...], Meta(max_length=4)]
    data: Annotated[bytes, Meta(max_length=1 << 16)]

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

    asked: Code
    template: Annotated[bytes, Meta(max_length=1 << 17)] = b""
    region: tuple[Finite, Finite, Finite, Finite] | None = None
    named: bool | None = None

    @property
    def said(self) -> str:
        """What the files say of the subject, places to a thousandth; empty where nothing."""
        if (self.region, self.named) == (None, None):
            return ""
        return f"{self.named} {[round(share, 3) for share in self.region or ()]}"


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
        duplicate_of: image_id of an earlier photo with the same picture. Such a photo is
            observed, but does not count in the estimate.
        picture: Stands for what makes the picture (`avatarrig.photos.picture_digest`), hexadecimal;
            empty where only the file is known.
        sought: Who is meant; None where nothing was said, and the most prominent person is.
    """

    image_id: ImageId
    uri: Uri
    dataset: Name
    path: PathText
    subject: Name
    content_hash: Code
    size: Count
    found_at: Seconds
    captured_at: Seconds | None = None
    run: Code = ""
    duplicate_of: ImageId | None = None
    picture: Code = ""
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

    learned: Code
    information: FixedRow = ()
    vector: FixedRow = ()
    ratios: Annotated[dict[Code, Fixed], Meta(max_length=64)] = {}


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
        pixels: Stands for the decoded pixels (`avatarrig.photos.picture_digest`); empty where it
            was not told.
    """

    image_id: ImageId
    dataset: Name
    path: PathText
    subject: Name
    content_hash: Code
    found_at: Seconds
    observed_at: Seconds
    fingerprint: Fingerprint
    width: Pixels
    height: Pixels
    captured_at: Seconds | None = None
    run: Code = ""
    people: Count = 0
    ambiguous: bool = False
    subject_confidence: Finite = 0.0
    pose: PackedArray | None = None
    world: PackedArray | None = None
    face: PackedArray | None = None
    blendshapes: PackedArray | None = None
    meta: Annotated[dict[Code, float | int | Prose | bool | None], Meta(max_length=256)] = {}
    evidence: Evidence | None = None
    excluded: Prose | None = None
    look: Annotated[tuple[Fixed, ...], Meta(max_length=256)] = ()
    pixels: Code = ""
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
        subject: Whose estimate cannot be made, where that is what is told.
        applied: Of such an estimate, input partition to the last offset that it would contain.
    """

    reason: Code
    message: Prose
    attempts: Count
    rejected_at: Seconds
    reference: PhotoReference | None = None
    fingerprint: Fingerprint = ""
    origin: Prose = ""
    run: Code = ""
    subject: Name = ""
    applied: Applied = {}
    version: int = SCHEMA_VERSION

    @property
    def is_near_copy(self) -> bool:
        """Whether the photo is left out alone because nearly the same one is detected."""
        return self.reason == RejectReason.NEAR_COPY

    def without_template(self) -> Reject:
        """The same without the face that was looked for, for files; the topic's can be replayed."""
        if self.reference is None or self.reference.sought is None:
            return self
        sought = msgspec.structs.replace(self.reference.sought, template=b"")
        return msgspec.structs.replace(
            self, reference=msgspec.structs.replace(self.reference, sought=sought)
        )


class Departed(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="departed"):
    """Photos of a dataset are gone and go on counting, until somebody says that they shall not.

    It travels with the rejects, since it is for people; a tombstone says that it is over.

    Attributes:
        photos: How many.
        noted_at: Unix seconds.
    """

    dataset: Name
    photos: Count
    noted_at: Seconds
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

    forget: Code
    forgotten_at: Seconds
    partition: Partition = -1
    offset: Offset = -1
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
        face: The subject's face in the photo, as `avatarrig.detectors.faces` packs it, where
            somebody pointed at it: as long as the photo stands so, it is a reference.
    """

    subject: Name
    image_ids: Annotated[tuple[ImageId, ...], Meta(max_length=100_000)]
    standing: Code
    decided_at: Seconds
    reason: Prose = ""
    observed: Annotated[tuple[Observation, ...], Meta(max_length=10_000)] = ()
    face: Annotated[bytes, Meta(max_length=1 << 10)] = b""
    version: int = SCHEMA_VERSION


class Measurements(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="measured"):
    """What somebody measured of a subject: evidence beside the photos. The latest counts.

    It is written to every partition of the tallies topic.

    Attributes:
        height: Metres; None where it was not measured.
        measured: Key of a bone, with a side or without, to its length.
        measured_at: Unix seconds.
    """

    subject: Name
    measured_at: Seconds
    height: Height | None = None
    measured: Annotated[dict[Code, Measured], Meta(max_length=64)] = {}
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

    subject: Name
    fingerprint: Fingerprint
    partition: Annotated[int, Meta(ge=0, le=(1 << 31) - 1)]
    offset: Offset
    tally: Annotated[bytes, Meta(max_length=1 << 19)]
    found_at: Seconds | None = None
    version: int = SCHEMA_VERSION


class SkeletonRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The current estimate of one subject.

    Attributes:
        applied: Input partition to the last offset contained in the estimate.
        observations: Photos contained, with or without a person.
        estimate: What ``skeleton_estimate.json`` holds.
        estimated_at: Unix seconds.
    """

    subject: Name
    fingerprint: Fingerprint
    applied: Applied
    observations: Count
    estimate: Estimate
    estimated_at: Seconds
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

    value: Finite
    low: Finite
    high: Finite
    n: Count
    status: Code


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

    subject: Name
    fingerprint: Fingerprint
    estimated_at: Seconds
    observations: Count
    used: Count
    ratios: Annotated[dict[Code, HistoryRatio], Meta(max_length=256)]
    window: Annotated[dict[Code, tuple[Finite, Finite, Finite]], Meta(max_length=256)] = {}
    moments: Count | None = None
    version: int = SCHEMA_VERSION
