"""A checksum over a file's content, in the file: what was changed or damaged is noticed."""

from __future__ import annotations

import hashlib
import re
from enum import Enum
from typing import Any, Final

import msgspec

from avatarrig.wire import decode_json

FIELD: Final = "sha256"
_SEAL: Final = re.compile(rb',"sha256":"([0-9a-f]{64})"\}\s*\Z')


class Seal(Enum):
    """What a file's checksum says."""

    WHOLE = "whole"
    DAMAGED = "damaged"
    NONE = "none"
    """Files of 1.0 have none."""


def sealed(document: dict[str, Any]) -> bytes:
    """Encodes a JSON document with a checksum over all else behind it.

    Args:
        document: At least one field, none of them `FIELD`.
    """
    content = msgspec.json.encode(document)
    digest = hashlib.sha256(content).hexdigest().encode()
    return content[:-1] + b',"' + FIELD.encode() + b'":"' + digest + b'"}\n'


def seal_of(data: bytes) -> Seal:
    """Holds a file against its checksum. Written anew by another program, it may be whole as well.

    Args:
        data: The file's bytes, whatever they are.
    """
    match = _SEAL.search(data)
    if match is not None:
        content = data[: match.start()] + b"}"
        if hashlib.sha256(content).hexdigest().encode() == match[1]:
            return Seal.WHOLE
    try:
        document = decode_json(data, dict[str, Any])
    except (msgspec.MsgspecError, RecursionError):
        return Seal.DAMAGED
    said = document.pop(FIELD, None)
    if said is None:
        return Seal.NONE
    digest = hashlib.sha256(msgspec.json.encode(document)).hexdigest()
    return Seal.WHOLE if digest == said else Seal.DAMAGED
