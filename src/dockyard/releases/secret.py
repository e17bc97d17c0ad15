"""The Secret that Dockyard writes itself: put there before its release is sent, put back when that fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from dockyard.charts.secret import INSTANCE, MANAGED_BY, MANAGER
from dockyard.model.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dockyard.tools.kubernetes import Object

KIND = "Secret"


class Removing(Protocol):
    """What removing asks of the API server."""

    def list(self, kind: str, *, labels: str = "", fields: str = "") -> tuple[Object, ...]:
        """Return the objects of a kind."""

    def delete(self, kind: str, name: str, *, uid: str = "", version: str = "") -> bool:
        """Delete an object."""


class Store(Removing, Protocol):
    """What this module asks of the API server."""

    def get(self, kind: str, name: str) -> Object | None:
        """Return an object, or None."""

    def create(self, kind: str, body: Object) -> Object:
        """Make an object."""

    def replace(self, kind: str, body: Object) -> Object:
        """Replace an object."""


def write(store: Store, wanted: Object) -> Object | None:
    """Have a Secret with this content.

    Returns:
        The one that was there before, or None.

    Raises:
        RefusedError: One of that name is somebody else's.
    """
    name = wanted["metadata"]["name"]
    there = store.get(KIND, name)
    if there is None:
        store.create(KIND, wanted)
        return None
    if (there["metadata"].get("labels") or {}).get(MANAGED_BY) != MANAGER:
        raise RefusedError(
            f"The Secret {name} is not Dockyard's, and nothing was sent",
            why=f"It has no label {MANAGED_BY}={MANAGER}",
            fix="Name another one in `existingSecret`, or delete that Secret",
        )
    if there.get("data") != wanted["data"]:
        store.replace(KIND, wanted)
    return there


def put_back(store: Store, wanted: Object, before: Object | None) -> None:
    """Have what was there before `write`."""
    if before is None:
        store.delete(KIND, wanted["metadata"]["name"])
    else:
        store.replace(KIND, {**wanted, "data": before.get("data") or {}})


def differs(live: Iterable[Object], wanted: Object) -> Iterator[str]:
    """Yield how the Secret that is there is not the one that is wanted, as drift is told.

    Args:
        live: The Secrets of the namespace.
        wanted: The one that Dockyard writes.
    """
    name = wanted["metadata"]["name"]
    there = next((entry for entry in live if entry["metadata"]["name"] == name), None)
    if there is None:
        yield f"{KIND.lower()}/{name} is gone"
    elif there.get("data") != wanted["data"]:
        yield f"{KIND.lower()}/{name} data"


def remove(store: Removing, release: str) -> None:
    """Delete what was written for a release."""
    for entry in store.list(KIND, labels=f"{MANAGED_BY}={MANAGER},{INSTANCE}={release}"):
        store.delete(KIND, entry["metadata"]["name"])
