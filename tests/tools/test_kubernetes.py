"""The API server, asked over real HTTPS: a server of this process with certificates of its own."""

from __future__ import annotations

import base64
import http.server
import json
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from dockyard.model.errors import ApiRefusedError, ApiSilentError, ClusterError, StatusCause
from dockyard.tools import kubernetes
from dockyard.tools.kubernetes import RESOURCES, Api, FieldConflict, Object, read_access
from dockyard.tools.target import Target

pytestmark = pytest.mark.process  # the certificates are made by openssl

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Files:
    """Certificates of a cluster: its authority, the server's and a client's.

    Attributes:
        folder: Where they are: `ca`, `server`, `client`, each with .crt and .key.
    """

    folder: Path

    def __call__(self, name: str) -> Path:
        """Return a file."""
        return self.folder / name

    def data(self, name: str) -> str:
        """Return a file as a kubeconfig holds it."""
        return base64.b64encode(self(name).read_bytes()).decode()


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Certificates, made anew."""
    return make_certificates(tmp_path_factory.mktemp("certificates"))


def make_certificates(folder: Path) -> Files:
    """Make an authority, and certificates that it signed."""

    def openssl(*argv: str) -> None:
        subprocess.run(["openssl", *argv], cwd=folder, check=True, capture_output=True)  # noqa: S603, S607 - an argv list

    new = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl(*new, "-x509", "-subj", "/CN=ca", "-days", "2", "-keyout", "ca.key", "-out", "ca.crt")
    for name in ("server", "client"):
        (folder / f"{name}.ext").write_text(f"subjectAltName=IP:{HOST}\n", encoding="utf-8")
        openssl(*new, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        signed = ("-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", f"{name}.ext")
        openssl("x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.crt", *signed)
    return Files(folder)


@dataclass
class Asked:
    """A request as the server got it.

    Attributes:
        line: Method and path with its query.
        body: Its content as JSON, or None.
        headers: Its headers.
        connection: The number of the connection that it came on.
    """

    line: str
    body: Any
    headers: dict[str, str]
    connection: int


@dataclass
class ApiServer:
    """A server that answers what is prepared.

    Attributes:
        asked: What it was asked.
        answers: Status and content of the next answers; 200 and {} when they are used up. None closes the connection
            without an answer.
        closes: Whether it closes each connection behind its answer, without saying so.
        port: Its port.
        delay: Seconds until it answers.
    """

    asked: list[Asked] = field(default_factory=list)
    answers: list[tuple[int, object] | None] = field(default_factory=list)
    closes: bool = False
    port: int = 0
    delay: float = 0.0
    connections: int = 0
    stop: Callable[[], None] = lambda: None

    @property
    def lines(self) -> list[str]:
        """Method and path of what was asked."""
        return [request.line for request in self.asked]


@contextmanager
def serving(files: Files, api: ApiServer) -> Iterator[ApiServer]:
    """Serve for a block."""

    class Handler(http.server.BaseHTTPRequestHandler):
        """One connection."""

        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            """Count it; a handshake that fails is the client's affair."""
            super().setup()
            api.connections += 1
            self.number = api.connections

        def answer(self) -> None:
            """Answer one request."""
            size = int(self.headers.get("Content-Length", 0))
            body = json.loads(self.rfile.read(size)) if size else None
            api.asked.append(Asked(f"{self.command} {self.path}", body, dict(self.headers), self.number))
            if api.delay:
                time.sleep(api.delay)
            answer = api.answers.pop(0) if api.answers else (200, {})
            if answer is None:
                self.close_connection = True
                return
            status, content = answer
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
            self.close_connection = api.closes

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815 - named by the library

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(http.server.ThreadingHTTPServer):
        """Threads end with the test."""

        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Say nothing of clients that hung up."""

    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(files("server.crt"), files("server.key"))
    tls.load_verify_locations(files("ca.crt"))
    tls.verify_mode = ssl.CERT_OPTIONAL
    with Server((HOST, 0), Handler) as server:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        api.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield api
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def server(files: Files) -> Iterator[ApiServer]:
    """A server that answers."""
    with serving(files, ApiServer()) as api:
        yield api


def kubeconfig(folder: Path, files: Files, port: int, **changes: Any) -> Target:  # noqa: ANN401 - any YAML
    """Write a kubeconfig as the node's own is; members of cluster and user may be changed."""
    cluster = {"server": f"https://{HOST}:{port}", "certificate-authority-data": files.data("ca.crt")}
    user = {"client-certificate-data": files.data("client.crt"), "client-key-data": files.data("client.key")}
    config = {
        "clusters": [{"name": "theirs", "cluster": {}}, {"name": "node", "cluster": changes.get("cluster", cluster)}],
        "users": [{"name": "admin", "user": changes.get("user", user)}],
        "contexts": [{"name": "dockyard", "context": {"cluster": "node", "user": "admin"}}],
        "current-context": "theirs",
    }
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(changes.get("config", config)), encoding="utf-8")
    return Target(kubeconfig=path, context="dockyard", namespace="todo")


@pytest.fixture
def api(tmp_path: Path, files: Files, server: ApiServer) -> Api:
    """The client, on that server."""
    return Api(kubeconfig(tmp_path, files, server.port))


CALLS: dict[str, tuple[Callable[[Api], object], str, Object | None]] = {
    "version": (lambda api: api.version(), "GET /version", None),
    "list": (lambda api: api.list("Pod"), "GET /api/v1/namespaces/todo/pods", None),
    "list some": (
        lambda api: api.list("Event", labels="a=b,c=d", fields="type!=Normal"),
        "GET /api/v1/namespaces/todo/events?labelSelector=a%3Db%2Cc%3Dd&fieldSelector=type%21%3DNormal",
        None,
    ),
    "get": (lambda api: api.get("Deployment", "web"), "GET /apis/apps/v1/namespaces/todo/deployments/web", None),
    "create": (
        lambda api: api.create("Lease", {"metadata": {"name": "x"}}),
        "POST /apis/coordination.k8s.io/v1/namespaces/todo/leases",
        {"metadata": {"name": "x"}},
    ),
    "replace": (
        lambda api: api.replace("Lease", {"metadata": {"name": "x", "resourceVersion": "7"}}),
        "PUT /apis/coordination.k8s.io/v1/namespaces/todo/leases/x",
        {"metadata": {"name": "x", "resourceVersion": "7"}},
    ),
    "merge": (
        lambda api: api.merge("ConfigMap", "x", {"data": {"a": None}}),
        "PATCH /api/v1/namespaces/todo/configmaps/x",
        {"data": {"a": None}},
    ),
    "delete": (lambda api: api.delete("Pod", "x"), "DELETE /api/v1/namespaces/todo/pods/x", None),
    "delete that one": (
        lambda api: api.delete("Pod", "x", uid="u", version="7"),
        "DELETE /api/v1/namespaces/todo/pods/x",
        {"preconditions": {"uid": "u", "resourceVersion": "7"}},
    ),
    "delete that version": (
        lambda api: api.delete("Lease", "x", version="7"),
        "DELETE /apis/coordination.k8s.io/v1/namespaces/todo/leases/x",
        {"preconditions": {"resourceVersion": "7"}},
    ),
    "logs": (
        lambda api: api.logs("web-a", tail=20),
        "GET /api/v1/namespaces/todo/pods/web-a/log?tailLines=20&previous=false",
        None,
    ),
    "logs of the run before": (
        lambda api: api.logs("web-a", tail=20, container="app", previous=True),
        "GET /api/v1/namespaces/todo/pods/web-a/log?tailLines=20&previous=true&container=app",
        None,
    ),
    "an odd name": (lambda api: api.get("Secret", "a/b?c"), "GET /api/v1/namespaces/todo/secrets/a/b%3Fc", None),
}


@pytest.mark.parametrize(("call", "line", "body"), CALLS.values(), ids=CALLS)
def test_a_call_is_one_request(
    api: Api, server: ApiServer, call: Callable[[Api], object], line: str, body: Object | None
) -> None:
    """Method, path, query and content are those of the API."""
    server.answers = [(200, {"gitVersion": "v1.36.3"})]
    call(api)
    assert [(request.line.replace("a%2Fb", "a/b"), request.body) for request in server.asked] == [(line, body)]


def test_a_patch_says_what_kind_it_is(api: Api, server: ApiServer) -> None:
    """RFC 7396; other writes are JSON, and what has no content says nothing of it."""
    api.merge("ConfigMap", "x", {})
    api.create("ConfigMap", {})
    api.get("ConfigMap", "x")
    assert [request.headers.get("Content-Type") for request in server.asked] == [
        *("application/merge-patch+json", "application/json", None),
    ]


CORE_V1 = {
    "resources": [
        {"name": "namespaces", "kind": "Namespace", "namespaced": False},
        {"name": "secrets", "kind": "Secret", "namespaced": True},
        {"name": "services", "kind": "Service", "namespaced": True},
        {"name": "services/status", "kind": "Service", "namespaced": True},
    ]
}
"""What the API server answers to the question which resources of v1 it has."""

APPLY = "fieldManager=helm&force=false&dryRun=All"


def thing(kind: str, version: str = "v1", **metadata: str) -> Object:
    """Return an object that could be applied."""
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "web", **metadata}}


def conflict(*causes: tuple[str, str]) -> tuple[int, Object]:
    """Return the answer to a server-side apply of fields that others manage."""
    listed = [{"reason": "FieldManagerConflict", "message": text, "field": path} for path, text in causes]
    code, content = status(409, "Conflict", "Apply failed with conflicts")
    return code, {**content, "details": {"causes": listed}}


def test_conflicts_are_found_by_a_dry_run(api: Api, server: ApiServer) -> None:
    """Each field of another field manager with the manager that set it; our own fields are no conflict."""
    server.answers = [
        (200, CORE_V1),
        conflict(
            (".spec.type", 'conflict with "kubectl-edit" using v1 at 2026-12-01T16:00:00Z'),
            (".spec.replicas", 'conflict with "kube-controller-manager" with subresource "scale" using apps/v1'),
            (".metadata.labels.x", r'conflict with "a \"quoted\" name"'),
            (".spec.selector.app", 'conflict with "helm" using v1 at 2026-12-01T16:00:00Z'),
        ),
    ]
    assert api.conflicts(thing("Service"), "helm") == (
        FieldConflict(".spec.type", "kubectl-edit"),
        FieldConflict(".spec.replicas", "kube-controller-manager", "scale"),
        FieldConflict(".metadata.labels.x", 'a "quoted" name'),
    )
    assert server.lines == ["GET /api/v1", f"PATCH /api/v1/namespaces/todo/services/web?{APPLY}"]
    assert server.asked[1].body == thing("Service")
    assert server.asked[1].headers["Content-Type"] == "application/apply-patch+yaml"


def test_an_object_without_conflicts_has_none(api: Api, server: ApiServer) -> None:
    """The answer is the object as it would be."""
    server.answers = [(200, CORE_V1), (200, thing("Service"))]
    assert api.conflicts(thing("Service"), "helm") == ()


def test_another_refusal_of_an_apply_is_raised(api: Api, server: ApiServer) -> None:
    """Causes are part of other refusals, too."""
    code, content = status(422, "Invalid", "Service web is invalid")
    cause = {"reason": "FieldValueInvalid", "message": "not a port", "field": "spec.ports[0].port"}
    server.answers = [(200, CORE_V1), (code, {**content, "details": {"causes": [cause]}})]
    with pytest.raises(ApiRefusedError) as caught:
        api.conflicts(thing("Service"), "helm")
    assert caught.value.causes == (StatusCause("FieldValueInvalid", "not a port", "spec.ports[0].port"),)


def test_an_object_is_found_by_its_own_version_and_namespace(api: Api, server: ApiServer) -> None:
    """Custom resources, objects in other namespaces, and objects in no namespace."""
    gadgets = {"resources": [{"name": "gadgets", "kind": "Gadget", "namespaced": True}]}
    server.answers = [(200, gadgets), (200, {}), (200, CORE_V1)]
    api.conflicts(thing("Gadget", "example.org/v1beta1"), "helm")
    api.conflicts(thing("Secret", namespace="other"), "helm")
    api.conflicts(thing("Namespace"), "helm")
    assert server.lines == [
        *("GET /apis/example.org/v1beta1", f"PATCH /apis/example.org/v1beta1/namespaces/todo/gadgets/web?{APPLY}"),
        *("GET /api/v1", f"PATCH /api/v1/namespaces/other/secrets/web?{APPLY}"),
        f"PATCH /api/v1/namespaces/web?{APPLY}",
    ]


def test_a_kind_that_is_not_served_is_looked_up_again(api: Api, server: ApiServer) -> None:
    """A chart may have installed it meanwhile."""
    server.answers = [(200, CORE_V1), (200, CORE_V1)]
    for _ in range(2):
        with pytest.raises(ApiRefusedError, match="v1 has no kind Gadget"):
            api.conflicts(thing("Gadget"), "helm")
    assert server.lines == ["GET /api/v1"] * 2


@pytest.mark.parametrize("kind", RESOURCES)
def test_listed_objects_have_their_kind(api: Api, server: ApiServer, kind: str) -> None:
    """The API server leaves it out of lists; an empty list may be null."""
    server.answers = [(200, {"items": [{"metadata": {"name": "a"}}]}), (200, {"items": None})]
    assert api.list(kind) == ({"kind": kind, "metadata": {"name": "a"}},)
    assert api.list(kind) == ()


def status(code: int, reason: str, message: str) -> tuple[int, Object]:
    """Return an answer as the API server refuses."""
    return code, {"kind": "Status", "status": "Failure", "reason": reason, "message": message, "code": code}


def test_what_is_not_there_is_none(api: Api, server: ApiServer) -> None:
    """To get it, and to delete it; to replace it is refused."""
    server.answers = [status(404, "NotFound", "no x")] * 3
    assert api.get("Pod", "x") is None
    assert api.delete("Pod", "x") is False
    with pytest.raises(ApiRefusedError):
        api.replace("Pod", {"metadata": {"name": "x"}})


def test_deleting_another_one_than_was_meant_does_nothing(api: Api, server: ApiServer) -> None:
    """Its version or uid is not the one that was given."""
    server.answers = [status(409, "Conflict", "the ResourceVersion does not match"), (200, {})]
    assert api.delete("Lease", "x", version="7") is False
    assert api.delete("Lease", "x", version="8") is True


REFUSALS: dict[str, tuple[tuple[int, object], tuple[int, str, str]]] = {
    "forbidden": (status(403, "Forbidden", "pods is forbidden"), (403, "Forbidden", "pods is forbidden")),
    "a conflict": (status(409, "AlreadyExists", "x exists"), (409, "AlreadyExists", "x exists")),
    "not yet": ((503, b"apiserver not ready\n"), (503, "", "apiserver not ready")),
    "JSON of another form": ((500, [1]), (500, "", "[1]")),
    "another's object": ((404, {"reason": "NotFound"}), (404, "", '{"reason": "NotFound"}')),
    "no text": ((502, b"\xff\xfe"), (502, "", "\ufffd\ufffd")),
    "nothing": ((500, b""), (500, "", "")),
    "a Status without a word": ((422, {"kind": "Status"}), (422, "", "")),
}


@pytest.mark.parametrize(("answer", "facts"), REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_carries_its_facts(
    api: Api, server: ApiServer, answer: tuple[int, object], facts: tuple[int, str, str]
) -> None:
    """Status, reason and message, whatever form it has; and it is not asked again."""
    server.answers = [answer]
    with pytest.raises(ApiRefusedError) as caught:
        api.ask("GET", "api")
    assert (caught.value.status, caught.value.reason, caught.value.message) == facts
    assert len(server.asked) == 1


def test_a_pod_is_asked_through_the_server(api: Api, server: ApiServer) -> None:
    """By its port and path, with its query; https is named, http is not."""
    server.answers = [(200, b"well"), (204, b""), (302, b"")]
    assert api.status_of("web-a", 8000, "/health?deep=1") == 200
    assert api.status_of("web-a", 8443, "/", scheme="https") == 200
    assert api.status_of("web-a", 8000, "/moved") == 200
    pods = "GET /api/v1/namespaces/todo/pods"
    assert server.lines == [
        f"{pods}/web-a:8000/proxy/health?deep=1",
        f"{pods}/https:web-a:8443/proxy/",
        f"{pods}/web-a:8000/proxy/moved",
    ]


@pytest.mark.parametrize("content", [b"Not Found", {"detail": "no"}, {"reason": "NotFound"}, b""])
def test_what_a_pod_answers_is_its_own(api: Api, server: ApiServer, content: object) -> None:
    """Whatever form it has."""
    server.answers = [(404, content), (503, content)]
    assert [api.status_of("web-a", 8000, path) for path in ("/a", "/b")] == [404, 503]


def test_a_pod_that_the_server_cannot_reach_answers_nothing(api: Api, server: ApiServer) -> None:
    """That is the server's own word: nothing listens there, or it may not ask."""
    server.answers = [
        status(503, "ServiceUnavailable", "error trying to reach service: dial tcp: connection refused"),
        status(400, "BadRequest", "address not allowed"),
        status(403, "Forbidden", "pods/proxy is forbidden"),
        status(404, "NotFound", "pods web-a not found"),
    ]
    assert [api.status_of("web-a", 8000, "/") for _ in range(4)] == [None] * 4


def test_lines_are_text_whatever_was_written(api: Api, server: ApiServer) -> None:
    """A program may write anything."""
    server.answers = [(200, "grüße\n".encode() + b"\xff\n")]
    assert api.logs("web-a", tail=5) == "grüße\n\ufffd\n"


def test_a_container_that_has_not_run_has_no_lines(api: Api, server: ApiServer) -> None:
    """The server refuses to give some."""
    server.answers = [status(400, "BadRequest", "previous terminated container not found")]
    assert api.logs("web-a", tail=5, previous=True) == ""


def test_a_connection_is_kept(api: Api, server: ApiServer) -> None:
    """A handshake costs more than the question; a refusal does not end it."""
    server.answers = [(200, {}), status(404, "NotFound", "x")]
    for _ in range(4):
        api.get("Pod", "x")
    assert {request.connection for request in server.asked} == {1}


def test_threads_have_connections_of_their_own(api: Api, server: ApiServer) -> None:
    """And give them back: as many as were needed at a time are kept."""
    server.delay = 0.05
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda at: api.get("Pod", str(at)), range(12))) == [{}] * 12
    assert 2 <= server.connections <= 4


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_kept_connection_that_was_closed_is_made_anew(api: Api, server: ApiServer, method: str) -> None:
    """A server that was started again knows none; the question is asked once more, and answered."""
    server.closes = True
    for _ in range(3):
        assert api.ask(method, "api", body={} if method == "PUT" else None) == {}
    assert len(server.asked) == 3
    assert server.connections == 3


def test_other_kept_connections_are_closed_with_it(api: Api, server: ApiServer) -> None:
    """All of them are of the server that is gone: one question is enough to learn that."""
    server.delay = 0.05
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda at: api.get("Pod", str(at)), range(3)))
    server.delay, server.answers = 0, [None]
    before = server.connections
    for _ in range(3):
        api.get("Pod", "x")
    assert server.connections == before + 1


def test_an_answer_that_never_comes_is_asked_for_once_more(api: Api, server: ApiServer) -> None:
    """The second connection is fresh: where it breaks, too, the server is silent."""
    server.answers = [None, None, None]
    with pytest.raises(ApiSilentError) as caught:
        api.get("Pod", "x")
    assert len(server.asked) == 2
    assert caught.value.server == f"{HOST}:{server.port}"


def test_a_write_whose_answer_was_lost_is_refused_the_second_time(api: Api, server: ApiServer) -> None:
    """Nothing is made twice: who makes something is told that it is there."""
    server.answers = [None, status(409, "AlreadyExists", "x exists")]
    with pytest.raises(ApiRefusedError) as caught:
        api.create("Lease", {"metadata": {"name": "x"}})
    assert caught.value.status == 409


def test_a_server_is_recognized_at_another_address(api: Api, server: ApiServer) -> None:
    """By its certificate, without a request; nothing is there at a port that is closed."""
    assert api.answers_at("localhost", server.port)
    assert server.asked == []
    with socket.create_server((HOST, 0)) as listener:
        port = listener.getsockname()[1]
    assert not api.answers_at(HOST, port)


def test_another_server_is_not_taken_for_it(api: Api, tmp_path: Path) -> None:
    """A network of the office may have a host of the node's address, with a cluster of its own."""
    for name in ("ca", "server", "client"):
        assert not (tmp_path / f"{name}.crt").exists()
    with serving(make_certificates(tmp_path), ApiServer()) as other:
        assert not api.answers_at(HOST, other.port)


def test_a_port_where_nobody_listens_is_silent(tmp_path: Path, files: Files) -> None:
    """At once, with the system's word for it."""
    with socket.create_server((HOST, 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ApiSilentError, match="refused"):
        Api(kubeconfig(tmp_path, files, port)).version()


def test_a_server_that_does_not_answer_in_time_is_silent(
    api: Api, server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every question has a limit; one that hangs is not asked again at once."""
    monkeypatch.setattr(kubernetes, "QUICK", 0.1)
    server.delay = 0.5
    with pytest.raises(ApiSilentError, match="timed out"):
        api.version()
    assert len(server.asked) == 1


class Twice:
    """A patience that has the question asked until it was silent so many times.

    Attributes:
        told: What it took note of.
    """

    def __init__(self, times: int) -> None:
        self.times, self.told = times, []

    told: list[str]

    def wait(self, error: ApiSilentError) -> None:
        """Have it asked again, or give up."""
        self.told.append("wait")
        if len(self.told) > self.times:
            raise error

    def over(self) -> None:
        """Take note."""
        self.told.append("over")


def test_who_is_patient_asks_again(tmp_path: Path, files: Files, server: ApiServer) -> None:
    """Until there is an answer, or the patience is over; each question has one of its own."""
    made: list[Twice] = []

    def patience() -> Twice:
        made.append(Twice(2))
        return made[-1]

    api = Api(kubeconfig(tmp_path, files, server.port), patience)
    api.version = lambda: api.ask("GET", "version")["v"]  # type: ignore[method-assign]
    server.answers = [None, None, None, None, (200, {"v": "1"})]
    assert (api.version(), made[0].told) == ("1", ["wait", "wait", "over"])
    server.answers = [None] * 6
    with pytest.raises(ApiSilentError):
        api.version()
    assert made[1].told == ["wait"] * 3
    server.answers = [status(403, "Forbidden", "no")]
    with pytest.raises(ApiRefusedError):
        api.version()
    assert len(made) == 2


@pytest.mark.parametrize(
    ("answer", "ready"), [((200, b"ok"), True), ((500, b"[-]etcd failed"), False), ((200, b"no"), False), (None, False)]
)
def test_readiness_is_the_servers_own_word(
    api: Api, server: ApiServer, answer: tuple[int, object] | None, *, ready: bool
) -> None:
    """A server that starts, that cannot, or that is not there is not ready; nobody is patient here."""
    server.answers = [answer, answer]
    assert api.ready() is ready
    assert server.lines[0] == "GET /readyz"


def test_a_client_shows_its_certificate(tmp_path: Path, files: Files, server: ApiServer) -> None:
    """The file that Python needs for it is gone at once."""
    access = read_access(kubeconfig(tmp_path, files, server.port))
    with (
        socket.create_connection((access.host, access.port)) as plain,
        access.tls.wrap_socket(plain, server_hostname=access.host) as wrapped,
    ):
        assert wrapped.getpeercert() is not None
    assert access.headers == {}


def test_certificates_may_stand_in_files(tmp_path: Path, files: Files, server: ApiServer) -> None:
    """As Minikube's kubeconfig has them."""
    cluster = {"server": f"https://{HOST}:{server.port}", "certificate-authority": str(files("ca.crt"))}
    user = {"client-certificate": str(files("client.crt")), "client-key": str(files("client.key"))}
    assert Api(kubeconfig(tmp_path, files, server.port, cluster=cluster, user=user)).get("Pod", "x") == {}


def test_a_token_is_sent_and_shown_to_nobody(tmp_path: Path, files: Files, server: ApiServer) -> None:
    """Not even in a repr."""
    target = kubeconfig(tmp_path, files, server.port, user={"token": "hunter2"})
    Api(target).get("Pod", "x")
    assert server.asked[0].headers["Authorization"] == "Bearer hunter2"
    assert "hunter2" not in repr(read_access(target))


def test_another_authoritys_server_is_not_asked(tmp_path: Path, files: Files, server: ApiServer) -> None:
    """A kubeconfig of a node that is gone, and another one on its port: nothing is sent."""
    cluster = {"server": f"https://{HOST}:{server.port}", "certificate-authority-data": files.data("client.crt")}
    with pytest.raises(ApiSilentError, match="certificate verify failed"):
        Api(kubeconfig(tmp_path, files, server.port, cluster=cluster)).version()
    assert server.asked == []


def test_the_current_context_is_never_used(tmp_path: Path, files: Files) -> None:
    """What the caller named is not there: an error, not another cluster."""
    target = kubeconfig(tmp_path, files, 1)
    other = Target(kubeconfig=target.kubeconfig, context="other")
    with pytest.raises(ClusterError, match="has no context named 'other'"):
        Api(other)


UNKNOWN: dict[str, dict[str, Any]] = {
    "plain http": {"cluster": {"server": "http://127.0.0.1:8080"}},
    "no server": {"cluster": {}},
    "a plugin": {"user": {"exec": {"command": "aws"}}},
    "nobody": {"user": {}},
    "a certificate without its key": {"user": {"client-certificate-data": ""}},
}


@pytest.mark.parametrize("changes", UNKNOWN.values(), ids=UNKNOWN)
def test_a_way_that_is_not_known_is_told(tmp_path: Path, files: Files, changes: dict[str, Any]) -> None:
    """With what is, and the file to look at."""
    with pytest.raises(ClusterError, match=r"in a way that Dockyard does not know.*kubeconfig"):
        Api(kubeconfig(tmp_path, files, 1, **changes))


@pytest.mark.parametrize("config", [None, {}, {"contexts": None}, {"contexts": [{"name": "dockyard"}]}])
def test_a_kubeconfig_without_what_is_asked_for_is_told(tmp_path: Path, files: Files, config: object) -> None:
    """Torn, or somebody else's: no traceback."""
    with pytest.raises(ClusterError, match=r"has no \w+ named"):
        Api(kubeconfig(tmp_path, files, 1, config=config))
