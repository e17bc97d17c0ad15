"""Serve an ASGI app in a pod until SIGTERM, without losing requests."""

import asyncio
import logging
import os
import socket
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Protocol, TypeVar

import uvicorn
from starlette.types import ASGIApp

from todo_service.health import Shutdown
from todo_service.json_logs import logging_config
from todo_service.settings import ServerSettings, SettingsError

KEEP_ALIVE_SECONDS = 30
"""When to close an idle connection. Callers in the cluster close theirs earlier, so no request meets a closed one."""

log = logging.getLogger(__name__)


class HasServerSettings(Protocol):
    """The settings of a service."""

    @property
    def server(self) -> ServerSettings:
        """How to serve."""


S = TypeVar("S", bound=HasServerSettings)


class DrainingServer(uvicorn.Server):
    """uvicorn with a drain before its own graceful shutdown.

    When a pod is deleted, Kubernetes sends SIGTERM and at the same time removes the pod from its Services. It can take
    seconds until every node knows, and until then new connections arrive. uvicorn stops listening at once; this server
    first fails readiness and continues to accept requests for `drain_seconds`.
    """

    def __init__(self, config: uvicorn.Config, shutdown: Shutdown, drain_seconds: float) -> None:
        super().__init__(config)
        self._shutdown = shutdown
        self._drain_seconds = drain_seconds

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain, then shut down gracefully. Another SIGINT (Ctrl+C) skips the drain and cuts requests in flight."""
        self._shutdown.requested = True
        log.info("Stopping: not ready from now on, accepting requests for %g s more", self._drain_seconds)
        # Clients shall send their next request on a new connection, which reaches another pod.
        self.config.encoded_headers.append((b"connection", b"close"))
        deadline = time.monotonic() + self._drain_seconds
        while time.monotonic() < deadline and not self.force_exit:
            await self.on_tick(0)  # updates the headers that uvicorn adds to each response
            await asyncio.sleep(0.1)
        await super().shutdown(sockets)


def serve(app: ASGIApp, shutdown: Shutdown, settings: ServerSettings) -> None:
    """Serve until SIGTERM or SIGINT, then return."""
    config = uvicorn.Config(
        app,
        host="0.0.0.0",  # noqa: S104 - the kubelet and other pods use the pod's address
        port=settings.port,
        log_config=logging_config(settings.log_level),
        timeout_graceful_shutdown=settings.finish_seconds,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        access_log=False,  # RequestLogMiddleware logs more
        server_header=False,
    )
    with suppress(KeyboardInterrupt):  # uvicorn raises the signal that stopped it again once it has finished
        DrainingServer(config, shutdown, settings.drain_seconds).run()


def run(read_settings: Callable[[Mapping[str, str]], S], create_app: Callable[[S, Shutdown], ASGIApp]) -> int:
    """Read the settings from the environment and serve the app until SIGTERM.

    Returns:
        The exit code: 0 after a graceful stop, 2 if the settings are invalid.
    """
    shutdown = Shutdown()
    try:
        settings = read_settings(os.environ)
        app = create_app(settings, shutdown)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    serve(app, shutdown, settings.server)
    return 0
