"""How long texts, and how large numbers, records may hold."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta

MOST_NAME_CHARACTERS = 1024
"""Of a subject's or dataset's name: four times what a folder may be called."""

MOST_MESSAGE_CHARACTERS = 16_384

# Whoever may write to a topic can put anything there, and what is read is quoted, used as a key,
# added up and kept. So every text and number has a bound, wide enough for all that was ever
# written in earnest.
ImageId = Annotated[str, Meta(max_length=128)]
Name = Annotated[str, Meta(max_length=MOST_NAME_CHARACTERS)]
PathText = Annotated[str, Meta(max_length=16_384)]
Uri = Annotated[str, Meta(max_length=32_768)]
Code = Annotated[str, Meta(max_length=256)]
Fingerprint = Annotated[str, Meta(max_length=256, pattern=r"\A[^\0]*\Z")]
"""Keys end with it, behind a NUL."""
Prose = Annotated[str, Meta(max_length=MOST_MESSAGE_CHARACTERS)]
LATEST: Final = 253_000_000_000
Seconds = Annotated[float, Meta(ge=-62_000_000_000, le=LATEST)]
"""Unix seconds of the years 6 to 9987, so that a calendar can name them in every time zone."""
Finite = Annotated[float, Meta(ge=-1e300, le=1e300)]
Count = Annotated[int, Meta(ge=0, le=1 << 53)]
Partition = Annotated[int, Meta(ge=-1, le=(1 << 31) - 1)]
Offset = Annotated[int, Meta(ge=-1, le=(1 << 63) - 1)]
Pixels = Annotated[int, Meta(ge=0, le=1 << 31)]
Applied = Annotated[dict[Partition, Offset], Meta(max_length=100_000)]
Fixed = Annotated[int, Meta(ge=-(1 << 32), le=1 << 32)]
"""Far beyond what one photo can say; sums of two billion photos still fit 64 bits."""
FixedRow = Annotated[tuple[Fixed, ...], Meta(max_length=64)]
