"""The backend's ASGI app, put together."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus

import httpx2
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import Response

from todo_backend import chat, tasks
from todo_backend.assistant import Assistant, Desk
from todo_backend.database import Database
from todo_backend.identity import Gate, Keys, TokenError
from todo_backend.model import LanguageModel
from todo_backend.phrases import PhraseBook
from todo_backend.serving import REQUEST_ID, REQUEST_ID_HEADER, Life, NotReadyError, middleware, probes, problem
from todo_backend.settings import Settings
from todo_backend.tools import Tools

SERVICE = "ai-todo-backend"

IDLE_SECONDS = 15
"""How long a connection to another service is kept for the next request: less than its server keeps it."""


def create_app(settings: Settings, life: Life) -> FastAPI:
    """Return the app; its tables are made while it serves, so that it starts without a database.

    Raises:
        SettingsError: The database's URL is wrong.
    """
    database = Database(settings.database_url, query_seconds=settings.query_seconds)
    inside, outside = _client(inside=True), _client(inside=False)
    tools = Tools(settings.mcp_url, inside, seconds=settings.tool_seconds)

    async def prepare() -> None:
        await database.prepare()
        await tools.load()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        preparing = asyncio.create_task(prepare())
        async with inside, outside:
            yield
        preparing.cancel()
        await asyncio.wait({preparing})
        await database.close()

    async def check() -> None:
        await database.check(settings.ready_seconds)

    app = FastAPI(title="AI Todo backend", version=settings.version, lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.database = database
    app.state.gate = Gate(Keys(settings.jwks_url, inside), settings.issuer, settings.audience)
    app.state.desk = Desk(_assistant(settings, outside), tools)
    app.router.routes.extend(probes(SERVICE, settings.version, life, check))
    app.include_router(tasks.router)
    app.include_router(chat.router)
    _answer_errors_with_problems(app)
    app.user_middleware = [_cors(settings.cors_origins), *middleware()]
    return app


def _client(*, inside: bool) -> httpx2.AsyncClient:
    """Return an HTTP client for services inside the cluster, which no proxy leads to, or for those outside.

    Inside, a request is made under the id of the one that it serves.
    """

    async def mark(request: httpx2.Request) -> None:
        request.headers[REQUEST_ID_HEADER] = REQUEST_ID.get()

    return httpx2.AsyncClient(
        trust_env=not inside,
        event_hooks={"request": [mark] if inside else []},
        limits=httpx2.Limits(keepalive_expiry=IDLE_SECONDS),
    )


def _assistant(settings: Settings, http: httpx2.AsyncClient) -> Assistant:
    """Return the assistant with the model, or the one without where there is no key."""
    if not settings.openai_key:
        return PhraseBook()
    return LanguageModel(http, settings.openai_url, settings.openai_key, settings.openai_model, settings.model_seconds)


def _cors(origins: Sequence[str]) -> Middleware:
    return Middleware(
        CORSMiddleware,
        allow_origin_regex=origin_pattern(origins),
        allow_methods=["GET", "POST", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type", REQUEST_ID_HEADER],
        expose_headers=["Location", "Server-Timing", REQUEST_ID_HEADER],
    )


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

    @app.exception_handler(NotReadyError)
    async def something_down(_: Request, error: NotReadyError) -> Response:
        response = problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        response.headers["Retry-After"] = "5"
        return response

    @app.exception_handler(TokenError)
    async def not_signed_in(_: Request, error: TokenError) -> Response:
        response = problem(HTTPStatus.UNAUTHORIZED, str(error))
        response.headers["WWW-Authenticate"] = "Bearer"
        return response
