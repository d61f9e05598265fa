"""What is known of a photo's bytes; of a clip's, frame by frame."""

from __future__ import annotations

import msgspec
from support.references import reference
from support.rendered import rendered

from avatarrig.photos.clips.address import frame_of
from avatarrig.runs import WantedFiles
from processors.sandbox.copies import Copies

CLIP = "file:///photos/a.mp4"


def test_frames_of_a_clip_are_no_copies_of_each_other() -> None:
    copies = Copies(None, WantedFiles())
    seen = msgspec.structs.replace(rendered(0), subject="Anna")
    first, second = (reference("a.mp4", uri=frame_of(CLIP, seconds)) for seconds in (1.0, 2.0))
    copies.note(first, seen)
    found = copies.find(first, seen.fingerprint)
    assert found is not None
    assert found.observation == seen
    assert copies.find(second, seen.fingerprint) is None
