"""Checks of what Git has: no secret, no .env, and an example that is not stale (DY9xx).

They look at Git's index, which is what the next commit would hold. A deploy does not wait for them.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from dockyard.checks.build import is_env_file
from dockyard.checks.catalogue import check
from dockyard.checks.finding import Place, Severity
from dockyard.credentials import EXAMPLE, example

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockyard.checks.finding import Hit
    from dockyard.checks.subject import Subject


@check(
    "DY901",
    "Git has no .env",
    why="Whoever can read the repository reads its secrets, and what was once committed stays in its history "
    "(data-model.md, section 5).",
    fix="`git rm --cached FILE`, name it in .gitignore, and replace every secret that was in it.",
)
def env_file_tracked(subject: Subject) -> Iterator[Hit]:
    """Find tracked files named .env or .env.NAME; examples may be tracked."""
    for file in subject.tracked.files if subject.tracked else ():
        if is_env_file(PurePosixPath(file).name):
            yield Place(file), f"{file} is tracked by Git"


@check(
    "DY902",
    "no file that Git has holds a secret",
    why="Whoever can read the repository reads it, and what was once committed stays in its history (data-model.md, "
    "section 5).",
    fix="Take it out, name it in `secrets` of the release, put its value into .env, and replace the secret. For a "
    "text that is none, write `betterleaks:allow` into a comment on its line.",
)
def secret_tracked(subject: Subject) -> Iterator[Hit]:
    """Find the project's own secrets in tracked files, and what Betterleaks knows by its form."""
    for file, line, what in subject.tracked.found if subject.tracked else ():
        yield Place(file, line=line), f"it {what}"


@check(
    "DY903",
    "the example of .env is what dockyard.yaml declares",
    severity=Severity.WARNING,
    why="Whoever fills in .env by it misses a secret, or sets one that nothing reads.",
    fix="`./inv secrets.example` writes it.",
)
def stale_example(subject: Subject) -> Iterator[Hit]:
    """Compare .env.example with what would be written; a project without secrets needs none."""
    if (subject.project.secrets() or subject.example) and subject.example != example(subject.project):
        what = "is stale" if subject.example else "is not there, or empty"
        yield Place(EXAMPLE), f"{EXAMPLE} {what}"
