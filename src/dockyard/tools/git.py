"""Git, as a program: what the index of a project has. Nothing is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.model.errors import ToolMissingError
from dockyard.tools.process import Completed, run

if TYPE_CHECKING:
    from pathlib import Path

QUICK = 30.0
"""Seconds for a call; the largest repository lists its files in one or two."""


class Git:
    """Git on the repository that a folder is in.

    In a hook Git names another index to its children, that of the commit to be; it is the one that is read then.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def prefix(self) -> str | None:
        """Return the folder's path in its repository, with a slash at its end; None where it is in none."""
        try:
            done = self._call("rev-parse", "--show-prefix", check=False)
        except ToolMissingError:
            return None
        return done.stdout.removesuffix("\n") if done.returncode == 0 else None

    def files(self) -> tuple[str, ...]:
        """Return the paths below the folder that the index has."""
        return tuple(path for path in self._call("ls-files", "-z").stdout.split("\0") if path)

    def copy_index(self, folder: Path) -> None:
        """Write what the index has into another folder, by the paths of the repository."""
        self._call("checkout-index", "--all", f"--prefix={folder}/")

    def _call(self, *arguments: str, check: bool = True) -> Completed:
        return run(["git", "-C", str(self._root), *arguments], timeout=QUICK, check=check)
