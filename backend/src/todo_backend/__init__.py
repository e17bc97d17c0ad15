"""AI Todo's backend: tasks and chat over HTTP."""
