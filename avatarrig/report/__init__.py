"""A finished run as one file that a person can read and send on."""
