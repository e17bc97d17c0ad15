"""The file .env: read strictly, written so that it is read back byte for byte.

python-dotenv reads it, without interpolation: `$` is a plain character. It passes over lines that it does not
understand, and a secret in one of them would be missing without a word; here such a line is a mistake, told with its
place and without a character of what stands there.
"""

from __future__ import annotations

import io
import re
import stat
from typing import TYPE_CHECKING

from dotenv.parser import parse_stream

from dockyard.model.errors import ConfigError, RuleError
from dockyard.model.names import env_name

if TYPE_CHECKING:
    from pathlib import Path

    from dotenv.parser import Binding

FILE = ".env"

LARGEST = 16_000_000
"""Bytes; all values of a project have a few thousand, and what is far larger is another file."""

SHOWN = 20
"""Mistakes that an error lists."""

OTHERS = stat.S_IRWXG | stat.S_IRWXO
"""What nobody but the owner needs."""

HEAD = re.compile(r"(?:export[^\S\r\n]+)?(?P<name>[^=#\s]*)[^\S\r\n]*(?P<equals>=[^\S\r\n]*)?")
QUOTED = re.compile(r"'(?:\\.|[^'\\])*'[^\S\r\n]*|\"(?:\\.|[^\"\\])*\"[^\S\r\n]*", re.DOTALL)
BREAK = re.compile(r"\r\n|\n|\r")


def parse(text: str) -> dict[str, str]:
    """Return the values of a .env by name; the last wins where a name stands twice.

    Raises:
        ConfigError: Lines that are none, each with its line and column; no value is in it.
    """
    values: dict[str, str] = {}
    mistakes = []
    for binding in parse_stream(io.StringIO(text)):
        found = _mistake(binding)
        if found is not None:
            mistakes.append(found)
        elif binding.key is not None:
            values[binding.key] = binding.value or ""
    if mistakes:
        raise _mistaken(mistakes)
    return values


def read(path: Path) -> dict[str, str]:
    """Return the values of a .env, and none where there is no file.

    Raises:
        ConfigError: It is no file, cannot be read, or has lines that are none.
    """
    try:
        facts = path.stat()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise _unreadable(error.strerror or type(error).__name__) from None
    if not stat.S_ISREG(facts.st_mode):
        what = "a folder" if stat.S_ISDIR(facts.st_mode) else "no regular file"
        raise ConfigError(
            f"{FILE} is {what}",
            why="Docker makes a folder where a file that it mounts is missing" if what == "a folder" else "",
            fix="Remove it, then run `./inv secrets.init`",
        )
    if facts.st_size > LARGEST:
        raise ConfigError(f"{FILE} has more than {LARGEST:,} bytes", why="It holds more than the values of secrets")
    try:
        return parse(path.read_bytes().decode("utf-8"))
    except OSError as error:
        raise _unreadable(error.strerror or type(error).__name__) from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise _unreadable(f"It is not UTF-8 in line {line}") from None


def exposure(path: Path) -> str:
    """Return who else may read a .env, as a sentence; empty where nobody may, and where there is none."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return ""
    return f"{FILE} is open to other users of this machine (mode {mode:04o}); `chmod 600 {FILE}` ends it" * bool(
        mode & OTHERS
    )


def line(name: str, value: str) -> str:
    """Return a line of .env that is read back as exactly this value: single quotes keep everything but two escapes."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"{name}='{escaped}'\n"


def _unreadable(why: str) -> ConfigError:
    return ConfigError(f"{FILE} cannot be read", why=why)


def _mistaken(mistakes: list[str]) -> ConfigError:
    listed = "".join(f"\n  {mistake}" for mistake in mistakes[:SHOWN])
    more = f"\n  and {len(mistakes) - SHOWN:,} more" if len(mistakes) > SHOWN else ""
    return ConfigError(
        f"{FILE} has {len(mistakes):,} mistake{'s' if len(mistakes) > 1 else ''}:{listed}{more}",
        fix="A line is NAME=value; a value with quotes, # or blanks at its ends stands in single quotes",
    )


def _mistake(binding: Binding) -> str | None:
    """Return what is wrong with a line, and where."""
    text = binding.original.string
    begin = len(text) - len(text.lstrip())
    if begin == len(text) or text[begin] == "#":
        return None
    head = HEAD.match(text, begin)
    if head is None:  # it matches anything
        raise AssertionError
    at, what = _problem(binding, text, head)
    if not what:
        return None
    lines = BREAK.split(text[:at])
    return f"{FILE}:{binding.original.line + len(lines) - 1}:{len(lines[-1]) + 1}: {what}"


def _problem(binding: Binding, text: str, head: re.Match[str]) -> tuple[int, str]:
    """Return where in a line something is wrong, and what; nothing where all is well."""
    if not _is_name(head["name"]):
        what = "no name is before the =" if head["equals"] and not head["name"] else "this is no name of a variable"
        return head.start("name"), what
    if head["equals"] is None:
        return head.end("name"), "no = is behind the name"
    if not binding.error:
        return 0, ""
    closed = QUOTED.match(text, head.end())
    return (head.end(), "this quote is never closed") if closed is None else (closed.end(), "text is behind the quotes")


def _is_name(text: str) -> bool:
    try:
        env_name(text)
    except RuleError:
        return False
    return True
