#!/usr/bin/env python3
"""Writes an image of one file as an archive that containerd and Docker can load; needs neither of them.

    mkimage.py NAME:TAG FILE OUT.tar [--architecture amd64]

The file is the image's only layer and its entrypoint. The archive is the same, byte for byte, for the same input.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

USER = "65535:65535"
"""Whom the entrypoint runs as: nobody who has anything."""

EXECUTABLE, READABLE = 0o755, 0o644


def image(name: str, program: str, content: bytes, *, architecture: str) -> bytes:
    """Return an image as `docker save` writes it.

    Args:
        name: The full reference it gets, `registry/name:tag`.
        program: The file's name in the image's root.
        content: What is in the file.
        architecture: As Go and Debian call it: amd64, arm64.
    """
    layer = _tar({program: (content, EXECUTABLE)})
    configuration = _json(
        {
            "architecture": architecture,
            "os": "linux",
            "created": "1970-01-01T00:00:00Z",
            "config": {"Entrypoint": [f"/{program}"], "User": USER},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
        }
    )
    configuration_name = f"{hashlib.sha256(configuration).hexdigest()}.json"
    manifest = _json([{"Config": configuration_name, "RepoTags": [name], "Layers": ["layer.tar"]}])
    parts = {"layer.tar": layer, configuration_name: configuration, "manifest.json": manifest}
    return _tar({part: (data, READABLE) for part, data in parts.items()})


def main(argv: Sequence[str] | None = None) -> None:
    """Write the archive."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("name", help="reference of the image")
    parser.add_argument("file", type=Path, help="the file it holds")
    parser.add_argument("out", type=Path, help="the archive to write")
    parser.add_argument("--architecture", default="amd64")
    options = parser.parse_args(argv)
    content = options.file.read_bytes()
    options.out.write_bytes(image(options.name, options.file.name, content, architecture=options.architecture))


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def _tar(members: Mapping[str, tuple[bytes, int]]) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, (content, mode) in members.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            tar.addfile(entry, io.BytesIO(content))
    return archive.getvalue()


if __name__ == "__main__":
    main()
