"""AI Todo's MCP server: the task list as tools for an assistant."""
