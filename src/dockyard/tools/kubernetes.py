"""The API server of a cluster, asked over HTTPS as a kubeconfig says.

Watching a rollout means asking several times a second, and a start of kubectl costs more than twenty such questions. So
this speaks to the server itself, on connections that are kept. Only what a local cluster's kubeconfig holds is known:
client certificates and tokens; no plugin is run.

Source: Kubernetes documentation, "Organizing Cluster Access Using kubeconfig Files" and "Kubernetes API Concepts".
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import socket
import ssl
import threading
import weakref
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote, urlencode, urlsplit

import yaml

from dockyard.model.errors import ApiRefusedError, ApiSilentError, ClusterError, StatusCause

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from dockyard.tools.target import Target

QUICK = 10.0
"""Seconds for an answer; a local API server needs some milliseconds."""

ROUTE = 1.0
"""Seconds for a host to answer that is on a network of this machine; else packets may just vanish."""

CORE = "api/v1"
RESOURCES: Mapping[str, tuple[str, str]] = {
    "ConfigMap": (CORE, "configmaps"),
    "Event": (CORE, "events"),
    "Pod": (CORE, "pods"),
    "PersistentVolumeClaim": (CORE, "persistentvolumeclaims"),
    "Secret": (CORE, "secrets"),
    "Service": (CORE, "services"),
    "ServiceAccount": (CORE, "serviceaccounts"),
    "DaemonSet": ("apis/apps/v1", "daemonsets"),
    "Deployment": ("apis/apps/v1", "deployments"),
    "ReplicaSet": ("apis/apps/v1", "replicasets"),
    "StatefulSet": ("apis/apps/v1", "statefulsets"),
    "HorizontalPodAutoscaler": ("apis/autoscaling/v2", "horizontalpodautoscalers"),
    "CronJob": ("apis/batch/v1", "cronjobs"),
    "Job": ("apis/batch/v1", "jobs"),
    "Lease": ("apis/coordination.k8s.io/v1", "leases"),
    "EndpointSlice": ("apis/discovery.k8s.io/v1", "endpointslices"),
    "NetworkPolicy": ("apis/networking.k8s.io/v1", "networkpolicies"),
    "PodDisruptionBudget": ("apis/policy/v1", "poddisruptionbudgets"),
}
"""Where the namespaced kinds are that are asked for by name: the API and the resource."""

MERGE_PATCH = "application/merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
"""The content type of a server-side apply; JSON is YAML."""

FIELD_CONFLICT = "FieldManagerConflict"
"""The reason of a cause that names a field of another field manager."""

CONFLICTING_MANAGER = re.compile(r'conflict with ("(?:[^"\\]|\\.)*")(?: with subresource "([^"]*)")?')
"""How the message of such a cause begins; the API version and the time of the change may follow."""

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Access:
    """How an API server is reached.

    Attributes:
        host: Its host.
        port: Its port.
        tls: Certificates, ours among them.
        headers: A token, where one is used; in no repr.
    """

    host: str
    port: int
    tls: ssl.SSLContext
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class FieldConflict:
    """A field that a server-side apply changes, and that another field manager set.

    Attributes:
        field: Its path as the API server writes it: `.spec.replicas`.
        manager: The field manager that set it: `kubectl-edit`.
        subresource: The subresource through which it was set, `scale`; empty for the object itself.
    """

    field: str
    manager: str
    subresource: str = ""


class Patience(Protocol):
    """What becomes of a question that is not answered."""

    def wait(self, error: ApiSilentError) -> None:
        """Return when the question may be asked again; raise to give up."""

    def over(self) -> None:
        """Take note that it was answered."""


class Api:
    """One API server and one namespace of it. Safe for several threads.

    Args:
        target: Where it is.
        patience: Makes what decides how long a question that is not answered is asked again; not at all by default.
            Whoever makes an object may then be refused because the first try made it.
    """

    def __init__(self, target: Target, patience: Callable[[], Patience] | None = None) -> None:
        self.namespace = target.namespace
        self._patience = patience
        self._access = read_access(target)
        self._idle: list[http.client.HTTPSConnection] = []
        self._lock = threading.Lock()
        self._served: dict[str, Mapping[str, Object]] = {}
        self._discovery = threading.Lock()
        weakref.finalize(self, _close, self._idle)

    def version(self) -> str:
        """Return the server's version, `v1.36.3` for example."""
        return str(self.ask("GET", "version")["gitVersion"])

    def list(self, kind: str, *, labels: str = "", fields: str = "") -> tuple[Object, ...]:
        """Return the objects of a kind in the namespace, each with its kind.

        Args:
            kind: One of RESOURCES.
            labels: A label selector.
            fields: A field selector.
        """
        query = {"labelSelector": labels, "fieldSelector": fields}
        listed = self.ask("GET", self.path(kind), query={name: text for name, text in query.items() if text})
        return tuple({"kind": kind, **entry} for entry in listed.get("items") or ())

    def get(self, kind: str, name: str) -> Object | None:
        """Return an object, or None where there is none of that name."""
        try:
            return self.ask("GET", self.path(kind, name))
        except ApiRefusedError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    def create(self, kind: str, body: Object) -> Object:
        """Make an object; a name that is taken is refused with the status 409."""
        return self.ask("POST", self.path(kind), body=body)

    def replace(self, kind: str, body: Object) -> Object:
        """Replace an object; where its `resourceVersion` is not the newest, it is refused with the status 409."""
        return self.ask("PUT", self.path(kind, body["metadata"]["name"]), body=body)

    def merge(self, kind: str, name: str, patch: Object) -> Object:
        """Change some members of an object (RFC 7396); null removes one."""
        return self.ask("PATCH", self.path(kind, name), body=patch, content_type=MERGE_PATCH)

    def conflicts(self, body: Object, manager: str) -> tuple[FieldConflict, ...]:
        """Return the fields of other field managers that a forced server-side apply would overwrite.

        Source: Kubernetes documentation, "Server-Side Apply" (conflicts). This is a dry run: nothing is changed.

        Args:
            body: The whole object that would be applied, of any kind that the server knows.
            manager: The field manager that would apply it.

        Raises:
            ApiRefusedError: The server would refuse the apply even if it was forced.
        """
        query = {"fieldManager": manager, "force": "false", "dryRun": "All"}
        try:
            self._send("PATCH", self._path_of(body), query, body, APPLY_PATCH)
        except ApiRefusedError as error:
            found = tuple(_field_conflicts(error.causes))
            if not found:
                raise
            return tuple(conflict for conflict in found if conflict.manager != manager)
        return ()

    def delete(self, kind: str, name: str, *, uid: str = "", version: str = "") -> bool:
        """Delete an object; return whether it was there.

        Args:
            kind: Its kind.
            name: Its name.
            uid: Only if it is still this one.
            version: Only if its `resourceVersion` is still this one.
        """
        wanted = {"uid": uid, "resourceVersion": version}
        conditions = {name: text for name, text in wanted.items() if text}
        try:
            self.ask("DELETE", self.path(kind, name), body={"preconditions": conditions} if conditions else None)
        except ApiRefusedError as error:
            if error.status in {HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT}:
                return False
            raise
        return True

    def logs(self, pod: str, *, tail: int, container: str = "", previous: bool = False) -> str:
        """Return the last lines of a pod's container, or of its run before; empty where there are none."""
        query = {"tailLines": str(tail), "previous": str(previous).lower()}
        if container:
            query["container"] = container
        try:
            return self._send("GET", f"{self.path('Pod', pod)}/log", query, None, "").decode(errors="replace")
        except ApiRefusedError:  # it has not started, or was not started before
            return ""

    def status_of(self, pod: str, port: int, path: str, *, scheme: str = "http") -> int | None:
        """Return the HTTP status that a pod answers a GET with, asked by the server; None where it cannot reach it.

        Source: Kubernetes documentation, "Access Services Running on Clusters": pods are named `scheme:name:port` in
        the proxy's addresses, and http is no scheme to name.

        Args:
            pod: Its name.
            port: The port's number.
            path: What to ask for, with its first slash and its query.
            scheme: http or https.
        """
        name = f"{'https:' if scheme == 'https' else ''}{quote(pod)}:{port}"
        try:
            self._send("GET", f"{self.path('Pod')}/{name}/proxy{path}", {}, None, "")
        except ApiRefusedError as error:
            return None if error.is_own else error.status
        return HTTPStatus.OK

    def path(self, kind: str, name: str = "") -> str:
        """Return where objects of a kind are, or one of them."""
        api, resource = RESOURCES[kind]
        tail = f"/{quote(name)}" if name else ""
        return f"{api}/namespaces/{quote(self.namespace)}/{resource}{tail}"

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Object | None = None,
        content_type: str = "application/json",
    ) -> Object:
        """Send one request and return the object that is the answer.

        Raises:
            ApiSilentError: The server does not answer.
            ApiRefusedError: It answers with an error.
        """
        answer: Object = json.loads(self._send(method, path, query or {}, body, content_type))
        return answer

    def ready(self) -> bool:
        """Tell whether the server says of itself that it is ready."""
        try:
            return self._try("GET", "readyz", {}, None, "").strip() == b"ok"
        except (ApiSilentError, ApiRefusedError):
            return False

    def answers_at(self, host: str, port: int) -> bool:
        """Whether this machine reaches the server at another address as well.

        The server must prove its identity there: another network may have a host of that address.
        """
        try:
            with (
                socket.create_connection((host, port), ROUTE) as plain,
                self._access.tls.wrap_socket(plain, server_hostname=self._access.host),
            ):
                return True
        except OSError:
            return False

    def _path_of(self, body: Object) -> str:
        """Return where an object is, by its own apiVersion and namespace.

        Raises:
            ApiRefusedError: The server does not know its kind.
        """
        version, kind, metadata = str(body.get("apiVersion", "")), str(body["kind"]), body["metadata"]
        api = f"apis/{version}" if "/" in version else f"api/{version}"
        resource = self._discover(api, kind)
        if resource is None:
            raise ApiRefusedError(HTTPStatus.NOT_FOUND, "NotFound", f"{version} has no kind {kind}")
        namespace = (
            f"/namespaces/{quote(metadata.get('namespace') or self.namespace)}" if resource["namespaced"] else ""
        )
        return f"{api}{namespace}/{resource['name']}/{quote(metadata['name'])}"

    def _discover(self, api: str, kind: str) -> Object | None:
        """Return the APIResource of a kind; kinds that a version of an API lacks are looked up again each time."""
        with self._discovery:
            if kind not in self._served.get(api, {}):
                listed = self.ask("GET", api).get("resources", ())
                self._served[api] = {entry["kind"]: entry for entry in listed if "/" not in entry["name"]}
            return self._served[api].get(kind)

    def _send(self, method: str, path: str, query: Mapping[str, str], body: Object | None, content_type: str) -> bytes:
        silence: Patience | None = None
        while True:
            try:
                answer = self._try(method, path, query, body, content_type)
            except ApiSilentError as error:
                if self._patience is None:
                    raise
                silence = silence or self._patience()
                silence.wait(error)
            else:
                if silence is not None:
                    silence.over()
                return answer

    def _try(self, method: str, path: str, query: Mapping[str, str], body: Object | None, content_type: str) -> bytes:
        url = f"/{path}?{urlencode(query)}" if query else f"/{path}"
        content = None if body is None else json.dumps(body).encode()
        headers = {**self._access.headers, **({"Content-Type": content_type} if content else {})}
        try:
            with self._connection(fresh=False) as connection:
                status, answer = _exchange(connection, method, url, content, headers)
        except (http.client.HTTPException, ConnectionError, ssl.SSLEOFError):
            # A kept connection may have been closed by a server that was started again. Nothing is repeated that the
            # server may have done: a write is refused the second time where it was.
            status, answer = self._once_more(method, url, content, headers)
        except OSError as error:
            raise self._silent(error) from None
        if status >= HTTPStatus.BAD_REQUEST:
            raise _refusal(status, answer)
        return answer

    def _once_more(self, method: str, url: str, content: bytes | None, headers: Mapping[str, str]) -> tuple[int, bytes]:
        try:
            with self._connection(fresh=True) as connection:
                return _exchange(connection, method, url, content, headers)
        except (http.client.HTTPException, OSError) as error:
            raise self._silent(error) from None

    @contextmanager
    def _connection(self, *, fresh: bool) -> Iterator[http.client.HTTPSConnection]:
        with self._lock:
            if fresh:
                _close(self._idle)
                self._idle.clear()
            kept = self._idle.pop() if self._idle else None
        connection = kept or http.client.HTTPSConnection(
            self._access.host, self._access.port, timeout=QUICK, context=self._access.tls
        )
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        with self._lock:
            self._idle.append(connection)

    def _silent(self, error: Exception) -> ApiSilentError:
        return ApiSilentError(f"{self._access.host}:{self._access.port}", str(error) or type(error).__name__)


def _close(connections: list[http.client.HTTPSConnection]) -> None:
    for connection in connections:
        connection.close()


def _exchange(
    connection: http.client.HTTPSConnection, method: str, url: str, content: bytes | None, headers: Mapping[str, str]
) -> tuple[int, bytes]:
    connection.request(method, url, body=content, headers=dict(headers))
    response = connection.getresponse()
    return response.status, response.read()


def _refusal(status: int, answer: bytes) -> ApiRefusedError:
    try:
        said = json.loads(answer)
    except ValueError:
        said = None
    if not isinstance(said, dict) or said.get("kind") != "Status":
        return ApiRefusedError(status, "", answer.decode(errors="replace").strip(), is_own=False)
    causes = (said.get("details") or {}).get("causes") or ()
    return ApiRefusedError(
        status,
        said.get("reason", ""),
        said.get("message", ""),
        causes=(
            StatusCause(cause.get("reason", ""), cause.get("message", ""), cause.get("field", "")) for cause in causes
        ),
    )


def _field_conflicts(causes: Iterable[StatusCause]) -> Iterator[FieldConflict]:
    for cause in causes:
        if cause.reason == FIELD_CONFLICT and (said := CONFLICTING_MANAGER.match(cause.message)):
            yield FieldConflict(cause.field, json.loads(said[1]), said[2] or "")


def read_access(target: Target) -> Access:
    """Return how a kubeconfig's context is reached.

    Raises:
        ClusterError: The file has no such context, or it is reached in a way that is not known here.
    """
    config = yaml.safe_load(target.kubeconfig.read_text(encoding="utf-8"))
    context = _named(config, "contexts", target.context, "context", target)
    cluster = _named(config, "clusters", context.get("cluster", ""), "cluster", target)
    user = _named(config, "users", context.get("user", ""), "user", target)
    server = urlsplit(str(cluster.get("server", "")))
    tls = ssl.create_default_context(cadata=_content(cluster, "certificate-authority").decode() or None)
    certificate, key = _content(user, "client-certificate"), _content(user, "client-key")
    token = user.get("token", "")
    if server.scheme != "https" or not server.hostname or not ((certificate and key) or token):
        raise ClusterError(
            f"The context {target.context} is reached in a way that Dockyard does not know",
            why="It knows an https address with a client certificate or a token",
            fix=f"Look at {target.kubeconfig}",
        )
    if certificate:
        _load(tls, certificate, key)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return Access(server.hostname, server.port or 443, tls, headers)


def _named(config: Any, section: str, name: str, member: str, target: Target) -> Mapping[str, Any]:  # noqa: ANN401 - YAML
    for entry in (config or {}).get(section) or ():
        if entry.get("name") == name:
            found: Mapping[str, Any] = entry.get(member) or {}
            return found
    raise ClusterError(f"{target.kubeconfig} has no {member} named {name!r}", fix="Run `./inv cluster.start`")


def _content(entry: Mapping[str, Any], name: str) -> bytes:
    """Return what a kubeconfig holds itself, or in a file that it names; empty where it has neither."""
    if data := entry.get(f"{name}-data"):
        return base64.b64decode(data)
    return Path(entry[name]).read_bytes() if entry.get(name) else b""


def _load(tls: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """Give a context its certificate. Python takes files only: one in memory, which is gone with this process."""
    descriptor = os.memfd_create("dockyard-certificate")
    with os.fdopen(descriptor, "wb") as file:
        file.write(certificate.rstrip() + b"\n" + key)
        file.flush()
        tls.load_cert_chain(f"/proc/self/fd/{descriptor}")
