"""The backend's ASGI app, put together."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from starlette.exceptions import HTTPException
from starlette.responses import Response

from todo_backend import tasks
from todo_backend.database import Database, DatabaseDownError
from todo_backend.serving import Life, probes, problem
from todo_backend.settings import Settings

SERVICE = "ai-todo-backend"


def create_app(settings: Settings, life: Life) -> FastAPI:
    """Return the app; its tables are made while it serves, so that it starts without a database.

    Raises:
        SettingsError: The database's URL is wrong.
    """
    database = Database(settings.database_url, query_seconds=settings.query_seconds)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        preparing = asyncio.create_task(database.prepare())
        yield
        preparing.cancel()
        await asyncio.wait({preparing})
        await database.close()

    async def check() -> None:
        await database.check(settings.ready_seconds)

    app = FastAPI(title="AI Todo backend", version=settings.version, lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.database = database
    app.router.routes.extend(probes(SERVICE, settings.version, life, check))
    app.include_router(tasks.router)
    _answer_errors_with_problems(app)
    app.add_middleware(
        CORSMiddleware,
        allow_origin_regex=origin_pattern(settings.cors_origins),
        allow_methods=["GET", "POST", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type"],
        expose_headers=["Location"],
    )
    return app


def origin_pattern(origins: Sequence[str]) -> str:
    """Return the regular expression that the allowed origins match; `*` stands for a host or for any origin."""
    return "|".join(re.escape(origin).replace(r"\*", ".*" if origin == "*" else "[^/]+") for origin in origins)


def _answer_errors_with_problems(app: FastAPI) -> None:
    @app.exception_handler(HTTPException)
    async def http_error(_: Request, error: HTTPException) -> Response:
        response = problem(HTTPStatus(error.status_code), str(error.detail))
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(RequestValidationError)
    async def wrong_request(_: Request, error: RequestValidationError) -> Response:
        # The input is not sent back: it may be large, and not every string that JSON can spell can be sent.
        errors = [{"where": ".".join(map(str, one["loc"])), "what": one["msg"]} for one in error.errors()]
        if any(one["type"] == "json_invalid" for one in error.errors()):
            return problem(HTTPStatus.BAD_REQUEST, "The body is not JSON", errors=errors)
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "The request is not valid", errors=errors)

    @app.exception_handler(DatabaseDownError)
    async def database_down(_: Request, error: DatabaseDownError) -> Response:
        response = problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        response.headers["Retry-After"] = "5"
        return response

    @app.exception_handler(Exception)
    async def fault(_: Request, __: Exception) -> Response:
        return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "The service made a fault; its log has the details")
