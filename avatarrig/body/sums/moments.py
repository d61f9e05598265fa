"""Photos by the moment they were taken in: bursts and copies of a photo share its error.

A photo has a key that depends on it alone: the seconds in which it was taken or, where it does
not say, its pose and look. Photos are summed by key in a table of fixed size from which the
sums of each key can be read again while there are fewer than 80 or so: each key has a slot in
each of three parts of the table, and beside the sums a slot keeps a check that tells whether all
in it has one key; what is alone in one slot is taken out of its two others, and so on (an
invertible Bloom lookup table, Goodrich and Mitzenmacher 2011). With more keys, some slots stay
mixed. Everything kept adds up, so nothing knows in which order photos came or were taken back.

When an estimate is made, keys are put together to moments, and moments to sessions.
"""

from __future__ import annotations

import functools
import hashlib
import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec
import numpy as np

from avatarrig.body.levels import Cell
from avatarrig.body.likeness import LOOK_LENGTH, MOST, POSE_LENGTH, is_look, pose_likenesses
from avatarrig.body.refused import StateRefusedError
from avatarrig.body.sums.capture_days import credible
from avatarrig.body.sums.evidence_sum import COUNTS, ROW_LENGTH, EvidenceSum, row_of
from avatarrig.body.sums.joining import SECONDS, Kept, group
from avatarrig.body.sums.keyed_sums import MODULUS, KeyedSums

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from avatarrig.wire import Evidence, Observation

PARTS: Final = 3
SLOTS: Final = 43
"""Of each part. All of 60 keys are read in 99 of 100 cases, of 80 in 9 of 10."""

_COUNTERS: Final = 512
"""Photos counted by key, roughly: how many counters are 0 tells how many keys there are."""

_POSE_BITS: Final = ((5, 21), (1, 17), (3, 14))
_MORE_POSE_BITS: Final = ((0, 24), (2, 3), (4, 18), (6, 4), (7, 26))
_FINER_POSE_BITS: Final = ((5, 15), (5, 26), (1, 12), (1, 21), (3, 9), (3, 17))
_LOOK_BITS: Final = ((7, 7), (0, 15), (4, 14), (3, 10), (6, 13), (1, 13), (2, 14))
"""Number of a likeness, and the value above which it counts as high: the medians of rendered
photos, of the numbers in which copies differ least."""

_ONE: Final = (1,)
_NO_WORLD: Final = bytes(4 * 33 * 3)
_TRACE: Final = ROW_LENGTH
_POSE: Final = slice(_TRACE + 5, _TRACE + 5 + POSE_LENGTH)
_LOOK: Final = slice(_POSE.stop, _POSE.stop + LOOK_LENGTH)
_WIDTH: Final = _LOOK.stop
_SHAPE: Final = (_WIDTH, COUNTS, 2 + POSE_LENGTH + LOOK_LENGTH)
_NO_SLOTS: Final[KeyedSums[int]] = KeyedSums(*_SHAPE)
_NO_COUNTERS: Final[KeyedSums[int]] = KeyedSums(1)
_MOST_SEEN: Final = (MODULUS - 1) // MOST
"""Photos of one key whose mean pose and look are known: their sums have not wrapped."""


class Trace(msgspec.Struct, frozen=True):
    """What a photo alone says about when it was taken and what it looks like.

    Attributes:
        pose: See `pose_likeness`.
        look: See `look_likeness`; empty where it is not known.
        taken_at: Whole Unix seconds; None where the photo does not say.
    """

    pose: tuple[int, ...]
    look: tuple[int, ...] = ()
    taken_at: int | None = None


def trace_of(observation: Observation) -> Trace:
    """Returns what tells a photo's moment; 8 numbers of 0 for the pose where nobody was found."""
    return traces_of([observation])[0]


def traces_of(observations: Sequence[Observation]) -> list[Trace]:
    """The same of many photos at once, which costs a tenth of one by one."""
    if not observations:
        return []
    worlds = b"".join(
        _NO_WORLD if observation.world is None else observation.world.data
        for observation in observations
    )
    poses = pose_likenesses(np.frombuffer(worlds, "<f4").reshape(-1, 33, 3))
    return [
        _trace(observation, pose) for observation, pose in zip(observations, poses, strict=True)
    ]


def _trace(observation: Observation, pose: tuple[int, ...]) -> Trace:
    taken_at = credible(observation.captured_at, observation.found_at)
    return Trace(
        pose=pose,
        look=observation.look if is_look(observation.look) else (),
        taken_at=None if taken_at is None else math.floor(taken_at),
    )


class MomentSums:
    """Sums of photos by moment; see `avatarrig.body.sums.keyed_sums.Sum`."""

    __slots__ = ("_counters", "_slots")

    def __init__(
        self, slots: KeyedSums[int] | None = None, counters: KeyedSums[int] | None = None
    ) -> None:
        self._slots: KeyedSums[int] = KeyedSums(*_SHAPE) if slots is None else slots
        self._counters: KeyedSums[int] = KeyedSums(1) if counters is None else counters

    @property
    def photos(self) -> int:
        """How many photos are contained."""
        return self._counters.count

    def add(self, item: tuple[Sequence[int], Trace]) -> None:
        """Adds a photo: its row (`avatarrig.body.sums.evidence_sum.row_of`) and its trace."""
        places, row = _entry(*item)
        self._slots.add_to(places.slots, row)
        self._counters.add((places.counter, _ONE))

    def subtract(self, item: tuple[Sequence[int], Trace]) -> None:
        """Takes a photo back. Raises StateRefusedError: It is not contained."""
        one = MomentSums()
        one.add(item)
        slots, counters = self._slots - one._slots, self._counters - one._counters
        self._slots, self._counters = slots, counters

    def __add__(self, other: MomentSums) -> MomentSums:
        return MomentSums(self._slots + other._slots, self._counters + other._counters)

    def __sub__(self, other: MomentSums) -> MomentSums:
        return MomentSums(self._slots - other._slots, self._counters - other._counters)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, MomentSums)
            and self._slots == other._slots
            and self._counters == other._counters
        )

    def pack(self) -> list[Any]:
        """Returns the slots with their sums, and the counters."""
        return [self._slots.pack(), self._counters.pack()]

    @classmethod
    def unpack(cls, packed: object) -> MomentSums:
        """Reads what `pack` made. Raises StateRefusedError: It holds something else."""
        match packed:
            case [slots, counters]:
                sums = cls(_NO_SLOTS.unpacked(slots), _NO_COUNTERS.unpacked(counters))
                if sums._is_whole():
                    return sums
        raise StateRefusedError("these are no sums of moments")

    def cells(self, learned: str | None, days: int = 1) -> list[Cell]:
        """Tells which photos were taken in one moment, and which moments in one session.

        Args:
            learned: Version of the weights that made the evidence.
            days: On how many days photos were taken: moments that cannot be told apart are taken
                to be of so many sessions.
        """
        keys, mixed = self._read()
        cells = [
            Cell(EvidenceSum(learned, key.row[:ROW_LENGTH]), *numbers)
            for key, numbers in zip(keys, group([key.kept for key in keys]), strict=True)
        ]
        shares = _shared_out(self._key_count() - len(keys), [row[0] for row in mixed])
        for place, (row, share) in enumerate(zip(mixed, shares, strict=True), len(keys)):
            session = len(keys) + place % max(days, 1)
            cells.append(Cell(EvidenceSum(learned, row[:ROW_LENGTH]), place, session, share))
        return cells

    def moment_of(self, trace: Trace) -> int | None:
        """Returns the number of a contained photo's moment, as in `cells`.

        None where it cannot be told apart from others.
        """
        wanted = _places(_key(trace.taken_at, trace.pose, trace.look))
        keys, _ = self._read()
        for key, (moment, _) in zip(keys, group([key.kept for key in keys]), strict=True):
            if key.places == wanted:
                return moment
        return None

    def _read(self) -> tuple[list[_Key], list[Sequence[int]]]:
        """Returns what can be told apart by key, and what is left mixed, in the slots' order."""
        left = self._slots
        found: list[_Key] = []
        looked_at = sorted(left.rows)
        while looked_at:
            touched: set[int] = set()
            for slot in looked_at:
                row = left.rows.get(slot)
                key = None if row is None else _alone(slot, row)
                if key is None:
                    continue
                gone = KeyedSums(*_SHAPE, {at: list(key.row) for at in key.places.slots})
                try:
                    left = left - gone
                except StateRefusedError:
                    continue  # of a tally that nobody counted
                found.append(key)
                touched.update(key.places.slots)
            looked_at = sorted(touched & left.rows.keys())
        return found, [row for slot, row in sorted(left.rows.items()) if slot < SLOTS]

    def _key_count(self) -> float:
        """About how many keys there are (linear counting, Whang and others 1990)."""
        none = max(_COUNTERS - len(self._counters.rows), 0.5)
        return -_COUNTERS * math.log(none / _COUNTERS)

    def _is_whole(self) -> bool:
        photos = [0] * PARTS
        for slot, row in self._slots.rows.items():
            if type(slot) is not int or not 0 <= slot < PARTS * SLOTS:
                return False
            photos[slot // SLOTS] += row[0]
        counters = self._counters.rows
        known = all(type(at) is int and 0 <= at < _COUNTERS for at in counters)
        return known and set(photos) == {self.photos}


def cells_of(photos: Iterable[tuple[Evidence, Trace]]) -> list[Cell]:
    """Sums photos by their moments."""
    sums, learned = MomentSums(), None
    for evidence, trace in photos:
        sums.add((row_of(evidence), trace))
        learned = evidence.learned
    return sums.cells(learned)


def _shared_out(keys: float, photos: Sequence[int]) -> list[float]:
    """Gives each of some slots as many keys as others, but at least 1 and not more than photos."""
    shares = [1.0] * len(photos)
    left = keys - len(photos)
    for done, place in enumerate(sorted(range(len(photos)), key=photos.__getitem__)):
        share = min(max(left, 0.0) / (len(photos) - done), photos[place] - 1)
        shares[place] += share
        left -= share
    return shares


class _Places(NamedTuple):
    """Where a key's photos are summed and counted, and the checks for the key."""

    slots: tuple[int, ...]
    counter: int
    checks: tuple[int, int]


class _Key(NamedTuple):
    """The photos of one key: where they are summed, what is known of them, their sums."""

    places: _Places
    kept: Kept
    row: Sequence[int]


@functools.lru_cache(maxsize=4096)
def _places(key: tuple[int, ...]) -> _Places:
    digest = hashlib.blake2b(repr(key).encode(), digest_size=12).digest()
    first, second, check = (
        int.from_bytes(digest[at : at + 4], "little") for at in range(0, len(digest), 4)
    )
    slots = tuple(part * SLOTS + first // SLOTS**part % SLOTS for part in range(PARTS))
    return _Places(slots, second % _COUNTERS, (check % MODULUS, check // MODULUS % MODULUS))


def _entry(row: Sequence[int], trace: Trace) -> tuple[_Places, list[int]]:
    places = _places(_key(trace.taken_at, trace.pose, trace.look))
    look = trace.look or (0,) * LOOK_LENGTH
    timed, looks = int(trace.taken_at is not None), int(bool(trace.look))
    return places, [*row, timed, looks, trace.taken_at or 0, *places.checks, *trace.pose, *look]


def _key(taken_at: int | None, pose: Sequence[float], look: Sequence[float]) -> tuple[int, ...]:
    if taken_at is not None:
        return (taken_at // SECONDS,)
    poses = _POSE_BITS if look else (*_POSE_BITS, *_MORE_POSE_BITS, *_FINER_POSE_BITS)
    looks = _LOOK_BITS if look else ()
    return (
        *(int(pose[place] > least) for place, least in poses),
        *(int(look[place] > least) for place, least in looks),
    )


def _alone(slot: int, row: Sequence[int]) -> _Key | None:
    """Tells the key of a slot's photos, if they all have the same one.

    The mean of numbers on one side of a limit is on that side, so the mean photo has their key.
    """
    photos, (timed, looks, seconds, *checks) = row[0], row[_TRACE : _POSE.start]
    if timed not in (0, photos) or (
        not timed and (looks not in (0, photos) or photos > _MOST_SEEN)
    ):
        return None
    pose = [number / photos for number in row[_POSE]] if photos <= _MOST_SEEN else []
    look = [number / photos for number in row[_LOOK]] if pose and looks == photos else []
    taken_at = seconds // photos if timed else None
    places = _places(_key(taken_at, pose, look))
    if slot not in places.slots or checks != [check * photos % MODULUS for check in places.checks]:
        return None
    kept = Kept(
        taken_at,
        np.array(pose or [np.nan] * POSE_LENGTH),
        np.array(look) if look else None,
        photos,
    )
    return _Key(places, kept, row)
