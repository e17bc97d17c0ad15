"""What goes wrong with the node itself: killed in the middle of an import, data of containerd that are damaged."""

from __future__ import annotations

import time

import pytest

from dockyard.tools.process import run
from scripts.trial import Seen, Trial

pytestmark = pytest.mark.cluster

KILLS = 3
METADATA = "/var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db"
DOCKER_LIMIT = 120.0


def docker(*arguments: str) -> None:
    """Run the Docker CLI."""
    run(["docker", *arguments], timeout=DOCKER_LIMIT)


def test_the_node_is_killed_in_the_middle_of_an_import(trial: Trial, seen: Seen) -> None:
    """The next deploy starts it again, delivers what is missing, and serves; nothing has to be deleted by hand."""
    for number in range(KILLS):
        trial.touch_source("backend", f"kill {number}")
        started = trial.start("deploy")
        trial.await_word(started, "Built")  # the import begins at once
        time.sleep(0.1 + 0.3 * number)
        docker("kill", trial.node)
        assert trial.finish(started).code != 0
        trial.deploy()
    assert set(trial.states().values()) == {"Ready"}
    seen.note(
        "Node killed while it imports an image",
        "the next deploy started it and delivered the image",
        runs=KILLS,
        held=KILLS,
    )


def test_damaged_data_of_containerd_are_replaced(trial: Trial, seen: Seen) -> None:
    """The cluster's objects are there afterwards, and the images are delivered again."""
    trial.in_node("kubectl", "create", "configmap", "kept", "--from-literal=key=value")
    node = trial.node
    docker("stop", node)
    garbage = f"head -c 65536 /dev/urandom | dd of={METADATA} conv=notrunc status=none"
    image = run(["docker", "inspect", "--format", "{{.Config.Image}}", node], timeout=DOCKER_LIMIT).stdout.strip()
    docker("run", "--rm", "--volumes-from", node, "--entrypoint", "sh", image, "-c", garbage)
    done = trial.inv("cluster.start")
    assert done.code == 0, done.err
    assert "containerd's data are damaged" in done.err
    # Pods that wait for their images may fail the first deploy before it has delivered them; it delivers them all.
    if trial.inv("deploy").code != 0:
        trial.deploy()
    assert trial.in_node("kubectl", "get", "configmap", "kept", "--output", "jsonpath={.data.key}") == "value"
    trial.in_node("kubectl", "delete", "configmap", "kept")
    assert set(trial.states().values()) == {"Ready"}
    seen.note(
        "containerd's database overwritten with garbage", "its data were removed, images delivered again, objects kept"
    )
