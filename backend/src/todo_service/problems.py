"""Errors as JSON documents of RFC 9457, "Problem Details for HTTP APIs"."""

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response


def problem(status: HTTPStatus, detail: str, **members: object) -> JSONResponse:
    """Return an error response with type, title, status, detail and further members."""
    body = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail, **members}
    return JSONResponse(body, status, media_type="application/problem+json")


async def http_error(_: Request, error: Exception) -> Response:
    """Handle Starlette's HTTPException, which it also raises itself, for 404 and 405 for example."""
    assert isinstance(error, HTTPException)  # noqa: S101 - the handler of no other exception
    response = problem(HTTPStatus(error.status_code), error.detail)
    response.headers.update(error.headers or {})
    return response
