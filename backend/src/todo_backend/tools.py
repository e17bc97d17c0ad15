"""The MCP server's tools, called on behalf of one user at a time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from todo_backend.serving import NotReadyError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import httpx2

    from todo_backend.calling import Caller


class ToolsDownError(NotReadyError):
    """The MCP server does not answer."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool as a model sees it.

    Attributes:
        name: Its name.
        description: What it does.
        parameters: JSON Schema of its arguments, without the user's id.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a call.

    Attributes:
        failed: Whether the tool refused: a task that is not there, an argument that is wrong.
        result: The tool's result, or the sentence that it refused with.
        seconds: How long it took.
    """

    failed: bool
    result: Any
    seconds: float


class Tools:
    """The tools of one MCP server.

    The SDK takes longer to load than all the rest: a pod that is started is Ready before it, and not after.
    """

    def __init__(self, url: str, http: httpx2.AsyncClient, *, seconds: float) -> None:
        self._url, self._http, self._seconds = url, http, seconds
        self._made: Caller | None = None
        self._lock = asyncio.Lock()

    async def load(self) -> None:
        """Load the SDK, in a thread, so that requests are answered meanwhile."""
        await self._caller()

    async def offered(self) -> Sequence[Tool]:
        """Return the tools.

        Raises:
            ToolsDownError: The server does not answer in time.
        """
        return await (await self._caller()).offered()

    async def call(self, user: str, name: str, arguments: Mapping[str, Any]) -> Outcome:
        """Call a tool for a user.

        Raises:
            ToolsDownError: The server does not answer in time.
        """
        return await (await self._caller()).call(user, name, arguments)

    async def _caller(self) -> Caller:
        async with self._lock:
            if self._made is None:
                self._made = await asyncio.to_thread(_make, self._url, self._http, self._seconds)
        return self._made


def _make(url: str, http: httpx2.AsyncClient, seconds: float) -> Caller:
    from todo_backend.calling import Caller  # noqa: PLC0415 - slow to import

    return Caller(url, http, seconds=seconds)
