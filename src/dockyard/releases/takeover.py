"""Fields that a release overwrites although another field manager set them.

A server-side dry run of each object finds them before Helm sends anything: the API server answers with a conflict for
every field that another field manager owns and that would change. The answer is the same whether Helm then applies
server-side with `--force-conflicts` or by a three-way merge: both overwrite these fields.

Source: Kubernetes documentation, "Server-Side Apply" (conflicts, field management).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from dockyard.model.errors import ApiRefusedError
from dockyard.releases.drift import SCALERS, as_stored, scaled_by
from dockyard.tools.helm import FIELD_MANAGER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dockyard.charts.manifests import Manifests, ObjectName
    from dockyard.tools.kubernetes import FieldConflict, Object

REPLICAS = ".spec.replicas"

WORKERS = 4
"""Dry runs at a time; a local API server needs some milliseconds for each."""


class Source(Protocol):
    """What finding these fields asks of the API server."""

    def conflicts(self, body: Object, manager: str) -> tuple[FieldConflict, ...]:
        """Return the fields of other field managers that an apply would overwrite."""

    def list(self, kind: str) -> tuple[Object, ...]:
        """Return the objects of a kind."""


@dataclass(frozen=True, slots=True)
class TakenOver:
    """A field that a release overwrites.

    Attributes:
        object: The object.
        conflict: The field, and the field manager that set it.
        autoscaler: The HorizontalPodAutoscaler that controls the field; empty if there is none.
    """

    object: ObjectName
    conflict: FieldConflict
    autoscaler: str = ""

    def __str__(self) -> str:
        """Return it as a sentence without its full stop."""
        through = f" ({self.conflict.subresource})" if self.conflict.subresource else ""
        who = f"HorizontalPodAutoscaler {self.autoscaler}" if self.autoscaler else f"{self.conflict.manager}{through}"
        advice = "; render no `replicas` where an autoscaler controls them" if self.autoscaler else ""
        return f"overwriting {self.object} {self.conflict.field}, which {who} set{advice}"


def taken_over(source: Source, manifests: Manifests) -> Iterator[TakenOver]:
    """Yield the fields that a release is about to overwrite.

    Args:
        source: The API server.
        manifests: The objects that Helm is about to send.
    """
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="takeover") as pool:
        answers = list(pool.map(partial(_conflicts, source), manifests.objects.values()))
    found = [TakenOver(name, one) for name, answer in zip(manifests.objects, answers, strict=True) for one in answer]
    scalers = scaled_by(source.list(SCALERS)) if any(one.conflict.field == REPLICAS for one in found) else {}
    for one in found:
        scaler = scalers.get((one.object.kind, one.object.name), "") if one.conflict.field == REPLICAS else ""
        yield TakenOver(one.object, one.conflict, scaler)


def _conflicts(source: Source, entry: Mapping[str, Any]) -> tuple[FieldConflict, ...]:
    """Return the conflicts of one object. None if the server refuses it for any other reason: Helm will report that."""
    try:
        return source.conflicts(as_stored(entry), FIELD_MANAGER)
    except ApiRefusedError:
        return ()
