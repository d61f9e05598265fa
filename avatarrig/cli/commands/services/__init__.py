"""The commands that are services or serve them, one a module."""
