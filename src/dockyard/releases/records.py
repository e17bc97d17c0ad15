"""What the cluster remembers of releases: Helm's own records, and which revisions Dockyard saw Ready.

Helm keeps each revision in a Secret `sh.helm.release.v1.NAME.vN`; Helm 3 and 4 write the same form. Reading them costs
one question to the API server, where `helm list`, `history` and `get manifest` are a process each for every release.

Dockyard keeps one ConfigMap a namespace beside them: by release, the revisions that it saw Ready, so that another
machine or a fresh checkout knows what is good. A revision is known by its Secret's uid, since numbers begin anew when a
release is removed and installed again.

Source: Helm documentation, "Advanced Helm Techniques" (storage backends); the form was read from Secrets of both.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from dockyard.charts.manifests import Manifests
from dockyard.model.errors import ApiRefusedError
from dockyard.tools.docker import KIND
from dockyard.tools.helm import SENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dockyard.tools.kubernetes import Object

HELM_TYPE = "helm.sh/release.v1"
HELM_LABELS = "owner=helm"
LEDGER = "dockyard-releases"
"""The name of the ConfigMap."""

KEPT = 20
"""Good revisions that are remembered for a release: twice what Helm keeps."""

DEPLOYED = frozenset({"deployed", "superseded"})
"""Helm's words for a revision that was deployed; `failed` and the pending ones never were."""

GZIP = 16 + zlib.MAX_WBITS


class Store(Protocol):
    """What this module asks of the API server."""

    namespace: str

    def list(self, kind: str, *, labels: str = "", fields: str = "") -> tuple[Object, ...]:
        """Return the objects of a kind."""

    def get(self, kind: str, name: str) -> Object | None:
        """Return an object, or None."""

    def create(self, kind: str, body: Object) -> Object:
        """Make an object."""

    def merge(self, kind: str, name: str, patch: Object) -> Object:
        """Change members of an object."""


@dataclass(frozen=True)
class Revision:
    """A revision of a release.

    Attributes:
        release: The release's name.
        number: Its number, from 1.
        status: Helm's word: deployed, superseded, failed, uninstalling, pending-install, pending-upgrade,
            pending-rollback.
        updated: When it was made.
        app_version: The appVersion of its chart, which is the tag of the image.
        description: Helm's remark, "Rollback to 1" among others.
        uid: What tells it from a revision of the same number of a release that was removed.
        text: The YAML that Helm sent; holds secrets, so it is in no repr.
    """

    release: str
    number: int
    status: str
    updated: datetime
    app_version: str
    description: str
    uid: str = ""
    text: str = field(default="", repr=False)

    @cached_property
    def manifests(self) -> Manifests:
        """The objects that Helm sent."""
        return Manifests.parse(self.text)


@dataclass(frozen=True, slots=True)
class ReleaseRecord:
    """A release, as the cluster remembers it.

    Attributes:
        name: Its name.
        revisions: Its revisions, oldest first; at least one.
        good: Numbers of those that Dockyard saw Ready.
        accepted: What the API server made of the newest good one by itself: paths that are no drift.
    """

    name: str
    revisions: tuple[Revision, ...]
    good: frozenset[int] = frozenset()
    accepted: frozenset[str] = frozenset()

    @property
    def newest(self) -> Revision:
        """The revision with the highest number."""
        return self.revisions[-1]

    @property
    def pending(self) -> bool:
        """Whether Helm was, or is, at work on it."""
        return self.newest.status.startswith("pending-") or self.newest.status == "uninstalling"

    def last_good(self, *, but: int | None = None, unlike: Revision | None = None) -> Revision | None:
        """Return the revision to go back to: the newest that was seen Ready, else the newest that others deployed.

        One that Dockyard sent and never saw Ready is nothing to go back to.

        Args:
            but: The number of a revision that does not count: the one to go back from.
            unlike: A revision whose content does not count either, under whatever number.
        """
        others = [
            entry
            for entry in reversed(self.revisions)
            if entry.number != but and (unlike is None or entry.text != unlike.text)
        ]
        seen = next((entry for entry in others if entry.number in self.good), None)
        return seen or next((entry for entry in others if entry.status in DEPLOYED and entry.description != SENT), None)


def read_records(store: Store) -> dict[str, ReleaseRecord]:
    """Return the releases of a namespace, in every state, by name."""
    by_name: dict[str, list[Revision]] = {}
    for secret in store.list("Secret", labels=HELM_LABELS, fields=f"type={HELM_TYPE}"):
        if (revision := decode(secret)) is not None:
            by_name.setdefault(revision.release, []).append(revision)
    ledger = store.get("ConfigMap", LEDGER) or {}
    return {name: _record(name, found, ledger.get("data") or {}) for name, found in by_name.items()}


def find_record(store: Store, release: str) -> ReleaseRecord | None:
    """Return one of the releases, or None where it is not installed."""
    return read_records(store).get(release)


def _record(name: str, found: Iterable[Revision], ledger: Mapping[str, str]) -> ReleaseRecord:
    revisions = tuple(sorted(found, key=lambda entry: entry.number))
    page = _page(ledger.get(name))
    good = frozenset(entry.number for entry in revisions if entry.uid and page["good"].get(entry.uid) == entry.number)
    return ReleaseRecord(name, revisions, good, frozenset(page["accepted"]))


def _page(text: str | None) -> dict[str, Any]:
    """Return what the ledger holds of a release; anything unreadable counts as nothing."""
    try:
        page = json.loads(text or "{}")
        return {"good": dict(page.get("good") or {}), "accepted": list(map(str, page.get("accepted") or ()))}
    except (ValueError, TypeError, AttributeError):
        return {"good": {}, "accepted": []}


def mark_good(store: Store, revision: Revision, *, accepted: Sequence[str] = ()) -> None:
    """Remember in the cluster that a revision was seen Ready.

    Args:
        store: The API server.
        revision: The revision.
        accepted: What the API server made of it by itself: paths that are no drift.
    """
    there = store.get("ConfigMap", LEDGER)
    if there is None:
        metadata = {"name": LEDGER, "labels": {KIND: "ledger"}}
        with suppress(ApiRefusedError):  # another release was quicker
            store.create("ConfigMap", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    good = _page(((there or {}).get("data") or {}).get(revision.release))["good"]
    good[revision.uid] = revision.number
    newest = dict(list(good.items())[-KEPT:])
    page = json.dumps({"good": newest, "accepted": sorted(accepted)}, sort_keys=False)
    store.merge("ConfigMap", LEDGER, {"data": {revision.release: page}})


def forget(store: Store, release: str) -> None:
    """Take a release that was removed out of what is remembered."""
    if store.get("ConfigMap", LEDGER) is not None:
        store.merge("ConfigMap", LEDGER, {"data": {release: None}})


def decode(secret: Object) -> Revision | None:
    """Return the revision that a Secret of Helm's holds; None where it is not in Helm's form."""
    try:
        packed = base64.b64decode(base64.b64decode(secret["data"]["release"]))
        kept = json.loads(zlib.decompress(packed, GZIP) if packed.startswith(b"\x1f\x8b") else packed)
        info, chart = kept["info"], kept.get("chart") or {}
        return Revision(
            release=kept["name"],
            number=int(kept["version"]),
            status=info["status"],
            updated=_time(info.get("last_deployed")),
            app_version=(chart.get("metadata") or {}).get("appVersion", ""),
            description=info.get("description", ""),
            uid=secret["metadata"].get("uid", ""),
            text=kept.get("manifest", ""),
        )
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error, zlib.error):
        return None


def _time(text: object) -> datetime:
    """Return a time as Go writes it; its nanoseconds are more than Python reads."""
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
