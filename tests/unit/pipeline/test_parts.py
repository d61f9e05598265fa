"""What a command says to its parts reaches them."""

from __future__ import annotations

import msgspec

from aggregators.settings import AggregatorSettings
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.page.settings import PageSettings
from avatarrig.pipeline.parts import service_aggregator


def test_the_page_is_told_all_that_was_said_of_it() -> None:
    page = PageSettings(
        host="::1",
        port=8000,
        names=("rig.example",),
        overlays=("/out",),
        watched="/photos",
        people=True,
        private="/access",
        models="/models",
    )
    plain = PageSettings()
    assert all(getattr(page, name) != getattr(plain, name) for name in page.__struct_fields__)
    kafka = KafkaSettings(bootstrap_servers="127.0.0.1:9092")
    child = service_aggregator(kafka, group="a", worker="0", window=30, page=page)
    sent = msgspec.json.encode(child.settings)
    assert msgspec.json.decode(sent, type=AggregatorSettings).page == page
