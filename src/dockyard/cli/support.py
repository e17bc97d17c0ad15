"""What every task shares: the screen, and errors turned into exit codes."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from invoke.exceptions import Exit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockyard.ui.screen import Screen
    from dockyard.workspace import Workspace


DIGITS = 9
"""Of a number on the command line: seconds, lines and revisions have fewer."""

LONG = 40
"""Characters of a wrong value that are shown."""


def whole_number(option: str, text: str) -> int:
    """Return the number that an option was given.

    Tasks declare such options as text: a number of Invoke's own ends in a traceback where the text is none.

    Raises:
        RuleError: It is none.
    """
    from dockyard.model.errors import RuleError

    if not text.isdecimal() or len(text) > DIGITS:
        raise RuleError(f"--{option} is {text[:LONG]!r}", why=f"It takes a whole number of at most {DIGITS} digits")
    return int(text)


def name_of(what: str, text: str) -> str:
    """Return the name that a task was given.

    Invoke takes whatever follows such a task for the name, `--help` too.

    Raises:
        RuleError: It is an option.
    """
    from dockyard.model.errors import RuleError

    if text.startswith("-"):
        raise RuleError(
            f"{text} stands where the name of the {what} belongs", fix="`./inv --help NAME` shows the options of a task"
        )
    return text


LEAST_JOBS = 4
"""Pieces of work at a time where nobody says otherwise: on a small machine most of them wait for something."""


def default_jobs(given: str = "") -> int:
    """Return how many pieces of work are done at a time: what `--jobs` says, else what the machine is good for.

    Raises:
        RuleError: It says no number, or none that work can be done with.
    """
    from dockyard.model.errors import RuleError

    if not given:
        return max(LEAST_JOBS, os.cpu_count() or 1)
    if (jobs := whole_number("jobs", given)) < 1:
        raise RuleError("--jobs is 0", why="Nothing would ever be done")
    return jobs


@contextmanager
def on_screen() -> Iterator[Screen]:
    """Give a task its screen, and end it with the exit code of what went wrong; a user never sees a traceback.

    Raises:
        Exit: Something that the user can cause or meet.
    """
    from traceback import format_exc

    from dockyard.model.errors import DockyardError, MachineError, StoppedError
    from dockyard.tools import stop
    from dockyard.tools.clock import SystemClock
    from dockyard.ui.screen import Screen

    screen = Screen(SystemClock())
    try:
        with stop.on_signals():
            yield screen
    except DockyardError as error:
        screen.error(error)
        raise Exit(code=error.exit_code) from None
    except BrokenPipeError:  # whoever read the output has seen enough, and there is nobody to tell it
        raise Exit(code=1) from None
    except OSError as error:  # a full disk, a folder that may not be written
        screen.error(MachineError(str(error.filename or "The machine refused"), why=error.strerror or str(error)))
        raise Exit(code=MachineError.exit_code) from None
    except KeyboardInterrupt:
        screen.error(StoppedError("Stopped"))
        raise Exit(code=StoppedError.exit_code) from None
    except Exit:
        raise
    except Exception:  # noqa: BLE001 - a bug, shown whole, but for the values that its message and its lines may hold
        screen.bug(format_exc())
        raise Exit(code=1) from None
    finally:
        screen.close()


@contextmanager
def at_work(profile: str | None = None, *, json: bool = False) -> Iterator[tuple[Screen, Workspace]]:
    """Give a task its screen and the workspace of the project it runs in.

    Args:
        profile: The overlay of dockyard.yaml to use.
        json: Whether events are records on standard output.
    """
    from dockyard.cli.wiring import open_workspace
    from dockyard.journal import FILE, Journal

    with on_screen() as screen:
        workspace = open_workspace(profile=profile)
        screen.hide(workspace.redactor)
        screen.stream(Journal(workspace.state / FILE), json=json)
        yield screen, workspace


@contextmanager
def told(screen: Screen, command: str, services: tuple[str, ...]) -> Iterator[None]:
    """Tell that a command begins and how it ended, for a block that does its work."""
    from dockyard.model.errors import DockyardError, StoppedError
    from dockyard.model.events import Began, Ended

    screen.report(Began(command, "Began", command=command, services=services))
    try:
        yield
    except DockyardError as error:
        stage = "Stopped" if isinstance(error, StoppedError) else "Failed"
        screen.report(Ended(command, stage, f"{error.what}. {error.why}".strip(), exit_code=error.exit_code))
        raise
    except KeyboardInterrupt:
        screen.report(Ended(command, "Stopped", exit_code=StoppedError.exit_code))
        raise
    screen.report(Ended(command, "Done"))
