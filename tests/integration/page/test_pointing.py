"""Who is pointed at on the page is looked for in the photo, by the detector's own process."""

from __future__ import annotations

import hashlib
import io
import json
import os
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image
from support.browser.served import Server, jpeg, run
from support.observed import observation

from avatarrig.body.recognition import TAKEN
from avatarrig.detectors.faces.models import YUNET
from avatarrig.detectors.faces.references import template_of
from avatarrig.detectors.faces.template import Template
from avatarrig.page.editing.pointing import Pointing
from avatarrig.wire.identity import as_said, image_id
from avatarrig.wire.standings import AS_SEEN, COUNTS, ONLY_COPY, as_decided


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


def known(server: Server, path: str, data: bytes) -> dict[str, str]:
    """A photo in the watched folder that was observed."""
    file = server.root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    photo = image_id(path, hashlib.sha256(data).hexdigest())
    server.paths[photo] = path
    return {"subject": "anna", "photo": photo}


def point(server: Server, data: dict[str, Any]) -> tuple[int, Any]:
    status, text = run(server, lambda s, c: s.ask(c, "POST", "/point", data=data))
    return status, json.loads(text) if status == 200 else text


def test_a_photo_without_a_face_counts_and_is_no_reference(server: Server) -> None:
    status, told = point(server, known(server, "2019/a.jpg", jpeg()))
    assert (status, told["no_face"]) == (
        200,
        (
            "no face is to be seen in it, or too small a one. Choose a photo that shows the face "
            "from the front."
        ),
    )
    assert [asked.reason for asked in server.asked] == ["pointed at on the page"]
    assert server.faces == []


@pytest.mark.parametrize("path", ["../outside.jpg", "/etc/passwd", "a/../../outside.jpg"])
def test_nothing_outside_of_the_folder_is_read(server: Server, path: str, tmp_path: Path) -> None:
    data = jpeg()
    (tmp_path / "outside.jpg").write_bytes(data)
    photo = image_id(path, hashlib.sha256(data).hexdigest())
    server.paths[photo] = path
    _, told = point(server, {"subject": "anna", "photo": photo})
    assert told["no_face"] == "the photo does not lie in the watched folder"
    assert server.faces == []


def test_a_photo_is_found_whatever_files_beside_it_say(server: Server) -> None:
    asked = known(server, "a.jpg", jpeg())
    said = as_said(asked["photo"], "True []")
    server.paths[said] = "a.jpg"
    _, told = point(server, asked | {"photo": said})
    assert told["no_face"].startswith("no face is to be seen in it")


def test_another_picture_that_lies_there_by_now_is_not_taken(server: Server) -> None:
    asked = known(server, "a.jpg", jpeg())
    (server.root / "a.jpg").write_bytes(jpeg(1))
    _, told = point(server, asked)
    assert told["no_face"].startswith("another picture lies there by now")
    (server.root / "a.jpg").unlink()
    _, told = point(server, asked)
    assert told["no_face"] == "the photo cannot be read any more"


def test_a_photo_whose_name_is_no_text_is_not_found_and_it_is_said_why(server: Server) -> None:
    asked = known(server, "a\\xff.jpg", jpeg())
    _, told = point(server, asked)
    assert told["no_face"].startswith("no face is to be seen"), "this is how that file is called"
    (server.root / "a\\xff.jpg").rename(server.root / os.fsdecode(b"a\xff.jpg"))
    _, told = point(server, asked)
    assert told["no_face"] == (
        "the file's name is not UTF-8, so the page cannot find it: rename the file"
    )


def test_the_models_are_looked_for_where_they_were_said_to_be(
    server: Server, tmp_path: Path
) -> None:
    server.settings = msgspec.structs.replace(server.settings, models=str(tmp_path / "models"))
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / YUNET.file).write_bytes(b"another model")
    _, told = point(server, known(server, "a.jpg", jpeg()))
    assert told["no_face"].startswith(f"{tmp_path / 'models' / YUNET.file} is not the model")
    assert server.faces == []


@pytest.mark.parametrize(
    "more", [{"at": [1.5, 0.5]}, {"at": [0.5]}, {"at": "left"}, {"at": [None, 0]}, {"who": 1}]
)
def test_places_outside_of_a_photo_are_refused(server: Server, more: dict[str, Any]) -> None:
    status, _ = point(server, known(server, "a.jpg", jpeg()) | more)
    assert (status, server.asked) == (400, [])


def test_a_photo_that_nobody_knows_is_not_pointed_at(server: Server) -> None:
    status, words = point(server, {"subject": "anna", "photo": "a-0000000000000000"})
    assert (status, words) == (409, "no such photo of anna is known")


@pytest.mark.parametrize(
    ("changes", "standing", "expected"),
    [
        ({"excluded": "duplicate of photo-9"}, ONLY_COPY, ONLY_COPY),
        ({"excluded": "somebody else"}, ONLY_COPY, COUNTS),
        ({"excluded": "somebody else"}, AS_SEEN, COUNTS),
        ({"ambiguous": True}, AS_SEEN, COUNTS),
        ({}, COUNTS, COUNTS),
    ],
)
def test_a_photo_that_is_pointed_at_counts(
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, Any],
    standing: str,
    expected: str,
) -> None:
    monkeypatch.setattr(Pointing, "face", lambda *_: b"a face")
    status, _ = point(server, known(server, "a.jpg", jpeg()))
    (change,) = (asked.change for asked in server.asked)
    seen = observation(1, **changes)
    assert (status, server.faces, change(seen, standing)) == (200, [b"a face"], expected)
    counted = as_decided(seen, expected)
    assert (counted.excluded, counted.ambiguous) == (None, False)


@pytest.mark.models
def test_of_several_faces_somebody_has_to_say_which(server: Server, real_photos: Path) -> None:
    """And the one that is pointed at is the reference."""
    people = [Image.open(real_photos / name).convert("RGB") for name in ("biden.jpg", "obama.jpg")]
    both = Image.new("RGB", (800, 500))
    for number, person in enumerate(people):
        both.paste(person.resize((400, 500)), (400 * number, 0))
    data = io.BytesIO()
    both.save(data, "JPEG", quality=95)
    asked = known(server, "both.jpg", data.getvalue())
    status, told = point(server, asked)
    assert status == 200
    (left, right) = told["faces"]
    assert left[0] < 0.5 < right[0]
    assert (server.asked, server.faces) == ([], [])

    alone = [
        np.frombuffer(template_of([real_photos / name]), "<f2").astype(np.float32)
        for name in ("biden.jpg", "obama.jpg")
    ]
    for place, own, other in ((left, *alone), (right, *alone[::-1])):
        _, told = point(server, asked | {"at": place})
        assert told["no_face"] == ""
        face = Template(server.faces.pop())
        assert face.likeness(own) >= TAKEN > face.likeness(other)
