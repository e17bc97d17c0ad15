"""Which addresses the cluster's names have."""

from __future__ import annotations

import pytest

from dockyard_node.directory import ENDPOINTS, SERVICES, Directory, Found, Object

DOMAIN = "cluster.local"


def service(name: str, namespace: str = "default", **spec: str) -> Object:
    """Return a Service as the API server writes it."""
    return {"metadata": {"name": name, "namespace": namespace}, "spec": spec}


def endpoints(name: str, *addresses: dict[str, str], namespace: str = "default") -> Object:
    """Return an Endpoints object with one subset."""
    return {"metadata": {"name": name, "namespace": namespace}, "subsets": [{"addresses": list(addresses)}]}


@pytest.fixture
def directory() -> Directory:
    """A cluster with one service of each kind."""
    known = Directory(DOMAIN)
    known.replace(
        SERVICES,
        [
            service("backend", clusterIP="10.97.0.10"),
            service("backend", namespace="other", clusterIP="10.97.0.11"),
            service("pods", clusterIP="None"),
            service("idle", clusterIP="None"),
            service("database", type="ExternalName", externalName="Dockyard-Postgres."),
        ],
    )
    pods = [{"ip": "10.245.0.5", "hostname": "pod-0"}, {"ip": "10.245.0.6"}]
    known.replace(ENDPOINTS, [endpoints("pods", *pods), endpoints("backend", {"ip": "10.245.0.9"})])
    return known


def test_a_service_has_its_own_address(directory: Directory) -> None:
    """Not those of its endpoints: kube-proxy is what chooses among them."""
    assert directory.find("backend.default.svc.cluster.local") == Found(("10.97.0.10",))


def test_the_same_name_in_another_namespace_is_another_service(directory: Directory) -> None:
    """The namespace is part of the name."""
    assert directory.find("backend.other.svc.cluster.local") == Found(("10.97.0.11",))


def test_a_headless_service_has_all_its_ready_endpoints(directory: Directory) -> None:
    """Every address, in the order of the object."""
    assert directory.find("pods.default.svc.cluster.local") == Found(("10.245.0.5", "10.245.0.6"))


def test_a_headless_service_without_endpoints_is_there_and_empty(directory: Directory) -> None:
    """Its name exists: "no such name" would be kept after its first pod is ready."""
    assert directory.find("idle.default.svc.cluster.local") == Found()


def test_endpoints_without_a_ready_address_count_as_none(directory: Directory) -> None:
    """The API server leaves both lists out, or writes null."""
    directory.put(ENDPOINTS, {"metadata": {"name": "pods", "namespace": "default"}, "subsets": None})
    assert directory.find("pods.default.svc.cluster.local") == Found()
    directory.put(ENDPOINTS, {"metadata": {"name": "pods", "namespace": "default"}, "subsets": [{"ports": []}]})
    assert directory.find("pods.default.svc.cluster.local") == Found()


def test_an_endpoint_with_a_host_name_has_a_name_of_its_own(directory: Directory) -> None:
    """As the pods of a StatefulSet have."""
    assert directory.find("pod-0.pods.default.svc.cluster.local") == Found(("10.245.0.5",))
    assert directory.find("pod-1.pods.default.svc.cluster.local") is None


def test_an_external_name_is_an_alias(directory: Directory) -> None:
    """In the form in which names are compared."""
    assert directory.find("database.default.svc.cluster.local") == Found(alias="dockyard-postgres")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "backend",
        "backend.default",
        "svc.cluster.local",
        "backend.svc.cluster.local",
        "nothing.default.svc.cluster.local",
        "backend.nowhere.svc.cluster.local",
        "a.b.backend.default.svc.cluster.local",
        "backend.default.svc.cluster.local.example.org",
        "backend.default.svcxcluster.local",
    ],
)
def test_other_names_are_not_there(directory: Directory, name: str) -> None:
    """None of them is another way to write a service's name."""
    assert directory.find(name) is None


def test_an_object_that_changed_or_went_is_seen_at_once(directory: Directory) -> None:
    """What a watch brings counts for the next question."""
    changed = service("backend", clusterIP="10.97.0.99")
    directory.put(SERVICES, changed)
    assert directory.find("backend.default.svc.cluster.local") == Found(("10.97.0.99",))
    directory.drop(SERVICES, changed)
    directory.drop(SERVICES, changed)
    assert directory.find("backend.default.svc.cluster.local") is None


def test_a_new_list_replaces_all_that_was_known(directory: Directory) -> None:
    """A service that went while nobody watched is not kept."""
    directory.replace(SERVICES, [])
    assert directory.find("backend.default.svc.cluster.local") is None


def test_it_is_complete_once_both_kinds_were_listed() -> None:
    """One list alone cannot say that a name is not there."""
    known = Directory(DOMAIN)
    assert not known.complete
    known.replace(SERVICES, [])
    assert not known.complete
    known.replace(ENDPOINTS, [])
    assert known.complete


@pytest.mark.parametrize(
    ("name", "owned"),
    [
        ("cluster.local", True),
        ("x.cluster.local", True),
        ("xcluster.local", False),
        ("local", False),
        ("example.org", False),
    ],
)
def test_it_owns_its_domain_and_nothing_else(directory: Directory, name: str, *, owned: bool) -> None:
    """What it does not own is asked elsewhere."""
    assert directory.owns(name) is owned
