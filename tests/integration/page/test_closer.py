"""A closer look at somebody's photos, and two people beside each other."""

from __future__ import annotations

import datetime as dt
import io
import json
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from PIL import Image
from support.rendered import rendered

from avatarrig.body.comparison import differences
from avatarrig.body.estimate import estimate
from avatarrig.body.sums.tally import Tally
from avatarrig.page.closer import Closer
from avatarrig.page.thumbnails import Thumbnails
from avatarrig.pictures.comparison import comparison_svg, draw_card
from avatarrig.wire import Observation
from avatarrig.wire.estimate import BoneEstimate, Estimate
from avatarrig.wire.reasons import Exclusion

HOSTILE = "<b>\x1b[2J" + "人" * 60


def of_year(number: int, year: int) -> Observation:
    taken = dt.datetime(year, 5, 1 + number % 20, tzinfo=dt.UTC).timestamp()
    return msgspec.structs.replace(rendered(number), captured_at=taken)


PHOTOS = [of_year(number, 2019 if number < 8 else 2024) for number in range(16)]


class Source:
    """Photos as they are read, and how often they were."""

    def __init__(self, standings: Mapping[str, str] | None = None) -> None:
        self.asked: list[str] = []
        self._standings = standings or {}
        self.more: list[Observation] = []

    def __call__(self, subject: str) -> tuple[Sequence[Observation], Mapping[str, str]]:
        self.asked.append(subject)
        return [*PHOTOS, *self.more], self._standings


def looked(source: Source, folder: Path, at: float = 1.0) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(Closer(source, Thumbnails([str(folder)])).look("anna", at))
    return answer


def test_each_year_stands_by_itself_without_what_was_left_out(tmp_path: Path) -> None:
    out = {photo.image_id: Exclusion.ON_REQUEST.value for photo in PHOTOS[:2]}
    content = looked(Source(out), tmp_path)
    assert [(year["year"], year["used"]) for year in content["years"]] == [("2019", 6), ("2024", 8)]
    value, low, high = content["years"][0]["bones"][0]
    assert low < value < high
    assert content["bones"][0] == "hips"


def test_the_photos_that_matter_most_come_with_what_they_do(tmp_path: Path) -> None:
    (tmp_path / "overlays").mkdir()
    content = looked(Source(), tmp_path)
    assert len(content["suspects"]) == 8
    pulls = [photo["pull"] for photo in content["suspects"]]
    assert pulls == sorted(pulls, reverse=True)
    assert pulls[0] > 0
    assert not any(photo["overlay"] for photo in content["suspects"])


def test_a_forged_photo_hides_none_of_the_others(tmp_path: Path) -> None:
    sound = PHOTOS[0].evidence
    assert sound is not None
    impossible = msgspec.structs.replace(sound, information=(1 << 32,) * len(sound.information))
    forged = msgspec.structs.replace(PHOTOS[0], image_id="forged", evidence=impossible)
    source = Source()
    source.more = [forged]
    assert looked(source, tmp_path) == looked(Source(), tmp_path)


def test_nothing_is_read_again_until_the_next_estimate(tmp_path: Path) -> None:
    source = Source()
    closer = Closer(source, Thumbnails([str(tmp_path)]))
    assert closer.look("anna", 1.0) == closer.look("anna", 1.0)
    assert source.asked == ["anna"]
    closer.look("anna", 2.0)
    closer.look("ben", 2.0)
    assert source.asked == ["anna", "anna", "ben"]


def made(photos: int, stretch: float = 1.0) -> Estimate:
    tally = Tally.empty()
    for number in range(photos):
        tally.add(rendered(number))
    whole = estimate(tally, subject="anna")
    stats: dict[str, BoneEstimate] = {
        key: msgspec.structs.replace(
            bone,
            value=bone.value * stretch,
            interval=(bone.low * stretch, bone.high * stretch),
        )
        if key.startswith("upper_leg")
        else bone
        for key, bone in whole.stats.items()
    }
    return msgspec.structs.replace(whole, stats=stats)


def test_what_differs_is_told_from_what_may_be_chance() -> None:
    rows = {row.label: row for row in differences(made(30).stats, made(30, 1.5).stats)}
    assert rows["thigh"].percent == pytest.approx(50)
    assert rows["shank"].percent == pytest.approx(0)
    assert (rows["thigh"].apart, rows["shank"].apart) == (True, False)
    assert "shoulders" not in rows, "1 by definition"
    assert {"hips", "torso", "upper arm", "forearm", "wingspan"} < rows.keys()


def test_sides_that_differ_have_a_row_each() -> None:
    sided = dict(made(30).stats)
    sided["upper_leg_L"] = msgspec.structs.replace(sided["upper_leg_L"], value=1.3)
    labels = [row.label for row in differences(sided, made(30).stats)]
    assert {"thigh, left", "thigh, right"} < {*labels}
    assert "thigh" not in labels


def test_who_is_hardly_known_can_be_compared_as_well() -> None:
    assert differences(made(0).stats, made(30).stats) == []
    ET.fromstring(comparison_svg(made(0), made(30)))


def test_a_card_is_a_picture_of_fixed_size_whatever_the_names() -> None:
    card = draw_card(made(0), made(30, 1.5), (HOSTILE, ""))
    with Image.open(io.BytesIO(card)) as picture:
        assert (picture.format, picture.size) == ("PNG", (1200, 630))
