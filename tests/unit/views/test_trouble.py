"""Why there is no news is said as long as that holds, in words for people."""

from __future__ import annotations

import pytest

from avatarrig.kafka.errors import (
    ConnectionRefusedByKafkaError,
    KafkaTroubleError,
    TransportError,
)
from avatarrig.views.trouble import NOT_CONNECTED, READING, SILENT, Troubles, in_words


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_each_worker_ends_its_own_trouble() -> None:
    troubles = Troubles(Clock())
    troubles.answered()
    troubles.begins("topics", READING)
    troubles.begins("groups", SILENT)
    troubles.ends("topics")
    assert troubles.words == SILENT
    troubles.ends("groups")
    assert troubles.words == ""


def test_a_kafka_that_falls_silent_is_noticed_and_forgiven() -> None:
    clock = Clock()
    troubles = Troubles(clock)
    assert troubles.words == NOT_CONNECTED
    troubles.answered()
    assert troubles.words == ""
    clock.now += 4.5
    assert troubles.words == SILENT
    troubles.answered()
    assert troubles.words == ""


def test_the_same_trouble_is_news_once() -> None:
    troubles = Troubles(Clock())
    assert troubles.begins("groups", SILENT)
    assert not troubles.begins("groups", SILENT)
    troubles.ends("groups")
    assert troubles.begins("groups", SILENT)


@pytest.mark.parametrize(
    "error", [KafkaTroubleError("Kafka: [Error 14] CoordinatorLoadInProgressError"), OSError("x")]
)
def test_what_the_library_says_is_told_in_a_sentence(error: Exception) -> None:
    assert in_words(error) == SILENT
    assert "Error" not in SILENT


def test_what_is_said_for_people_is_passed_on() -> None:
    nothing = TransportError("there is no topic avatarrig.images: no pipeline has used this Kafka")
    assert in_words(nothing) == str(nothing)
    refused = ConnectionRefusedByKafkaError("tls", "the certificate is not trusted")
    assert in_words(refused) == "the certificate is not trusted"


def test_of_a_kafka_that_answered_before_neither_address_nor_settings_are_doubted() -> None:
    refused = ConnectionRefusedByKafkaError(
        "address", "Kafka at h:1: refused. Is host and port right?"
    )
    troubles = Troubles(Clock())
    assert troubles.why(refused) == str(refused)
    troubles.answered()
    assert refused.may_pass
    assert troubles.why(refused) == SILENT
    assert troubles.why(OSError("gone")) == SILENT
