"""Log lines, and which requests are logged."""

import json
import logging

import pytest
from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from todo_service.json_logs import REQUEST_ID, JsonFormatter
from todo_service.request_log import RequestLogMiddleware


@pytest.mark.parametrize(
    ("path", "status", "logged"),
    [("/health", 200, False), ("/ready", 200, False), ("/ready", 503, True), ("/api/tasks", 200, True)],
)
async def test_only_successful_probes_are_not_logged(
    caplog: pytest.LogCaptureFixture,
    path: str,
    status: int,
    logged: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """A failed probe is worth a line, a successful one every five seconds is not."""

    async def endpoint(_: Request) -> Response:
        return JSONResponse({}, status)

    app = Starlette(routes=[Route(path, endpoint)], middleware=[Middleware(RequestLogMiddleware)])
    with caplog.at_level("INFO", "todo_service.request_log"):
        async with AsyncClient(transport=ASGITransport(app), base_url="http://backend") as client:
            await client.get(path)

    assert [record.message for record in caplog.records] == ([f"GET {path} {status}"] if logged else [])


def line_of(message: str, *args: object, **extra: object) -> dict[str, object]:
    """Format a record, and parse its line."""
    record = logging.LogRecord("todo", logging.WARNING, "", 0, message, args, None)
    vars(record).update(extra)
    line = JsonFormatter().format(record)
    assert "\n" not in line
    content: dict[str, object] = json.loads(line)
    return content


def test_a_line_is_one_json_object() -> None:
    """It has the time in UTC, level, logger and message, whatever characters they contain."""
    line = line_of('%s said "ä\n{}"', "Ada")

    assert str(line.pop("time")).endswith("+00:00")
    assert line == {"level": "warning", "logger": "todo", "message": 'Ada said "ä\n{}"'}


def test_a_line_has_the_request_id_and_facts() -> None:
    """The facts in `extra` become members, next to the id of the current request."""
    token = REQUEST_ID.set("abc")
    line = line_of("Called", facts={"tool": "add_task", "ms": 3.5})
    REQUEST_ID.reset(token)

    assert (line["request_id"], line["tool"], line["ms"]) == ("abc", "add_task", 3.5)


def test_a_traceback_is_one_string() -> None:
    """An exception does not break the line."""
    error = LookupError("gone")
    line = line_of("failed", exc_info=(LookupError, error, None))

    assert "LookupError: gone" in str(line["traceback"])
