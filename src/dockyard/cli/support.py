"""What every task shares: the screen, and errors turned into exit codes."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from invoke.exceptions import Exit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockyard.ui.screen import Screen
    from dockyard.workspace import Workspace

INTERRUPTED = 130


@contextmanager
def on_screen() -> Iterator[Screen]:
    """Give a task its screen, and end it with the exit code of what went wrong; a user never sees a traceback.

    Raises:
        Exit: Something that the user can cause or meet.
    """
    from dockyard.model.errors import DockyardError
    from dockyard.tools.clock import SystemClock
    from dockyard.ui.screen import Screen

    screen = Screen(SystemClock())
    try:
        yield screen
    except DockyardError as error:
        screen.error(error)
        raise Exit(code=error.exit_code) from None
    except KeyboardInterrupt:
        screen.close()
        raise Exit(code=INTERRUPTED) from None
    finally:
        screen.close()


@contextmanager
def at_work() -> Iterator[tuple[Screen, Workspace]]:
    """Give a task its screen and the workspace of the project it runs in."""
    from dockyard.cli.wiring import open_workspace

    with on_screen() as screen:
        yield screen, open_workspace()
