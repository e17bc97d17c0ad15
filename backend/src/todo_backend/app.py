"""The ASGI app of the backend."""

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
from todo_backend.assistant import Assistant, ChatService
from todo_backend.database import Database
from todo_backend.identity import KeySet, TokenError, TokenVerifier
from todo_backend.language_model import LanguageModel
from todo_backend.phrases import PhraseBook
from todo_backend.settings import Settings
from todo_backend.tools import ToolServer
from todo_service.body_limit import BodyLimitMiddleware
from todo_service.health import NotReadyError, Shutdown, health_routes
from todo_service.json_logs import REQUEST_ID
from todo_service.problems import http_error, problem
from todo_service.request_log import REQUEST_ID_HEADER, RequestLogMiddleware

SERVICE = "ai-todo-backend"

KEEP_ALIVE_SECONDS = 15
"""When to close an idle connection to another service: before the server closes it."""


def create_app(settings: Settings, shutdown: Shutdown) -> FastAPI:
    """Return the app. It migrates the database while it serves, so it starts without a database too.

    Raises:
        SettingsError: The database URL is invalid.
    """
    database = Database(settings.database_url, query_seconds=settings.query_seconds)
    internal_http, external_http = _internal_client(), _external_client()
    tools = ToolServer(settings.mcp_url, internal_http, seconds=settings.tool_seconds)

    async def prepare() -> None:
        await database.prepare()
        await tools.load()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        preparing = asyncio.create_task(prepare())
        async with internal_http, external_http:
            yield
        preparing.cancel()
        await asyncio.wait({preparing})
        await database.close()

    async def check() -> None:
        await database.check(settings.ready_seconds)

    app = FastAPI(
        title="AI Todo backend",
        version=settings.version,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        middleware=[
            _cors(settings.cors_origins),
            Middleware(RequestLogMiddleware),
            Middleware(BodyLimitMiddleware),
        ],
        exception_handlers={HTTPException: http_error},
    )
    app.state.database = database
    app.state.token_verifier = TokenVerifier(
        KeySet(settings.jwks_url, internal_http), settings.issuer, settings.audience
    )
    app.state.chat_service = ChatService(_assistant(settings, external_http), tools)
    app.router.routes.extend(health_routes(SERVICE, settings.version, shutdown, check))
    app.include_router(tasks.router)
    app.include_router(chat.router)
    _add_exception_handlers(app)
    return app


def _internal_client() -> httpx2.AsyncClient:
    """Return an HTTP client for services in the cluster: without a proxy, and with the id of the current request."""

    async def add_request_id(request: httpx2.Request) -> None:
        request.headers[REQUEST_ID_HEADER] = REQUEST_ID.get()

    return httpx2.AsyncClient(
        trust_env=False,
        event_hooks={"request": [add_request_id]},
        limits=httpx2.Limits(keepalive_expiry=KEEP_ALIVE_SECONDS),
    )


def _external_client() -> httpx2.AsyncClient:
    """Return an HTTP client for services outside of the cluster."""
    return httpx2.AsyncClient(limits=httpx2.Limits(keepalive_expiry=KEEP_ALIVE_SECONDS))


def _assistant(settings: Settings, http: httpx2.AsyncClient) -> Assistant:
    """Return the assistant with a language model if there is an API key, or else the one with fixed phrases."""
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
    """Return a regular expression for the allowed origins; `*` in an origin is any host, `*` alone any origin."""
    return "|".join(re.escape(origin).replace(r"\*", ".*" if origin == "*" else "[^/]+") for origin in origins)


def _add_exception_handlers(app: FastAPI) -> None:
    @app.exception_handler(RequestValidationError)
    async def invalid_request(_: Request, error: RequestValidationError) -> Response:
        # The input is not repeated: it may be large, and JSON strings may hold text that cannot be encoded.
        errors = [{"where": ".".join(map(str, one["loc"])), "what": one["msg"]} for one in error.errors()]
        if any(one["type"] == "json_invalid" for one in error.errors()):
            return problem(HTTPStatus.BAD_REQUEST, "The body is not JSON", errors=errors)
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "The request is not valid", errors=errors)

    @app.exception_handler(NotReadyError)
    async def unavailable(_: Request, error: NotReadyError) -> Response:
        response = problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        response.headers["Retry-After"] = "5"
        return response

    @app.exception_handler(TokenError)
    async def unauthorized(_: Request, error: TokenError) -> Response:
        response = problem(HTTPStatus.UNAUTHORIZED, str(error))
        response.headers["WWW-Authenticate"] = "Bearer"
        return response
