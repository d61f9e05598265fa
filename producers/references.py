"""From a dataset's photos to the records that are published about them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

import msgspec

from avatarrig.detectors.faces.template import Template
from avatarrig.photos.clips.address import frame_of
from avatarrig.photos.named_people.written import NamedFace, same_name
from avatarrig.wire import MOST_SAID, PhotoReference, Reject, Sought, shortened
from avatarrig.wire.identity import as_said, image_id, subject_name
from avatarrig.wire.reasons import RejectReason
from producers.hashing import PhotoContent, begin_reading
from producers.moments import Moments, Shot
from producers.reading_ahead import read_ahead
from producers.scan import FoundPhoto, Problem, problem_of

if TYPE_CHECKING:
    from avatarrig.photos.looks.look import Look

Published = PhotoReference | Reject


def reference_in(record: Published) -> PhotoReference | None:
    """The photo that a record is about."""
    return record.reference if isinstance(record, Reject) else record


def is_near_copy(record: Published) -> bool:
    """Whether a photo is left out since nearly the same one is detected."""
    return isinstance(record, Reject) and record.is_near_copy


class Photo(Protocol):
    """Something that goes by a photo's name, wherever it lies."""

    @property
    def path(self) -> str:
        """Path within the dataset."""

    @property
    def printable_path(self) -> str:
        """The same as text."""

    @property
    def uri(self) -> str:
        """Where a detector finds it."""

    @property
    def problem(self) -> Problem | None:
        """Why it cannot be published, None where nothing speaks against it."""


PhotoT = TypeVar("PhotoT", bound=Photo)


class Dataset(msgspec.Struct, frozen=True, kw_only=True):
    """Whose photos they are.

    Attributes:
        subject: Whose skeleton all photos tell about; the dataset's name where None.
        subject_per_folder: Each first-level folder is a subject of its own, by its name;
            photos beside the folders go to `subject`.
        run: Identifier of the run that asks; empty for a service.
        template: The subject's face, where photos may show others as well; empty where faces are
            not compared.
        person: The subject's name in what photo programs wrote into photos or beside them; empty
            where names do not matter.
        pointed: Subject to the template of the face that somebody pointed at, which goes before
            `template`.
        sharpest_of_moment: How many photos of each moment are detected, the sharpest; all where
            None.
    """

    name: str
    subject: str | None = None
    subject_per_folder: bool = False
    run: str = ""
    template: bytes = b""
    person: str = ""
    pointed: Mapping[str, bytes] = {}
    sharpest_of_moment: int | None = None

    @property
    def asked(self) -> str:
        """Stands for who is meant where nobody pointed at a face; see `asked_of`."""
        return _asked(self.template, self.person)

    def asked_of(self, subject: str) -> str:
        """Stands for who is meant: 16 hexadecimal digits; empty where nobody in particular is."""
        return _asked(self.pointed.get(subject, self.template), self.person)

    def pointing(self, faces: Mapping[str, Sequence[bytes]]) -> Dataset:
        """Takes faces that somebody pointed at for references, beside those of `template`.

        Args:
            faces: Subject to the templates of single faces.
        """
        own = [self.template] if self.template else []
        pointed = {
            subject: Template.of_all([*own, *some]).data for subject, some in faces.items() if some
        }
        return msgspec.structs.replace(self, pointed=pointed)

    def sought(self, named: Sequence[NamedFace], subject: str = "") -> Sought | None:
        """Says who is meant in a photo of a subject. `named`: Whom the photo's files name."""
        asked = self.asked_of(subject)
        if not asked:
            return None
        mine = [face for face in named if self.person and same_name(face.name, self.person)]
        region = next((face.region for face in mine if face.region is not None), None)
        # Where others are named beside the subject, one person may be any of them.
        is_told = region is not None or not mine or len(mine) == len(named)
        return Sought(
            asked=asked,
            template=self.pointed.get(subject, self.template),
            region=region,
            named=bool(mine) if self.person and named and is_told else None,
        )

    def subject_of(self, path: str) -> str:
        """Whose skeleton the photo at this path within the dataset tells about."""
        # Keys of a store may begin with a slash, or have two in a row.
        folders = [folder for folder in path.split("/")[:-1] if folder.strip()]
        if self.subject_per_folder and folders:
            return subject_name(folders[0])
        return subject_name(self.name if self.subject is None else self.subject)


def _asked(template: bytes, person: str) -> str:
    if not (template or person):
        return ""
    return hashlib.sha256(template + b"\0" + person.encode()).hexdigest()[:16]


def describe(  # noqa: PLR0913 - what, whose, and how to read it
    photos: Iterable[PhotoT],
    dataset: Dataset,
    *,
    read_content: Callable[[PhotoT], PhotoContent],
    now: Callable[[], float],
    read_names: Callable[[PhotoT], Sequence[NamedFace]] = lambda _: (),
    first_with: dict[tuple[str, bytes], str] | None = None,
    moments: Moments | None = None,
) -> Iterator[Published]:
    """Makes a record of each photo: a reference, or a reject where it cannot be read.

    A photo with the same picture as an earlier one of the same subject names that one in
    `duplicate_of`. Memory grows by some 100 bytes a photo.

    Args:
        photos: What was found, in an order that is the same each time.
        read_content: Reads hash, size and capture time; raises OSError. Two photos are read at
            a time, on threads.
        now: Unix seconds.
        read_names: Reads whom the photo's files name; asked where `dataset` says that it matters.
        first_with: The first photo of each subject and picture, where some were published
            before; it is added to.
        moments: Chooses which photos of a moment are detected, as `dataset` says; the others are
            rejected as near-copies. None has all detected.

    Yields:
        One record for each photo, and for each chosen frame of a clip, in the same order.
    """
    first_with = {} if first_with is None else first_with
    looked_at = _looked_at(photos, dataset, read_content, read_names, now)
    records = (
        (record for record, _ in looked_at) if moments is None else _sorted_out(looked_at, moments)
    )
    for record in records:
        if isinstance(record, Reject):
            yield record
            continue
        key = (record.subject, bytes.fromhex(record.picture or record.content_hash))
        first = first_with.setdefault(key, record.image_id)
        duplicate_of = None if first == record.image_id else first
        yield msgspec.structs.replace(record, duplicate_of=duplicate_of)


def _looked_at(
    photos: Iterable[PhotoT],
    dataset: Dataset,
    read_content: Callable[[PhotoT], PhotoContent],
    read_names: Callable[[PhotoT], Sequence[NamedFace]],
    now: Callable[[], float],
) -> Iterator[tuple[Published, Look | None]]:
    """Reads photos: their records, without a word of duplicates, and what they look like."""

    def read(photo: PhotoT) -> tuple[PhotoContent, Sequence[NamedFace]] | Problem:
        if photo.problem is not None:
            return photo.problem
        try:
            return read_content(photo), read_names(photo) if dataset.person else ()
        except OSError as error:
            return problem_of(error)

    for photo, outcome in read_ahead(_announced(photos), read):
        read_outcome = outcome()
        if isinstance(read_outcome, Problem):
            yield _reject(photo, read_outcome, dataset, now()), None
            continue
        content, named = read_outcome
        whole = _reference(photo, content, dataset, now())
        whole = msgspec.structs.replace(whole, sought=dataset.sought(named, whole.subject))
        for reference in [_frame(photo, whole, at) for at in content.frames] or [whole]:
            yield _as_said(reference), content.look


def _announced(photos: Iterable[PhotoT]) -> Iterator[PhotoT]:
    """Has the disk at work on photos that are taken ahead, before a reader has time for them."""
    for photo in photos:
        if isinstance(photo, FoundPhoto) and photo.problem is None:
            begin_reading(photo.file)
        yield photo


def _sorted_out(
    looked_at: Iterable[tuple[Published, Look | None]], moments: Moments
) -> Iterator[Published]:
    """Rejects near-copies of photos that are detected."""
    photos = ((record, _shot(record, look)) for record, look in looked_at)
    for record, original in moments.sorted_out(photos):
        if isinstance(record, PhotoReference) and original is not None:
            yield _near_copy(record, original)
        else:
            yield record


def _shot(record: Published, look: Look | None) -> Shot | None:
    if look is None or isinstance(record, Reject):
        return None
    sought = record.sought
    is_named = None if sought is None else sought.named
    return Shot(record.path, record.subject, look, record.captured_at, is_named)


def _near_copy(reference: PhotoReference, original: str) -> Reject:
    """Rejects a photo undetected; the record holds what is needed to detect it all the same."""
    return Reject(
        reason=RejectReason.NEAR_COPY,
        message=shortened(f"a near-copy of {original}, which is detected", MOST_SAID),
        attempts=0,
        rejected_at=reference.found_at,
        reference=reference,
        run=reference.run,
    )


def _as_said(reference: PhotoReference) -> PhotoReference:
    """Names a photo anew whose files say something else of the subject than before."""
    said = "" if reference.sought is None else reference.sought.said
    return msgspec.structs.replace(reference, image_id=as_said(reference.image_id, said))


def _frame(photo: Photo, clip: PhotoReference, seconds: float) -> PhotoReference:
    """A reference to one frame: what a photo is named by, the file's hash and the frame name it."""
    named = frame_of(f"{clip.content_hash}.mp4", seconds)
    return msgspec.structs.replace(
        clip,
        image_id=image_id(frame_of(photo.path, seconds), clip.content_hash),
        uri=frame_of(clip.uri, seconds),
        path=frame_of(clip.path, seconds),
        captured_at=None if clip.captured_at is None else clip.captured_at + seconds,
        picture=hashlib.sha256(named.encode()).hexdigest(),
    )


def _reference(
    photo: Photo, content: PhotoContent, dataset: Dataset, found_at: float
) -> PhotoReference:
    return PhotoReference(
        image_id=image_id(photo.path, content.content_hash),
        uri=photo.uri,
        dataset=dataset.name,
        path=photo.printable_path,
        subject=dataset.subject_of(photo.printable_path),
        content_hash=content.content_hash,
        size=content.size,
        found_at=found_at,
        captured_at=content.captured_at,
        picture=content.picture,
        run=dataset.run,
    )


def _reject(photo: Photo, problem: Problem, dataset: Dataset, found_at: float) -> Reject:
    unread = PhotoContent(content_hash="", size=0, captured_at=None)
    return Reject(
        reason=problem.reason,
        message=shortened(problem.message, MOST_SAID),
        attempts=1,
        rejected_at=found_at,
        reference=_reference(photo, unread, dataset, found_at),
        run=dataset.run,
    )
