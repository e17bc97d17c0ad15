"""Calls of the MCP server with the official SDK. It is slow to import: `tools` imports this module after the start."""

import logging
import time
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, TypeVar

import httpx2
from mcp import Client, MCPError
from mcp.client.caching import CacheConfig, InMemoryResponseCacheStore
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, TextContent

from todo_backend.tools import Tool, ToolResult, ToolsUnavailableError
from todo_service.timeouts import within

T = TypeVar("T")

PROTOCOL = "2026-07-28"
"""The first version of the protocol without a handshake: a call is one request, which any replica can answer."""

TOOL_LIST_TTL_MS = 60_000

USER = "user_id"
"""The argument that says whose tasks a tool works on. The backend sets it, never the language model."""

FAILURES = (httpx2.HTTPError, MCPError, TimeoutError, OSError, RuntimeError, ValueError)
"""Exceptions that mean that the server is down, slow, or not an MCP server."""

log = logging.getLogger(__name__)


class McpClient:
    """A client of one MCP server."""

    def __init__(self, url: str, http: httpx2.AsyncClient, *, seconds: float) -> None:
        self._url, self._http, self._seconds = f"{url}/mcp", http, seconds
        self._cache = CacheConfig(
            store=InMemoryResponseCacheStore(),
            partition="all users",  # they have the same tools
            target_id=self._url,
            default_ttl_ms=TOOL_LIST_TTL_MS,
        )

    async def list_tools(self) -> Sequence[Tool]:
        """Return the tools.

        Raises:
            ToolsUnavailableError: The server does not answer in time.
        """

        async def work() -> Sequence[Tool]:
            async with self._connect() as client:
                listed = (await client.list_tools()).tools
            return [Tool(tool.name, tool.description or "", _without_user(tool.input_schema)) for tool in listed]

        return await self._limited(work())

    async def call(self, user: str, tool: str, arguments: Mapping[str, Any]) -> ToolResult:
        """Call a tool for a user.

        Raises:
            ToolsUnavailableError: The server does not answer in time.
        """
        started = time.perf_counter()

        async def work() -> CallToolResult:
            async with self._connect() as client:
                await client.list_tools()  # from the cache; without it the SDK requests the schema of the result
                return await client.call_tool(tool, {**arguments, USER: user})

        result = await self._limited(work())
        seconds = time.perf_counter() - started
        facts = {"tool": tool, "failed": bool(result.is_error), "ms": round(seconds * 1000, 1)}
        log.info("Called %s", tool, extra={"facts": facts})
        return ToolResult(failed=bool(result.is_error), content=_content(tool, result), seconds=seconds)

    def _connect(self) -> Client:
        """Return a client for one call. Without a handshake that costs nothing, and it keeps no broken state."""
        transport = streamable_http_client(self._url, http_client=self._http)
        return Client(transport, mode=PROTOCOL, cache=self._cache)

    async def _limited(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return await within(self._seconds, work)
        except (*FAILURES, ExceptionGroup) as error:
            cause = _first(error)
            if not isinstance(cause, FAILURES):
                raise
            log.warning("The MCP server cannot be used: %s: %s", type(cause).__name__, cause)
            raise ToolsUnavailableError(
                "The task tools do not answer right now; please try again in a moment"
            ) from error


def _without_user(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema of a tool's arguments without the user's id."""
    properties = {name: value for name, value in schema.get("properties", {}).items() if name != USER}
    return {
        **schema,
        "properties": properties,
        "required": [name for name in schema.get("required", ()) if name != USER],
    }


def _content(tool: str, result: CallToolResult) -> Any:  # noqa: ANN401 - any JSON
    """Return the result of a tool: its structured content, or its text."""
    if result.structured_content is not None and not result.is_error:
        content = result.structured_content
        return content["result"] if content.keys() == {"result"} else content
    text = " ".join(part.text for part in result.content if isinstance(part, TextContent))
    return text.removeprefix(f"Error executing tool {tool}: ")  # added by the SDK


def _first(error: BaseException) -> BaseException:
    """Return the first exception of a group: the SDK's task groups wrap exceptions."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
