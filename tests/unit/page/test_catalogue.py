"""Every photo with how it stands, whatever comes in which order; pages of them; all as JSON."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image
from support.observed import observation
from support.rendered import rendered

from avatarrig.body.evidence.counting import Excluded, judge, why_not
from avatarrig.kafka.reading import Message
from avatarrig.page.album import PAGE, Album
from avatarrig.page.thumbnails import Thumbnails
from avatarrig.views.catalogue import IN, Asked, Catalogue
from avatarrig.views.cataloguing import Reached
from avatarrig.wire import Decision, Forget, Observation
from avatarrig.wire.identity import subject_digest
from avatarrig.wire.reasons import Exclusion
from avatarrig.wire.standings import AS_SEEN, COUNTS, as_decided
from avatarrig.wire.topics import OBSERVATIONS

LEFT_OUT = Exclusion.ON_REQUEST.value


def told(*records: Observation | Decision | Forget, partition: int = 0) -> list[Message]:
    return [
        Message(OBSERVATIONS, partition, offset, 0.0, b"", record)
        for offset, record in enumerate(records)
    ]


def catalogue(*records: Observation | Decision | Forget) -> Catalogue:
    made = Catalogue()
    made.take(told(*records))
    return made


def decision(*photos: Observation, to: str, at: float = 1.0) -> Decision:
    return Decision(
        subject=photos[0].subject,
        image_ids=tuple(photo.image_id for photo in photos),
        standing=to,
        decided_at=at,
    )


def reasons(made: Catalogue, subject: str = "anna") -> dict[str, str]:
    shelf = made.shelf(Asked(subject=subject), 0, 1000)
    return {photo.image_id: photo.reason for photo in shelf.photos}


NAMES = ("Anna", "Ánna", "Ben")
PHOTOS = [observation(number) for number in range(6)]
UNSURE = msgspec.structs.replace(PHOTOS[1], excluded=Exclusion.UNSURE.words)


@pytest.mark.parametrize("seen", [*PHOTOS, UNSURE, *(rendered(number) for number in range(4))])
@pytest.mark.parametrize("standing", [AS_SEEN, COUNTS, LEFT_OUT, "gone", "duplicate", "only_copy"])
def test_a_photo_stands_as_the_estimate_has_it(seen: Observation, standing: str) -> None:
    verdict = judge(as_decided(seen, standing))
    expected = verdict.reason.value if isinstance(verdict, Excluded) else IN
    assert (why_not(as_decided(seen, standing)) or IN) == expected
    before = decision(seen, to=standing)
    for records in ((seen, before), (before, seen)):
        assert reasons(catalogue(*records), seen.subject) == {seen.image_id: expected}


def test_of_several_decisions_the_latest_holds() -> None:
    out, back = decision(*PHOTOS, to=LEFT_OUT, at=5.0), decision(PHOTOS[2], to=AS_SEEN, at=6.0)
    for order in ((out, back), (back, out)):
        stands = reasons(catalogue(*PHOTOS, *order))
        assert {image_id for image_id, why in stands.items() if why != LEFT_OUT} == {
            PHOTOS[2].image_id
        }


def test_the_first_observation_of_a_detector_counts_and_the_latest_detector() -> None:
    again = msgspec.structs.replace(PHOTOS[0], path="again.jpg", observed_at=1e10)
    anew = msgspec.structs.replace(again, path="anew.jpg", fingerprint="f" * 16)
    made = catalogue(PHOTOS[0], again)
    one = Asked(subject="anna", image_id=PHOTOS[0].image_id)
    assert [photo.path for photo in made.shelf(one, 0, 9).photos] == [PHOTOS[0].path]
    made.take(told(anew))
    assert [photo.path for photo in made.shelf(one, 0, 9).photos] == ["anew.jpg"]


def test_who_is_forgotten_is_gone_until_seen_again() -> None:
    forget = Forget(forget=subject_digest("anna"), forgotten_at=10.0)
    made = catalogue(*PHOTOS[:2], decision(PHOTOS[0], to=LEFT_OUT), forget, PHOTOS[0])
    assert reasons(made) == {PHOTOS[0].image_id: reasons(catalogue(PHOTOS[0]))[PHOTOS[0].image_id]}


def test_photos_are_chosen_by_person_reason_and_name_the_latest_first() -> None:
    ben = [msgspec.structs.replace(rendered(n), subject="ben", path=f"100%/_{n}") for n in range(9)]
    made = catalogue(*PHOTOS, *ben, decision(*ben[:4], to=LEFT_OUT))
    everybody = made.shelf(Asked(), 0, 5)
    assert (everybody.found, len(everybody.photos)) == (15, 5)
    out = made.shelf(Asked(subject="ben", reason=LEFT_OUT), 0, 3)
    assert (out.found, len(out.photos)) == (4, 3)
    assert sum(out.reasons.values()) == 9, "of all of Ben's"
    times = [photo.observed_at for photo in made.shelf(Asked(subject="ben"), 0, 9).photos]
    assert times == sorted(times, reverse=True)
    assert made.shelf(Asked(search="0%/_3"), 0, 9).found == 1
    assert made.shelf(Asked(search="%"), 0, 99).found == 9, "no wildcard"
    assert made.shelf(Asked(subject="nobody"), 0, 9).photos == ()


def test_a_pose_is_kept_as_it_is_drawn() -> None:
    seen = rendered(3)
    assert seen.pose is not None
    known = catalogue(seen).pose(seen.subject, seen.image_id)
    assert known is not None
    pose, width, height = known
    assert (width, height) == (seen.width, seen.height)
    kept = seen.pose.unpack()
    np.testing.assert_allclose(pose[:, :2], kept[:, :2], rtol=1e-3)
    assert catalogue(seen).pose(seen.subject, "another") is None


# As the page is told.


class Known:
    def __init__(self, made: Catalogue, reached: Reached) -> None:
        self._known = made, reached

    @property
    def version(self) -> int:
        return self._known[0].version

    def ask(self) -> tuple[Catalogue, Reached]:
        return self._known


def album(made: Catalogue, *roots: Path, reached: Reached | None = None) -> Album:
    known = Known(made, Reached(1, 1) if reached is None else reached)
    return Album(known, Thumbnails([str(root) for root in roots]))


def page(made: Catalogue, *roots: Path, **query: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(album(made, *roots).page(query))
    return answer


def test_a_page_of_many_photos_is_one_page(tmp_path: Path) -> None:
    (tmp_path / "overlays").mkdir()
    Image.new("RGB", (9, 9)).save(tmp_path / "overlays" / f"{rendered(0).image_id}.png")
    seen = [rendered(number) for number in range(60)]
    made = catalogue(*seen, decision(seen[0], to=LEFT_OUT))
    first = page(made, tmp_path)
    assert (first["found"], first["pages"], len(first["photos"])) == (60, 3, PAGE)
    assert page(made, page="99")["page"] == 2
    for odd in ("-1", "x", "9" * 40, "9" * 5000, "²"):
        assert page(made, page=odd)["page"] in {0, 2}
    assert first["reasons"][0][:2] == ["counts", "counts"]
    out = page(made, tmp_path, reason=LEFT_OUT)
    (photo,) = out["photos"]
    assert (photo["counts"], photo["overlay"]) == (False, True)
    assert photo["verdict"] == "does not count: left out on request"
    assert page(made, reason="counts")["found"] == first["reasons"][0][2]
    assert page(made, reason="no such")["photos"] == []


def test_photos_are_found_by_whose_they_are() -> None:
    made = catalogue(*(rendered(number, subject=name) for number, name in enumerate(NAMES)))
    for search, found in (("ann", 2), ("ANNÁ", 2), ("be", 1), ("nobody", 0), ("%", 0), ("", 3)):
        shown = page(made, who=search)
        assert (shown["found"], shown["all"]) == (found, found)
    assert page(made, who="ann", name="Ben")["photos"] == []


def test_how_far_the_past_is_read_is_told() -> None:
    told_by = album(Catalogue(), reached=Reached(30, 120, "Kafka is away."))
    shown = json.loads(told_by.page({}))
    assert (shown["read"], shown["trouble"]) == ([30, 120], "Kafka is away.")
    assert page(Catalogue())["read"] is None


def test_a_pose_is_a_file_that_needs_no_style_sheet() -> None:
    seen = rendered(3)
    drawn = album(catalogue(seen)).pose(seen.subject, seen.image_id)
    assert drawn is not None
    root = ET.fromstring(drawn)
    lines = [part for part in root if part.tag.endswith("line")]
    assert len(lines) > 8
    assert all(line.get("stroke") for line in lines)
    assert not any(part.get("class") for part in root.iter())
