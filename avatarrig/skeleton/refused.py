"""What the mathematics refuses to read."""

from __future__ import annotations


class StateRefusedError(ValueError):
    """Bytes that should hold statistics do not, or hold those of another version."""
