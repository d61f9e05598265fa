"""Which messages of the topics are a subject's. No broker here."""

from __future__ import annotations

import unicodedata
from typing import Literal

import pytest
from support.kafka_parts.held_topics import HeldTopics
from support.references import reference

from avatarrig.pipeline.forgetting import find_messages
from avatarrig.wire import Departed, Reject, encode
from avatarrig.wire.channels import REJECTED
from avatarrig.wire.topics import REJECTS

SUBJECT = unicodedata.normalize("NFC", "Zoë")


def reject(**fields: object) -> bytes:
    return encode(Reject(reason="r", message="m", attempts=1, rejected_at=1.0, **fields))  # type: ignore[arg-type]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_every_word_about_a_subject_is_found_however_it_is_written(
    form: Literal["NFC", "NFD"],
) -> None:
    topic = HeldTopics(
        {
            REJECTS: [
                reject(reference=reference(subject=SUBJECT)),
                reject(reference=reference(subject="Bert")),
                reject(origin="avatarrig.tallies/0/1", subject=SUBJECT),
                reject(origin="avatarrig.tallies/0/2", subject="Bert"),
                reject(origin="avatarrig.images/0/3"),
                encode(Departed(dataset=SUBJECT, photos=3, noted_at=1.0)),
            ]
        }
    )
    found = find_messages(topic, REJECTED, unicodedata.normalize(form, SUBJECT))
    assert sorted(found.values()) == [0, 2, 5]
