"""The files that Dockyard itself brings: Dockerfiles of the node and of stand-in images, and scripts.

In a checkout they stand at its root, where people look for them; in an installed wheel they are inside the package.
"""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parent
CHECKOUT = PACKAGE.parent.parent


def asset(name: str) -> Path:
    """Return the path of a file or folder that Dockyard brings, `dockerfiles/node.Dockerfile` say."""
    packaged = PACKAGE / "_assets" / name
    return packaged if packaged.exists() else CHECKOUT / name
