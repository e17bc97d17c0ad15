"""The ASGI app of the MCP server."""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from todo_mcp.database import Database
from todo_mcp.settings import Settings
from todo_mcp.tools import create_server
from todo_service.body_limit import BodyLimitMiddleware
from todo_service.health import Shutdown, health_routes
from todo_service.problems import http_error
from todo_service.request_log import RequestLogMiddleware

SERVICE = "ai-todo-mcp"


def create_app(settings: Settings, shutdown: Shutdown) -> Starlette:
    """Return the app: the tools at /mcp over streamable HTTP without sessions, so any replica can answer any call.

    Raises:
        SettingsError: The database URL is invalid.
    """
    database = Database(settings.database_url, tool_seconds=settings.tool_seconds)
    server = create_server(database, settings.version)
    tools = server.streamable_http_app(
        stateless_http=True, json_response=True, transport_security=host_check(settings.hosts)
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        logging.getLogger("mcp.server.streamable_http").setLevel(logging.WARNING)  # logs two lines per call
        await database.open()
        async with server.session_manager.run():
            yield
        await database.close()

    async def check() -> None:
        await database.check(settings.ready_seconds)

    return Starlette(
        routes=[*health_routes(SERVICE, settings.version, shutdown, check), *tools.routes],
        middleware=[Middleware(RequestLogMiddleware), Middleware(BodyLimitMiddleware)],
        exception_handlers={HTTPException: http_error},
        lifespan=lifespan,
    )


def host_check(hosts: Sequence[str]) -> TransportSecuritySettings:
    """Allow requests to these hosts, on any port. Requests of web pages, which have an Origin header, are rejected."""
    return TransportSecuritySettings(allowed_hosts=[*hosts, *(f"{host}:*" for host in hosts)])
