"""Clips: which of their frames are worth a look, and these frames as pictures."""
