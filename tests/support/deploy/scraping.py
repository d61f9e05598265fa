"""Reads a service's metrics as Prometheus does."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from support.waiting import PATIENCE


def get(url: str) -> tuple[int, str]:
    """Status and body of an answer, whatever the status."""
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:  # noqa: S310 - http alone
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def get_json(url: str) -> tuple[int, Any]:
    status, body = get(url)
    return status, json.loads(body)


class Scrape:
    """One look at ``/metrics``."""

    def __init__(self, text: str) -> None:
        self.families = list(text_string_to_metric_families(text))

    @classmethod
    def of(cls, url: str) -> Scrape:
        """Looks at a service.

        Args:
            url: Without a path.
        """
        status, text = get(f"{url}/metrics")
        assert status == 200, text
        return cls(text)

    @property
    def names(self) -> set[str]:
        """Names of all samples, as queries name them."""
        return {sample.name for family in self.families for sample in family.samples}

    def value(self, name: str, **labels: str) -> float:
        """Sum of the samples of that name that have at least those labels; 0 without any."""
        return sum(
            sample.value
            for family in self.families
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )
