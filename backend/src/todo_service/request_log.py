"""ASGI middleware that gives each request an id, logs it when it ends, and turns unexpected exceptions into a 500."""

import logging
import re
import time
import uuid
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from todo_service.health import PATHS
from todo_service.json_logs import REQUEST_ID
from todo_service.problems import problem

REQUEST_ID_HEADER = "X-Request-ID"

_VALID_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

log = logging.getLogger(__name__)


class RequestLogMiddleware:
    """Logs requests.

    uvicorn has an access log too, but one without duration and request id. Starlette turns exceptions into responses
    too, but outside of the CORS middleware: pages of other origins could not read them.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request under the id that its sender gave it, or else under a new one."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID_HEADER, "")
        request_id = given if _VALID_ID.fullmatch(given) else uuid.uuid4().hex
        token, started, status = REQUEST_ID.set(request_id), time.perf_counter(), 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID_HEADER] = request_id
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except Exception:
            log.exception("Unexpected error")
            if not status:
                response = problem(HTTPStatus.INTERNAL_SERVER_ERROR, "Unexpected error; the service's log has details")
                await response(scope, receive, send_with_id)
        finally:
            _log_request(scope["method"], scope["path"], status, time.perf_counter() - started)
            REQUEST_ID.reset(token)


def _log_request(method: str, path: str, status: int, seconds: float) -> None:
    """Log a request, unless it is a probe that succeeded."""
    if path not in PATHS or status != HTTPStatus.OK:
        facts = {"method": method, "path": path, "status": status, "ms": round(seconds * 1000, 1)}
        log.info("%s %s %s", method, path, status, extra={"facts": facts})
