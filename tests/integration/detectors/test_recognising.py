"""Whoever is meant is found among others, on photos of real people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.pictures import read_picture

from avatarrig.body.recognition import LIKENESS, VERDICT, Verdict
from avatarrig.detectors.detector import Detection, Detector
from avatarrig.detectors.faces.models import locate_face_models
from avatarrig.detectors.faces.recogniser import Recogniser
from avatarrig.detectors.faces.references import template_of
from avatarrig.detectors.faces.refused import ReferenceRefusedError, SeveralFacesError
from avatarrig.detectors.faces.template import Template
from avatarrig.detectors.fetching.models import locate_models
from avatarrig.detectors.options import DetectorOptions
from avatarrig.wire import Sought

pytestmark = pytest.mark.models

NOSE = 0
HEIGHT = 900
ONE_PICTURE = 0.97
"""Cosine of a face with itself, laid a few pixels otherwise."""


@pytest.fixture(scope="module")
def detector() -> Iterator[Detector]:
    options = DetectorOptions()
    with Detector(options, locate_models(options)) as opened:
        yield opened


@pytest.fixture(scope="module")
def obama(real_photos: Path) -> Sought:
    template = template_of([real_photos / "obama.jpg", real_photos / "obama3.jpg"])
    return Sought(asked="obama", template=template)


def picture(photo: Path) -> np.ndarray:
    whole = read_picture(photo)
    return cv2.resize(whole, None, fx=HEIGHT / len(whole), fy=HEIGHT / len(whole))


def side_by_side(*photos: Path) -> tuple[bytes, list[tuple[float, float]]]:
    """A group of people who never met; and where each of them is, in shares of its width."""
    pictures = [picture(photo) for photo in photos]
    ends = np.cumsum([shown.shape[1] for shown in pictures])
    places = [
        (float(end - shown.shape[1]) / float(ends[-1]), float(end) / float(ends[-1]))
        for end, shown in zip(ends, pictures, strict=True)
    ]
    return jpeg(np.hstack(pictures)), places


def jpeg(shown: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()


def verdict(seen: Detection) -> str:
    return str(seen.meta[VERDICT])


def test_in_a_group_whoever_is_meant_is_taken_wherever_they_stand(
    detector: Detector, real_photos: Path, obama: Sought
) -> None:
    others = [real_photos / name for name in ("biden.jpg", "grace_hopper.jpg")]
    for place in range(3):
        people = [*others[:place], real_photos / "obama2.jpg", *others[place:]]
        data, places = side_by_side(*people)
        seen = detector.detect(data, obama)
        left, right = places[place]
        assert verdict(seen) == Verdict.SUBJECT
        assert seen.pose is not None
        assert seen.face is not None
        assert left < seen.pose[NOSE, 0] < right
        assert left < seen.face[1, 0] < right
        assert seen.people > 1
        assert not seen.ambiguous


def test_the_mask_is_of_that_person_alone(
    detector: Detector, real_photos: Path, obama: Sought
) -> None:
    data, places = side_by_side(real_photos / "biden.jpg", real_photos / "obama2.jpg")
    alone, everybody = detector.detect(data, obama).mask, detector.detect(data).mask
    assert alone is not None
    assert everybody is not None
    beside = slice(0, round(places[0][1] * 256) - 12)
    assert (everybody[:, beside] >= 128).mean() > 0.3
    assert (alone[:, beside] >= 128).mean() < 0.02
    assert (alone >= 128).mean() > 0.1


def test_of_photos_without_the_subject_no_face_is_kept(
    detector: Detector, real_photos: Path, obama: Sought
) -> None:
    for name in ("biden.jpg", "grace_hopper.jpg", "astronaut.png", "six_friends.jpg", "bus.jpg"):
        seen = detector.detect((real_photos / name).read_bytes(), obama)
        assert verdict(seen) != Verdict.SUBJECT, name
        assert seen.face is None
        assert seen.blendshapes is None


def test_a_face_that_is_not_to_be_seen_leaves_it_open(
    detector: Detector, real_photos: Path, obama: Sought
) -> None:
    seen = detector.detect((real_photos / "obama2.jpg").read_bytes(), obama)
    assert seen.pose is not None
    shown = read_picture(real_photos / "obama2.jpg")
    height, width = shown.shape[:2]
    head = seen.pose[:11, :2] * (width, height)
    middle, reach = head.mean(axis=0), 2.2 * float(np.ptp(head, axis=0).max())
    cv2.circle(shown, middle.astype(int).tolist(), int(reach), (90, 90, 90), -1)
    assert verdict(detector.detect(jpeg(shown), obama)) == Verdict.UNSURE


def test_a_small_face_in_a_large_photo_is_compared_as_it_lies_there(
    detector: Detector, real_photos: Path, obama: Sought
) -> None:
    person = read_picture(real_photos / "obama2.jpg")
    seen = detector.detect(jpeg(person), obama)
    assert seen.face is not None
    width = float(np.ptp(seen.face[:, 0])) * person.shape[1]
    scale = 60 / width  # pixels of the face, of which a quarter is left where it is worked with
    small = cv2.resize(person, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    large = np.full((3000, 4000, 3), 128, np.uint8)
    large[1500 : 1500 + len(small), 1800 : 1800 + small.shape[1]] = small
    found = detector.detect(jpeg(large), obama)
    assert found.rgb.shape[1] < 2000
    assert verdict(found) == Verdict.SUBJECT
    assert found.pose is not None
    assert 0.45 < found.pose[NOSE, 0] < 0.45 + small.shape[1] / 4000


def test_points_that_lie_coarsely_in_the_whole_photo_are_placed_anew(real_photos: Path) -> None:
    recogniser = Recogniser(locate_face_models())
    shown = np.ascontiguousarray(read_picture(real_photos / "obama2.jpg")[..., ::-1])
    face = max(recogniser.faces(shown), key=lambda found: found.width)
    across = np.array([(1, 0), (-1, 0), (1, 0), (1, 0), (-1, 0)], np.float32)
    coarse = replace(face, points=face.points + 0.1 * face.width * across)
    assert recogniser.embed(face, shown) @ recogniser.embed(coarse, shown) > ONE_PICTURE


def test_a_reference_may_be_filled_by_the_face(
    detector: Detector, real_photos: Path, tmp_path: Path
) -> None:
    shown = read_picture(real_photos / "obama3.jpg")
    recogniser = Recogniser(locate_face_models())
    face = max(recogniser.faces(shown), key=lambda found: found.width)
    (across, down), reach = face.centre, 0.4 * face.width
    rows = slice(int(down - reach), int(down + reach))
    columns = slice(int(across - reach), int(across + reach))
    cv2.imwrite(str(tmp_path / "close.png"), shown[rows, columns])
    template = template_of([tmp_path / "close.png"])
    data = (real_photos / "obama.jpg").read_bytes()
    assert verdict(detector.detect(data, Sought(asked="a", template=template))) == Verdict.SUBJECT


def test_a_region_in_the_file_needs_no_face_to_compare(
    detector: Detector, real_photos: Path
) -> None:
    data, places = side_by_side(real_photos / "biden.jpg", real_photos / "obama2.jpg")
    for left, right in places:
        region = (left, 0.0, right - left, 1.0)
        seen = detector.detect(data, Sought(asked="a", region=region, named=True))
        assert verdict(seen) == Verdict.SUBJECT
        assert seen.pose is not None
        assert left < seen.pose[NOSE, 0] < right
        assert seen.meta[LIKENESS] is None


def test_a_name_without_a_place_decides_where_one_person_is(
    detector: Detector, real_photos: Path
) -> None:
    one = (real_photos / "obama2.jpg").read_bytes()
    group, _ = side_by_side(real_photos / "biden.jpg", real_photos / "obama2.jpg")

    for data, named, expected in (
        (one, True, Verdict.SUBJECT),
        (one, False, Verdict.SOMEBODY_ELSE),
        (one, None, Verdict.UNSURE),
        (group, True, Verdict.UNSURE),
    ):
        assert verdict(detector.detect(data, Sought(asked="a", named=named))) == expected


def test_of_whom_the_file_names_faces_unlike_the_reference_prove_nothing(
    detector: Detector, real_photos: Path
) -> None:
    group, _ = side_by_side(real_photos / "biden.jpg", real_photos / "grace_hopper.jpg")
    template = template_of([real_photos / "obama.jpg"])
    for named, expected in ((None, Verdict.SOMEBODY_ELSE), (True, Verdict.UNSURE)):
        sought = Sought(asked="a", template=template, named=named)
        assert verdict(detector.detect(group, sought)) == expected


def test_without_a_question_nothing_is_different(detector: Detector, real_photos: Path) -> None:
    seen = detector.detect((real_photos / "obama2.jpg").read_bytes())
    assert VERDICT not in seen.meta
    assert LIKENESS not in seen.meta


def test_references_that_do_not_show_whom_to_look_for_are_refused(
    real_photos: Path, tmp_path: Path
) -> None:
    group, _ = side_by_side(real_photos / "biden.jpg", real_photos / "obama2.jpg")
    (tmp_path / "group.jpg").write_bytes(group)
    (tmp_path / "empty").mkdir()
    (tmp_path / "torn.jpg").write_bytes(b"\xff\xd8\xff no photo")
    cv2.imwrite(str(tmp_path / "wall.png"), np.full((300, 300, 3), 99, np.uint8))
    obama, biden = real_photos / "obama.jpg", real_photos / "biden.jpg"
    for references, places, wrong in (
        ([tmp_path / "group.jpg"], (), r"group\.jpg.*2 faces.*--reference-at"),
        ([obama], ((0.1, 0.9),), r"obama\.jpg.*no face at 0\.10,0\.90.*Faces are at 0\.54,0\.22"),
        ([obama], ((0.5, 0.2), (0.1, 0.1)), "2 places are given .* but 0 references"),
        ([tmp_path / "group.jpg"], ((0.5, 0.9),), r"group\.jpg.*no face at"),
        ([obama, biden], (), r"obama\.jpg.*does not look like"),
        ([tmp_path / "wall.png"], (), r"wall\.png.*no face"),
        ([tmp_path / "torn.jpg"], (), r"torn\.jpg"),
        ([tmp_path / "empty"], (), "no photos in it"),
        ([tmp_path / "gone.jpg"], (), "no such file"),
    ):
        with pytest.raises(ReferenceRefusedError, match=wrong):
            template_of(references, places)


def test_a_reference_serves_however_it_lies_and_however_large_it_is(
    real_photos: Path, tmp_path: Path
) -> None:
    upright = read_picture(real_photos / "obama.jpg")
    for quarters in (1, 2, 3):
        cv2.imwrite(str(tmp_path / f"turned{quarters}.png"), np.rot90(upright, quarters))
    large = np.full((4000, 6000, 3), 120, np.uint8)
    small = cv2.resize(upright, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    large[2000 : 2000 + len(small), 3000 : 3000 + small.shape[1]] = small
    cv2.imwrite(str(tmp_path / "large.jpg"), large)
    whole = Template(template_of([real_photos / "obama.jpg"]))
    for name in ("turned1.png", "turned2.png", "turned3.png", "large.jpg"):
        template = np.frombuffer(template_of([tmp_path / name]), "<f2").astype(np.float32)
        assert whole.likeness(template) > 0.9, name


@pytest.mark.parametrize("quarters", [1, 2])
def test_places_are_of_the_picture_as_it_was_given(
    real_photos: Path, tmp_path: Path, quarters: int
) -> None:
    group, places = side_by_side(real_photos / "biden.jpg", real_photos / "obama2.jpg")
    picture = cv2.imdecode(np.frombuffer(group, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    cv2.imwrite(str(tmp_path / "turned.png"), np.rot90(picture, quarters))
    with pytest.raises(SeveralFacesError) as refused:
        template_of([tmp_path / "turned.png"])
    across = sum(places[1]) / 2
    meant = min(
        refused.value.places,
        key=lambda place: abs((1 - place[1] if quarters == 1 else 1 - place[0]) - across),
    )
    template = Template(template_of([tmp_path / "turned.png"], [meant]))
    obama = template_of([real_photos / "obama.jpg"])
    assert template.likeness(np.frombuffer(obama, "<f2").astype(np.float32)) > 0.6


def test_places_may_be_given_for_each_reference(real_photos: Path, tmp_path: Path) -> None:
    group, places = side_by_side(real_photos / "biden.jpg", real_photos / "obama2.jpg")
    (tmp_path / "group.jpg").write_bytes(group)
    references = [real_photos / "obama.jpg", tmp_path / "group.jpg"]
    place = (sum(places[1]) / 2, 0.3)
    assert template_of(references, [place]) == template_of(references, [(0.54, 0.22), place])


def test_a_reference_that_may_be_somebody_elses_is_told(real_photos: Path) -> None:
    told: list[str] = []
    names = ("obama.jpg", "obama2.jpg", "biden.jpg")
    template_of([real_photos / name for name in names], report=told.append)
    (remark,) = told
    assert "biden.jpg: this face looks little like those of the others (likeness 0.2" in remark


def test_a_place_says_which_face_of_a_reference_is_meant(
    detector: Detector, real_photos: Path, tmp_path: Path
) -> None:
    group, places = side_by_side(real_photos / "biden.jpg", real_photos / "obama2.jpg")
    (tmp_path / "group.jpg").write_bytes(group)
    place = (sum(places[1]) / 2, 0.3)
    template = template_of([tmp_path / "group.jpg"], [place])
    sought = Sought(asked="a", template=template)
    obama, biden = (
        verdict(detector.detect((real_photos / name).read_bytes(), sought))
        for name in ("obama.jpg", "biden.jpg")
    )
    assert obama == Verdict.SUBJECT
    assert biden != Verdict.SUBJECT
