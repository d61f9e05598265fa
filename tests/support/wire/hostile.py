"""Messages that hold no record: random, mutated, and made by hand to do harm."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import msgpack
import msgspec
from support.observed import observation
from support.references import reference

from avatarrig.body.estimate import estimate
from avatarrig.body.sums.tally import Tally
from avatarrig.wire import (
    Decision,
    Departed,
    Forget,
    HistoryRatio,
    HistoryRecord,
    Measurements,
    Observation,
    PhotoReference,
    Reject,
    SkeletonRecord,
    TallyUpdate,
    encode,
)
from avatarrig.wire.estimate import Measured
from avatarrig.wire.topics import HISTORY, IMAGES, OBSERVATIONS, REJECTS, SKELETONS, TALLIES

AnyRecord = (
    PhotoReference
    | Observation
    | Reject
    | Forget
    | Decision
    | TallyUpdate
    | SkeletonRecord
    | HistoryRecord
    | Measurements
    | Departed
)

MOST = 950_000
"""Bytes that a broker still takes in one message."""

_HEADS = b"\xc0\xc1\xc2\xc4\xc6\xc7\xc9\xca\xcb\xcf\xd3\xd4\xd9\xdb\xdc\xdd\xde\xdf\x80\x90\xa1\xff"
"""First bytes of msgpack's types; a few of them announce four thousand million entries."""


def sound(subject: str = "anna", *, number: int = 1, run: str = "") -> dict[str, AnyRecord]:
    """A record for each topic, as the pipeline writes them."""
    seen = observation(number, subject)
    tally = Tally.empty().add(seen)
    photo = reference(f"photo-{number}.jpg", subject=subject, run=run)
    return {
        IMAGES: photo,
        OBSERVATIONS: seen,
        REJECTS: Reject(
            reason="crashed",
            message="the detector ended",
            attempts=3,
            rejected_at=1.75e9,
            reference=photo,
            run=run,
        ),
        TALLIES: TallyUpdate(
            subject=subject,
            fingerprint=seen.fingerprint,
            partition=3,
            offset=number,
            tally=tally.to_bytes(),
        ),
        SKELETONS: SkeletonRecord(
            subject=subject,
            fingerprint=seen.fingerprint,
            applied={3: number},
            observations=1,
            estimate=estimate(tally, subject=subject),
            estimated_at=1.75e9,
        ),
        HISTORY: HistoryRecord(
            subject=subject,
            fingerprint=seen.fingerprint,
            estimated_at=1.75e9,
            observations=1,
            used=1,
            ratios={"hip_width": HistoryRatio(0.7, 0.6, 0.8, 1, "insufficient")},
        ),
    }


FORGET = Forget(forget="0" * 32, forgotten_at=1.75e9)


def of_every_kind() -> list[AnyRecord]:
    """One record of every kind."""
    decision = Decision(
        subject="anna",
        image_ids=("photo-1",),
        standing="left_out",
        decided_at=1.75e9,
        observed=(observation(1),),
    )
    measured = Measurements(
        subject="anna",
        measured_at=1.75e9,
        height=1.7,
        measured={"neck": Measured(value=0.1, error=0.01)},
    )
    departed = Departed(dataset="d", photos=37, noted_at=1.75e9)
    return [*sound().values(), FORGET, decision, measured, departed]


def mutated(data: bytes, chance: random.Random) -> bytes:
    """A record with some bytes changed, taken out, put in, or cut off."""
    changed = bytearray(data)
    for _ in range(chance.randrange(1, 6)):
        # What is packed as numbers is long and dull: most fields begin in the first kilobyte.
        at = chance.randrange(min(len(changed), 1000) if chance.random() < 0.9 else len(changed))
        match chance.randrange(5):
            case 0:
                changed[at] = chance.randrange(256)
            case 1:
                changed[at] = chance.choice(_HEADS)
            case 2:
                changed[at] ^= 1 << chance.randrange(8)
            case 3:
                changed[at:at] = chance.randbytes(chance.randrange(1, 9))
            case _:
                del changed[at : at + chance.randrange(1, 9)]
        if not changed:
            break
    return bytes(changed)


def garbage(number: int, seed: int) -> Iterator[bytes]:
    """Random bytes, and mutations of every kind of record."""
    chance = random.Random(seed)
    records = [encode(record) for record in of_every_kind()]
    for turn in range(number):
        if turn % 4 == 0:
            yield chance.randbytes(chance.randrange(200))
        else:
            yield mutated(chance.choice(records), chance)


def hostile(topic: str) -> dict[str, bytes]:
    """Messages that are refused on a topic, by what is wrong with them."""
    fields = msgspec.to_builtins(sound()[topic], builtin_types=(bytes,))
    named = "image_id" if topic in {IMAGES, OBSERVATIONS} else "fingerprint"
    owner = "subject" if "subject" in fields else "message"

    def changed(**changes: Any) -> bytes:
        packed: bytes = msgpack.packb(fields | changes)
        return packed

    whole = {
        "no msgpack": b"\xc1 garbage",
        "nothing": b"",
        "a list": msgpack.packb([1]),
        "four thousand million entries": b"\xdd\xff\xff\xff\xff",
        "nested": b"\x91" * 100_000,
        "no version": msgpack.packb({"a": 1}),
        "another version": changed(version=999),
        "a long version": changed(version="\N{LATIN SMALL LETTER E WITH ACUTE}" * (MOST // 2)),
        "a binary version": changed(version=b"\xff" * MOST),
        "no UTF-8": b"\x82\xa7version\x01" + msgpack.packb(named) + b"\xa2\xff\xfe",
        "no UTF-8 as a key": b"\x82\xa7version\x01\xa2\xff\xfe\x01",
        "a long name": msgpack.packb(_without_arrays(fields) | {owner: "s" * MOST}),
        "a key that announces much": b"\x82\xa7version\x01\xdf\xff\xff\xff\xff",
        "another topic's record": msgpack.packb({"version": 1, "weather": "fine"}),
    }
    times = [name for name in fields if name.endswith("_at")]
    whole |= {f"{name} is no number": changed(**{name: float("nan")}) for name in times}
    whole |= {f"{name} never was": changed(**{name: 1e300}) for name in times}
    return whole | _of_topic(topic, fields)


def _of_topic(topic: str, fields: dict[str, Any]) -> dict[str, bytes]:
    def changed(**changes: Any) -> bytes:
        packed: bytes = msgpack.packb(fields | changes)
        return packed

    match topic:
        case "avatarrig.images":
            return {"a long URI": changed(uri="http://x/" + "\1" * 240_000)}
        case "avatarrig.observations":
            pose = {"shape": [33, 5], "data": b""}
            return {
                "an array without content": changed(pose=pose),
                "a number too many": changed(meta={str(n): n for n in range(20_000)}),
            }
        case "avatarrig.rejects":
            return {"a long reason": changed(reason="r" * MOST)}
        case _:
            return {}


def _without_arrays(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in {"face", "blendshapes"}}


RECORD_KINDS = (
    Decision,
    PhotoReference,
    Observation,
    Reject,
    Forget,
    TallyUpdate,
    SkeletonRecord,
    HistoryRecord,
    Measurements,
    Departed,
)
