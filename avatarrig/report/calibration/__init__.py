"""Choosing thresholds from what runs have shown, with or without a person's labels."""
