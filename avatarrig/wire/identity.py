"""Who a photo is: an identifier that no two photos share, readable in a file listing."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Hashable, Iterable
from pathlib import PurePosixPath
from typing import TypeVar

KeyT = TypeVar("KeyT")

_LONGEST_STEM = 60
_DIGEST_CHARACTERS = 16
_SAID_CHARACTERS = 8
_SUBJECT_BYTES = 16
_IMAGE_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")


def subject_name(text: str) -> str:
    """Gives a subject's name in the one form in which names are compared.

    Some systems write "é" as one character and some as two: a folder that was copied from one to
    another is still the same person's.
    """
    return unicodedata.normalize("NFC", text)


def subject_digest(subject: str) -> str:
    """Stands for a subject where the name must not: 128 bits, hexadecimal.

    Whoever guesses the name can check the guess.
    """
    data = subject_name(subject).encode("utf-8", "surrogateescape")
    return hashlib.blake2b(data, digest_size=_SUBJECT_BYTES).hexdigest()


def asked_fingerprint(fingerprint: str, asked: str) -> str:
    """Names what an observation was made with where somebody in particular was looked for.

    Args:
        fingerprint: The detector's own.
        asked: Stands for the question; empty where there was none.

    Returns:
        16 hexadecimal digits; the detector's own where nothing was asked.
    """
    if not asked:
        return fingerprint
    return hashlib.sha256(f"{fingerprint}\0{asked}".encode()).hexdigest()[:16]


def is_image_id(text: str) -> bool:
    """Whether a text can be a photo's identifier; files are named after it.

    Whoever may write to a topic can put anything there, ``../../x`` for one.
    """
    return _IMAGE_ID.fullmatch(text) is not None


def image_id(path: str, content_hash: str) -> str:
    """Derives a photo's identifier from its content and its path within the dataset.

    The identifier is safe as a file name everywhere: ASCII letters, digits, ``-`` and ``_``.
    The readable part comes from the file name; the 64-bit digest keeps photos apart whose
    names differ only in characters that file systems dislike.

    Args:
        path: Path within the dataset, POSIX separators.
        content_hash: SHA-256 of the file's bytes, hexadecimal.

    Returns:
        For example ``IMG_0042-3f9a0c52d1e8b764``.
    """
    ascii_stem = (
        unicodedata.normalize("NFKD", PurePosixPath(path).stem)
        .encode("ascii", "ignore")
        .decode("ascii")
    )
    readable = re.sub(r"[^A-Za-z0-9_]+", "-", ascii_stem).strip("-")[:_LONGEST_STEM] or "photo"
    digest = hashlib.sha256(f"{content_hash}\0{path}".encode("utf-8", "surrogateescape"))
    return f"{readable}-{digest.hexdigest()[:_DIGEST_CHARACTERS]}"


def as_said(photo: str, said: str) -> str:
    """Derives the identifier of a photo of which files beside it say something.

    Detected again when they say something else, it is another photo in the same place, as it is
    where the file itself was written anew.

    Args:
        photo: The identifier that `image_id` gives.
        said: What the files say; empty where they say nothing.
    """
    if not said:
        return photo
    return f"{photo}-{hashlib.sha256(said.encode()).hexdigest()[:_SAID_CHARACTERS]}"


def is_photo(photo: str, path: str, content_hash: str) -> bool:
    """Tells whether an identifier is of the photo at a path, whatever files beside it say."""
    named = image_id(path, content_hash)
    return photo == named or photo.startswith(f"{named}-")


def copies(pictures: Iterable[tuple[KeyT, Iterable[Hashable]]]) -> set[KeyT]:
    """Finds photos that hold the same picture as an earlier one: of each picture the first counts.

    Args:
        pictures: Each photo with what stands for its picture, such as a digest of its compressed
            pixels and one of its decoded ones. Photos that agree in any of them hold the same.

    Returns:
        All but the first of each picture.
    """
    known: set[Hashable] = set()
    found: set[KeyT] = set()
    for key, marks in pictures:
        own = set(marks)
        if not own.isdisjoint(known):
            found.add(key)
        known |= own
    return found


def taken_over(
    decided: Iterable[tuple[Iterable[Hashable], str]],
    photos: Iterable[tuple[KeyT, Iterable[Hashable]]],
) -> dict[KeyT, str]:
    """Finds what was decided of the picture of photos that were moved, or written anew.

    Args:
        decided: What stands for the picture of each photo that was decided about, as in `copies`,
            and what was decided.
        photos: Those that nothing was decided about, each with what stands for its picture.

    Returns:
        Standings of those of `photos` whose picture was decided about.
    """
    of_picture = {mark: standing for marks, standing in decided for mark in marks}
    if not of_picture:
        return {}
    return {key: of_picture[mark] for key, marks in photos for mark in marks if mark in of_picture}
