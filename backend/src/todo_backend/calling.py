"""Calls of the MCP server with the official SDK. `tools` loads this module while the service serves already."""

import logging
import time
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, TypeVar

import httpx2
from mcp import Client, MCPError
from mcp.client.caching import CacheConfig, InMemoryResponseCacheStore
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, TextContent

from todo_backend.serving import within
from todo_backend.tools import Outcome, Tool, ToolsDownError

T = TypeVar("T")

PROTOCOL = "2026-07-28"
"""The protocol's version without a handshake: a call is one request, which any replica can answer."""

LISTING_MS = 60_000
"""How long a list of the tools is believed."""

USER = "user_id"
"""The argument that says whose tasks: always ours to fill in, never the model's."""

FAILURES = (httpx2.HTTPError, MCPError, TimeoutError, OSError, RuntimeError, ValueError)
"""What a call may end with when the server is down, slow, or not the one that was expected."""

log = logging.getLogger(__name__)


class Caller:
    """A caller of one MCP server."""

    def __init__(self, url: str, http: httpx2.AsyncClient, *, seconds: float) -> None:
        self._url, self._http, self._seconds = f"{url}/mcp", http, seconds
        self._cache = CacheConfig(
            store=InMemoryResponseCacheStore(),
            partition="every user",  # they are offered the same tools
            target_id=self._url,
            default_ttl_ms=LISTING_MS,
        )

    async def offered(self) -> Sequence[Tool]:
        """Return the tools.

        Raises:
            ToolsDownError: The server does not answer in time.
        """

        async def work() -> Sequence[Tool]:
            async with self._client() as client:
                listed = (await client.list_tools()).tools
            return [Tool(tool.name, tool.description or "", _without_user(tool.input_schema)) for tool in listed]

        return await self._limited(work())

    async def call(self, user: str, name: str, arguments: Mapping[str, Any]) -> Outcome:
        """Call a tool for a user.

        Raises:
            ToolsDownError: The server does not answer in time.
        """
        began = time.perf_counter()

        async def work() -> CallToolResult:
            async with self._client() as client:
                await client.list_tools()  # kept; without it the SDK asks anew for what a result must look like
                return await client.call_tool(name, {**arguments, USER: user})

        result = await self._limited(work())
        seconds = time.perf_counter() - began
        facts = {"tool": name, "failed": bool(result.is_error), "ms": round(seconds * 1000, 1)}
        log.info("Called %s", name, extra={"facts": facts})
        return Outcome(failed=bool(result.is_error), result=_content(name, result), seconds=seconds)

    def _client(self) -> Client:
        """Return a client for one call: with no handshake it costs nothing, and no outage outlives it."""
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
            raise ToolsDownError("The task tools do not answer right now; please try again in a moment") from error


def _without_user(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a tool's schema without the argument that is not the model's to fill in."""
    properties = {name: value for name, value in schema.get("properties", {}).items() if name != USER}
    return {
        **schema,
        "properties": properties,
        "required": [name for name in schema.get("required", ()) if name != USER],
    }


def _content(name: str, result: CallToolResult) -> Any:  # noqa: ANN401 - any JSON
    """Return what a tool answered: its structured content, or its text."""
    if result.structured_content is not None and not result.is_error:
        content = result.structured_content
        return content["result"] if content.keys() == {"result"} else content
    text = " ".join(part.text for part in result.content if isinstance(part, TextContent))
    return text.removeprefix(f"Error executing tool {name}: ")  # the SDK's words before the tool's own


def _first(error: BaseException) -> BaseException:
    """Return the first error of a group, since the SDK's tasks wrap what happens in them."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
