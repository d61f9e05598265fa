"""QR codes, so that a phone can open a link: as SVG, and for terminals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_QUIET: Final = 2
"""Modules of quiet zone around the code; OpenCV's encoder gives two of the four by itself."""

_HALVES: Final = {(True, True): "█", (True, False): "▀", (False, True): "▄", (False, False): " "}


def qr_svg(text: str) -> str:
    """Draws a QR code; empty where OpenCV is not installed, or the text is too long."""
    light = _modules(text)
    if light is None:
        return ""
    rows, columns = light.shape
    dark = "".join(
        f"M{column} {row}h1v1h-1z"
        for row in range(rows)
        for column in range(columns)
        if not light[row, column]
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="qr" role="img" aria-label="QR code of the '
        f'link" viewBox="0 0 {columns} {rows}" shape-rendering="crispEdges">'
        f'<rect width="{columns}" height="{rows}" fill="#fff"/><path d="{dark}" fill="#000"/></svg>'
    )


def qr_lines(text: str) -> list[str]:
    """Draws a QR code with block characters, light on a dark terminal; empty as `qr_svg`."""
    light = _modules(text)
    if light is None:
        return []
    rows = [[bool(module) for module in row] for row in light]
    if len(rows) % 2:
        rows.append([True] * len(rows[0]))
    return [
        "".join(_HALVES[pair] for pair in zip(upper, lower, strict=True))
        for upper, lower in zip(rows[::2], rows[1::2], strict=True)
    ]


def _modules(text: str) -> NDArray[np.bool_] | None:
    """Modules of the code with its quiet zone, True where light."""
    try:
        import cv2  # noqa: PLC0415 - the image without detectors has none
    except ImportError:
        return None
    try:
        code = cv2.QRCodeEncoder.create().encode(text)
    except cv2.error:
        return None
    return np.pad(code > 0, _QUIET, constant_values=True)
