"""``python -m avatarrig`` is the ``avatarrig`` command."""

from avatarrig.cli import main

main()
