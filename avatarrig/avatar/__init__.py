"""Avatars of others' making, given a person's proportions: glTF and VRM in, the same file out."""
