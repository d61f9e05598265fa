"""How well faces are told apart, what that costs, and what strangers do to an estimate.

    python tests/bench/faces.py [--faces FOLDER] [--together FOLDER] [--json FILE]

Without a folder only the photos that packages carry are compared, too few to say much. FOLDER holds
one folder a person with photos of that person alone. Public ones that were used, none of which is
part of this repository: the examples of face-api.js (MIT; eight people, five photos each), the test
photos of deepface (MIT; its face-recognition-pivot.csv says which are of one person), the examples
of face_recognition (MIT), and for more strangers the pictures of krasserm/face-recognition (ten
people of Labeled Faces in the Wild) and of dlib's examples/johns.

Groups are put together from photos of people who never met, so that it is known who stands where:
of portraits, next to none shows enough of a body to count. Photos of people who did meet lie in
--together, with `who.json` beside them: photo to person to where the middle of the face is, in
shares of width and height. Those of face-api.js (bbt1, 2, 3 and 5) and face_recognition
(obama_and_biden, kit_with_rose) were used.
Small faces are photos reduced and searched as a detector does, in a crop around the head.
Half of the people, every other by name, are measured by themselves as well (``--half 1``): the
thresholds were chosen on the others (``--half 0``).
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import msgspec
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.pictures import read_picture
from support.real_photos import fetch_real_photos
from support.references import reference
from support.rendered import rendered, truth_of

from avatarrig.body.estimate import estimate
from avatarrig.body.evidence.counting import why_not
from avatarrig.body.evidence.learned import load_learned
from avatarrig.body.ratios import RATIO_KEYS
from avatarrig.body.recognition import NOT_TAKEN, TAKEN, TAKEN_SMALL, VERDICT, Verdict
from avatarrig.body.sums.tally import Tally
from avatarrig.detectors.detector import Detection, Detector
from avatarrig.detectors.faces.finding import Face
from avatarrig.detectors.faces.models import locate_face_models
from avatarrig.detectors.faces.recogniser import WHOLE_SIDE, Recogniser
from avatarrig.detectors.faces.template import Template
from avatarrig.detectors.fetching.models import locate_models
from avatarrig.detectors.native import keep_to_one_thread
from avatarrig.detectors.options import DetectorOptions
from avatarrig.wire import Sought
from processors.sandbox.observing import assemble

SMALL = (20, 25, 30, 35, 40)
THRESHOLDS = (NOT_TAKEN, 0.363, TAKEN, TAKEN_SMALL, 0.5)
MOST_TEMPLATES = 20
SOMEWHERE = reference("group.jpg")
ENLARGED = 4
"""A crop around a head is enlarged before it is searched."""

TOGETHER_TEMPLATES = 5
GROUP = 3
GROUP_HEIGHT = 640
FACE_REACH = 0.12
"""Half of a face's height at most, in shares of the height of a photo of people side by side."""

PACKAGED = {"obama": ("obama.jpg", "obama2.jpg", "obama3.jpg"), "biden": ("biden.jpg",)}

Floats = np.ndarray[Any, Any]


class Shown(NamedTuple):
    """A photo of one person, as numbers: at its size, and reduced to faces of a few pixels."""

    person: str
    file: Path
    full: Floats
    small: dict[int, Floats]


def files_of_people(folder: Path | None) -> Iterator[tuple[str, Path]]:
    if folder is None:
        photos = fetch_real_photos()
        for person, names in PACKAGED.items():
            yield from ((person, photos / name) for name in names)
        return
    for own in sorted(path for path in folder.iterdir() if path.is_dir()):
        yield from ((own.name, file) for file in sorted(own.iterdir()))


def read(file: Path) -> Floats | None:
    picture = cv2.imread(str(file))
    return None if picture is None else np.ascontiguousarray(picture[..., ::-1])


def largest(recogniser: Recogniser, rgb: Floats) -> Face | None:
    return max(recogniser.faces(rgb), key=lambda face: face.width, default=None)


def shown(recogniser: Recogniser, person: str, file: Path) -> Shown | None:
    rgb = read(file)
    face = None if rgb is None else largest(recogniser, rgb)
    if rgb is None or face is None:
        return None
    small = {}
    for width in SMALL:
        scale = width / face.width
        reduced = np.asarray(
            cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8
        )
        enlarged = np.asarray(
            cv2.resize(reduced, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC),
            np.uint8,
        )
        found = largest(recogniser, enlarged)
        if found is not None:
            small[width] = recogniser.embed(found.moved(1 / ENLARGED, 0.0, 0.0), reduced)
    return Shown(person, file, recogniser.embed(face, rgb), small)


def likenesses(
    photos: Sequence[Shown], references: int, width: int | None
) -> tuple[Floats, Floats]:
    """Of photos of the person, and of others, to templates made of so many references."""
    own: list[float] = []
    others: list[float] = []
    for person in sorted({photo.person for photo in photos}):
        mine = [photo for photo in photos if photo.person == person]
        if len(mine) <= references:
            continue
        for chosen in itertools.islice(itertools.combinations(mine, references), MOST_TEMPLATES):
            template = Template.mean([photo.full for photo in chosen])
            for photo in photos:
                numbers = photo.full if width is None else photo.small.get(width)
                if numbers is not None and not any(photo is each for each in chosen):
                    like = template.likeness(numbers)
                    (own if photo.person == person else others).append(like)
    return np.array(own), np.array(others)


def tell_apart(photos: Sequence[Shown]) -> list[dict[str, Any]]:
    rows = []
    for references, width in itertools.product((1, 3), (None, *SMALL)):
        own, others = likenesses(photos, references, width)
        if not len(own) or not len(others):
            continue
        row: dict[str, Any] = {
            "references": references,
            "face_width": width or "as it is",
            "own": len(own),
            "others": len(others),
            "most_alike_stranger": float(others.max()),
        }
        for threshold in THRESHOLDS:
            row[f"taken_at_{threshold}"] = float((own >= threshold).mean())
            row[f"strangers_at_{threshold}"] = float((others >= threshold).mean())
        rows.append(row)
    return rows


def in_groups(photos: Sequence[Shown], groups: int) -> dict[str, Any]:
    """Whole detections in groups that are put together, and in photos without the person."""
    options = DetectorOptions()
    random = np.random.default_rng(1)
    people = sorted({photo.person for photo in photos})
    several = [name for name in people if sum(photo.person == name for photo in photos) >= 4]
    told = {"taken_right": 0, "taken_wrong": 0, "not_taken": 0, "no_pose": 0, "does_not_count": 0}
    cost, plain = [], []
    with Detector(options, locate_models(options)) as detector:
        for number in range(groups):
            if not several:
                break
            whom = several[number % len(several)]
            own = [photo for photo in photos if photo.person == whom]
            picked = random.permutation(len(own))
            template = Template.mean([own[index].full for index in picked[:3]])
            others = [photo for photo in photos if photo.person != whom]
            crowd = [others[index] for index in random.permutation(len(others))[: GROUP - 1]]
            is_there = number % 2 == 0
            if is_there:
                crowd.insert(int(random.integers(GROUP)), own[picked[3]])
            data, places = side_by_side([photo.file for photo in crowd])
            begun = time.process_time()
            seen = detector.detect(data, Sought(asked="bench", template=template.data))
            cost.append(time.process_time() - begun)
            begun = time.process_time()
            detector.detect(data)
            plain.append(time.process_time() - begun)
            if seen.meta[VERDICT] != Verdict.SUBJECT:
                told["not_taken"] += is_there
                continue
            right = next((at for at, photo in enumerate(crowd) if photo.person == whom), None)
            if seen.pose is None:
                told["no_pose"] += 1
            elif not counts(seen):
                told["does_not_count"] += 1
            elif right is not None and places[right][0] <= seen.pose[0, 0] <= places[right][1]:
                told["taken_right"] += 1
            else:
                told["taken_wrong"] += 1
    if cost:
        told["cpu_ms_more_a_group"] = round(1000 * float(np.median(np.subtract(cost, plain))))
    return told


def together(photos: Sequence[Shown], folder: Path) -> Iterator[dict[str, Any]]:
    """Whole detections in photos of people who stand together, by references of each of them.

    Each of a person's photos, and some of three, are references in turn.
    """
    who = json.loads((folder / "who.json").read_text())
    named = {person for faces in who.values() for person in faces}
    people = sorted(named & {photo.person for photo in photos})
    options = DetectorOptions()
    with Detector(options, locate_models(options)) as detector:
        for references in (3, 1):
            told: Counter[str] = Counter()
            for name, person in itertools.product(who, people):
                own = [photo.full for photo in photos if photo.person == person]
                chosen = itertools.combinations(own, min(references, len(own)))
                data = (folder / name).read_bytes()
                for some in itertools.islice(chosen, TOGETHER_TEMPLATES):
                    template = Template.mean(some)
                    seen = detector.detect(data, Sought(asked="bench", template=template.data))
                    taken = seen.meta[VERDICT] == Verdict.SUBJECT and counts(seen)
                    told[outcome(seen, who[name].get(person), taken=taken)] += 1
            yield {"references": references, **told}


def outcome(seen: Detection, face: Sequence[float] | None, *, taken: bool) -> str:
    if face is None:
        return "stranger_taken" if taken else "stranger_left_out"
    if not taken or seen.pose is None:
        return f"left_out, {seen.meta[VERDICT]}"
    near = np.abs(seen.pose[0, :2] - face) * (seen.width, seen.height) < FACE_REACH * seen.height
    return "taken_right" if near.all() else "taken_with_another_pose"


def counts(seen: Detection) -> bool:
    """Whether the photo counts; a pose that was made up below a mere face does not."""
    return (
        why_not(assemble(SOMEWHERE, seen, fingerprint="", learned=load_learned(), observed_at=0.0))
        is None
    )


def side_by_side(files: Sequence[Path]) -> tuple[bytes, list[tuple[float, float]]]:
    pictures = [read_picture(file) for file in files]
    scaled = [
        cv2.resize(picture, (round(picture.shape[1] * GROUP_HEIGHT / len(picture)), GROUP_HEIGHT))
        for picture in pictures
    ]
    ends = np.cumsum([picture.shape[1] for picture in scaled])
    starts = ends - [picture.shape[1] for picture in scaled]
    places = [(float(a / ends[-1]), float(b / ends[-1])) for a, b in zip(starts, ends, strict=True)]
    return cv2.imencode(".jpg", np.hstack(scaled))[1].tobytes(), places


def costs(recogniser: Recogniser, rgb: Floats) -> dict[str, float]:
    face = largest(recogniser, rgb)
    if face is None:
        return {}
    finding, embedding = [], []
    for _ in range(15):
        begun = time.process_time()
        recogniser.faces(rgb)
        middle = time.process_time()
        recogniser.embed(face, rgb)
        finding.append(middle - begun)
        embedding.append(time.process_time() - middle)
    return {
        f"find_at_{WHOLE_SIDE}_ms": round(1000 * float(np.median(finding)), 1),
        "compare_a_face_ms": round(1000 * float(np.median(embedding)), 1),
    }


def strangers(rates: tuple[float, float], photos: int = 30) -> list[dict[str, Any]]:
    """Error of rendered people's ratios where a share of the photos shows somebody else.

    Args:
        rates: Share of the person's photos that a reference takes, and of strangers'.
        photos: How many of the person.
    """
    random = np.random.default_rng(2)
    rows = []
    for share in (0.0, 0.1, 0.3, 0.5):
        count = round(photos * share / (1 - share))
        row: dict[str, Any] = {"strangers": share}
        for name, (taken, let_in) in {"without": (1.0, 1.0), "with": rates}.items():
            errors = []
            for person, other in (("p00", "pw01"), ("pw01", "p00")):
                for _ in range(5):
                    tally = Tally.empty()
                    for number in random.permutation(photos):
                        if random.random() < taken:
                            tally.add(rendered(int(number), person))
                    for number in range(count):
                        if random.random() < let_in:
                            mixed = rendered(number, other, image_id=f"other-{number}")
                            tally.add(msgspec.structs.replace(mixed, subject="Demo"))
                    errors.append(error_of(tally, person))
            row[f"error_{name}_reference_%"] = round(float(np.mean(errors)), 2)
        rows.append(row)
    return rows


def error_of(tally: Tally, person: str) -> float:
    """Mean error of the ratios to the shoulders, percent."""
    truth = truth_of(person)
    bones = {
        "hip_width": "hip",
        "torso_length": "torso",
        "upper_arm_L": "uarm",
        "lower_arm_L": "farm",
        "upper_leg_L": "thigh",
        "lower_leg_L": "shank",
    }
    assert set(bones) <= set(RATIO_KEYS)
    found = estimate(tally).bones
    return 100 * float(
        np.mean(
            [
                abs(found[key].value / (truth[bone] / truth["shoulder"]) - 1)
                for key, bone in bones.items()
            ]
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--faces", type=Path, help="one folder a person")
    parser.add_argument("--together", type=Path, help="photos of several, and who.json")
    parser.add_argument("--half", type=int, choices=(0, 1), help="of the people; all by default")
    parser.add_argument("--groups", type=int, default=40, help="groups that are put together")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    given = parser.parse_args()
    keep_to_one_thread()
    recogniser = Recogniser(locate_face_models())
    files = list(files_of_people(given.faces))
    names = sorted({person for person, _ in files})
    measured = set(names if given.half is None else names[given.half :: 2])
    found = (shown(recogniser, *each) for each in files if each[0] in measured)
    photos = [photo for photo in found if photo is not None]
    people = {photo.person for photo in photos}
    report: dict[str, Any] = {
        "people": len(people),
        "photos": len(photos),
        "pairs": len(photos) * (len(photos) - 1) // 2,
        "told_apart": tell_apart(photos),
        "groups": in_groups(photos, given.groups),
        "together": list(together(photos, given.together)) if given.together else [],
        "costs": costs(recogniser, read_picture(photos[0].file)[..., ::-1]),
    }
    three = [row for row in report["told_apart"] if row["references"] == 3]
    rates = (
        (three[0][f"taken_at_{TAKEN}"], three[0][f"strangers_at_{TAKEN}"]) if three else (0.95, 0.0)
    )
    report["strangers"] = strangers(rates)
    for name, figures in report.items():
        for row in figures if isinstance(figures, list) else [figures]:
            print(name, row if not isinstance(row, dict) else json.dumps(row))
    if given.json:
        given.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
