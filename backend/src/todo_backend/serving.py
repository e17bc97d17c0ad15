"""Serving an ASGI app in a pod: health, readiness, request ids and logs, and a stop that loses no request.

When a pod is to end, Kubernetes sends SIGTERM and, at the same time, takes the pod out of its Services; nodes learn of
that up to seconds later, and send new connections until then. So on SIGTERM readiness fails first, requests are served
for a while longer, then no new ones are taken, those in flight are finished, and the process ends with exit code 0.

Logs are one JSON object a line. Each request has an id, its caller's or a new one, which stands in every line that is
logged for it, in the response, and in the requests that are made for it (`X-Request-ID`).

This file is the same in todo_backend and todo_mcp: their images are built from folders that share nothing. A test
holds the two copies equal.
"""

import asyncio
import json
import logging
import os
import re
import signal
import socket
import time
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Self, TypeVar

import uvicorn
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

T = TypeVar("T")

PROBES = frozenset({"/health", "/ready"})
"""Paths that the kubelet asks every few seconds: their successes are not worth a line of log."""

LOG_LEVELS = ("debug", "info", "warning", "error")

FINISH_SECONDS = 15
"""How long requests in flight may take once no new ones are accepted, unless a service needs more; with the default
drain it is less than the 30 s that Kubernetes grants."""

KEEP_ALIVE_SECONDS = 30
"""How long an idle connection is kept; callers in the cluster close theirs earlier: none is cut under a request."""

BODY_BYTES = 64 * 1024
"""The largest body of a request; nothing that this app takes comes near it."""

REQUEST_ID_HEADER = "X-Request-ID"

REQUEST_ID = ContextVar("request_id", default="")
"""The id of the request that is being answered; empty outside of requests."""

_USABLE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

log = logging.getLogger(__name__)


class SettingsError(Exception):
    """A variable of the environment is missing or wrong; the text names it and never holds a secret's value."""


class NotReadyError(Exception):
    """What the service needs is missing; the text is the cause, one sentence."""


@dataclass(slots=True)
class Life:
    """Whether the process is being stopped; the server writes it, readiness reads it."""

    stopping: bool = False


def problem(status: HTTPStatus, detail: str, **more: object) -> JSONResponse:
    """Return an error as RFC 9457 has it: type, title, status, detail, and members of our own."""
    body = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail, **more}
    return JSONResponse(body, status, media_type="application/problem+json")


async def within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """Return what `work` returns.

    Unlike asyncio.timeout() this does not wait until cancelled work has cleaned up: psycopg tells the server first,
    and with a server that does not answer this takes seconds more.

    Raises:
        TimeoutError: It took longer than `seconds`.
    """
    task = asyncio.ensure_future(work)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        task.cancel()
        raise
    if done:
        return task.result()
    task.add_done_callback(_forget)
    task.cancel()
    raise TimeoutError(f"no answer within {seconds:g} s")


def _forget(task: asyncio.Future[Any]) -> None:
    """Take the outcome of work that nobody waits for, so that asyncio does not report it as lost."""
    if not task.cancelled():
        task.exception()


@contextmanager
def hung_up_after(seconds: float, descriptor: int) -> Iterator[None]:
    """End a connection where what is done in here takes longer.

    Who waits for its other side then sees the end at once; cancelled instead, psycopg would ask the silent side to
    stop, and wait for seconds.
    """
    timer = asyncio.get_running_loop().call_later(seconds, _hang_up, descriptor)
    try:
        yield
    finally:
        timer.cancel()


def _hang_up(descriptor: int) -> None:
    with socket.socket(fileno=os.dup(descriptor)) as connection, suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def probes(service: str, version: str, life: Life, check: Callable[[], Awaitable[None]]) -> list[Route]:
    """Return the routes of the two probes.

    /health says that the process serves, and which version it is; it asks nobody else. /ready says whether requests
    should be sent here: 503 with the cause while `check` raises NotReadyError, and from SIGTERM on.
    """

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok", "service": service, "version": version})

    async def ready(_: Request) -> Response:
        if life.stopping:
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, "The service is being stopped")
        try:
            await check()
        except NotReadyError as error:
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        return JSONResponse({"status": "ready", "service": service, "version": version})

    return [Route("/health", health), Route("/ready", ready)]


def middleware() -> list[Middleware]:
    """Return what stands in front of every route, the outermost first."""
    return [Middleware(Traced), Middleware(LimitedBody)]


class Traced:
    """ASGI middleware: an id for each request, a line of log for its end, and a problem where it fails unforeseen."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and log how it ended."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID_HEADER, "")
        request_id = given if _USABLE_ID.fullmatch(given) else uuid.uuid4().hex
        outer, began, status = REQUEST_ID.set(request_id), time.perf_counter(), 0

        async def send_marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID_HEADER] = request_id
            await send(message)

        try:
            await self._app(scope, receive, send_marked)
        except Exception:
            log.exception("The service made a fault")
            if not status:
                fault = problem(HTTPStatus.INTERNAL_SERVER_ERROR, "The service made a fault; its log has the details")
                await fault(scope, receive, send_marked)
        finally:
            _log_request(scope["method"], scope["path"], status, time.perf_counter() - began)
            REQUEST_ID.reset(outer)


def _log_request(method: str, path: str, status: int, seconds: float) -> None:
    """Log a request that was answered; probes that succeed are no news."""
    if path not in PROBES or status != HTTPStatus.OK:
        facts = {"method": method, "path": path, "status": status, "ms": round(seconds * 1000, 1)}
        log.info("%s %s %s", method, path, status, extra={"facts": facts})


class LimitedBody:
    """ASGI middleware: 413 for a body that is too large; a smaller one is read before the request is passed on."""

    def __init__(self, app: ASGIApp, limit: int = BODY_BYTES) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it; a length that is told is believed, so that nothing is read in vain."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        told = Headers(scope=scope).get("content-length", "")
        first = None if told.isdecimal() and int(told) > self._limit else await self._read(receive)
        if first is None:
            detail = f"The body is larger than {self._limit} bytes"
            await problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)(scope, receive, send)
            return
        messages = iter([first])

        async def receive_read() -> Message:
            return next(messages, None) or await receive()

        await self._app(scope, receive_read, send)

    async def _read(self, receive: Receive) -> Message | None:
        """Return the whole body as one message, or the client's leaving; None when it is too large."""
        parts: list[bytes] = []
        size, more = 0, True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return message
            parts.append(message.get("body", b""))
            size, more = size + len(parts[-1]), message.get("more_body", False)
            if size > self._limit:
                return None
        return {"type": "http.request", "body": b"".join(parts), "more_body": False}


class ClosingWhenStopping:
    """ASGI middleware: while the process stops, ask clients to send their next request on a new connection."""

    def __init__(self, app: ASGIApp, life: Life) -> None:
        self._app = app
        self._life = life

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and add `Connection: close` to its response when it is time."""

        async def send_closing(message: Message) -> None:
            if message["type"] == "http.response.start" and self._life.stopping:
                MutableHeaders(scope=message)["connection"] = "close"
            await send(message)

        await self._app(scope, receive, send_closing if scope["type"] == "http" else send)


class DrainingServer(uvicorn.Server):
    """uvicorn, which by itself stops listening the moment SIGTERM arrives, with a drain before that."""

    def __init__(self, config: uvicorn.Config, life: Life, drain_seconds: float) -> None:
        super().__init__(config)
        self._life = life
        self._drain_seconds = drain_seconds

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle the signals ourselves while serving; uvicorn would raise them again at its end, and exit 143."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    def stop(self) -> None:
        """Begin to stop; a second call ends the drain at once."""
        if self._life.stopping:
            self.should_exit = True
            return
        self._life.stopping = True
        log.info("Stopping: not ready from now on, serving for %g s more", self._drain_seconds)
        asyncio.get_running_loop().call_later(self._drain_seconds, setattr, self, "should_exit", True)  # noqa: FBT003 - setattr's value


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """How to serve.

    Attributes:
        port: The TCP port, on every address.
        log_level: `debug`, `info`, `warning` or `error`.
        drain_seconds: From SIGTERM until no more requests are accepted.
        finish_seconds: From then on, how long requests in flight may take.
    """

    port: int
    log_level: str = "info"
    drain_seconds: float = 5.0
    finish_seconds: int = FINISH_SECONDS

    @classmethod
    def of(cls, env: Mapping[str, str], *, port: int, finish_seconds: int = FINISH_SECONDS) -> Self:
        """Read PORT (or the default `port`), LOG_LEVEL and DRAIN_SECONDS.

        Raises:
            SettingsError: A variable is wrong.
        """
        level = (env.get("LOG_LEVEL") or "info").lower()
        if level not in LOG_LEVELS:
            raise SettingsError(f"LOG_LEVEL is {level!r}, not one of {', '.join(LOG_LEVELS)}")
        return cls(
            port=int(number(env, "PORT", port)),
            log_level=level,
            drain_seconds=number(env, "DRAIN_SECONDS", 5),
            finish_seconds=finish_seconds,
        )


def number(env: Mapping[str, str], name: str, default: float) -> float:
    """Return a variable's number, or the default where it is unset or empty.

    Raises:
        SettingsError: It is not a number from 0 on.
    """
    text = env.get(name) or str(default)
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise SettingsError(f"{name} is {text!r}, which is not a number from 0 on")
    return value


def serve(app: ASGIApp, life: Life, settings: ServerSettings) -> None:
    """Serve until SIGTERM or SIGINT, then return."""
    config = uvicorn.Config(
        ClosingWhenStopping(app, life),
        host="0.0.0.0",  # noqa: S104 - a pod is reached by its address; who may reach it is the cluster's matter
        port=settings.port,
        log_config=logging_config(settings.log_level),
        timeout_graceful_shutdown=settings.finish_seconds,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        access_log=False,  # Traced logs the end of each request
        server_header=False,
    )
    DrainingServer(config, life, settings.drain_seconds).run()


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, message, the request's id, and what `extra["facts"]` adds."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record's line; a traceback is one string in it."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id := REQUEST_ID.get():
            line["request_id"] = request_id
        line |= getattr(record, "facts", {})
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def logging_config(level: str) -> dict[str, Any]:
    """Return the configuration of logging: one line a record, to standard output."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonFormatter}},
        "handlers": {"out": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "json"}},
        # The HTTP client's line for each of its requests says less than our own.
        "loggers": {"httpx2": {"level": "WARNING"}},
        "root": {"handlers": ["out"], "level": level.upper()},
    }
