"""Pictures for people: overlays, masks and the preview of a skeleton."""
