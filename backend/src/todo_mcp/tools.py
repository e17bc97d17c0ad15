"""The tools. Each works on the tasks of the user whom the caller names; the caller has authenticated the user."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Annotated, ParamSpec, TypeVar

from mcp.server.caching import CacheHint
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import Field

from todo_mcp.database import Database, Task
from todo_service.fields import LARGEST_ID, TITLE_LENGTH, Text
from todo_service.postgresql import DatabaseUnavailableError

P = ParamSpec("P")
T = TypeVar("T")

MOST_LISTED = 500
"""Maximum and default of `limit`. With a lower default an assistant would take the first page for the whole list."""

TOOL_LIST_CACHING = CacheHint(ttl_ms=60_000, scope="public")
"""The list of tools is the same for all users, and changes only with a new version."""

UserId = Annotated[Text, Field(description="Whose tasks", max_length=255)]
TaskId = Annotated[int, Field(description="The task's id", ge=1, le=LARGEST_ID)]
Title = Annotated[Text, Field(description="What is to be done", max_length=TITLE_LENGTH)]
Completed = Annotated[bool | None, Field(description="Only tasks that are done (true) or not (false); all by default")]
Limit = Annotated[int, Field(description="At most so many tasks", ge=1, le=MOST_LISTED)]


def create_server(database: Database, version: str) -> MCPServer:
    """Return an MCP server with the tools."""
    server = MCPServer(
        "ai-todo-mcp",
        version=version,
        instructions="Users' to-do lists.",
        cache_hints={"tools/list": TOOL_LIST_CACHING},
    )
    _add_reading_tools(server, database)
    _add_writing_tools(server, database)
    return server


def _add_reading_tools(server: MCPServer, database: Database) -> None:
    @server.tool(annotations=ToolAnnotations(read_only_hint=True))
    @_with_reason
    async def list_tasks(*, user_id: UserId, completed: Completed = None, limit: Limit = MOST_LISTED) -> list[Task]:
        """List the user's tasks, oldest first."""
        return await database.tasks(user_id, completed=completed, limit=limit)


def _add_writing_tools(server: MCPServer, database: Database) -> None:
    @server.tool()
    @_with_reason
    async def add_task(*, user_id: UserId, title: Title) -> Task:
        """Add a task."""
        return await database.add(user_id, title)

    @server.tool(annotations=ToolAnnotations(idempotent_hint=True))
    @_with_reason
    async def complete_task(*, user_id: UserId, task_id: TaskId) -> Task:
        """Mark a task as done."""
        return _found(await database.update(user_id, task_id, title=None, completed=True), task_id)

    @server.tool(annotations=ToolAnnotations(idempotent_hint=True))
    @_with_reason
    async def update_task(
        *, user_id: UserId, task_id: TaskId, title: Title | None = None, completed: bool | None = None
    ) -> Task:
        """Rename a task, or mark it as done or not done; what is left out stays."""
        return _found(await database.update(user_id, task_id, title=title, completed=completed), task_id)

    @server.tool(annotations=ToolAnnotations(destructive_hint=True))
    @_with_reason
    async def delete_task(*, user_id: UserId, task_id: TaskId) -> Task:
        """Delete a task, and return what it was."""
        return _found(await database.delete(user_id, task_id), task_id)


def _with_reason(tool: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Make a tool fail with the reason while the database is unavailable, since the SDK hides other exceptions."""

    @wraps(tool)
    async def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await tool(*args, **kwargs)
        except DatabaseUnavailableError as error:
            raise ToolError(str(error)) from error

    return wrapper


def _found(task: Task | None, task_id: int) -> Task:
    if task is None:
        raise ToolError(f"There is no task {task_id}")
    return task
