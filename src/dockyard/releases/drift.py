"""Drift: where live objects are not what Helm sent, though nobody deployed anything.

Only what was sent is compared. What others added (defaults, status, labels of controllers) is not Dockyard's business.
An API server writes values in its own way (`0.5` cores as `500m`) and leaves out what is empty; both are known here.
What else it changes (a field of a disabled feature gate, a webhook's fields) is seen when a revision becomes Ready, and
accepted with it.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from dockyard.model.errors import RuleError
from dockyard.model.quantity import CpuQuantity
from dockyard.releases.records import HELM_TYPE
from dockyard.tools.kubernetes import RESOURCES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dockyard.charts.manifests import Manifests
    from dockyard.tools.kubernetes import Object

SCALERS = "HorizontalPodAutoscaler"
SCALED = frozenset({"Deployment", "StatefulSet"})
"""The kinds of workloads that an autoscaler may scale and that a release is watched by."""

KEYS = ("name", "containerPort", "port", "mountPath", "ip", "key")
"""Members that tell the entries of a list apart, the first that all of them have."""

LISTED = {kind: api.partition("/")[2] for kind, (api, _) in RESOURCES.items()}
"""The apiVersion in which the objects of a kind are listed: `apps/v1`."""

NO_RECORDS = f"type!={HELM_TYPE}"
"""The field selector of Secrets that are not Helm's."""

NOT_COMPARED = ("apiVersion", "kind", "status")


def kinds_of(manifests: Manifests, known: Mapping[str, object]) -> tuple[str, ...]:
    """Return the kinds of a release's objects that the API server can be asked for by name.

    Autoscalers are among them if there is something to scale: they need not be part of the release.
    """
    kinds = {name.kind for name in manifests.objects}
    return tuple(sorted((kinds | {SCALERS} if kinds & SCALED else kinds) & known.keys()))


class Source(Protocol):
    """What looking asks of the API server."""

    def list(self, kind: str, *, labels: str = "", fields: str = "") -> tuple[Object, ...]:
        """Return the objects of a kind."""


def live_objects(source: Source, kinds: Iterable[str]) -> dict[str, tuple[Object, ...]]:
    """Return the namespace's objects of kinds, by kind; without Helm's records, which are Secrets and large."""
    return {kind: source.list(kind, fields=NO_RECORDS if kind == "Secret" else "") for kind in sorted(kinds)}


def drift(sent: Manifests, live: Sequence[Object], kinds: Sequence[str], *, namespace: str) -> Iterator[str]:
    """Yield each difference, `deployment/web spec.replicas`, and each object that is gone.

    Args:
        sent: What Helm sent.
        live: The namespace's objects of these kinds.
        kinds: The kinds that were asked for; others are not compared.
        namespace: The namespace that was asked; objects that were sent to another one are not compared.
    """
    there = {(entry["kind"], entry["metadata"]["name"]): entry for entry in live}
    scaled = scaled_by([*sent.of_kind(SCALERS), *(entry for entry in live if entry["kind"] == SCALERS)])
    for name, wanted in sent.objects.items():
        if name.kind not in kinds or wanted["metadata"].get("namespace") not in {None, "", namespace}:
            continue
        listed = LISTED[name.kind]
        version = str(wanted.get("apiVersion", listed))
        if _group(version) != _group(listed):  # a custom resource whose kind has the same name
            continue
        found = there.get((name.kind, name.name))
        if found is None:
            yield f"{name} is gone"
            continue
        if version != listed:  # its fields may be others
            continue
        compared = {key: value for key, value in as_stored(wanted).items() if key not in NOT_COMPARED}
        for path in _differences(compared, found, ""):
            if not (path == "spec.replicas" and (name.kind, name.name) in scaled):
                yield f"{name} {path}"


def _group(version: str) -> str:
    return version.rpartition("/")[0]


def scaled_by(scalers: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], str]:
    """Return the name of the autoscaler of each workload, by the kind and the name of the workload."""
    targets = ((scaler["metadata"]["name"], scaler["spec"].get("scaleTargetRef") or {}) for scaler in scalers)
    return {(target.get("kind", ""), target.get("name", "")): name for name, target in targets}


def as_stored(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object as the API server stores it: `stringData` of a Secret becomes part of its `data`."""
    kept = dict(wanted)
    if text := kept.pop("stringData", None):
        encoded = {key: base64.b64encode(str(value).encode()).decode() for key, value in text.items()}
        kept["data"] = {**(kept.get("data") or {}), **encoded}
    return kept


def _differences(wanted: object, live: object, path: str) -> Iterator[str]:
    if isinstance(wanted, Mapping):
        within = live if isinstance(live, Mapping) else {}
        for key, value in wanted.items():
            yield from _differences(value, within.get(key), f"{path}.{key}" if path else str(key))
    elif isinstance(wanted, Sequence) and not isinstance(wanted, str):
        yield from _of_lists(wanted, live, path)
    elif wanted is not None and not _same(wanted, live):  # null leaves a field to its default
        yield path


def _of_lists(wanted: Sequence[object], live: object, path: str) -> Iterator[str]:
    within = live if isinstance(live, Sequence) and not isinstance(live, str) else ()
    key = _key(wanted)
    if key is None:
        if len(wanted) != len(within):
            yield path
            return
        for index, (one, other) in enumerate(zip(wanted, within, strict=True)):
            yield from _differences(one, other, f"{path}[{index}]")
        return
    by_name = {entry.get(key): entry for entry in within if isinstance(entry, Mapping)}
    for entry in wanted:
        if isinstance(entry, Mapping):
            yield from _differences(entry, by_name.get(entry[key]), f"{path}[{entry[key]}]")


def _key(entries: Sequence[object]) -> str | None:
    """Return the member by which entries of a list are told apart, or None where their order tells."""
    if not entries or not all(isinstance(entry, Mapping) for entry in entries):
        return None
    for key in KEYS:
        names = [entry.get(key) for entry in entries if isinstance(entry, Mapping)]
        if all(isinstance(name, str | int) for name in names) and len(set(names)) == len(names):
            return key
    return None


def _same(wanted: object, live: object) -> bool:
    """Tell whether two scalars mean the same to Kubernetes; what is empty may be left out."""
    if live is None:
        return not wanted
    if wanted == live or str(wanted) == str(live):
        return True
    if isinstance(wanted, bool) or isinstance(live, bool):
        return False
    try:  # amounts of anything: a millionth part of a core is as fine as an amount can be
        return CpuQuantity.parse(str(wanted)) == CpuQuantity.parse(str(live))
    except RuleError:
        return False
