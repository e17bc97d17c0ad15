"""ASGI middleware that rejects large request bodies."""

from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from todo_service.problems import problem

MAX_BODY_SIZE = 64 * 1024
"""The largest request body in bytes; no legitimate request comes near it."""


class BodyLimitMiddleware:
    """Rejects bodies that are too large with a problem, and reads others completely before it calls the app.

    Starlette has such a middleware too, but its response is plain text, and an app that catches the exception which it
    raises while the app reads the body, as the MCP SDK does, turns it into another error.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request. A declared length that is too large is enough for a rejection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "")
        first = None if length.isdecimal() and int(length) > MAX_BODY_SIZE else await _read_body(receive)
        if first is None:
            detail = f"The body is larger than {MAX_BODY_SIZE} bytes"
            await problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)(scope, receive, send)
            return
        messages = iter([first])

        async def receive_again() -> Message:
            return next(messages, None) or await receive()

        await self._app(scope, receive_again, send)


async def _read_body(receive: Receive) -> Message | None:
    """Return the whole body as one message, or the client's disconnect; None if the body is too large."""
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return message
        parts.append(message.get("body", b""))
        size, more = size + len(parts[-1]), message.get("more_body", False)
        if size > MAX_BODY_SIZE:
            return None
    return {"type": "http.request", "body": b"".join(parts), "more_body": False}
