"""The estimate, from the solver to the page: what ``skeleton_estimate.json`` and the topic hold.

The prototype's keys are kept, with their meaning; what is new stands beside them. Nothing in it
depends on the time or place it is made. `avatarrig.body.estimate` makes it; its numbers are
rounded there, so that all who show it show the same. `estimate_schema` describes it for others.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from avatarrig.wire.bounds import Code, Count, Name, Prose

SCHEMA_VERSION: Final = "2.0"
PHASE: Final = "phase1"
SCALE_BASIS: Final = "shoulder_width"
DECIMALS: Final = 5
"""Of ratios and metres."""

LONGEST: Final = 100.0
"""Over shoulder width: no person has a bone as long."""

MOST_KEYS: Final = 256
"""Of any mapping."""

BONE_LABELS: Final = {
    "shoulder_width": "shoulders",
    "hip_width": "hips",
    "torso_length": "torso",
    "upper_arm_L": "upper arm, left",
    "upper_arm_R": "upper arm, right",
    "lower_arm_L": "forearm, left",
    "lower_arm_R": "forearm, right",
    "upper_leg_L": "thigh, left",
    "upper_leg_R": "thigh, right",
    "lower_leg_L": "shank, left",
    "lower_leg_R": "shank, right",
    "wingspan_est": "wingspan",
}
"""What people call the keys of an estimate, in the order they are listed."""

FURTHER_LABELS: Final = {
    "head": "head, chin to crown",
    "neck": "neck, shoulders to chin",
    "clavicle": "collar bone",
    "spine_upper": "spine, waist to shoulders",
    "spine_lower": "spine, hips to waist",
    "hand": "hand",
    "foot": "foot",
    "ankle_height": "ankle above the sole",
}
"""Lengths that no photo tells of, in the order they are listed."""

SIDED: Final = ("upper_arm", "lower_arm", "upper_leg", "lower_leg")
"""Bones whose sides are compared."""

Status = Literal["insufficient", "provisional", "stable"]

_Length = Annotated[float, Meta(gt=0, le=1e300)]
Height = _Length
_End = Annotated[float, Meta(ge=0, le=1e300)]
_Day = Annotated[str, Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
Ends = tuple[_End, _End]
"""Lower and upper end of an interval."""

_WINDOWED: Final = [key for key in BONE_LABELS if key not in {SCALE_BASIS, "wingspan_est"}]


MEASURABLE: Final = [
    *SIDED,
    *(f"{bone}_{side}" for bone in SIDED for side in "LR"),
    *("shoulder_width", "hip_width", "torso_length"),
    *("head", "neck", "hand", "foot", "ankle_height"),
]
"""Keys of lengths that may be given."""


def _keys(keys: list[str]) -> dict[str, Any]:
    """What is written; other keys, which a newer program may write, are read all the same."""
    return {"keys": keys}


def _always(value: str) -> Meta:
    return Meta(extra_json_schema={"const": value})


class BoneEstimate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One ratio to the shoulder width; left and right are estimated together."""

    n: Annotated[
        Count,
        Meta(description="Photos that show the bone well; for wingspan_est the bone seen least."),
    ]
    moments: Annotated[
        Count | None, Meta(description="Moments that these photos were taken in; 1.0 does not say.")
    ] = None
    median: Annotated[
        _Length | None,
        Meta(
            description="Median of plain ratios, without what was learned; null where no photo "
            "shows the bone or the shoulders."
        ),
    ]
    value: _Length
    interval: Annotated[Ends, Meta(description="Contains the truth with 90 % probability.")]
    status: Annotated[
        Status,
        Meta(
            description="insufficient: fewer than 3 moments show the bone, hardly better than the "
            "population's mean. stable: 20 moments or more, or measured; interval within 12 %, "
            "no contradiction. Else provisional. 1.0 counted photos."
        ),
    ]
    prior_share: Annotated[
        float,
        Meta(
            ge=0,
            le=1,
            description="Share of the value that comes from the population rather than from "
            "photos.",
        ),
    ]

    @property
    def samples(self) -> int:
        """Moments that show the bone; photos, where 1.0 did not tell moments."""
        return self.n if self.moments is None else self.moments

    @property
    def low(self) -> float:
        """Lower end of the 90 % interval."""
        return self.interval[0]

    @property
    def high(self) -> float:
        """Upper end of the 90 % interval."""
        return self.interval[1]


class Metres(msgspec.Struct, frozen=True, kw_only=True):
    """A length in metres."""

    value: _Length
    interval: Annotated[Ends, Meta(description="Contains the truth with 90 % probability.")]


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """A length that somebody measured, in metres."""

    value: _Length
    error: Annotated[_Length, Meta(description="Standard error.")]


FACE_RATIOS: Final = {
    "height_to_width": "height of the face",
    "jaw_to_width": "jaw",
    "eye_distance_to_width": "distance of the eyes",
    "nose_length_to_width": "length of the nose",
    "mouth_to_width": "mouth",
}
"""What is told of a face, over its width, and what people call it."""


class FaceRatio(msgspec.Struct, frozen=True, kw_only=True):
    """A proportion of the face, over its width."""

    value: _Length
    interval: Annotated[
        Ends,
        Meta(
            description="Contains what all such photos would say with 90 % probability. What the "
            "detector gets wrong in every photo is not in it."
        ),
    ]
    n: Annotated[Count, Meta(description="Photos that show it: from the front, at rest.")]
    moments: Annotated[Count, Meta(description="Moments that these photos were taken in.")]


class FurtherBone(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A length that no photo tells of, given those that photos tell of; over shoulder width."""

    value: _Length
    interval: Annotated[Ends, Meta(description="Contains the truth with 90 % probability.")]
    status: Annotated[
        Status,
        Meta(
            description="insufficient: hardly better known than anybody's. provisional: the other "
            "bones tell some of it. stable: measured."
        ),
    ]
    prior_share: Annotated[
        float,
        Meta(
            ge=0,
            le=1,
            description="Share of people's spread that is left: 1 where neither the other bones "
            "nor a tape tell anything.",
        ),
    ]
    metres: Annotated[
        Metres | None, Meta(description="Only where a height was given, or a length.")
    ] = None


class Asymmetry(msgspec.Struct, frozen=True, kw_only=True):
    """A bone's left length over its right one."""

    left_over_right: _Length
    interval: Annotated[Ends, Meta(description="90 %, the detector's own asymmetry included.")]
    n: Annotated[int, Meta(ge=8, le=1 << 53)]
    significant: Annotated[bool, Meta(description="Whether the interval excludes equal sides.")]


class WindowBone(msgspec.Struct, frozen=True, kw_only=True):
    """A ratio in the window."""

    n: Count
    value: _Length
    interval: Annotated[Ends, Meta(description="Contains the truth with 90 % probability.")]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A ratio in the window over the same ratio in all other photos."""

    window_over_others: _Length
    interval: Annotated[
        Ends,
        Meta(
            description="99 %, of the photos' errors alone: what all photos of a person share "
            "cancels."
        ),
    ]
    drift: Annotated[bool, Meta(description="Whether the interval excludes no change.")]


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """The estimate of the newest days beside that of all time."""

    days: Annotated[int, Meta(ge=1, le=1 << 53)]
    first: Annotated[
        _Day,
        Meta(
            description="First day contained; later than asked for where only whole months are "
            "kept."
        ),
    ]
    last: _Day
    used_observations: Count
    stats: Annotated[
        dict[Code, WindowBone],
        Meta(
            description="Ratios in the window; empty where it holds no photo.",
            max_length=MOST_KEYS,
            extra_json_schema=_keys(_WINDOWED),
        ),
    ]
    drift: Annotated[bool, Meta(description="Whether any change is drift.")]
    changes: Annotated[
        dict[Code, Change],
        Meta(
            description="Window over all other photos; empty where either has fewer than 8 "
            "moments.",
            max_length=MOST_KEYS,
            extra_json_schema=_keys(_WINDOWED),
        ),
    ]


class PhotoCounts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Photos of a subject by what became of them."""

    observed: Count
    with_person: Count
    used: Count
    moments: Annotated[
        Count | None,
        Meta(
            description="Moments that the used photos were taken in: copies and bursts count "
            "once; 1.0 does not say."
        ),
    ] = None
    excluded: Annotated[
        dict[Code, Annotated[int, Meta(ge=1, le=1 << 53)]],
        Meta(max_length=MOST_KEYS, description="Photos that do not count, by reason."),
    ]


class Estimate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Skeletal proportions of one subject, estimated from photos.

    Lengths are between joint centres, as ratios to the shoulder width; sides are the person's own.
    """

    schema_version: Annotated[Code, _always(SCHEMA_VERSION)]
    phase: Annotated[Code, _always(PHASE)]
    subject: Annotated[Name, Meta(description="Whose skeleton it is.")]
    learned: Annotated[
        Code | None,
        Meta(
            description="Version of the weights that read the photos; null while no photo counts."
        ),
    ]
    used_observations: Annotated[Count, Meta(description="Photos that count.")]
    photos: PhotoCounts
    scale_basis: Annotated[Code, _always(SCALE_BASIS)]
    estimates: Annotated[
        dict[Code, _Length],
        Meta(
            description="Ratios that can be used: at least 3 moments show the bone, or somebody "
            "measured it. shoulder_width is 1; wingspan_est is wrist to wrist.",
            max_length=MOST_KEYS,
            extra_json_schema=_keys([*BONE_LABELS]),
        ),
    ]
    stats: Annotated[
        dict[Code, BoneEstimate],
        Meta(
            description="What is known about each ratio, usable or not; empty while no photo "
            "counts.",
            max_length=MOST_KEYS,
            extra_json_schema=_keys([*BONE_LABELS]),
        ),
    ]
    asymmetry: Annotated[
        dict[Code, Asymmetry],
        Meta(
            description="Left over right, for bones that at least 8 moments show on both sides.",
            max_length=MOST_KEYS,
            extra_json_schema=_keys([*SIDED]),
        ),
    ]
    notes: Annotated[
        list[Prose], Meta(max_length=1000, description="What a person has to know of it.")
    ]
    height: Annotated[
        _Length | None, Meta(description="The person's height that was given, metres.")
    ] = None
    metres: Annotated[
        Annotated[dict[Code, Metres], Meta(max_length=MOST_KEYS)] | None,
        Meta(
            description="Lengths in metres; only where a height was given, or a length.",
            extra_json_schema=_keys([*BONE_LABELS]),
        ),
    ] = None
    measured: Annotated[
        dict[Code, Measured],
        Meta(
            description="Lengths that were given, by bone, with or without a side: evidence beside "
            "the photos; left out where there are none.",
            max_length=MOST_KEYS,
            extra_json_schema=_keys(MEASURABLE),
        ),
    ] = {}
    further: Annotated[
        dict[Code, FurtherBone],
        Meta(
            description="Bones that no photo tells of, given the others and people in general; "
            "left out while no photo counts.",
            max_length=MOST_KEYS,
            extra_json_schema=_keys([*FURTHER_LABELS]),
        ),
    ] = {}
    face: Annotated[
        dict[Code, FaceRatio],
        Meta(
            description="Proportions of the face; left out where no photo shows it.",
            max_length=MOST_KEYS,
            extra_json_schema=_keys([*FACE_RATIOS]),
        ),
    ] = {}
    window: Annotated[
        Window | None, Meta(description="The newest days apart; only where they were asked for.")
    ] = None

    advice: Annotated[
        Prose,
        Meta(description="Which photos would tell most; left out where more would hardly tell."),
    ] = ""
    consistent: Annotated[
        bool, Meta(description="Whether the photos agree on one person; left out where they do.")
    ] = True

    @property
    def bones(self) -> dict[str, BoneEstimate]:
        """What is known about each ratio: the same as `stats`."""
        return self.stats

    @property
    def used(self) -> int:
        """Photos that count."""
        return self.used_observations

    @property
    def moments(self) -> int | None:
        """Moments that these were taken in; None in estimates of 1.0, which do not say."""
        return self.photos.moments

    @property
    def observations(self) -> int:
        """Photos observed, whether they count or not."""
        return self.photos.observed

    @property
    def with_person(self) -> int:
        """Photos that show somebody, whether they count or not."""
        return self.photos.with_person

    @property
    def excluded(self) -> dict[str, int]:
        """Photos that do not count, by reason (`avatarrig.wire.reasons.Exclusion`)."""
        return self.photos.excluded

    @property
    def stable(self) -> int:
        """How many ratios are stable."""
        return sum(bone.status == "stable" for bone in self.stats.values())

    @property
    def drift(self) -> bool:
        """Whether the window and all other photos disagree."""
        return self.window is not None and self.window.drift

    def is_measured(self, key: str) -> bool:
        """Whether somebody measured a bone, on this side or the other."""
        pooled = key.removesuffix("_L").removesuffix("_R")
        return not self.measured.keys().isdisjoint({pooled, f"{pooled}_L", f"{pooled}_R"})

    def to_document(self) -> dict[str, Any]:
        """Returns the content of ``skeleton_estimate.json``, as JSON is read."""
        return msgspec.json.decode(msgspec.json.encode(self), type=dict[str, Any])


def rounded(value: float) -> float:
    """Rounds a ratio, or metres, as an estimate holds it; zero has no sign."""
    return round(value, DECIMALS) + 0.0


def ends(low: float, high: float) -> Ends:
    """Rounds the ends of an interval."""
    return (rounded(low), rounded(high))
