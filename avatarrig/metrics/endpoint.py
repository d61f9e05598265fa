"""Serves ``/metrics``, ``/health`` and ``/ready`` of a process that has no page of its own."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable, Iterable
from typing import Any, Self
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIEnvironment

import msgspec
import structlog
from prometheus_client import CollectorRegistry, make_wsgi_app

from avatarrig.errors import AvatarRigError

_log = structlog.get_logger(__name__)


class EndpointError(AvatarRigError, RuntimeError):
    """The port cannot be had."""


class Readiness(msgspec.Struct, frozen=True):
    """Whether a service does its work.

    Attributes:
        message: Why not, for a person; empty where it does.
    """

    ready: bool
    message: str = ""


class Endpoint:
    """A small HTTP server on a thread of its own.

    ``/health`` answers 200 as long as the process lives; ``/ready`` answers 200 when it does its
    work and 503 when it does not, with the reason.

    Args:
        host: Address to bind to.
        port: Port; 0 takes a free one.
        readiness: Is asked for ``/ready``.

    Raises:
        EndpointError: The port is taken, or the address is not this machine's.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        registry: CollectorRegistry,
        readiness: Callable[[], Readiness],
    ) -> None:
        self._metrics = make_wsgi_app(registry)
        self._readiness = readiness
        try:
            self._server = make_server(
                host, port, self._answer, server_class=_Server, handler_class=_QuietHandler
            )
        except OSError as error:
            raise EndpointError(
                f"metrics cannot be served at {host}:{port}: {error.strerror or error}. "
                "Choose another port, or stop what uses this one"
            ) from error
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="metrics", daemon=True
        )

    @property
    def url(self) -> str:
        """Where it listens, without a path."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        match environ.get("PATH_INFO", ""):
            case "/metrics":
                page: Iterable[bytes] = self._metrics(environ, start_response)
                return page
            case "/health":
                return _json(start_response, "200 OK", {"status": "alive"})
            case "/ready":
                state = self._readiness()
                if state.ready:
                    return _json(start_response, "200 OK", {"status": "ready"})
                words = {"status": "not ready", "message": state.message}
                return _json(start_response, "503 Service Unavailable", words)
            case _:
                words = {"status": "unknown path", "paths": "/metrics /health /ready"}
                return _json(start_response, "404 Not Found", words)


def _json(start_response: StartResponse, status: str, words: dict[str, str]) -> Iterable[bytes]:
    start_response(status, [("Content-Type", "application/json; charset=utf-8")])
    return [msgspec.json.encode(words) + b"\n"]


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    """Answers each request on its own thread, so that a slow reader holds up nobody."""

    daemon_threads = True


class _QuietHandler(WSGIRequestHandler):
    """Logs nothing of what goes well, and gives up on those who say nothing."""

    timeout = 10

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the standard library's
        _log.debug("request", line=format % args)
