"""Faces that somebody pointed at are references: a fold over what was decided."""

from __future__ import annotations

import itertools

import msgspec
import numpy as np
import pytest
from support.references import reference

from avatarrig.detectors.faces.template import Template
from avatarrig.wire import Decision, Forget
from avatarrig.wire.identity import subject_digest
from avatarrig.wire.standings import AS_SEEN, COUNTS, ONLY_COPY
from producers.memory import Memory
from producers.pointed import Pointed
from producers.references import Dataset
from producers.settling import Stamp


def face(number: int) -> bytes:
    return Template.mean([np.random.default_rng(number).normal(size=128).astype(np.float32)]).data


def decision(
    photo: str, at: float, standing: str = COUNTS, number: int | None = None, subject: str = "Anna"
) -> Decision:
    return Decision(
        subject=subject,
        image_ids=(photo,),
        standing=standing,
        decided_at=at,
        face=b"" if number is None else face(number),
    )


STORY = (
    decision("a", 1, number=1),
    decision("b", 2, number=2),
    decision("c", 3),
    decision("b", 4, "somebody_else"),
    decision("x", 5, number=3, subject="Jo"),
    decision("a", 6, number=4),
    decision("d", 7, number=5),
    decision("d", 8, AS_SEEN),
)
"""Each partition is told all of it."""


def test_a_photo_is_a_reference_as_long_as_it_stands_so() -> None:
    pointed = Pointed()
    for each in STORY:
        pointed.take(each)
    assert pointed.faces() == {"Anna": (face(4),), "Jo": (face(3),)}


def test_a_copy_whose_photo_is_gone_is_a_reference_as_long_as_it_counts() -> None:
    pointed = Pointed()
    pointed.take(decision("a", 1, ONLY_COPY, number=1))
    assert pointed.faces() == {"Anna": (face(1),)}
    pointed.take(decision("a", 2, "duplicate", number=1))
    assert pointed.faces() == {}


def test_a_photo_whose_file_is_gone_or_another_goes_on_telling_whose_face_it_is() -> None:
    pointed = Pointed()
    pointed.take(decision("a", 1, number=1))
    pointed.take(decision("a", 2, "gone"))
    assert pointed.faces() == {"Anna": (face(1),)}


@pytest.mark.parametrize("seed", range(20))
def test_the_order_of_the_partitions_changes_nothing(seed: int) -> None:
    random = np.random.default_rng(seed)
    forget = Forget(forget=subject_digest("Jo"), forgotten_at=5.5)
    left = [[*STORY[:5], forget, *STORY[5:]] for _ in range(3)]
    pointed = Pointed()
    while any(left):
        partition = left[random.integers(3)]
        if partition:
            pointed.take(partition.pop(0))
    assert pointed.faces() == {"Anna": (face(4),)}


def test_whoever_is_forgotten_may_be_pointed_at_anew() -> None:
    pointed = Pointed()
    pointed.take(decision("a", 1, number=1))
    pointed.take(Forget(forget=subject_digest("Anna"), forgotten_at=2))
    assert pointed.faces() == {}
    pointed.take(decision("a", 3, number=2))
    assert pointed.faces() == {"Anna": (face(2),)}


def test_what_is_no_face_is_no_reference() -> None:
    pointed = Pointed()
    for bad in (b"1", b"\xff" * 256, bytes(256)):
        pointed.take(msgspec.structs.replace(decision("a", 1), face=bad))
    assert pointed.faces() == {}


def test_each_subject_is_looked_for_by_its_own_faces() -> None:
    dataset = Dataset(name="d", subject_per_folder=True)
    pointing = dataset.pointing({"Anna": (face(1), face(2)), "Jo": (face(3),)})
    questions = [pointing.asked_of(name) for name in ("Anna", "Jo", "Kim")]
    assert len(set(questions)) == 3
    assert questions[2] == ""
    anna = pointing.sought((), "Anna")
    assert anna is not None
    mean = np.mean([np.frombuffer(face(each), "<f2").astype(float) for each in (1, 2)], axis=0)
    expected = mean / np.linalg.norm(mean)
    assert np.frombuffer(anna.template, "<f2") == pytest.approx(expected, abs=1e-3)
    assert pointing.sought((), "Kim") is None


def test_references_that_were_given_go_on_telling() -> None:
    dataset = Dataset(name="d", template=face(1))
    pointing = dataset.pointing({"Anna": (face(2),)})
    both = Template.of_all([face(1), face(2)])
    assert pointing.sought((), "Anna") is not None
    assert pointing.asked_of("Anna") != dataset.asked
    assert pointing.pointed == {"Anna": both.data}
    assert pointing.pointing({}).asked_of("Anna") == dataset.asked


def test_the_way_back_to_an_earlier_question_is_asked_anew() -> None:
    """What was seen for it lies in the topics, but what is shown follows the latest photos."""
    plain, stamp = Dataset(name="d", subject="Anna"), Stamp(10, 0.0, "1")
    asked = plain.pointing({"Anna": (face(1),)})
    memory = Memory("d")
    for number, dataset in enumerate((plain, asked, plain)):
        found = reference(
            "a.jpg",
            subject="Anna",
            dataset="d",
            size=10,
            found_at=float(number),
            sought=dataset.sought((), "Anna"),
        )
        assert found not in memory
        assert memory.is_of_other_questions(dataset.asked_of) is (number > 0)
        memory.published(found, stamp)
        assert found in memory
        assert memory.is_known("a.jpg", stamp, subject="Anna", asked=dataset.asked_of("Anna"))
    assert len(memory) == 1


def test_all_orders_of_one_partition_and_another_agree() -> None:
    """Two decisions in two partitions: every way to read them that keeps each one's order."""
    first, second = decision("a", 1, number=1), decision("a", 2, "left_out")
    for order in set(itertools.permutations([0, 0, 1, 1])):
        partitions = [[first, second], [first, second]]
        pointed = Pointed()
        for each in order:
            pointed.take(partitions[each].pop(0))
        assert pointed.faces() == {}
