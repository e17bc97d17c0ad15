"""Files in memory, for secrets that a program reads from a file: they never reach a disk."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def memory_file(name: str, text: str) -> Iterator[Path]:
    """Make a file that only this user may read, for a block; it is gone even when this process is killed.

    Args:
        name: A name for debugging.
        text: Its content.

    Yields:
        A path under which programs that are started meanwhile can open it.
    """
    descriptor = os.memfd_create(name)
    os.fchmod(descriptor, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        yield Path(f"/proc/{os.getpid()}/fd/{descriptor}")
