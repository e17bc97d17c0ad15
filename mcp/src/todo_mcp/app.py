"""The MCP server's ASGI app, put together."""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette

from todo_mcp.database import Database
from todo_mcp.serving import Life, middleware, probes
from todo_mcp.settings import Settings
from todo_mcp.tools import tools_over

SERVICE = "ai-todo-mcp"


def create_app(settings: Settings, life: Life) -> Starlette:
    """Return the app: the tools at /mcp over streamable HTTP, without sessions, so that any replica can answer.

    Raises:
        SettingsError: The database's URL is wrong.
    """
    database = Database(settings.database_url, tool_seconds=settings.tool_seconds)
    server = tools_over(database, settings.version)
    tools = server.streamable_http_app(
        stateless_http=True, json_response=True, transport_security=allowed(settings.hosts)
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        logging.getLogger("mcp.server.streamable_http").setLevel(logging.WARNING)  # it has two lines a call to say
        await database.open()
        async with server.session_manager.run():
            yield
        await database.close()

    async def check() -> None:
        await database.check(settings.ready_seconds)

    return Starlette(
        routes=[*probes(SERVICE, settings.version, life, check), *tools.routes],
        middleware=middleware(),
        lifespan=lifespan,
    )


def allowed(hosts: Sequence[str]) -> TransportSecuritySettings:
    """Return the check of the Host header: these names, with any port or none. Web pages have no business here."""
    return TransportSecuritySettings(allowed_hosts=[*hosts, *(f"{host}:*" for host in hosts)])
