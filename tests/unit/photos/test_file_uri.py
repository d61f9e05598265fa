"""Every path of this machine has a URI that leads back to it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatarrig.photos.uri import FileUriError, from_file_uri, to_file_uri

NAMES = st.binary(min_size=1, max_size=60).filter(
    lambda name: not {b"/"[0], 0} & set(name) and name not in {b".", b".."}
)


@given(st.lists(NAMES, min_size=1, max_size=4))
def test_any_name_comes_back(names: list[bytes]) -> None:
    path = Path("/" + "/".join(os.fsdecode(name) for name in names))
    uri = to_file_uri(path)
    assert uri.isascii()
    assert from_file_uri(uri) == path


def test_spaces_and_signs_are_escaped() -> None:
    assert to_file_uri(Path("/a b/50%#?.jpg")) == "file:///a%20b/50%25%23%3F.jpg"


@pytest.mark.parametrize(
    ("uri", "complaint"),
    [
        ("http://host/x.jpg", "file://"),
        ("s3://bucket/x.jpg", "file://"),
        ("/x.jpg", "file://"),
        ("file://elsewhere/x.jpg", "elsewhere"),
        ("file://x.jpg", "x.jpg"),
        ("file:x.jpg", "absolute"),
        ("file:///x.jpg?a=1", "unescaped"),
        ("file:///a%00b.jpg", "absolute"),
        ("file://[/x.jpg", "no URI"),
    ],
)
def test_what_names_no_file_of_this_machine_is_refused(uri: str, complaint: str) -> None:
    with pytest.raises(FileUriError, match=complaint):
        from_file_uri(uri)
