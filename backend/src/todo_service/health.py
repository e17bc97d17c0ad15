"""The endpoints of the kubelet's probes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from todo_service.problems import problem

HEALTH, READY = "/health", "/ready"
PATHS = frozenset({HEALTH, READY})


class NotReadyError(Exception):
    """The service cannot do its work now. The message is the reason, in one sentence."""


@dataclass(slots=True)
class Shutdown:
    """The state of the shutdown: set by the server, read by the readiness endpoint.

    Attributes:
        requested: Whether the process was asked to stop.
    """

    requested: bool = False


def health_routes(service: str, version: str, shutdown: Shutdown, check: Callable[[], Awaitable[None]]) -> list[Route]:
    """Return the routes of the liveness and readiness endpoints.

    /health reports that the process serves, and its version; it uses no other service. /ready reports whether the pod
    should receive requests: 503 with the reason if `check` raises NotReadyError, and after SIGTERM.
    """

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok", "service": service, "version": version})

    async def ready(_: Request) -> Response:
        if shutdown.requested:
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, "The service is being stopped")
        try:
            await check()
        except NotReadyError as error:
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        return JSONResponse({"status": "ready", "service": service, "version": version})

    return [Route(HEALTH, health), Route(READY, ready)]
