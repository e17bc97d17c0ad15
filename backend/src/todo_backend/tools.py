"""The tools of the MCP server, called on behalf of a user."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from todo_service.health import NotReadyError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import httpx2

    from todo_backend.mcp_client import McpClient


class ToolsUnavailableError(NotReadyError):
    """The MCP server does not answer."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool as it is described to a language model.

    Attributes:
        name: The name.
        description: What the tool does.
        parameters: JSON Schema of the arguments, without the user's id.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The result of a call.

    Attributes:
        failed: Whether the tool returned an error, for example because there is no such task.
        content: What the tool returned; the error message if it failed.
        seconds: How long the call took.
    """

    failed: bool
    content: Any
    seconds: float


class ToolServer:
    """The tools of an MCP server.

    Importing the MCP SDK takes longer than all other imports together, so it is imported after the start: a new pod
    becomes Ready without waiting for it.
    """

    def __init__(self, url: str, http: httpx2.AsyncClient, *, seconds: float) -> None:
        self._url, self._http, self._seconds = url, http, seconds
        self._client: McpClient | None = None
        self._lock = asyncio.Lock()

    async def load(self) -> None:
        """Import the SDK."""
        await self._loaded_client()

    async def available(self) -> Sequence[Tool]:
        """Return the tools.

        Raises:
            ToolsUnavailableError: The server does not answer in time.
        """
        return await (await self._loaded_client()).list_tools()

    async def call(self, user: str, tool: str, arguments: Mapping[str, Any]) -> ToolResult:
        """Call a tool for a user.

        Raises:
            ToolsUnavailableError: The server does not answer in time.
        """
        return await (await self._loaded_client()).call(user, tool, arguments)

    async def _loaded_client(self) -> McpClient:
        """Return the client. The import runs in a thread, so that requests are answered meanwhile."""
        async with self._lock:
            if self._client is None:
                self._client = await asyncio.to_thread(_create_client, self._url, self._http, self._seconds)
        return self._client


def _create_client(url: str, http: httpx2.AsyncClient, seconds: float) -> McpClient:
    from todo_backend.mcp_client import McpClient  # noqa: PLC0415 - slow to import

    return McpClient(url, http, seconds=seconds)
