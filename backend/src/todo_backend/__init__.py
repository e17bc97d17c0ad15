"""AI Todo backend: tasks in PostgreSQL, over HTTP."""
