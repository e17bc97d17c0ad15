"""The Secret that Dockyard writes beside a release, so that Helm never has its values (`existingSecret`).

There is one object, changed in place: pods take variables from a Secret by its name, and the data model fixes the name.
So an earlier state comes back only by whoever kept it, which is why `write` returns the way back.
"""

from __future__ import annotations

from base64 import b64decode
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from dockyard.charts.secret import MANAGED_BY, MANAGER
from dockyard.model.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from dockyard.model.redaction import Redactor
    from dockyard.tools.kubernetes import Object

SECRET = "Secret"  # noqa: S105 - a kind of object
HELM_RELEASE = "meta.helm.sh/release-name"


UNREAD = ("helm.sh/release.v1", "kubernetes.io/service-account-token")
"""Types of Secrets that no pod of a release is given: Helm's records are large, tokens are the cluster's own."""


class Lister(Protocol):
    """What knowing the values of a namespace takes of the API server."""

    def list(self, kind: str, *, labels: str = "", fields: str = "") -> tuple[Object, ...]:
        """Return the objects of a kind."""


def learn(lister: Lister, redactor: Redactor) -> None:
    """Have the redaction know what pods of the namespace were given, before their logs are read.

    It may be another value than .env has by now, or one that never was in it: the development database's.

    Raises:
        ToolError: The API server does not tell.
    """
    for entry in lister.list(SECRET, fields=",".join(f"type!={unread}" for unread in UNREAD)):
        data = entry.get("data") or {}
        redactor.learn({name: b64decode(value).decode(errors="replace") for name, value in data.items()})


class Keeper(Protocol):
    """What this module asks of the API server."""

    def get(self, kind: str, name: str) -> Object | None:
        """Return an object, or None."""

    def create(self, kind: str, body: Object) -> Object:
        """Make an object."""

    def replace(self, kind: str, body: Object) -> Object:
        """Replace an object."""

    def delete(self, kind: str, name: str) -> bool:
        """Delete an object; return whether it was there."""


def write(keeper: Keeper, manifest: Mapping[str, Any], release: str) -> Callable[[], object]:
    """Write the Secret of a release.

    Args:
        keeper: The API server.
        manifest: The Secret; see `charts/secret.py`.
        release: The release: the Secret that Helm wrote for it before is taken over, one of anybody else is not.

    Returns:
        What brings back how it was; where it was Helm's it is removed, since a rollback of Helm makes its own.

    Raises:
        RefusedError: A Secret of that name is somebody else's.
    """
    name = manifest["metadata"]["name"]
    former = keeper.get(SECRET, name)
    if former is None:
        keeper.create(SECRET, dict(manifest))
        return partial(remove, keeper, name)
    ours = is_ours(former)
    if not ours and _annotations(former).get(HELM_RELEASE) != release:
        raise RefusedError(
            f"There is a Secret {name} that neither Dockyard nor release {release} wrote",
            why="What is in it would be lost",
            fix="Name another one in `existingSecret`, or remove it",
        )
    if not ours or (former.get("data") or {}) != manifest["data"]:
        keeper.replace(SECRET, _over(former, manifest))
    return partial(_bring_back, keeper, former) if ours else partial(remove, keeper, name)


def remove(keeper: Keeper, name: str) -> bool:
    """Remove the Secret of a release; return whether it was there, and Dockyard's."""
    there = keeper.get(SECRET, name)
    return there is not None and is_ours(there) and keeper.delete(SECRET, name)


def differs(live: Iterable[Object], wanted: Mapping[str, Any]) -> Iterator[str]:
    """Yield how the Secret that is there is not the one that is wanted, as drift is told.

    Args:
        live: The Secrets of the namespace.
        wanted: The one that Dockyard writes.
    """
    name = wanted["metadata"]["name"]
    there = next((entry for entry in live if entry["metadata"]["name"] == name), None)
    if there is None:
        yield f"{SECRET.lower()}/{name} is gone"
    elif (there.get("data") or {}) != wanted["data"]:  # the API server leaves out what is empty
        yield f"{SECRET.lower()}/{name} data"


def is_ours(secret: Object) -> bool:
    """Tell whether Dockyard wrote a Secret."""
    labels = secret["metadata"].get("labels") or {}
    return bool(labels.get(MANAGED_BY) == MANAGER)


def _bring_back(keeper: Keeper, former: Object) -> None:
    """Give a Secret the values that it had; one that is gone is made again."""
    there, name = keeper.get(SECRET, former["metadata"]["name"]), former["metadata"]["name"]
    kept = {"name": name, "labels": former["metadata"].get("labels"), "annotations": _annotations(former)}
    bare = {**former, "kind": SECRET, "apiVersion": "v1", "metadata": kept}
    if there is None:
        keeper.create(SECRET, bare)
    elif there.get("data") != former.get("data"):
        keeper.replace(SECRET, _over(there, bare))


def _over(there: Object, manifest: Mapping[str, Any]) -> Object:
    """Return a Secret to be put in the place of one: refused where that one was changed meanwhile."""
    version = {"resourceVersion": there["metadata"]["resourceVersion"]}
    return {**manifest, "metadata": {**manifest["metadata"], **version}}


def _annotations(secret: Object) -> Mapping[str, str]:
    return secret["metadata"].get("annotations") or {}
