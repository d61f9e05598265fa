"""The subject by face: which of the people in a photo is meant, and that person's pose alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from avatarrig.body.landmarks import LEFT_HIP, LEFT_SHOULDER, RIGHT_HIP, RIGHT_SHOULDER
from avatarrig.body.recognition import LIKENESS, VERDICT, Recognition, Verdict, recognise
from avatarrig.detectors.faces.finding import Face
from avatarrig.detectors.faces.person import crops, nearest
from avatarrig.detectors.faces.template import Template
from avatarrig.detectors.outline import TIGHT, draw_outline
from avatarrig.detectors.person_mask import SEGMENTER_SIDE, PersonMask
from avatarrig.detectors.quality import landmark_confidence
from avatarrig.detectors.second_look import SMALL_PERSON
from avatarrig.detectors.who import JOINT_CONFIDENCE, Choice, choose_subject, same_person
from avatarrig.photos.decode import DecodedPhoto, decode_photo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from avatarrig.detectors.faces.recogniser import Head, Recogniser
    from avatarrig.detectors.second_look import SecondLook
    from avatarrig.detectors.tasks import Floats, FoundPose, Pixels
    from avatarrig.wire import Sought

Flags = NDArray[np.bool_]
Meta = dict[str, float | int | str | bool | None]

FULL_SIDE: Final = 8000
"""A photo whose faces are looked at closely is reduced to no fewer pixels on its long side."""

_TORSO_IN_FACES: Final = 2.8
"""A torso's length in widths of the face."""

_LIMBS: Final = (
    *((13, 11), (15, 13), (17, 15), (19, 15), (21, 15)),
    *((14, 12), (16, 14), (18, 16), (20, 16), (22, 16)),
    *((25, 23), (27, 25), (29, 27), (31, 27)),
    *((26, 24), (28, 26), (30, 28), (32, 28)),
)
"""Each landmark of a limb, and the one before it on the way from the torso."""

_HEAD: Final = slice(0, 11)
_HEAD_REACH: Final = 1.2


class PhotoView:
    """A photo as it is worked with, and as it lies there.

    Args:
        data: The file's bytes.
        max_pixels: As for `decode_photo`.
    """

    def __init__(self, photo: DecodedPhoto, data: bytes, max_pixels: int) -> None:
        self.photo = photo
        self._data = data
        self._max_pixels = max_pixels

    @property
    def scale(self) -> float:
        """How many pixels of the photo as it lies there one of the working picture's is."""
        return self.photo.width / float(self.photo.rgb.shape[1])

    def full(self) -> Pixels:
        """The photo as it lies there, decoded when it is first needed."""
        return self._full

    @cached_property
    def _full(self) -> Pixels:
        if self.scale <= 1:
            return self.photo.rgb
        return decode_photo(self._data, max_pixels=self._max_pixels, long_side=FULL_SIDE).rgb


@dataclass(frozen=True)
class Identified:
    """Whether the subject is in a photo, and who that is.

    Attributes:
        verdict: Whether the subject is there.
        likeness: The greatest likeness of a face; None where none was compared.
        choice: The subject and everybody else; where the subject was not recognised, the most
            prominent person in the subject's place.
        strangers: Faces of others, in pixels of the working picture.
    """

    verdict: Verdict
    likeness: float | None
    choice: Choice
    strangers: tuple[Face, ...] = ()

    def to_meta(self) -> Meta:
        """What is kept of the comparison."""
        likeness = None if self.likeness is None else round(self.likeness, 3)
        return {VERDICT: str(self.verdict), LIKENESS: likeness}


def identify(
    recogniser: Recogniser, view: PhotoView, choice: Choice, look: SecondLook, sought: Sought
) -> Identified:
    """Finds the person who is meant.

    Args:
        choice: The people whom the look at the whole photo showed.
        sought: Who is meant.
    """
    if sought.region is None and not sought.template:
        return _by_name(choice, None, sought)
    rgb = view.photo.rgb
    heads = [_head(person.landmarks) for person in choice.people]
    faces = recogniser.faces(rgb, heads, view.full)
    if sought.region is not None:
        recognition = Recognition(Verdict.SUBJECT)
        face = _face_at(sought.region, faces, rgb)
    else:
        template = Template(sought.template)
        compared = recogniser.compare(faces, template, rgb, view.full, view.scale)
        recognition = recognise(compared)
        if recognition.face is None:
            return _by_name(choice, recognition, sought)
        face = faces[recognition.face]
    strangers = tuple(other for other in faces if other is not face)
    return _with_pose(recognition, _People(choice, face, strangers), view, look)


def _by_name(choice: Choice, recognition: Recognition | None, sought: Sought) -> Identified:
    """Decides by what the file says where no face does: names without places."""
    likeness = None if recognition is None else recognition.likeness
    if sought.named is False:
        return Identified(Verdict.SOMEBODY_ELSE, likeness, choice)
    if sought.named and len(choice.people) == 1:
        return Identified(Verdict.SUBJECT, likeness, _sure(choice))
    # Whom the file names may turn away: of that, faces unlike the template prove nothing.
    verdict = Verdict.UNSURE if recognition is None or sought.named else recognition.verdict
    return Identified(verdict, likeness, choice)


def mask_of_one(mask: PersonMask, identified: Identified, size: tuple[int, int]) -> PersonMask:
    """Takes the others off a mask: a place is whose outline is nearer, in lengths of their torso.

    Args:
        size: Width and height of the picture whose pixels the faces are in.
    """
    subject, others = identified.choice.subject, identified.choice.people[1:]
    if subject is None or not (others or identified.strangers):
        return mask
    width, height = size
    scale = SEGMENTER_SIDE / max(width, height)
    scaled = columns, rows = max(round(width * scale), 1), max(round(height * scale), 1)
    own = _outline(subject.landmarks, columns, rows)
    theirs = [
        (_outline(person.landmarks, columns, rows), _size(person.landmarks, scaled))
        for person in others
    ]
    for face in identified.strangers:
        head, shoulders = _bust(face.moved(scale, 0.0, 0.0), columns, rows)
        own &= ~head  # whatever a pose says, where somebody else's face is seen they are in front
        theirs.append((head | shoulders, _TORSO_IN_FACES * face.width * scale))
    mine = _distance(own) / _size(subject.landmarks, scaled)
    nearest_other = np.min([_distance(place & ~own) / size for place, size in theirs], axis=0)
    nearer = (mine <= nearest_other).astype(np.uint8)
    side = mask.confidence.shape[::-1]
    return PersonMask(mask.confidence * cv2.resize(nearer, side, interpolation=cv2.INTER_NEAREST))


def _outline(pose: Floats, columns: int, rows: int) -> Flags:
    """Draws what is seen of somebody: limbs that are only guessed lie on other people."""
    seen = landmark_confidence(pose) >= JOINT_CONFIDENCE
    shown = pose.copy()
    for joint, towards_torso in _LIMBS:
        if not seen[joint]:
            shown[joint] = shown[towards_torso]
    return draw_outline([shown], columns, rows, TIGHT)


def _size(pose: Floats, scaled: tuple[int, int]) -> float:
    """Length of a torso, or width of the shoulders where that is more."""
    points = pose[:, :2].astype(float) * scaled
    shoulders, hips = points[[LEFT_SHOULDER, RIGHT_SHOULDER]], points[[LEFT_HIP, RIGHT_HIP]]
    across = float(np.hypot(*(shoulders[0] - shoulders[1])))
    down = float(np.hypot(*(shoulders.mean(axis=0) - hips.mean(axis=0))))
    return max(across, down, 1.0)


def _distance(inside: Flags) -> Floats:
    """Distance of each place from the nearest one inside, 0 there; far where there is none."""
    if not inside.any():
        return np.full(inside.shape, np.inf, np.float32)
    outside = (~inside).astype(np.uint8)
    return np.asarray(cv2.distanceTransform(outside, cv2.DIST_L2, 3), np.float32)


def _bust(face: Face, columns: int, rows: int) -> tuple[Flags, Flags]:
    """Draws the head and the shoulders of somebody of whom a face was found."""
    head, shoulders = (np.zeros((rows, columns), np.uint8) for _ in range(2))
    across, down = face.centre
    half, high = face.width / 2, face.height / 2
    axes = (max(round(half * 1.4), 1), max(round(high * 1.4), 1))
    cv2.ellipse(head, (round(across), round(down)), axes, 0, 0, 360, 1, -1)
    corner = (round(across - 2.2 * half), round(down + 1.6 * high))
    opposite = (round(across + 2.2 * half), round(down + 5 * high))
    cv2.rectangle(shoulders, corner, opposite, 1, -1)
    return head > 0, shoulders > 0


@dataclass(frozen=True)
class _People:
    choice: Choice
    face: Face
    strangers: tuple[Face, ...]


def _with_pose(
    recognition: Recognition, found: _People, view: PhotoView, look: SecondLook
) -> Identified:
    people, face = found.choice.people, found.face
    height, width = view.photo.rgb.shape[:2]
    place = nearest([person.landmarks for person in people], face, width, height)
    pose = _in_crops(face, look, width, height) if place is None else people[place]
    if pose is not None and look.extent(pose) < SMALL_PERSON:
        finer = look.again(pose)
        if finer is not None and nearest([finer.landmarks], face, width, height) is not None:
            pose = finer
    others = tuple(
        person
        for index, person in enumerate(people)
        if index != place
        and not (pose is not None and same_person(person.landmarks, pose.landmarks))
    )
    if pose is None:
        alone = Choice(None, others, 0.0, ambiguous=False)
    else:
        alone = Choice(pose, (pose, *others), 1.0, ambiguous=False)
    return Identified(Verdict.SUBJECT, recognition.likeness, alone, found.strangers)


def _in_crops(face: Face, look: SecondLook, width: int, height: int) -> FoundPose | None:
    """Looks around a face for the pose that the whole photo did not show."""
    for box in crops(face, width, height):
        found = choose_subject(look.look(box, padding=0.0)).people
        place = nearest([pose.landmarks for pose in found], face, width, height)
        if place is not None:
            return found[place]
    return None


def _face_at(region: tuple[float, float, float, float], faces: Sequence[Face], rgb: Pixels) -> Face:
    """The face in a region that somebody drew; the region itself where none was found there."""
    height, width = rgb.shape[:2]
    left, top = region[0] * width, region[1] * height
    across, down = region[2] * width, region[3] * height
    inside = [
        face
        for face in faces
        if left <= face.centre[0] <= left + across and top <= face.centre[1] <= top + down
    ]
    if inside:
        middle = (left + across / 2, top + down / 2)
        return min(inside, key=lambda face: _apart(face.centre, middle))
    # Eyes, nose and mouth where they are in a face from the front.
    places = np.array([(0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.78), (0.65, 0.78)])
    points = (places * (across, down) + (left, top)).astype(np.float32)
    return Face(left, top, across, down, points, 0.0)


def _apart(first: tuple[float, float], second: tuple[float, float]) -> float:
    return float(np.hypot(first[0] - second[0], first[1] - second[1]))


def _sure(choice: Choice) -> Choice:
    return replace(choice, confidence=1.0, ambiguous=False)


def _head(pose: Floats) -> Head:
    points = pose[_HEAD, :2].astype(float)
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    reach = np.maximum(np.ptp(points, axis=0).max() * _HEAD_REACH, 1e-3)
    left, top = np.clip(middle - reach, 0, 1)
    right, bottom = np.clip(middle + reach, 0, 1)
    return float(left), float(top), float(right), float(bottom)
