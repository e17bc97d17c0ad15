"""`python -m todo_mcp`: serve until SIGTERM."""

import sys

from todo_service.signals import exit_on_sigterm

exit_on_sigterm()

# These imports take a while.
from todo_mcp.app import create_app  # noqa: E402
from todo_mcp.settings import Settings  # noqa: E402
from todo_service.server import run  # noqa: E402

if __name__ == "__main__":
    sys.exit(run(Settings.of, create_app))
