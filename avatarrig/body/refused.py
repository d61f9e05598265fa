"""What the mathematics refuses to read."""

from __future__ import annotations


class StateRefusedError(ValueError):
    """Bytes that should hold statistics do not, or hold those of another version."""


class LearnedRefusedError(ValueError):
    """What was learned does not fit the detector or the evidence that it is used with."""
