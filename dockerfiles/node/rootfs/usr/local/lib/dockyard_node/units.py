"""The node's components: what each needs, how it is called, and when it counts as ready."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dockyard_node import probes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PKI = "/var/lib/dockyard/pki"
"""Certificates and keys, made by the entrypoint once for each volume."""

SETTINGS = "/etc/dockyard"
"""Configuration files of the components."""

CONTAINERD_SOCKET = "/run/containerd/containerd.sock"
ETCD = "http://127.0.0.1:2379"
API_SERVER = "https://127.0.0.1:6443"
DOMAIN = "cluster.local"
CONTROLLERS_HEALTH = "127.0.0.1:10270"

VOLUMES = "/var/lib/dockyard/volumes"
"""Folder of the volumes that claims get, on the volume of the node's container."""

NODE_ADDONS = ("coredns", "metrics-server", "node-controllers")
"""What other clusters run in pods: DNS, metrics, volumes and load balancers."""

STOP_ORDER = (
    ("kubelet", "kube-proxy", "kube-scheduler", "kube-controller-manager", *NODE_ADDONS),
    ("kube-apiserver", "objects"),
    ("etcd", "containerd", "images"),
)
"""Who is ended together, first group first: nobody loses what it writes to before it has ended itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One component.

    Attributes:
        name: Its name, and that of its log.
        argv: Its program by path, and the arguments.
        ready: Tells whether it does its work; None for a unit that is ready once it has ended with success.
        needs: Units that must be ready before it is started.
    """

    name: str
    argv: tuple[str, ...]
    ready: Callable[[], bool] | None
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """What the entrypoint decides.

    Attributes:
        name: The node's name in Kubernetes.
        address: The node's own fixed address: kubelet and DNS listen there, pods have it as their gateway.
        outer_address: The address that Docker gave the node; it may be another at the next start.
        pods: CIDR of the pods' addresses.
        services: CIDR of the services' addresses.
    """

    name: str
    address: str
    outer_address: str
    pods: str
    services: str

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Node:
        """Read the variables that the entrypoint exports.

        Raises:
            KeyError: One of them is missing.
        """
        names = {
            "name": "NODE",
            "address": "NODE_ADDRESS",
            "outer_address": "OUTER_ADDRESS",
            "pods": "POD_CIDR",
            "services": "SERVICE_CIDR",
        }
        return cls(**{field: environment[variable] for field, variable in names.items()})


def units(node: Node) -> tuple[Unit, ...]:
    """Return all components, in the order in which they are looked at."""
    return (
        _containerd(),
        _etcd(),
        _api_server(node),
        _images(),
        _kubelet(node),
        _controller_manager(node),
        _scheduler(),
        _proxy(node),
        _objects(),
        _coredns(),
        _metrics_server(node),
        _node_controllers(node),
    )


def _containerd() -> Unit:
    return Unit(
        name="containerd",
        argv=("/usr/bin/containerd", "--config=/etc/containerd/config.toml", "--log-level=warn"),
        ready=lambda: probes.listens(CONTAINERD_SOCKET),
    )


def _images() -> Unit:
    """Give containerd the image that every pod begins with; no registry has it."""
    return Unit(
        name="images",
        argv=("/usr/bin/ctr", "--namespace=k8s.io", "images", "import", "/opt/images/pause.tar"),
        ready=None,
        needs=("containerd",),
    )


def _etcd() -> Unit:
    peers = "http://127.0.0.1:2380"
    return Unit(
        name="etcd",
        argv=(
            "/usr/bin/etcd",
            "--name=node",
            "--data-dir=/var/lib/etcd",
            f"--listen-client-urls={ETCD}",
            f"--advertise-client-urls={ETCD}",
            f"--listen-peer-urls={peers}",
            f"--initial-advertise-peer-urls={peers}",
            f"--initial-cluster=node={peers}",
            # One member waits for nobody: short terms make it lead at once.
            "--heartbeat-interval=50",
            "--election-timeout=300",
            # A power cut may take the last second with it; a local cluster starts seconds sooner for that.
            "--unsafe-no-fsync",
            "--log-level=warn",
        ),
        ready=lambda: probes.answers(f"{ETCD}/health"),
    )


def _api_server(node: Node) -> Unit:
    client = probes.Client(ca=f"{PKI}/ca.crt", certificate=f"{PKI}/admin.crt", key=f"{PKI}/admin.key")
    return Unit(
        name="kube-apiserver",
        argv=(
            "/usr/local/bin/kube-apiserver",
            f"--etcd-servers={ETCD}",
            "--bind-address=0.0.0.0",
            "--secure-port=6443",
            f"--advertise-address={node.address}",
            f"--service-cluster-ip-range={node.services}",
            "--service-node-port-range=30000-32767",
            "--allow-privileged=true",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--anonymous-auth=false",
            f"--client-ca-file={PKI}/ca.crt",
            f"--tls-cert-file={PKI}/apiserver.crt",
            f"--tls-private-key-file={PKI}/apiserver.key",
            f"--kubelet-client-certificate={PKI}/apiserver-kubelet-client.crt",
            f"--kubelet-client-key={PKI}/apiserver-kubelet-client.key",
            f"--kubelet-certificate-authority={PKI}/ca.crt",
            "--kubelet-preferred-address-types=InternalIP",
            f"--service-account-key-file={PKI}/sa.pub",
            f"--service-account-signing-key-file={PKI}/sa.key",
            f"--service-account-issuer=https://kubernetes.default.svc.{DOMAIN}",
            # How requests for other APIs (metrics) are passed on: straight to the endpoint, in the name of the user.
            "--enable-aggregator-routing=true",
            f"--requestheader-client-ca-file={PKI}/front-proxy-ca.crt",
            "--requestheader-allowed-names=front-proxy-client",
            "--requestheader-username-headers=X-Remote-User",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            f"--proxy-client-cert-file={PKI}/front-proxy-client.crt",
            f"--proxy-client-key-file={PKI}/front-proxy-client.key",
        ),
        ready=lambda: probes.answers(f"{API_SERVER}/readyz", client),
        needs=("etcd",),
    )


def _controller_manager(node: Node) -> Unit:
    return Unit(
        name="kube-controller-manager",
        argv=(
            "/usr/local/bin/kube-controller-manager",
            _kubeconfig("controller-manager"),
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            f"--service-cluster-ip-range={node.services}",
            # The only node's range is fixed. Whoever hands out ranges waits 10 s first, and all controllers with it.
            "--allocate-node-cidrs=false",
            f"--cluster-cidr={node.pods}",
            "--use-service-account-credentials=true",
            # Its first questions would be slowed down to 20 a second.
            "--kube-api-qps=200",
            "--kube-api-burst=400",
            f"--service-account-private-key-file={PKI}/sa.key",
            f"--root-ca-file={PKI}/ca.crt",
            f"--cluster-signing-cert-file={PKI}/ca.crt",
            f"--cluster-signing-key-file={PKI}/ca.key",
        ),
        ready=lambda: probes.answers("https://127.0.0.1:10257/healthz"),
        needs=("kube-apiserver",),
    )


def _scheduler() -> Unit:
    return Unit(
        name="kube-scheduler",
        argv=(
            "/usr/local/bin/kube-scheduler",
            _kubeconfig("scheduler"),
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
        ),
        ready=lambda: probes.answers("https://127.0.0.1:10259/healthz"),
        needs=("kube-apiserver",),
    )


def _kubelet(node: Node) -> Unit:
    return Unit(
        name="kubelet",
        argv=(
            "/usr/local/bin/kubelet",
            f"--config={SETTINGS}/kubelet.yaml",
            _kubeconfig("kubelet"),
            f"--hostname-override={node.name}",
            f"--node-ip={node.address}",
        ),
        ready=lambda: probes.answers("http://127.0.0.1:10248/healthz"),
        needs=("kube-apiserver", "images"),
    )


def _proxy(node: Node) -> Unit:
    return Unit(
        name="kube-proxy",
        argv=(
            "/usr/local/bin/kube-proxy",
            f"--config={SETTINGS}/kube-proxy.yaml",
            f"--hostname-override={node.name}",
        ),
        ready=lambda: probes.answers("http://127.0.0.1:10256/healthz"),
        needs=("kube-apiserver",),
    )


def _objects() -> Unit:
    """Apply the objects that the addons need: roles, Services, the StorageClass."""
    return Unit(
        name="objects",
        argv=(
            "/usr/local/bin/kubectl",
            _kubeconfig("admin"),
            "apply",
            "--server-side",
            "--force-conflicts",
            "--field-manager=dockyard-node",
            "--validate=false",
            "--filename=/run/dockyard/objects",
        ),
        ready=None,
        needs=("kube-apiserver",),
    )


def _coredns() -> Unit:
    return Unit(
        name="coredns",
        argv=("/usr/local/bin/coredns", f"-conf={SETTINGS}/Corefile", "-quiet"),
        ready=lambda: probes.answers("http://127.0.0.1:8181/ready"),
        needs=("objects",),
    )


def _metrics_server(node: Node) -> Unit:
    kubeconfig = "/etc/kubernetes/metrics-server.conf"
    return Unit(
        name="metrics-server",
        argv=(
            "/usr/local/bin/metrics-server",
            f"--kubeconfig={kubeconfig}",
            f"--authentication-kubeconfig={kubeconfig}",
            f"--authorization-kubeconfig={kubeconfig}",
            f"--bind-address={node.address}",
            "--secure-port=4443",
            f"--tls-cert-file={PKI}/metrics-server.crt",
            f"--tls-private-key-file={PKI}/metrics-server.key",
            f"--kubelet-certificate-authority={PKI}/ca.crt",
            "--kubelet-preferred-address-types=InternalIP",
            "--metric-resolution=15s",
        ),
        ready=lambda: probes.answers(f"https://{node.address}:4443/livez"),
        needs=("objects",),
    )


def _node_controllers(node: Node) -> Unit:
    return Unit(
        name="node-controllers",
        argv=(
            "/usr/local/bin/node-controllers",
            _kubeconfig("node-controllers"),
            f"--node={node.name}",
            f"--load-balancer-address={node.outer_address}",
            f"--volumes={VOLUMES}",
            f"--health-address={CONTROLLERS_HEALTH}",
        ),
        ready=lambda: probes.answers(f"http://{CONTROLLERS_HEALTH}/healthz"),
        needs=("objects",),
    )


def _kubeconfig(user: str) -> str:
    return f"--kubeconfig=/etc/kubernetes/{user}.conf"
