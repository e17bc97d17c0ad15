"""Finds secrets in bytes of any kind; written apart from the redaction, so that one mistake is not made twice."""

from __future__ import annotations

import base64
import gzip
import json
import os
import string
import subprocess
import tarfile
import threading
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, cast

PIECE = 12
"""Characters of a secret by which it is known: whoever shows half of it shows it."""

NOTHING = bytes.maketrans(b"", b"")
BETWEEN = b" \t\r\n\\\"'|>"
"""What programs put between the parts of a value that they break into lines."""

CHUNK = 1 << 22
OVERLAP = 1 << 12
GZIP = b"\x1f\x8b"
PAUSE = 0.004
"""Seconds between two looks at the processes; a program takes longer than that to start."""


def forms(secret: str) -> Iterator[bytes]:
    """Yield what no text without the secret has: parts of it, plain, in hex, and in base64 wherever it begins in it."""
    raw = secret.encode()
    for at in range(0, len(raw) - PIECE + 1, PIECE):
        yield raw[at : at + PIECE]
    yield raw[: 2 * PIECE].hex().encode()
    for shift in range(3):
        once = _core(raw, shift)
        yield from (once, once.translate(bytes.maketrans(b"+/", b"-_")))
        yield from (_core(once, again) for again in range(3))


def _core(raw: bytes, shift: int) -> bytes:
    """Return the characters of base64 that a text alone decides."""
    text = base64.b64encode(b"\0" * shift + raw)
    return text[(shift * 8 + 5) // 6 : (shift + len(raw)) * 8 // 6]


class Finder:
    """Knows secrets, and finds them."""

    def __init__(self, *secrets: str) -> None:
        self._forms: tuple[bytes, ...] = ()
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Take one more, of letters and digits, `-` and `_`: no form but base64 and hex writes these differently."""
        if not set(secret) <= set(string.ascii_letters + string.digits + "-_") or len(secret) < 2 * PIECE:
            raise ValueError("no secret that can be looked for")
        self._forms = tuple(dict.fromkeys((*self._forms, *forms(secret))))

    def has(self, data: bytes) -> bool:
        """Tell whether a secret is in data, also where it is broken into lines, or compressed."""
        joined = data.translate(NOTHING, BETWEEN)
        if any(form in data or form in joined for form in self._forms):
            return True
        return data.startswith(GZIP) and self.has(_unpacked(data))

    def in_stream(self, stream: IO[bytes]) -> bool:
        """Tell whether a secret is in a stream, which is read to its end."""
        rest, found = b"", False
        while chunk := stream.read(CHUNK):
            found = found or self.has(rest + chunk)
            rest = chunk[-OVERLAP:]
        return found

    def in_tree(self, root: Path, *, but: Iterable[Path] = ()) -> list[str]:
        """Return the files below a folder that have a secret in their content or name, links not followed."""
        spared = set(but)
        found = []
        for folder, _, names in os.walk(root):
            for path in (Path(folder, name) for name in names):
                if path in spared or path.is_symlink() or not path.is_file():
                    continue
                with suppress(FileNotFoundError), path.open("rb") as file:  # it may go meanwhile
                    if self.has(str(path).encode()) or self.in_stream(file):
                        found.append(str(path))
        return found

    def in_image(self, reference: str) -> list[str]:
        """Return the members of a saved image that have a secret in them: layers, packed or not, and configuration."""
        found = []
        argv = ["docker", "save", reference]
        with subprocess.Popen(argv, stdout=subprocess.PIPE) as saving:  # noqa: S603 - an argv list
            stream = cast("IO[bytes]", saving.stdout)
            with tarfile.open(fileobj=stream, mode="r|") as archive:
                for member in archive:
                    content = archive.extractfile(member)
                    if content is not None and self._in_member(content):
                        found.append(f"{reference}: {member.name}")
            while stream.read(CHUNK):
                pass
        return found if saving.returncode == 0 else [f"{reference}: docker save failed"]

    def _in_member(self, content: IO[bytes]) -> bool:
        head = content.read(len(GZIP))
        rest = _Rest(head, content)
        if head != GZIP:
            return self.in_stream(cast("IO[bytes]", rest))
        with gzip.GzipFile(fileobj=cast("Any", rest)) as unpacked:
            return self.in_stream(cast("IO[bytes]", unpacked))


class _Rest:
    """A stream with the bytes that were read from it before."""

    def __init__(self, head: bytes, stream: IO[bytes]) -> None:
        self._head, self._stream = head, stream

    def read(self, size: int = -1) -> bytes:
        """Read on."""
        head, self._head = self._head, b""
        return head + self._stream.read(max(0, size - len(head)) if size >= 0 else -1)


def _unpacked(data: bytes) -> bytes:
    with suppress(zlib.error):
        return zlib.decompressobj(wbits=31).decompress(data)
    return b""


class Sampler:
    """Keeps the arguments and environments of all descendants of this process, and what stands in a folder meanwhile.

    Attributes:
        argv: Every argument list that was seen.
        environ: Every environment, behind the name of its program.
        temporary: Every file of the folder: its name and content.
    """

    def __init__(self, temporary: Path) -> None:
        self.argv: set[bytes] = set()
        self.environ: set[bytes] = set()
        self.temporary: set[bytes] = set()
        self._folder, self._stop = temporary, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        """Begin to look."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Look no more."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            for pid in descendants(os.getpid()):
                self._look_at(pid)
            self._look_into(self._folder)
            time.sleep(PAUSE)

    def _look_at(self, pid: int) -> None:
        with suppress(OSError):  # it ended meanwhile
            argv = Path(f"/proc/{pid}/cmdline").read_bytes()
            self.argv.add(argv)
            self.environ.add(argv.split(b"\0")[0] + b"\0" + Path(f"/proc/{pid}/environ").read_bytes())

    def _look_into(self, folder: Path) -> None:
        with suppress(OSError), os.scandir(folder) as entries:  # what is in it comes and goes
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    self._look_into(Path(entry.path))
                elif entry.is_file(follow_symlinks=False) and entry.stat().st_size < CHUNK:
                    self.temporary.add(entry.path.encode() + b"\0" + Path(entry.path).read_bytes())


def descendants(pid: int) -> Iterator[int]:
    """Yield the processes that descend from one."""
    with suppress(OSError), os.scandir(f"/proc/{pid}/task") as tasks:
        for task in tasks:
            with suppress(OSError):
                for child in Path(task.path, "children").read_text(encoding="ascii").split():
                    yield int(child)
                    yield from descendants(int(child))


SHIM = """\
#!{python}
import json, os, subprocess, sys, uuid
done = subprocess.run([{real!r}, *sys.argv[1:]], stdin=0, capture_output=True)
kept = dict(argv=sys.argv[1:], environ=dict(os.environ), out=done.stdout.decode(errors="replace"),
            err=done.stderr.decode(errors="replace"))
name = os.path.join({folder!r}, uuid.uuid4().hex)
with open(name + ".new", "w") as file:
    json.dump(kept, file)
os.rename(name + ".new", name)
sys.stdout.buffer.write(done.stdout)
sys.stderr.buffer.write(done.stderr)
sys.exit(done.returncode)
"""
"""A Helm that keeps what it was called with and what it said."""

MANIFESTS = ({"template"}, {"get", "manifest"})
"""Calls whose output is what the charts render to, Secrets and all: Dockyard reads it through a pipe, nobody else."""


def shim(place: Path, real: Path, folder: Path, python: str) -> None:
    """Put a Helm in a place that keeps its calls in a folder."""
    place.write_text(SHIM.format(python=python, real=str(real), folder=str(folder)), encoding="utf-8")
    place.chmod(0o755)


def helm_said(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield each call of that Helm, and all that it was given and said but for what is a manifest."""
    for path in folder.iterdir():
        kept = json.loads(path.read_text(encoding="utf-8"))
        if any(words <= set(kept["argv"][:2]) for words in MANIFESTS):
            kept["out"] = ""
        yield (
            " ".join(kept["argv"][:2]),
            "\n".join([*kept["argv"], *kept["environ"].values(), kept["out"], kept["err"]]).encode(),
        )
