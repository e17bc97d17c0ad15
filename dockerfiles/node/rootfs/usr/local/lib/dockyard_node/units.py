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

STOP_ORDER = (
    ("kubelet", "kube-proxy", "dns", "kube-scheduler", "kube-controller-manager"),
    ("kube-apiserver",),
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
        pods: CIDR of the pods' addresses.
        services: CIDR of the services' addresses.
    """

    name: str
    address: str
    pods: str
    services: str

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Node:
        """Read the variables that the entrypoint exports.

        Raises:
            KeyError: One of them is missing.
        """
        names = {"name": "NODE", "address": "NODE_ADDRESS", "pods": "POD_CIDR", "services": "SERVICE_CIDR"}
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
        _dns(node),
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
            "--insecure-port=0",
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
            "--port=0",
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
            "--port=0",
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
            "--container-runtime=remote",
            f"--container-runtime-endpoint=unix://{CONTAINERD_SOCKET}",
            "--pod-infra-container-image=dockyard/pause:1",
            "--volume-plugin-dir=/var/lib/kubelet/volumeplugins",
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


def _dns(node: Node) -> Unit:
    return Unit(
        name="dns",
        argv=(
            "/usr/bin/python3",
            "-m",
            "dockyard_node.dns",
            f"--server={API_SERVER}",
            f"--ca={PKI}/ca.crt",
            f"--cert={PKI}/dns.crt",
            f"--key={PKI}/dns.key",
            f"--listen={node.address}",
            f"--domain={DOMAIN}",
        ),
        ready=lambda: probes.resolves(node.address, f"kubernetes.default.svc.{DOMAIN}"),
        needs=("kube-apiserver",),
    )


def _kubeconfig(user: str) -> str:
    return f"--kubeconfig=/etc/kubernetes/{user}.conf"
