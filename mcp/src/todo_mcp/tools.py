"""The tools that an assistant is offered."""

from typing import Annotated

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import Field

from todo_mcp.database import Database, DatabaseDownError, Task

Completed = Annotated[bool | None, Field(description="Only tasks that are done (true) or not (false); all by default")]
Limit = Annotated[int, Field(description="At most so many tasks", ge=1, le=500)]


def tools_over(database: Database, version: str) -> MCPServer:
    """Return an MCP server with the tools, which read and write `database`."""
    server = MCPServer("ai-todo-mcp", version=version, instructions="The user's to-do list.")

    @server.tool(annotations=ToolAnnotations(read_only_hint=True))
    async def list_tasks(*, completed: Completed = None, limit: Limit = 100) -> list[Task]:
        """List the user's tasks, oldest first."""
        try:
            return await database.tasks(completed=completed, limit=limit)
        except DatabaseDownError as error:
            raise ToolError(str(error)) from error

    return server
