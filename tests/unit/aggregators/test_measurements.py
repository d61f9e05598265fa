"""What somebody measured of a subject: every aggregator comes to the same estimate by it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from support.aggregators.partitions import ESTIMATOR, merged
from support.body.tallies import tallied, tally_update
from support.observed import observation

from aggregators.partitions.merging import TalliedPartition
from avatarrig.body.estimate import EstimateOptions, estimate
from avatarrig.body.evidence.learned import load_learned
from avatarrig.body.refused import StateRefusedError
from avatarrig.wire import Forget, Measurements, encode
from avatarrig.wire.estimate import Measured
from avatarrig.wire.identity import subject_digest

LEARNED = load_learned("full").version
SERIES = ("anna", observation(0).fingerprint)
FOREARM = {"lower_arm": Measured(value=0.27, error=0.003)}


def update(partition: int, offset: int, numbers: range) -> bytes:
    return tally_update(tallied(observation(number) for number in numbers), partition, offset)


def measured(at: float = 5.0, subject: str = "anna", **told: object) -> bytes:
    return encode(
        msgspec.convert(
            {"subject": subject, "measured_at": at, "height": 1.7, "measured": FOREARM} | told,
            Measurements,
        )
    )


def saved(part: TalliedPartition) -> dict[bytes, bytes]:
    changes = part.take_checkpoint()
    entries = [*changes.entries, changes.marker]
    return {key: value for key, value in entries if value is not None}


def recovered(part: TalliedPartition) -> TalliedPartition:
    return TalliedPartition.recover(0, LEARNED, ESTIMATOR, saved(part).items())


def says(part: TalliedPartition) -> object:
    return part.record(SERIES, 0.0).estimate


EXPECTED = estimate(
    tallied(observation(number) for number in range(8)),
    subject="anna",
    options=EstimateOptions(height=1.7, measured=FOREARM, window_days=30),
)


def test_the_estimate_is_the_same_in_whatever_order_and_after_every_restart() -> None:
    photos, more = update(1, 5, range(4)), update(2, 9, range(4, 8))
    for messages in (
        (measured(), photos, more),
        (photos, measured(), more),
        (photos, more, measured(4.0, height=1.9), measured()),
        (photos, more, measured(), measured(4.0, height=1.9), measured()),
    ):
        part = merged(*messages)
        assert says(part) == EXPECTED
        assert says(recovered(part)) == EXPECTED


def test_what_is_measured_later_is_published_without_a_new_photo() -> None:
    part = merged(update(1, 5, range(8)))
    part.take_changed()
    part.is_news(part.record(SERIES, 0.0))
    part.intake.checkpoints.published(SERIES, 0, 0)
    part.take([(1, measured())])
    assert part.take_changed() == {SERIES}
    assert part.is_news(part.record(SERIES, 0.0))
    assert SERIES in part.intake.checkpoints.unpublished
    assert SERIES in recovered(part).intake.checkpoints.unpublished, "a crash comes before it"
    part.take([(2, measured(6.0))])
    assert not part.take_changed(), "it says nothing new"


def test_the_latest_counts_and_none_takes_it_back() -> None:
    photos = update(1, 5, range(8))
    plain = says(merged(photos))
    assert says(merged(photos, measured())) != plain
    assert says(merged(photos, measured(), measured(6.0, height=None, measured={}))) == plain
    assert says(merged(photos, measured(subject="ben"))) == plain


def test_who_is_forgotten_is_not_measured_any_more() -> None:
    forget = Forget(forget=subject_digest("anna"), forgotten_at=7.0, partition=1, offset=6)
    photos, again = update(1, 5, range(8)), update(1, 7, range(8))
    part = merged(photos, measured(), encode(forget), again)
    assert says(part) == says(merged(photos))
    assert says(recovered(merged(photos, measured(), encode(forget), again))) == says(
        merged(photos)
    )
    later = merged(photos, encode(forget), measured(8.0), encode(forget), again)
    assert says(later) == EXPECTED, "measured after that"


@pytest.mark.parametrize(
    "told",
    [
        {"measured": {"nose": {"value": 0.05, "error": 0.001}}},
        {"measured": {"lower_arm": {"value": 26.0, "error": 0.1}}},
        {"measured": {"lower_arm": {"value": 0.26, "error": 1e-9}}},
        {"measured": {"lower_arm": {"value": 0.26, "error": 0.003}}, "height": 0.6},
        {"measured": {}, "height": 1e200},
    ],
)
def test_what_nobody_measures_is_rejected_and_harms_no_estimate(told: dict[str, Any]) -> None:
    part = merged(update(1, 5, range(8)), measured(**told))
    assert [one.reason for one in part.intake.take_rejections()] == ["malformed"]
    assert says(part) == says(merged(update(1, 5, range(8))))


def test_a_damaged_entry_is_noticed() -> None:
    entries = saved(merged(update(1, 5, range(8)), measured()))
    damaged = {key: value[:-1] if key[:1] == b"L" else value for key, value in entries.items()}
    assert damaged != entries
    with pytest.raises(StateRefusedError):
        TalliedPartition.recover(0, LEARNED, ESTIMATOR, damaged.items())
