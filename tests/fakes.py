"""Stand-ins that several rooms' tests share: a clock that nobody waits for, a reader of events, an API server.

Each is the smallest thing that keeps the promises of what it stands for; none starts a process. All may be used by
several threads.
"""

from __future__ import annotations

import base64
import copy
import gzip
import hashlib
import itertools
import json
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, NoReturn

import yaml

from dockyard.charts.manifests import Manifests
from dockyard.clusters.protocol import ExposedPort, Loaded
from dockyard.model.cluster import EMBEDDED_KUBERNETES, MinikubeCluster
from dockyard.model.errors import (
    ApiRefusedError,
    ApiSilentError,
    ClusterError,
    StatusCause,
    ToolFailedError,
    ToolMissingError,
)
from dockyard.model.events import Event, Report
from dockyard.model.project import Project
from dockyard.releases.records import HELM_TYPE, Revision, read_records
from dockyard.releases.workload import REVISION, SERVICE_NAME
from dockyard.tools.docker import FINGERPRINT, BuildOptions, ContainerFacts, Docker, ImageFacts, engine_silent
from dockyard.tools.helm import SENT, Helm
from dockyard.tools.kubernetes import APPLY_PATCH, FIELD_CONFLICT, MERGE_PATCH, RESOURCES, Api, Object, Patience
from dockyard.tools.target import Target
from dockyard.workspace import Workspace


class FakeClock:
    """A clock whose sleep costs nothing.

    Attributes:
        on_sleep: Called before each sleep.
    """

    def __init__(self) -> None:
        self.on_sleep: Callable[[], None] = lambda: None
        self._now = 0.0
        self._lock = threading.Lock()

    def now(self) -> float:
        """Return the seconds slept so far, by all threads together."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Let the time pass."""
        self.on_sleep()
        with self._lock:
            self._now += seconds


class Recorder:
    """A reader of events that keeps them."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        """Keep an event."""
        self.events.append(event)

    @property
    def lasting(self) -> list[tuple[str, str]]:
        """Subject and stage of the events that no later one replaces."""
        return [(event.subject, event.stage) for event in self.events if not event.passing]

    @property
    def passing(self) -> list[str]:
        """The texts of the events that a later one replaces."""
        return [event.text for event in self.events if event.passing]


TARGET = Target(kubeconfig=Path("cluster.kubeconfig"), context="test")


TAG = "@TAG@"
"""Where a prepared chart has the tag of its image."""

SECRETS = "@SECRETS@"
"""Where a prepared chart has the checksum of its secrets."""

RUNS: Object = {"name": "app", "state": {"running": {}}, "ready": True, "restartCount": 0}
"""The status of a container that is ready."""

READY: Sequence[tuple[float, Object]] = ((0.0, RUNS),)
"""What becomes of pods where nothing else was prepared: they are ready at once."""

SENDING = 0.25
"""Seconds that Helm takes: what was seen of the cluster before is then no longer what it has."""


def rendered(name: str, *, image: str = "", node_port: int = 0, config: Mapping[str, str] | None = None) -> str:
    """Return the YAML that a small chart renders to: a Deployment, and a Service and a ConfigMap where asked for."""
    labels = {"app": name}
    container = {"name": "app", "image": image or f"{name}:{TAG}"}
    objects: list[Object] = [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name},
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
            },
        }
    ]
    if node_port:
        spec = {"type": "NodePort", "selector": labels, "ports": [{"port": 80, "nodePort": node_port}]}
        objects.append({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec})
    if config:
        objects.append(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"{name}-config"}, "data": dict(config)}
        )
    return yaml.safe_dump_all(objects)


class FakeApi(Api):
    """An API server in memory: everything above its wire is the real one.

    Attributes:
        objects: What it holds, by kind and name.
        namespaces: The phase of each namespace.
        lines: What pods wrote, by pod and whether it was the run before.
        answered: The status that pods answer a path with; they answer all others with 200.
        changes: What was written, in order: `create Lease dockyard`.
        managed: Who manages a field that a server-side apply of an object would change, by kind and name: pairs of the
            field's path and the manager as a conflict names it.
        silent: Whether nobody answers.
    """

    def __init__(self, clock: FakeClock | None = None, namespace: str = "default") -> None:
        self.namespace, self._patience = namespace, None
        self.objects: dict[tuple[str, str], Object] = {}
        self.namespaces = {namespace: "Active"}
        self.lines: dict[tuple[str, bool], str] = {}
        self.answered: dict[str, int] = {}
        self.changes: list[str] = []
        self.managed: dict[tuple[str, str], list[tuple[str, str]]] = {}
        self.silent = False
        self._served, self._discovery = {}, threading.Lock()
        self._clock = clock or FakeClock()
        self._numbers = itertools.count(1)
        self._later: list[tuple[float, tuple[str, ...], tuple[str, ...], Object]] = []
        self._guard = threading.RLock()

    def put(self, *objects: Object) -> None:
        """Hold objects, as they are; uid and version are given where they lack."""
        with self._guard:
            for entry in objects:
                kept = copy.deepcopy(entry)
                kept["metadata"].setdefault("uid", f"uid-{next(self._numbers)}")
                kept["metadata"]["resourceVersion"] = str(next(self._numbers))
                self.objects[kept["kind"], kept["metadata"]["name"]] = kept

    def drop(self, kind: str, name: str) -> None:
        """Hold an object no more."""
        with self._guard:
            self.objects.pop((kind, name), None)

    def apply(self, manifests: Manifests, fate: Sequence[tuple[float, Object]] = READY) -> None:
        """Do what Helm and the controllers of a cluster do with what is sent.

        Args:
            manifests: What is sent.
            fate: How the containers of its pods are, from so many seconds later on.
        """
        with self._guard:
            for key, entry in manifests.objects.items():
                there = self.objects.get((key.kind, key.name), {}).get("metadata", {})
                metadata = {**there, **entry["metadata"], "generation": there.get("generation", 0) + 1}
                self.put({**copy.deepcopy(dict(entry)), "kind": key.kind, "metadata": metadata})
            made = tuple(key.name for key in manifests.objects if key.kind == "Deployment")
            services = tuple(key.name for key in manifests.objects if key.kind == "Service")
            for name in made:
                self._roll(name)
            self._clock.sleep(SENDING)
            start = self._clock.now()
            self._later = [entry for entry in self._later if entry[1] != made]
            self._later += [(start + after, made, services, container) for after, container in fate]

    def remove(self, manifests: Manifests) -> None:
        """Take away what was applied, and what came of it."""
        with self._guard:
            for name in manifests.objects:
                self.drop(name.kind, name.name)
                for kind, own in [key for key in self.objects if key[0] in {"ReplicaSet", "Pod", "EndpointSlice"}]:
                    if own == name.name or own.startswith(f"{name.name}-"):
                        self.drop(kind, own)

    def _roll(self, name: str) -> None:
        """Give a Deployment the ReplicaSet of its newest template; what ran before is gone."""
        live = self.objects["Deployment", name]
        revision = str(int(live["metadata"].get("annotations", {}).get(REVISION, 0)) + 1)
        live["metadata"]["annotations"] = {**live["metadata"].get("annotations", {}), REVISION: revision}
        for kind, own in [key for key in self.objects if key[0] == "Pod" and key[1].startswith(f"{name}-")]:
            self.drop(kind, own)
        owners = [{"uid": live["metadata"]["uid"]}]
        metadata = {"name": f"{name}-{revision}", "annotations": {REVISION: revision}, "ownerReferences": owners}
        self.put({"kind": "ReplicaSet", "metadata": metadata})

    def _show(self, names: Iterable[str], services: Iterable[str], container: Object) -> None:
        """Have every pod of some Deployments in one state."""
        ready = bool(container.get("ready"))
        for name in names:
            if (live := self.objects.get(("Deployment", name))) is None:
                continue
            wanted, metadata = live["spec"].get("replicas", 1), live["metadata"]
            made = dict.fromkeys(("replicas", "updatedReplicas"), wanted)
            up = dict.fromkeys(("readyReplicas", "availableReplicas"), wanted if ready else 0)
            live["status"] = {"observedGeneration": metadata["generation"], **made, **up}
            newest = f"{name}-{metadata['annotations'][REVISION]}"
            owners = [{"uid": self.objects["ReplicaSet", newest]["metadata"]["uid"]}]
            template = live["spec"]["template"]
            labels = template.get("metadata", {}).get("labels", {})
            pod = {"name": f"{newest}-a", "labels": labels, "ownerReferences": owners}
            status = {"containerStatuses": [container]}
            self.put({"kind": "Pod", "metadata": pod, "spec": template["spec"], "status": status})
        for name in services if ready else ():
            metadata = {"name": f"{name}-a", "labels": {SERVICE_NAME: name}}
            endpoint = {"addresses": ["10.0.0.1"], "conditions": {"ready": True}}
            self.put({"kind": "EndpointSlice", "metadata": metadata, "endpoints": [endpoint]})

    def _go_on(self) -> None:
        """Do what was due by now."""
        now = self._clock.now()
        due = [entry for entry in self._later if entry[0] <= now]
        self._later = [entry for entry in self._later if entry[0] > now]
        for _, names, services, container in due:
            self._show(names, services, container)

    def _try(self, method: str, path: str, query: Mapping[str, str], body: Object | None, content_type: str) -> bytes:
        with self._guard:
            if self.silent:
                raise ApiSilentError("127.0.0.1:6443", "Connection refused")
            self._go_on()
            if path == "readyz":
                return b"ok"
            if method == "PATCH" and content_type == APPLY_PATCH and body is not None:
                return self._apply_dry(body, query)
            if method == "PATCH" and content_type != MERGE_PATCH:
                _refuse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", content_type)
            if path.endswith("/log"):
                return self._log(path.split("/")[-2], query["previous"] == "true")
            if "/proxy/" in path:
                return self._pod_answer("/" + path.partition("/proxy/")[2])
            return json.dumps(self._answer(method, path, query, body)).encode()

    def _apply_dry(self, body: Object, query: Mapping[str, str]) -> bytes:
        """Refuse a dry run of a server-side apply where somebody else manages a field that it would change."""
        assert query == {"fieldManager": "helm", "force": "false", "dryRun": "All"}
        if fields := self.managed.get((body["kind"], body["metadata"]["name"])):
            causes = (StatusCause(FIELD_CONFLICT, f"conflict with {who}", path) for path, who in fields)
            raise ApiRefusedError(HTTPStatus.CONFLICT, "Conflict", "Apply failed with conflicts", causes=causes)
        return b"{}"

    def _log(self, pod: str, previous: bool) -> bytes:  # noqa: FBT001 - one of two runs
        if (text := self.lines.get((pod, previous))) is None:
            _refuse(HTTPStatus.BAD_REQUEST, "BadRequest", f"pod {pod} has none")
        return text.encode()

    def _pod_answer(self, path: str) -> bytes:
        if (status := self.answered.get(path, HTTPStatus.OK)) >= HTTPStatus.BAD_REQUEST:
            raise ApiRefusedError(status, "", "the pod's own words", is_own=False)
        return b""

    def _answer(self, method: str, path: str, query: Mapping[str, str], body: Object | None) -> Object:
        if path == "version":
            return {"gitVersion": EMBEDDED_KUBERNETES}
        if found := [(kind, name) for kind, (api, name) in RESOURCES.items() if api == path]:
            return {"resources": [{"kind": kind, "name": name, "namespaced": True} for kind, name in found]}
        if path in {"api/v1/nodes", "api/v1/pods", "api/v1/services"}:
            kind = {"nodes": "Node", "pods": "Pod", "services": "Service"}[path.rpartition("/")[2]]
            return {"items": [entry for entry in self.objects.values() if entry["kind"] == kind]}
        api, _, rest = path.partition("/namespaces")
        namespace, *tail = rest.strip("/").split("/")
        if not tail:
            return self._namespace(method, namespace, body)
        kind = next(kind for kind, where in RESOURCES.items() if where == (api, tail[0]))
        if namespace not in self.namespaces and not (method == "GET" and not tail[1:]):  # it lists nothing
            _refuse(HTTPStatus.NOT_FOUND, "NotFound", f'namespaces "{namespace}" not found')
        return self._resource(method, kind, tail[1] if tail[1:] else "", query, body or {})

    def _namespace(self, method: str, name: str, body: Object | None) -> Object:
        if method == "POST" and body is not None:
            self.changes.append(f"create Namespace {body['metadata']['name']}")
            self.namespaces[body["metadata"]["name"]] = "Active"
            return body
        if name not in self.namespaces:
            _refuse(HTTPStatus.NOT_FOUND, "NotFound", f'namespaces "{name}" not found')
        return {"metadata": {"name": name}, "status": {"phase": self.namespaces[name]}}

    def _resource(self, method: str, kind: str, name: str, query: Mapping[str, str], body: Object) -> Object:
        if method == "GET" and not name:
            listed = [entry for (its, _), entry in sorted(self.objects.items()) if its == kind]
            return {"items": [entry for entry in listed if _is_selected(entry, query)]}
        name = name or body["metadata"]["name"]
        there = self.objects.get((kind, name))
        if method == "POST":
            if there is not None:
                _refuse(HTTPStatus.CONFLICT, "AlreadyExists", f"{kind} {name} already exists")
        elif there is None:
            _refuse(HTTPStatus.NOT_FOUND, "NotFound", f"{kind} {name} not found")
        if method == "GET":
            return there or {}
        self.changes.append(f"{_VERBS[method]} {kind} {name}")
        return self._write(method, kind, name, there or {}, body)

    def _write(self, method: str, kind: str, name: str, there: Object, body: Object) -> Object:
        metadata = there.get("metadata", {})
        wanted = {"PUT": body.get("metadata", {}), "DELETE": body.get("preconditions", {})}.get(method, {})
        for key in ("uid", "resourceVersion"):
            if wanted.get(key) and wanted[key] != metadata.get(key):
                _refuse(HTTPStatus.CONFLICT, "Conflict", f"{kind} {name}: the object has been modified")
        if method == "DELETE":
            self.drop(kind, name)
            return there
        kept = _merged(there, body) if method == "PATCH" else body
        uid = {"uid": metadata["uid"]} if metadata else {}
        self.put({**kept, "kind": kind, "metadata": {**kept["metadata"], **uid}})
        return self.objects[kind, name]


_VERBS = {"POST": "create", "PUT": "replace", "PATCH": "merge", "DELETE": "delete"}


def _refuse(status: HTTPStatus, reason: str, message: str) -> NoReturn:
    raise ApiRefusedError(status, reason, message)


def _is_selected(entry: Object, query: Mapping[str, str]) -> bool:
    labels = entry["metadata"].get("labels") or {}
    for term in filter(None, query.get("labelSelector", "").split(",")):
        key, _, value = term.partition("=")
        if labels.get(key) != value:
            return False
    for term in filter(None, query.get("fieldSelector", "").split(",")):
        key, sign, value = term.partition("!=" if "!=" in term else "=")
        if (entry.get(key) == value) is (sign == "!="):
            return False
    return True


def _merged(there: Object, patch: Object) -> Object:
    """Return an object with a patch of RFC 7396."""
    made = dict(there)
    for key, value in patch.items():
        if value is None:
            made.pop(key, None)
        else:
            made[key] = _merged(made.get(key) or {}, value) if isinstance(value, dict) else value
    return made


def helm_secret(revision: Revision) -> Object:
    """Return a revision as Helm keeps it."""
    kept = {
        "name": revision.release,
        "version": revision.number,
        "info": {
            "status": revision.status,
            "last_deployed": revision.updated.isoformat(),
            "description": revision.description,
        },
        "chart": {"metadata": {"appVersion": revision.app_version}},
        "manifest": revision.text,
    }
    packed = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(kept).encode()))).decode()
    labels = {"owner": "helm", "name": revision.release, "status": revision.status, "version": str(revision.number)}
    metadata = {"name": f"sh.helm.release.v1.{revision.release}.v{revision.number}", "labels": labels}
    if revision.uid:
        metadata["uid"] = revision.uid
    return {"kind": "Secret", "type": HELM_TYPE, "metadata": metadata, "data": {"release": packed}}


def _nothing(_call: str) -> None:
    """What happens during a call where no test wants anything."""


class FakeHelm(Helm):
    """Helm that keeps its records in a FakeApi, in Helm's own form, and sends objects there.

    Attributes:
        api: The API server.
        calls: What it was asked to change, in order: `upgrade web`, `rollback web 1`.
        charts: By release, what `template` renders; TAG stands for the image's tag, SECRETS for its secrets.
        values: By release, the values that it was rendered with last.
        fates: By release, what becomes of the pods of the next changes, one by one; READY when they are used up.
        refuses: By call, what Helm says instead of making it, once each: `{"upgrade web": ["Error: no"]}`.
        hooks: Seconds that hooks of each upgrade were given.
        on_call: Called with each change before it is made.
    """

    def __init__(self, charts: Mapping[str, str] | None = None, api: FakeApi | None = None) -> None:
        super().__init__("helm", TARGET)
        self.api = api or FakeApi()
        self.calls: list[str] = []
        self.charts = dict(charts or {})
        self.values: dict[str, Mapping[str, Any]] = {}
        self.fates: dict[str, list[Sequence[tuple[float, Object]]]] = {}
        self.refuses: dict[str, list[str]] = {}
        self.hooks: list[float] = []
        self.on_call: Callable[[str], None] = _nothing

    def kept(self, release: str) -> tuple[Revision, ...]:
        """Return the revisions of a release, oldest first."""
        record = read_records(self.api).get(release)
        return record.revisions if record else ()

    def record(
        self, release: str, manifest: str, *, status: str = "deployed", tag: str = "1.0.0", remark: str = ""
    ) -> Revision:
        """Add a revision to a release's history; what was deployed before is then superseded."""
        there = self.kept(release)
        if status == "deployed":
            for old in there:
                if old.status == "deployed":
                    self._keep(old, "superseded")
        number = there[-1].number + 1 if there else 1
        made = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number)
        self.api.put(helm_secret(Revision(release, number, status, made, tag, remark, text=manifest)))
        return self.kept(release)[-1]

    def cut_off(self, release: str, status: str) -> None:
        """Leave a release as a killed Helm would: with a revision that is pending."""
        there = self.kept(release)
        self.record(release, self.charts[release], status=status, tag=there[-1].app_version if there else "")

    def template(  # noqa: PLR0913 - the real one's signature
        self,
        release: str,
        chart: Path,  # noqa: ARG002 - the real one's signature, here and below
        values: Mapping[str, Any],
        *,
        files: Sequence[Path] = (),  # noqa: ARG002
        namespace: str = "default",  # noqa: ARG002
        kubernetes_version: str = "",  # noqa: ARG002
    ) -> str:
        """Return the manifest that was prepared for the release."""
        self.values[release] = values
        if release not in self.charts:
            raise ToolFailedError(["helm", "template"], 1, f"Error: no template for {release}")
        return self._filled(release, values)

    def package(self, chart: Path, folder: Path, *, app_version: str | None) -> Path:
        """Make an empty archive."""
        self.calls.append(f"package {chart.name} {app_version}")
        archive = folder / f"{chart.name}.tgz"
        archive.touch()
        return archive

    def upgrade(
        self,
        release: str,
        chart: Path,  # noqa: ARG002
        values: Mapping[str, Any],
        *,
        files: Sequence[Path] = (),  # noqa: ARG002
        hooks: float = 0,
    ) -> None:
        """Make the prepared manifest the release's newest revision."""
        self.hooks.append(hooks)
        there = self.kept(release)
        self._change(f"upgrade {release}", release)
        if there and not any(entry.status in {"deployed", "superseded"} for entry in there):
            raise ToolFailedError(["helm"], 1, f'Error: UPGRADE FAILED: "{release}" has no deployed releases')
        tag = values.get("image", {}).get("tag", "")
        self._bring(release, self._filled(release, values), tag, SENT)

    def rollback(self, release: str, revision: int) -> None:
        """Make an old revision the newest one again."""
        self._change(f"rollback {release} {revision}", release)
        old = next(entry for entry in self.kept(release) if entry.number == revision)
        self._bring(release, old.text, old.app_version, f"Rollback to {revision}")

    def uninstall(self, release: str) -> None:
        """Forget a release, and take its objects away."""
        self._change(f"uninstall {release}", release)
        for entry in self.kept(release):
            self.api.remove(entry.manifests)
            self.api.drop("Secret", f"sh.helm.release.v1.{release}.v{entry.number}")

    def _filled(self, release: str, values: Mapping[str, Any]) -> str:
        given = [values.get("secrets"), values.get("secretChecksum")]
        checksum = hashlib.sha256(json.dumps(given).encode()).hexdigest()
        tag = values.get("image", {}).get("tag", "")
        return self.charts[release].replace(TAG, tag).replace(SECRETS, checksum)

    def _bring(self, release: str, manifest: str, tag: str, remark: str) -> None:
        fates = self.fates.get(release)
        self.record(release, manifest, tag=tag, remark=remark)
        self.api.apply(Manifests.parse(manifest), fates.pop(0) if fates else READY)

    def _keep(self, old: Revision, status: str) -> None:
        facts = (old.release, old.number, status, old.updated, old.app_version, old.description, old.uid, old.text)
        self.api.put(helm_secret(Revision(*facts)))

    def _change(self, call: str, release: str) -> None:
        self.calls.append(call)
        self.on_call(call)
        verb = call.partition(" ")[0]
        said = self.refuses.get(f"{verb} {release}")
        newest = self.kept(release)[-1:]
        if verb == "upgrade" and newest and newest[0].status.startswith("pending-"):
            said = ["Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress"]
        if said:
            if verb != "uninstall" and "another operation" not in said[0]:
                self.record(release, self.charts.get(release, ""), status="failed")
            raise ToolFailedError(["helm", *call.split()], 1, said.pop(0))


class FakeCluster:
    """A cluster that holds images by name and never starts anything.

    Attributes:
        calls: What it was asked to do.
        held: The images in its node.
        refusing: Ports of Services that accept no connection.
        kept: The ports whose addresses were kept at last, each time that others were released.
        version: Its Kubernetes version; empty if it is unknown.
        on_call: Called with each call before it does anything.
    """

    name = "test"
    provider: Final = "embedded"

    def __init__(self, *, running: bool = True) -> None:
        self.version = EMBEDDED_KUBERNETES
        self.calls: list[str] = []
        self.held: dict[str, str] = {}
        self.refusing: set[int] = set()
        self.kept: list[set[int]] = []
        self.running = running
        self.on_call: Callable[[str], None] = _nothing

    def status(self) -> MinikubeCluster | None:
        """Return that it runs, or None."""
        return MinikubeCluster(kubernetes_version=EMBEDDED_KUBERNETES, status="Running") if self.running else None

    def kubernetes_version(self) -> str:
        """Return the version, or raise as a provider that does not answer."""
        if not self.version:
            raise ToolMissingError("minikube")
        return self.version

    def start(self, report: Report) -> None:
        """Run."""
        self.calls.append("start")
        self.running = True
        report(Event("cluster", "Ready", "test"))

    def stop(self, report: Report) -> None:
        """Stop."""
        self.calls.append("stop")
        self.running = False
        report(Event("cluster", "Stopped", "test"))

    def delete(self, report: Report) -> None:
        """Go away."""
        self.calls.append("delete")
        report(Event("cluster", "Deleted", "test"))

    def target(self, namespace: str) -> Target:
        """Return where nothing is."""
        if not self.running:
            raise ClusterError("The cluster test does not run", fix="Run `./inv cluster.start`")
        return Target(kubeconfig=TARGET.kubeconfig, context=TARGET.context, namespace=namespace)

    def address(self, port: ExposedPort) -> str:
        """Return the load balancer's address, or the NodePort on this machine."""
        return f"{port.load_balancer}:{port.port}" if port.load_balancer else f"127.0.0.1:{port.node_port}"

    def connection_error(self, port: ExposedPort) -> str:
        """Accept, unless that port refuses."""
        return f"{self.address(port)}: Connection refused" if port.port in self.refusing else ""

    def release_addresses(self, *, keep: Collection[ExposedPort]) -> None:
        """Take note of what is kept."""
        self.kept.append({port.node_port for port in keep})

    def images(self) -> Mapping[str, str]:
        """Return the images in the node."""
        return self.held

    def load(self, reference: str, report: Report) -> Loaded:  # noqa: ARG002 - the real one's signature
        """Hold an image, and say how much of it was sent."""
        self.on_call(f"load {reference}")
        sent = 0 if reference in self.held else 3_000_000
        self.held[reference] = f"sha256:{reference}"
        self.calls.append(f"load {reference} {sent}")
        return Loaded(reference, self.held[reference], sent)

    def remove_images(self, references: tuple[str, ...]) -> None:
        """Forget images."""
        for reference in references:
            del self.held[reference]


class FakeDocker(Docker):
    """An engine that holds images and containers by name.

    Attributes:
        held: The images.
        silent: Whether the engine does not answer.
        root: The folder that it keeps images in.
        built: What it was told to build, and from which context.
        containers: Its containers, by name.
        failure: What BuildKit says where builds fail.
        on_call: Called with each build before it does anything.
    """

    def __init__(self, *references: str) -> None:
        self.held = {
            name: ImageFacts(f"sha256:{name}", (name,), 3_000_000, (), {FINGERPRINT: name}) for name in references
        }
        self.silent = False
        self.root = Path("/nowhere")
        self.built: list[tuple[Path, BuildOptions]] = []
        self.failure = ""
        self.containers: dict[str, ContainerFacts] = {}
        self.on_call: Callable[[str], None] = _nothing

    def version(self) -> str:
        """Return a version, where the engine answers."""
        if self.silent:
            raise engine_silent("Cannot connect to the Docker daemon")
        return "20.10"

    def data_root(self) -> Path:
        """Return the folder of images."""
        return self.root

    def image(self, reference: str) -> ImageFacts | None:
        """Return the image of that name."""
        return self.held.get(reference)

    def images_named(self, references: Sequence[str]) -> tuple[ImageFacts, ...]:
        """Return those of that name."""
        return tuple(self.held[name] for name in references if name in self.held)

    def build(self, context: Path, options: BuildOptions, *, on_line: Callable[[str], None]) -> None:
        """Hold the image."""
        self.on_call(f"build {context.name}")
        self.built.append((context, options))
        on_line("#5 [1/9] FROM base")
        if self.failure:
            raise ToolFailedError(["docker", "build"], 1, self.failure)
        for tag in options.tags:
            self.held[tag] = ImageFacts(f"sha256:{tag}", (tag,), 3_000_000, (), options.labels)

    def remove_images(self, references: Iterable[str]) -> None:
        """Forget images."""
        for reference in references:
            self.held.pop(reference, None)

    def container(self, name: str) -> ContainerFacts | None:
        """Return the container of that name."""
        return self.containers.get(name)


@dataclass(frozen=True, kw_only=True)
class FakeWorkspace(Workspace):
    """A workspace whose programs and cluster are stand-ins."""

    docker: FakeDocker
    cluster: FakeCluster
    clock: FakeClock
    fake_helm: FakeHelm
    fake_api: FakeApi

    def helm(self, target: Target | None = None) -> FakeHelm:  # noqa: ARG002 - the real one's signature, here and below
        """Return the stand-in."""
        return self.fake_helm

    def api(
        self,
        target: Target,  # noqa: ARG002
        patience: Callable[[], Patience] | None = None,  # noqa: ARG002 - tests/releases/test_silence.py has it
    ) -> FakeApi:
        """Return the stand-in; one that is silent is so at once."""
        return self.fake_api


def fake_workspace(
    root: Path,
    project: Mapping[str, Any],
    *,
    docker: FakeDocker | None = None,
    charts: Mapping[str, str] | None = None,
    secrets: Mapping[str, str] | None = None,
) -> FakeWorkspace:
    """Return a workspace of what dockyard.yaml would say.

    Args:
        root: The project's folder.
        project: The content of dockyard.yaml; its name is given.
        docker: The engine.
        charts: What charts render to, by release.
        secrets: Values of secrets by name.
    """
    made, clock = Project.model_validate({"name": "test", **project}), FakeClock()
    api = FakeApi(clock, made.cluster.namespace)
    return FakeWorkspace(
        root=root,
        project=made,
        docker=docker or FakeDocker(),
        cluster=FakeCluster(),
        programs={"helm": Path("helm"), "kubectl": Path("kubectl")},
        clock=clock,
        ca_bundle=None,
        secrets=secrets or {},
        fake_helm=FakeHelm(charts, api),
        fake_api=api,
    )
