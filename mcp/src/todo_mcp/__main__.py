"""`python -m todo_mcp`: serve until SIGTERM."""

import os
import signal
import sys

# First of all, since the kernel gives process 1 of a container no signal that it has no handler for, and what is
# imported below takes a while. The server puts its own handler in this one's place.
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))

from todo_mcp.app import create_app  # noqa: E402
from todo_mcp.serving import Life, SettingsError, serve  # noqa: E402
from todo_mcp.settings import Settings  # noqa: E402


def main() -> int:
    """Serve, and return the exit code: 0 after a graceful stop, 2 when the settings are wrong."""
    life = Life()
    try:
        settings = Settings.of(os.environ)
        app = create_app(settings, life)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    serve(app, life, settings.server)
    return 0


if __name__ == "__main__":
    sys.exit(main())
