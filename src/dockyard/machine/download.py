"""Files from the network: checked, with progress, and in place only when whole."""

from __future__ import annotations

import errno
import hashlib
import http.client
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from dockyard.machine.trouble import disk_full
from dockyard.model.errors import MachineError
from dockyard.model.events import Event

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dockyard.model.events import Report

CONNECT = 3.0
"""Seconds for a host to answer: many networks drop what they do not allow, and there is another source."""

STALLED = 30.0
"""Seconds without a byte, once it answered."""

CHUNK = 1 << 20


class UnavailableError(Exception):
    """A source that does not have it; another one may. Its text is the reason, one clause."""


class UnreachableError(UnavailableError):
    """A host that does not answer: it need not be asked again."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Who is told how far something is.

    Attributes:
        subject: What is fetched.
        report: Who is told.
    """

    subject: str
    report: Report

    def tell(self, done: int, whole: int) -> None:
        """Report bytes; ``whole`` is 0 where it is not known."""
        of = f" of {whole / 1e6:.0f}" if whole else ""
        self.report(Event(self.subject, "Fetching", f"{done / 1e6:.0f}{of} MB", passing=True))


def download(url: str, target: Path, progress: Progress) -> str:
    """Download a file.

    Args:
        url: Where it is; proxies of the environment are used.
        target: Where it goes; not there, or not whole, when this raises.
        progress: Who is told how far it is.

    Returns:
        Its SHA-256, in hex.

    Raises:
        UnavailableError: It is not there.
        UnreachableError: Its host does not answer.
        MachineError: The disk is full.
    """
    try:
        _greet(url)
        with urllib.request.urlopen(url, timeout=STALLED) as answer:  # noqa: S310 - a URL of our own list
            return write(answer, target, progress, whole=int(answer.headers.get("Content-Length") or 0))
    except urllib.error.HTTPError as error:
        with error:
            raise UnavailableError(f"it answered {error.code} {error.reason}") from error
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        raise UnreachableError(reason(error)) from error


def _greet(url: str) -> None:
    """Ask for the headers alone, with a short limit, so that the long one starts only with a host that answers."""
    request = urllib.request.Request(url, method="HEAD")  # noqa: S310 - a URL of our own list
    with urllib.request.urlopen(request, timeout=CONNECT):  # noqa: S310 - the same
        pass


def write(source: IO[bytes], target: Path, progress: Progress, *, whole: int = 0) -> str:
    """Write a stream to a file; return its SHA-256.

    Args:
        source: What to write.
        target: The file.
        progress: Who is told how far it is.
        whole: How many bytes there must be, where that is known.

    Raises:
        UnreachableError: The stream ended early.
        MachineError: The disk is full.
    """
    digest, done = hashlib.sha256(), 0
    try:
        with target.open("wb") as file:
            for chunk in chunks(source):
                file.write(chunk)
                digest.update(chunk)
                done += len(chunk)
                progress.tell(done, whole)
    except OSError as error:
        raise written_badly(error, f"{progress.subject} could not be fetched", target.parent) from error
    if whole and done != whole:
        raise UnreachableError(f"the connection ended after {done} of {whole} bytes")
    return digest.hexdigest()


def written_badly(error: OSError, what: str, folder: Path) -> Exception:
    """Return what an error while something is copied means: the disk, the connection, or (no number) a torn archive."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return disk_full(what, folder)
    if isinstance(error, ConnectionError | TimeoutError):
        return UnreachableError(reason(error))
    if error.errno is None:
        return UnavailableError(str(error))
    return MachineError(what, why=f"{folder}: {error.strerror or error}")


def reason(error: Exception) -> str:
    """Return why a connection failed, in the system's words: `Name or service not known`."""
    inner = getattr(error, "reason", error)
    return getattr(inner, "strerror", None) or str(inner) or type(inner).__name__


def chunks(source: IO[bytes]) -> Iterator[bytes]:
    """Yield a stream in pieces."""
    while chunk := source.read(CHUNK):
        yield chunk
