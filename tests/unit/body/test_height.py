"""Heights as people write them."""

from __future__ import annotations

import pytest

from avatarrig.body.height import HeightError, parse_height


@pytest.mark.parametrize(
    ("written", "metres"),
    [
        *((text, 1.72) for text in ("1.72m", "1.72 m", "172cm", "172 CM", "1,72", "1.72", "172")),
        *(
            (text, 1.7272)
            for text in ("5'8\"", "5' 8\"", "5\u20328\u2033", "5ft 8in", "5'8", "5 feet 8 inches")
        ),
        ("6'", 1.8288),
        ("5'7.5\"", 1.7145),
        *((text, 1.7272) for text in ("68in", '68"', "68 inches")),
        ("1720mm", 1.72),
    ],
)
def test_a_height_is_read_however_it_is_spelt(written: str, metres: float) -> None:
    assert parse_height(written) == pytest.approx(metres)


@pytest.mark.parametrize(
    "written",
    ["", "tall", "17", "3", "172m", "1.72cm", "-1m", "10'", "1.7.2", "5'8'8", "9" * 5000 + "ft"],
)
def test_what_nobody_measures_is_refused_with_an_example(written: str) -> None:
    with pytest.raises(HeightError, match=r"1\.72m|0\.4 to 2\.8 m"):
        parse_height(written)
