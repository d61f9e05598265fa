"""Why photos and messages are rejected, and why photos do not count: codes, and words for people.

The codes stand in records, files and metrics. A record may carry a code that this program does not
know, from a newer one: what is read is therefore text, `words_for` tells what is known of it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from typing import Self


class _Reason(StrEnum):
    """A code with what it means. `words`: For a person, to stand after a colon."""

    words: str

    def __new__(cls, code: str, words: str) -> Self:
        reason = str.__new__(cls, code)
        reason._value_ = code
        reason.words = words
        return reason


class RejectReason(_Reason):
    """Why a photo, or another message, is rejected: nothing was observed."""

    EMPTY = "empty", "the file holds nothing"
    UNREADABLE = "unreadable", "the file cannot be read as a picture"
    TRUNCATED = "truncated_beyond_use", "the file is cut off, and too little of it is left"
    TOO_LARGE = "too_large", "more pixels or bytes than are allowed"
    TOO_SMALL = "too_small", "too few pixels to see anybody"
    UNSUPPORTED = "unsupported", "no format of pictures, or no address, that is read"
    MISSING = "missing", "the photo is gone, or its link leads nowhere"
    CHANGED = "changed", "the photo was replaced since it was found"
    PERMISSION = "permission", "the photo may not be read"
    NOT_A_FILE = "not_a_file", "a folder, pipe or device with a photo's name"
    OUTSIDE_ROOTS = "outside_roots", "the photo lies outside the folders that may be read"
    CRASHED = "crashed", "the detector crashed on the photo"
    TIMED_OUT = "timed_out", "the detector did not finish in time"
    DETECTOR_FAILED = "detector_failed", "the detector failed on the photo"
    NEAR_COPY = "near_copy", "nearly the same as a photo that is detected"
    MALFORMED = "malformed", "the message holds no record that this program knows"
    EVIDENCE = "evidence", "the observation's evidence is malformed"
    TALLY = "tally", "the tally is malformed"
    ESTIMATE = "estimate", "no estimate can be made of what was tallied"
    UNEXPECTED = "unexpected", "an error in the program itself"


class Exclusion(_Reason):
    """Why a photo that was observed does not count in the estimate."""

    NO_PERSON = "no_person", "nobody was found in the photo"
    DUPLICATE = "duplicate", "the same photo as another one"
    ON_REQUEST = "left_out", "left out on request"
    GONE = "gone", "gone from the dataset, or replaced"
    OUT_OF_PERIOD = "out_of_period", "not taken in the time that was asked for"
    AMBIGUOUS = "ambiguous", "several people, and no telling who is meant"
    SOMEBODY_ELSE = "somebody_else", "somebody else"
    UNSURE = "unsure", "not sure who it is"
    OFF_MASK = "off_mask", "the pose does not lie on the person"
    OUT_OF_FRAME = "out_of_frame", "most of the person is outside the photo"
    TOO_FEW_BONES = "too_few_bones", "no two bones can be seen, so there is no ratio"
    NO_EVIDENCE = "no_evidence", "the landmarks say nothing about bone lengths"
    NO_WEIGHTS = "no_weights", "nothing was learned for the pose model that saw the photo"


def words_for(code: str) -> str:
    """Returns what a code means; the code itself where this program does not know it."""
    return _WORDS.get(code, code)


def verdict(reason: str | None) -> str:
    """Says whether a photo counts, and why not.

    Args:
        reason: Code of why it does not, or words for it; None or empty where it counts.
    """
    return f"does not count: {words_for(reason)}" if reason else "counts"


_WORDS: Final[dict[str, str]] = {
    reason.value: reason.words for kind in (RejectReason, Exclusion) for reason in kind
}
