"""The tools that an assistant is offered. Each works on the tasks of one user, whom the caller has made sure of."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Annotated, ParamSpec, TypeVar

from mcp.server.caching import CacheHint
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import AfterValidator, Field, StringConstraints

from todo_mcp.database import Database, DatabaseDownError, Task

P = ParamSpec("P")
T = TypeVar("T")

LARGEST_ID = 2**63 - 1
"""PostgreSQL's bigint ends there; a larger number would be an error of the database."""

MOST = 500
"""So many tasks are listed at most, and by default: an assistant must not take the oldest hundred for all."""

LISTING = CacheHint(ttl_ms=60_000, scope="public")
"""The tools change with a release alone, and are the same for everyone."""


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("The character NUL cannot be kept by PostgreSQL")
    return text


Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1), AfterValidator(_without_nul)]
UserId = Annotated[Line, Field(description="Whose tasks", max_length=255)]
TaskId = Annotated[int, Field(description="The task's id", ge=1, le=LARGEST_ID)]
Title = Annotated[Line, Field(description="What is to be done", max_length=500)]
Completed = Annotated[bool | None, Field(description="Only tasks that are done (true) or not (false); all by default")]
Limit = Annotated[int, Field(description="At most so many tasks", ge=1, le=MOST)]


def tools_over(database: Database, version: str) -> MCPServer:
    """Return an MCP server with the tools, which read and write `database`."""
    server = MCPServer(
        "ai-todo-mcp", version=version, instructions="Users' to-do lists.", cache_hints={"tools/list": LISTING}
    )
    _reading(server, database)
    _writing(server, database)
    return server


def _reading(server: MCPServer, database: Database) -> None:
    @server.tool(annotations=ToolAnnotations(read_only_hint=True))
    @_told
    async def list_tasks(*, user_id: UserId, completed: Completed = None, limit: Limit = MOST) -> list[Task]:
        """List the user's tasks, oldest first."""
        return await database.tasks(user_id, completed=completed, limit=limit)


def _writing(server: MCPServer, database: Database) -> None:
    @server.tool()
    @_told
    async def add_task(*, user_id: UserId, title: Title) -> Task:
        """Add a task."""
        return await database.add(user_id, title)

    @server.tool(annotations=ToolAnnotations(idempotent_hint=True))
    @_told
    async def complete_task(*, user_id: UserId, task_id: TaskId) -> Task:
        """Mark a task as done."""
        return _found(await database.update(user_id, task_id, title=None, completed=True), task_id)

    @server.tool(annotations=ToolAnnotations(idempotent_hint=True))
    @_told
    async def update_task(
        *, user_id: UserId, task_id: TaskId, title: Title | None = None, completed: bool | None = None
    ) -> Task:
        """Rename a task, or mark it as done or not done; what is left out stays."""
        return _found(await database.update(user_id, task_id, title=title, completed=completed), task_id)

    @server.tool(annotations=ToolAnnotations(destructive_hint=True))
    @_told
    async def delete_task(*, user_id: UserId, task_id: TaskId) -> Task:
        """Delete a task, and return what it was."""
        return _found(await database.delete(user_id, task_id), task_id)


def _told(tool: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Let a tool say why it failed while the database is down."""

    @wraps(tool)
    async def telling(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await tool(*args, **kwargs)
        except DatabaseDownError as error:
            raise ToolError(str(error)) from error

    return telling


def _found(task: Task | None, task_id: int) -> Task:
    if task is None:
        raise ToolError(f"There is no task {task_id}")
    return task
