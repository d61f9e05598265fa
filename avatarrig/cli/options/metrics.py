"""Where a service's metrics are served: the same options for every command that serves them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from avatarrig.pipeline.measured import MetricsAddress

_OPTIONS = (
    click.option(
        "--metrics-host",
        default="127.0.0.1",
        show_default=True,
        help="Address that /metrics, /health and /ready listen at.",
    ),
    click.option(
        "--metrics-port",
        type=click.IntRange(1, 65535),
        help="Serve /metrics for Prometheus, /health and /ready at this port.",
        show_default="they are not served",
    ),
)


def metrics_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command the options; it is called with one argument ``metrics`` for them all."""

    @functools.wraps(command)
    def gathered(*, metrics_host: str, metrics_port: int | None, **given: Any) -> Any:  # noqa: ANN401 - click's
        return command(metrics=MetricsAddress(metrics_host, metrics_port), **given)

    decorated: Callable[..., Any] = gathered
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated
