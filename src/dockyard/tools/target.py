"""Where a command for a cluster goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where Helm and kubectl go: never the user's current context.

    Attributes:
        kubeconfig: The file.
        context: The context in it.
        namespace: The namespace.
    """

    kubeconfig: Path
    context: str
    namespace: str = "default"
