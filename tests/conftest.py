"""Fixtures that more than one folder of tests uses."""

from __future__ import annotations

pytest_plugins = ["support.kafka", "support.photos"]
