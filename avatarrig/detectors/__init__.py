"""MediaPipe detection: the models, who is in a photo, and how good what was seen is."""
