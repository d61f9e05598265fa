"""Fixtures that more than one folder of tests uses."""

from __future__ import annotations

from hypothesis import settings

pytest_plugins = [
    "support.kafka",
    "support.photos",
    "support.real_photos",
    "support.replicas",
    "support.deploy.s3",
]

# Unit tests are for running all the time; and how long an example takes says more about the
# machine than about the code.
settings.register_profile("quick", max_examples=40, deadline=None)
settings.load_profile("quick")
