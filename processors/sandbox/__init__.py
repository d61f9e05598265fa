"""The detector behind a wall: a process of its own, whose death costs one photo one try."""
