"""What an image is made from, as one SHA-256.

Two builds with the same fingerprint would make the same image, so the second is not needed. It covers the Dockerfile,
the build context as .dockerignore leaves it (paths, modes, contents), build arguments, and the id of the base image.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from typing import TYPE_CHECKING

from dockyard.images.ignore import Ignore
from dockyard.model.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FORMAT = "1"
"""Raised when the meaning of a fingerprint changes, so that images of an older Dockyard are built again."""


def fingerprint(context: Path, dockerfile: Path, *, arguments: Mapping[str, str], base_id: str) -> str:
    """Return the fingerprint of a build, 64 hexadecimal digits.

    Args:
        context: The build context, a folder.
        dockerfile: The Dockerfile, inside the context or not.
        arguments: The build arguments.
        base_id: The id of the base image (`sha256:...`), since a name may come to mean another image.

    Raises:
        BuildError: The context or the Dockerfile is not there or cannot be read.
    """
    try:
        there = files(context, dockerfile)
    except OSError as error:
        raise BuildError(f"{error.filename} cannot be read", why=error.strerror or "") from error
    return fingerprint_of(there, dockerfile, arguments=arguments, base_id=base_id)


def fingerprint_of(there: Mapping[str, str], dockerfile: Path, *, arguments: Mapping[str, str], base_id: str) -> str:
    """Return the fingerprint of a build whose files are known; else as `fingerprint`.

    Args:
        there: What `files` returns for the build context.
        dockerfile: As above, with the rest.
        arguments: The build arguments.
        base_id: The id of the base image.
    """
    try:
        content = dockerfile.read_bytes()
    except OSError as error:
        raise BuildError(f"{error.filename} cannot be read", why=error.strerror or "") from error
    facts = {
        "format": FORMAT,
        "dockerfile": _digest(content),
        "arguments": dict(sorted(arguments.items())),
        "base": base_id,
        "files": dict(there),
    }
    return _digest(json.dumps(facts, sort_keys=True).encode())


def files(context: Path, dockerfile: Path) -> dict[str, str]:
    """Return what stands at each path of a build context: its mode, and its content's digest or its link's target.

    Sockets and pipes have no content, and nothing can be built from them.

    Raises:
        BuildError: The context is not a folder.
        OSError: A file cannot be read.
    """
    if not context.is_dir():
        raise BuildError(f"The build context {context} is not a folder", fix="Correct `buildContext` in dockyard.yaml")
    kept = Ignore.of(context, dockerfile).files(context)
    return {str(path): entry for path in kept if (entry := _entry(context / path))}


def _entry(path: Path) -> str:
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return f"link {os.readlink(path)}"  # noqa: PTH115 - the link's own text, which Path.readlink() would normalise
    return f"{stat.S_IMODE(mode):o} {_digest(path.read_bytes())}" if stat.S_ISREG(mode) else ""


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
