from __future__ import annotations

import re

from hypothesis import given
from support.texts import texts

from avatarrig.wire.identity import image_id, subject_digest, subject_name
from producers.references import Dataset


def test_names_that_differ_only_in_odd_characters_stay_apart() -> None:
    names = ["a b.jpg", "a_b.jpg", "a-b.jpg", "a:b.jpg", "A b.jpg", "x/a b.jpg", "a b.png"]
    assert len({image_id(name, "00") for name in names}) == len(names)


def test_same_content_and_path_give_the_same_identifier() -> None:
    assert image_id("a/b.jpg", "12") == image_id("a/b.jpg", "12")


def test_other_content_gives_another_identifier() -> None:
    assert image_id("a.jpg", "12") != image_id("a.jpg", "13")


@given(texts(min_size=1), texts())
def test_identifiers_are_safe_file_names(path: str, content_hash: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,60}-[0-9a-f]{16}", image_id(path, content_hash))


def test_the_readable_part_comes_from_the_name() -> None:
    assert image_id("holiday/Été à la plage.JPG", "00").startswith("Ete-a-la-plage-")


def test_a_name_is_the_same_however_its_accents_are_written() -> None:
    composed, parted = "Zo\u00e9", "Zoe\u0301"
    assert composed != parted
    assert subject_name(composed) == subject_name(parted)
    assert subject_digest(composed) == subject_digest(parted)
    whose = Dataset(name="d", subject_per_folder=True)
    assert whose.subject_of(f"{composed}/1.jpg") == whose.subject_of(f"{parted}/2.jpg")
    assert Dataset(name=parted).subject_of("1.jpg") == composed
