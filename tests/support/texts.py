"""Any text, for property tests.

Hypothesis' own looks through all of Unicode first, which takes each process seconds.
"""

from __future__ import annotations

from hypothesis import strategies as st

_ASCII = st.integers(0, 0x7F)
_CODE_POINTS = _ASCII | st.integers(0x80, 0xD7FF) | st.integers(0xE000, 0x10FFFF)


def texts(
    *,
    without: str = "",
    or_points: tuple[int, int] | None = None,
    min_size: int = 0,
    max_size: int = 30,
) -> st.SearchStrategy[str]:
    """Draws text of all characters that UTF-8 has.

    Args:
        without: Characters that are left out.
        or_points: First and last of other code points that are drawn as well.
    """
    points = _CODE_POINTS if or_points is None else _CODE_POINTS | st.integers(*or_points)
    if without:
        points = points.filter(lambda point: chr(point) not in without)
    return st.lists(points, min_size=min_size, max_size=max_size).map(
        lambda chosen: "".join(map(chr, chosen))
    )
