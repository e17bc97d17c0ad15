"""A project with what charts use today, on a new cluster: autoscaler, claim, gRPC probes, sidecar, LoadBalancer."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dockyard.cli.wiring import open_workspace
from dockyard.tools.http import ask
from dockyard.tools.process import run
from tests.smoke.kubectl import Kubectl

pytestmark = pytest.mark.cluster

ROOT = Path(__file__).parents[2]
PROJECT = Path(__file__).parent / "modern"
COMMAND_LIMIT = 300
SCALE_LIMIT = 120.0
"""Seconds for the autoscaler: metrics are taken, and looked at, every 15 s."""

LOADERS = 4


@dataclass(frozen=True)
class Modern:
    """A copy of the project, deployed on a cluster of its own.

    Attributes:
        root: Its folder.
    """

    root: Path

    def inv(self, *arguments: str) -> str:
        """Run a task that succeeds, and return what it printed."""
        argv = [str(ROOT / "inv"), *arguments]
        done = run(argv, cwd=self.root, environment={"CI": "true"}, timeout=COMMAND_LIMIT, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def url(self) -> str:
        """Return where the app is reached."""
        found = json.loads(self.inv("url", "--json"))["counter"]
        return str(found)

    def kubectl(self) -> Kubectl:
        """Return kubectl for its cluster."""
        workspace = open_workspace(self.root)
        return Kubectl(workspace.programs["kubectl"], workspace.target())


@pytest.fixture(scope="module")
def modern(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Modern]:
    """The project, deployed; its cluster is deleted afterwards."""
    root = tmp_path_factory.mktemp("modern") / "project"
    shutil.copytree(PROJECT, root)
    (root / ".tools").symlink_to(ROOT / ".tools")
    project = Modern(root)
    try:
        project.inv("deploy")
        yield project
    finally:
        project.inv("cluster.delete")


def until(holds: Callable[[], bool], what: str, limit: float) -> None:
    """Wait for something with a limit."""
    end = time.monotonic() + limit
    while not holds():
        assert time.monotonic() < end, f"{what} did not happen within {limit:g} s"
        time.sleep(0.5)


def test_it_is_reached_at_a_node_port_that_is_not_published(modern: Modern) -> None:
    """The NodePort is outside of what the node's container publishes on this machine."""
    assert ask(f"{modern.url()}/").body.strip() == "0"


def test_the_load_balancer_has_an_address(modern: Modern) -> None:
    """It is not `<pending>`, and a request to it from the node is answered."""
    services = {found["metadata"]["name"]: found for found in modern.kubectl().get("services")}
    (ingress,) = services["counter-public"]["status"]["loadBalancer"]["ingress"]
    assert ask(f"http://{ingress['ip']}:8088/").ok


def test_the_claim_is_bound_to_the_default_class(modern: Modern) -> None:
    """A claim without a class gets a volume."""
    (claim,) = modern.kubectl().get("persistentvolumeclaims")
    assert (claim["status"]["phase"], claim["spec"]["storageClassName"]) == ("Bound", "standard")


def test_a_second_deploy_changes_nothing(modern: Modern) -> None:
    """Neither what the API server filled in nor what controllers set is a change."""
    assert modern.inv("plan", "--exit-code")


def test_the_autoscaler_follows_the_load(modern: Modern) -> None:
    """More pods under load, and a deploy then takes none of them away."""
    kubectl, address = modern.kubectl(), modern.url()
    over = threading.Event()

    def load() -> None:
        while not over.is_set():
            ask(f"{address}/burn")

    def ready() -> int:
        (deployment,) = kubectl.get("deployments")
        return int(deployment["status"].get("readyReplicas", 0))

    loaders = [threading.Thread(target=load) for _ in range(LOADERS)]
    for loader in loaders:
        loader.start()
    try:
        until(lambda: ready() > 1, "scaling up", SCALE_LIMIT)
        modern.inv("deploy")
        assert ready() > 1
    finally:
        over.set()
        for loader in loaders:
            loader.join()


def test_the_data_survive_a_stop_of_the_cluster(modern: Modern) -> None:
    """What a pod wrote into its volume is there after `cluster.stop` and `cluster.start`."""
    address = modern.url()
    assert [ask(f"{address}/visit").body.strip() for _ in range(3)] == ["1", "2", "3"]
    modern.inv("cluster.stop")
    modern.inv("cluster.start")
    modern.inv("deploy")
    assert ask(f"{modern.url()}/").body.strip() == "3"
