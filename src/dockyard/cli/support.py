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


def whole_number(option: str, text: str) -> int:
    """Return the number that an option was given.

    Tasks declare such options as text: a number of Invoke's own ends in a traceback where the text is none.

    Raises:
        RuleError: It is none.
    """
    from dockyard.model.errors import RuleError

    if not text.isdecimal():
        raise RuleError(f"--{option} is {text!r}", why="It takes a whole number")
    return int(text)


@contextmanager
def on_screen() -> Iterator[Screen]:
    """Give a task its screen, and end it with the exit code of what went wrong; a user never sees a traceback.

    Raises:
        Exit: Something that the user can cause or meet.
    """
    from dockyard.model.errors import DockyardError, MachineError
    from dockyard.tools.clock import SystemClock
    from dockyard.ui.screen import Screen

    screen = Screen(SystemClock())
    try:
        yield screen
    except DockyardError as error:
        screen.error(error)
        raise Exit(code=error.exit_code) from None
    except OSError as error:  # a full disk, a folder that may not be written
        screen.error(MachineError(str(error.filename or "The machine refused"), why=error.strerror or str(error)))
        raise Exit(code=MachineError.exit_code) from None
    except KeyboardInterrupt:
        screen.close()
        raise Exit(code=INTERRUPTED) from None
    finally:
        screen.close()


@contextmanager
def at_work(profile: str | None = None) -> Iterator[tuple[Screen, Workspace]]:
    """Give a task its screen and the workspace of the project it runs in, with a profile where one is named."""
    from dockyard.cli.wiring import open_workspace

    with on_screen() as screen:
        yield screen, open_workspace(profile=profile)
