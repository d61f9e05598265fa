"""What machines ask for beside the page: metrics, health, readiness."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry


class Operations:
    """Answers Prometheus and whoever looks after the process.

    ``/health`` says that the event loop turns; ``/ready`` that the tables are recovered and
    estimates are kept up to date.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._is_ready = False

    def ready(self) -> None:
        """Notes that the work has begun."""
        self._is_ready = True

    def routes(self) -> list[web.RouteDef]:
        """Returns what there is to ask for."""
        return [
            web.get("/metrics", self._metrics),
            web.get("/health", self._health),
            web.get("/ready", self._ready),
        ]

    async def _metrics(self, _: web.Request) -> web.Response:
        text = await asyncio.to_thread(generate_latest, self._registry)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def _ready(self, _: web.Request) -> web.Response:
        if self._is_ready:
            return web.json_response({"status": "ready"})
        message = "connecting to Kafka, or recovering the tables"
        return web.json_response({"status": "not ready", "message": message}, status=503)
