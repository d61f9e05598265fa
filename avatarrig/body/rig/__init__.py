"""A rest-pose armature from a skeleton estimate, and the files it is exchanged in."""
