"""Which files of a build context Docker sends: the grammar of .dockerignore.

Source: the Dockerfile reference, ".dockerignore files": patterns in the style of Go's `filepath.Match`, `**` for any
number of folders, `!` for exceptions, the last pattern that matches decides, and a matching folder takes all below it.
"""

from __future__ import annotations

import os
import posixpath
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a .dockerignore file.

    Attributes:
        pattern: Matches the path of an entry below the context, and all below that entry.
        keeps: Whether a match keeps the entry (`!`) instead of leaving it out.
        path: The one path that it names; empty where it is a pattern for several.
    """

    pattern: re.Pattern[str]
    keeps: bool
    path: str = ""

    def may_keep_below(self, folder: str) -> bool:
        """Tell whether it may keep something inside of a folder that is left out, the folder itself included."""
        return self.keeps and (not self.path or f"{self.path}/".startswith(f"{folder}/"))


@dataclass(frozen=True, slots=True)
class Ignore:
    """The rules of one .dockerignore file, in its order."""

    rules: tuple[Rule, ...]

    @classmethod
    def parse(cls, text: str) -> Ignore:
        """Read the text of a .dockerignore file."""
        lines = (line.strip() for line in text.removeprefix("\ufeff").split("\n") if not line.startswith("#"))
        return cls(tuple(_rule(line) for line in lines if line not in {"", "!"}))

    @classmethod
    def of(cls, context: Path, dockerfile: Path) -> Ignore:
        """Read the rules that hold for a build: `NAME.dockerignore` beside the Dockerfile wins over the context's."""
        for path in (dockerfile.with_name(f"{dockerfile.name}.dockerignore"), context / ".dockerignore"):
            if path.is_file():
                return cls.parse(path.read_text(encoding="utf-8", errors="surrogateescape"))  # as names of files are
        return cls(())

    def leaves_out(self, path: PurePosixPath) -> bool:
        """Tell whether an entry, named by its path below the context, is left out."""
        name = str(path)
        return next((not rule.keeps for rule in reversed(self.rules) if rule.pattern.fullmatch(name)), False)

    def is_entered(self, folder: PurePosixPath) -> bool:
        """Tell whether a folder may hold entries that are kept."""
        return not self.leaves_out(folder) or any(rule.may_keep_below(str(folder)) for rule in self.rules)

    def files(self, context: Path) -> Iterator[PurePosixPath]:
        """Walk the files and links that Docker would send, in a fixed order.

        Yields:
            Paths below the context.
        """
        for folder, folders, files in os.walk(context):
            below = PurePosixPath(Path(folder).relative_to(context).as_posix())
            links = [name for name in folders if Path(folder, name).is_symlink()]
            folders[:] = sorted(name for name in folders if name not in links and self.is_entered(below / name))
            for name in sorted([*files, *links]):
                if not self.leaves_out(below / name):
                    yield below / name


def _rule(line: str) -> Rule:
    keeps = line.startswith("!")
    path = posixpath.normpath(line.removeprefix("!").strip()).lstrip("/") or "/"
    try:
        plain = path if _SPECIAL.isdisjoint(path) else ""
        return Rule(re.compile(f"{_body(path)}(?:/.*)?", re.DOTALL), keeps, plain)
    except re.error:  # Docker will refuse it, and say so
        return Rule(re.compile("(?!)"), keeps)


_TOKEN = re.compile(r"\*\*/?|\\.|\[\^?(?:\\.|[^\\\]])+\]|.", re.DOTALL)
_SPECIAL = frozenset("*?[]\\")


def _body(path: str) -> str:
    """Translate a pattern, with the turns that github.com/moby/patternmatcher takes where the reference is silent."""
    tokens = _TOKEN.findall(path)
    if tokens[0] == "**" and _SPECIAL.isdisjoint(path[2:]):
        return f".*{re.escape(path[2:])}"  # `**.py`: plain text behind it is compared with the path's end
    *most, last = map(_token, tokens)
    return "".join(most) + (".*" if last == _FOLDERS else last)


_FOLDERS = "(?:.*/)?"


def _token(token: str) -> str:
    """Translate `**`, `*`, `?`, `[...]`, a backslash escape, or a plain character."""
    if token.startswith("**"):
        return _FOLDERS
    if token in {"*", "?"}:
        return "[^/]" + token.replace("?", "")
    if len(token) > 1 and token.startswith("["):
        # Ranges, `^` and backslashes mean the same in Go; these are special inside of brackets to Python alone.
        return "[" + re.sub(r"(\\.)|([\[&|~])", lambda found: found[1] or f"\\{found[2]}", token[1:])
    return re.escape(token[-1])
