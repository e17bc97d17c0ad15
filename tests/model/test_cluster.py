"""The local cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dockyard.model.cluster import MinikubeCluster

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLE: dict[str, Any] = {
    "cpus": 2,
    "memory": 4096,
    "driver": "docker",
    "kubernetesVersion": "v1.28.3",
    "status": "Running",
    "ip": "192.168.49.2",
    "addons": ["metrics-server"],
}
"""The example of data-model.md, section 7."""


def test_the_example_of_the_specification_is_a_cluster() -> None:
    """It is read, and written as it was read."""
    assert MinikubeCluster.model_validate(EXAMPLE).model_dump(mode="json") == EXAMPLE


def test_a_cluster_has_the_specified_defaults() -> None:
    """Two cores, 4096 MB, Docker."""
    cluster = MinikubeCluster(kubernetes_version="v1.28.3", status="Stopped")
    assert (cluster.cpus, cluster.memory, cluster.driver, cluster.ip, cluster.addons) == (2, 4096, "docker", None, ())


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("cpus", 0, "0 is not a number of CPU cores. It must be 1 to 1024 (data-model.md, section 7)."),
        ("cpus", 1.5, "Input should be a valid integer"),
        ("memory", 0, "0 is not an amount of memory in MB"),
        ("memory", "4g", "Input should be a valid integer"),
        ("driver", "hyperkit", "Input should be 'docker', 'virtualbox' or 'kvm2'"),
        ("kubernetesVersion", "1.28.3", "It is written like v1.28.3"),
        ("kubernetesVersion", "v1.28", "It is written like v1.28.3"),
        ("status", "Absent", "Input should be 'Running', 'Stopped' or 'Paused'"),
        ("ip", "192.168.49", "'192.168.49' is not an IP address"),
        ("addons", ["metrics-server", "metrics-server"], "The addon 'metrics-server' stands there twice"),
        ("disk", 1, "Extra inputs are not permitted"),
    ],
)
def test_a_broken_rule_is_told_at_its_key(
    refusals: Callable[[type[MinikubeCluster], object], dict[str, str]], key: str, value: object, sentence: str
) -> None:
    """Each rule of section 7 has its sentence, at the key of the specification."""
    found = refusals(MinikubeCluster, EXAMPLE | {key: value})
    assert list(found) == [key]
    assert sentence in found[key]


@pytest.mark.parametrize(("key", "most"), [("cpus", 1024), ("memory", 16_777_216)])
def test_a_cluster_has_bounds_that_only_slips_leave(
    refusals: Callable[[type[MinikubeCluster], object], dict[str, str]], key: str, most: int
) -> None:
    """One is the least, the most is far above any laptop; both are allowed."""
    for figure in (1, most):
        assert MinikubeCluster.model_validate(EXAMPLE | {key: figure}).model_dump()[key] == figure
    assert list(refusals(MinikubeCluster, EXAMPLE | {key: most + 1})) == [key]


def test_an_addon_has_a_name(refusals: Callable[[type[MinikubeCluster], object], dict[str, str]]) -> None:
    """What is no name is told at its place in the list."""
    assert "is not an addon" in refusals(MinikubeCluster, EXAMPLE | {"addons": ["ingress", "A b"]})["addons.1"]
