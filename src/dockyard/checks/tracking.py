"""Gathers what Git has of a project: its paths, and where a secret stands in what the next commit would hold."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from dockyard.checks.subject import Tracked
from dockyard.model.looks import weakness
from dockyard.model.redaction import Redactor
from dockyard.tools.betterleaks import Betterleaks
from dockyard.tools.git import Git

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

LARGEST = 2_000_000
"""Bytes of a file in which the project's own secrets are looked for."""

OWN = "holds the value of a secret of this project"


def look(root: Path, secrets: Mapping[str, str]) -> Tracked | None:
    """Look at Git's index; None where the project is in no repository.

    Args:
        root: The project's folder; what is tracked outside of it is not looked at.
        secrets: Values of the project's secrets by name: they are found in every form.
    """
    git = Git(root)
    prefix = git.prefix()
    if prefix is None:
        return None
    files = git.files()
    with tempfile.TemporaryDirectory() as name:
        git.copy_index(Path(name))
        folder = Path(name, prefix)
        found = [*_own(folder, files, secrets), *_others(folder)]
    return Tracked(files=files, found=tuple(dict.fromkeys(sorted(found))))


def _own(folder: Path, files: Sequence[str], secrets: Mapping[str, str]) -> Iterator[tuple[str, int, str]]:
    """Yield where a secret of the project stands; one that is easily guessed may stand somewhere by chance."""
    redactor = Redactor({name: value for name, value in secrets.items() if not weakness(value)})
    for file in files:
        yield from ((file, line, OWN) for line in redactor.line_numbers(_text(folder / file)))


def _text(path: Path) -> str:
    """Return the text of a file; nothing for a link, for what is too large, and for what Git could not write."""
    if path.is_symlink() or not path.is_file() or path.stat().st_size > LARGEST:
        return ""
    return path.read_bytes().decode(errors="replace")


def _others(folder: Path) -> Iterator[tuple[str, int, str]]:
    """Yield what Betterleaks finds; nothing where the index has nothing."""
    program = Path(sys.executable).with_name("betterleaks")
    for leak in Betterleaks(program).scan(folder) if folder.is_dir() else ():
        yield leak.path, leak.line, f"looks like a secret (rule {leak.rule} of Betterleaks)"
