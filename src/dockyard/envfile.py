"""The file .env: read strictly, written so that it is read back byte for byte.

python-dotenv reads it, without interpolation: `$` is a plain character. It passes over lines that it does not
understand, and a secret in one of them would be missing without a word; here such a line is a mistake, told with its
place and without a character of what stands there.
"""

from __future__ import annotations

import fcntl
import io
import os
import re
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from dotenv.parser import parse_stream

from dockyard.model.errors import ConfigError, RuleError
from dockyard.model.names import env_name

if TYPE_CHECKING:
    from pathlib import Path

    from dotenv.parser import Binding

FILE = ".env"
NEW = ".new"
"""What the name of a file ends in while it is written."""

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


def put(text: str, name: str, value: str) -> str:
    """Return the text of a .env with another value of a secret, and every other byte as it was.

    Where a name stands twice, the last one counts and is changed; where it does not stand, a line is added.
    """
    parts, found = [binding.original.string for binding in parse_stream(io.StringIO(text))], None
    for at, binding in enumerate(parse_stream(io.StringIO(text))):
        found = at if binding.key == name else found
    written = line(name, value)
    if found is None:
        between = "\n" * (bool(text) and not text.endswith(("\n", "\r")))
        return f"{text}{between}{written}"
    parts[found] = _with_value(parts[found], written.partition("=")[2].rstrip("\n"))
    return "".join(parts)


def _with_value(text: str, written: str) -> str:
    """Return a line with another value; what is before and behind the old one, a comment too, stays."""
    head = HEAD.match(text, len(text) - len(text.lstrip()))
    if head is None:  # it matches anything
        raise AssertionError
    start = head.end()
    quoted = QUOTED.match(text, start)
    if quoted is not None:
        end = start + len(quoted[0].rstrip())
    else:  # as python-dotenv ends a value that stands without quotes
        end = start + len(re.sub(r"\s+#.*", "", BREAK.split(text[start:])[0]).rstrip())
    equals = "" if head["equals"] else "="
    return f"{text[:start]}{equals}{written}{text[end:]}"


def write(path: Path, text: str) -> None:
    """Put a text in the place of a .env in one step, readable by its owner alone; what a link names is replaced.

    Raises:
        OSError: It cannot be written, and is as it was.
    """
    target = path.resolve()
    new = target.with_name(target.name + NEW)
    descriptor = _made(new)
    with os.fdopen(descriptor, "wb") as file:
        with suppress(OSError):  # whoever it belongs to keeps it, where that can be
            os.fchown(descriptor, target.stat().st_uid, target.stat().st_gid)
        file.write(text.encode())
        file.flush()
        os.fsync(descriptor)
        new.replace(target)


def _made(path: Path) -> int:
    """Return a new file of one's own; its lock tells others that its writer lives."""
    _remove_orphan(path)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def tidy(path: Path) -> None:
    """Remove what a writer of a .env left that was killed."""
    target = path.resolve()
    _remove_orphan(target.with_name(target.name + NEW))


def _remove_orphan(path: Path) -> None:
    """Remove a file whose writer is dead: one that lives holds a lock, which the system gives back with its end."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
        finally:
            os.close(descriptor)


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
