"""`python -m todo_backend`: serve until SIGTERM."""

import os
import sys

from todo_backend.app import create_app
from todo_backend.serving import Life, SettingsError, serve
from todo_backend.settings import Settings


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
