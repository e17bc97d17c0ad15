"""What goes wrong around a deploy: API server, node, engine, disk, clock, and other people."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from dockyard.cli.app import refuse_errors
from dockyard.cli.wiring import open_workspace, options
from dockyard.deploy import pipeline
from dockyard.model.diagnosis import CauseKind
from dockyard.model.errors import RolloutError
from dockyard.model.events import Diagnosed, Event
from scripts.trial import PROFILE, Run, Seen, Trial

pytestmark = pytest.mark.cluster

SENDING = "Upgrading"
"""What a deploy says when it is about to send a release that is there."""


def during(trial: Trial, *argv: str, act: Callable[[], object], word: str = SENDING) -> Run:
    """Run a deploy, and do something as soon as it has said a word."""
    started = trial.start("deploy", *argv)
    said = trial.await_word(started, word)
    act()
    done = trial.finish(started)
    return replace(done, err=said + done.err)


def test_the_api_server_freezes_and_comes_back(trial: Trial, seen: Seen) -> None:
    """A server that does not answer for 10 s in the middle of a rollout is waited for."""
    trial.change("mcp", "debug")

    def act() -> None:
        with trial.frozen("kube-apiserver"):
            time.sleep(10)

    done = during(trial, "--release", "mcp", act=act)
    assert done.code == 0, done.err
    seen.note("API server frozen for 10 s during a deploy", "it waited, said so, and went on")


def test_the_api_server_is_killed_again_and_again(trial: Trial, seen: Seen) -> None:
    """Connections that are refused for 10 s, from the moment on that Helm is about to be called."""
    trial.change("mcp", "warning")

    def act() -> None:
        end = time.monotonic() + 10
        while time.monotonic() < end:
            if pids := trial.pids("kube-apiserver"):
                trial.in_node("kill", "-KILL", *pids)
            time.sleep(0.2)

    done = during(trial, "--release", "mcp", act=act)
    assert done.code == 0, done.err
    seen.note("API server killed again and again for 10 s", "it waited, said so, and went on")


def test_the_api_server_is_gone_for_good(trial: Trial, seen: Seen) -> None:
    """The time-out says so; when the server is back, the Lease has expired or its holder is dead, and all is mended."""
    trial.change("mcp", "error")
    trial.edit("dockyard.yaml", r"(chart: helm/mcp\n(?:    .*\n)*?    timeout: )120", r"\g<1>15")
    started = trial.start("deploy", "--release", "mcp")
    trial.await_word(started, SENDING)
    with trial.frozen("kube-apiserver"):
        done = trial.finish(started)
    assert done.code == 1, done.err
    assert "API server" in done.err
    trial.edit("dockyard.yaml", r"(chart: helm/mcp\n(?:    .*\n)*?    timeout: )15", r"\g<1>120")
    assert trial.inv("deploy", "--release", "mcp").code == 0
    seen.note("API server gone for good", "the time-out said so, and the next deploy went on from there")


def test_the_node_is_killed(trial: Trial, seen: Seen) -> None:
    """The deploy ends within seconds and says so; the next one starts the node again."""
    trial.change("mcp", "debug")
    done = during(trial, "--release", "mcp", act=lambda: _docker("kill", trial.node))
    assert done.code == 1, done.err
    assert "cluster stopped" in done.err or "API server is gone" in done.err
    trial.deploy("--release", "mcp")
    seen.note(
        "node's container killed during a deploy", "it ended, said so, and the next deploy started the node again"
    )


def test_the_disk_is_full_while_an_image_is_loaded(trial: Trial, seen: Seen) -> None:
    """The error names the disk, nothing is rolled out, and with room the next deploy goes through."""
    ingest = "/var/lib/containerd/io.containerd.content.v1.content/ingest"
    trial.touch_source("mcp", "a line for a full disk")
    trial.in_node("mount", "-t", "tmpfs", "-o", "size=4k", "none", ingest)
    try:
        done = trial.inv("deploy", "--release", "mcp")
    finally:
        trial.in_node("umount", ingest)
    assert done.code == 1, done.err
    assert "full" in done.err or "no space left" in done.err
    assert trial.states()["mcp"] == "Ready"
    trial.deploy("--release", "mcp")
    seen.note("disk full during a load", "it said so and touched no release; with room the next deploy went through")


def deploy_here(trial: Trial, gate: Callable[..., None], told: list[Event] | None = None) -> object:
    """Deploy `mcp` in this process, with something done between plan and act."""
    workspace = open_workspace(trial.root, profile=PROFILE)
    report = (told if told is not None else []).append
    return pipeline.deploy(workspace, ("mcp",), report, options(jobs=4), gate=gate)


def test_the_image_is_deleted_between_load_and_rollout(trial: Trial, seen: Seen) -> None:
    """The cause names the image, and the release is back on its last good revision."""
    trial.touch_source("mcp", "a line for an image that is deleted")
    workspace = open_workspace(trial.root, profile=PROFILE)
    told: list[Event] = []

    def report(event: Event) -> None:
        told.append(event)
        if event.stage == "Loaded":
            names = [name for name in workspace.cluster.images() if name.startswith("ai-todo-mcp:")]
            serving = trial.site().view.look()
            used = {c["image"] for o in serving.objects if o["kind"] == "Pod" for c in o["spec"]["containers"]}
            workspace.cluster.remove_images(tuple(name for name in names if name not in used))

    with pytest.raises(RolloutError) as caught:
        pipeline.deploy(workspace, ("mcp",), report, options(jobs=4), gate=refuse_errors)
    (found,) = [event.diagnosis for event in told if isinstance(event, Diagnosed)]
    assert found is not None
    assert found.cause.kind is CauseKind.IMAGE_NOT_FOUND
    assert caught.value.exit_code == 1
    assert trial.states()["mcp"] == "Ready"
    trial.deploy("--release", "mcp")
    seen.note(
        "image deleted between load and rollout",
        "the cause named it, the release was rolled back, the next deploy loaded it again",
    )


def test_the_chart_is_broken_between_plan_and_act(trial: Trial, seen: Seen) -> None:
    """What was planned is what is sent; the next plan refuses the broken chart."""
    trial.change("mcp", "warning")

    def gate(*_: object, **__: object) -> None:
        (trial.root / "helm/mcp/templates/broken.yaml").write_text("{{ nonsense", encoding="utf-8")

    deploy_here(trial, gate)
    config = trial.site().api.get("ConfigMap", "ai-todo-mcp-config")
    assert config is not None
    assert config["data"]["LOG_LEVEL"] == "warning"
    after = trial.inv("deploy", "--release", "mcp")
    assert after.code == 1
    assert "does not render" in after.err
    seen.note("chart broken between plan and act", "what was planned was sent; the next deploy refused the chart")


def test_somebody_upgrades_with_bare_helm_meanwhile(trial: Trial, seen: Seen) -> None:
    """Between plan and act, and while the release is pending: the project's state is what is there in the end."""
    trial.change("mcp", "debug")
    site = trial.site()
    chart = str(trial.root / "helm" / "mcp")
    where = _where(site)

    def gate(*_: object, **__: object) -> None:
        values = subprocess.run(  # noqa: S603
            [str(trial.root / ".tools/bin/helm"), "get", "values", "mcp", "--all", "-o", "yaml", *where],
            check=True,
            capture_output=True,
            text=True,
        )
        subprocess.run(  # noqa: S603
            [
                str(trial.root / ".tools/bin/helm"),
                "upgrade",
                "mcp",
                chart,
                "--values=-",
                "--set",
                "config.LOG_LEVEL=error",
                *where,
            ],
            check=True,
            input=values.stdout,
            text=True,
            capture_output=True,
        )

    before = site.helm
    assert before is not None
    deploy_here(trial, gate)
    config = site.api.get("ConfigMap", "ai-todo-mcp-config")
    assert config is not None
    assert config["data"]["LOG_LEVEL"] == "debug"
    assert trial.inv("plan", "--release", "mcp", "--exit-code").code == 0
    seen.note("a release that somebody upgrades with bare helm meanwhile", "the project's state was there in the end")


def _where(site: object) -> list[str]:
    workspace = site.workspace  # type: ignore[attr-defined]
    target = workspace.target()
    return [f"--kubeconfig={target.kubeconfig}", f"--kube-context={target.context}", f"--namespace={target.namespace}"]


def test_two_deploys_at_one_instant(trial: Trial, seen: Seen) -> None:
    """One of them works; the other one says who does, with exit code 4."""
    held = 0
    turns = 5
    for turn in range(turns):
        trial.change("mcp", ("debug", "warning")[turn % 2])
        both = [trial.start("deploy", "--release", "mcp") for _ in range(2)]
        done = [trial.finish(one) for one in both]
        assert sorted(one.code for one in done) == [0, 4], [one.err for one in done]
        (refused,) = [one for one in done if one.code]
        assert "held by" in refused.err
        assert "process" in refused.err
        held += 1
    seen.note(
        "two deploys at one instant", "one worked, the other was refused and said who works", runs=turns, held=held
    )


def test_the_second_deploy_can_wait(trial: Trial, seen: Seen) -> None:
    """`--wait-lock` waits for the first one, and finds nothing left to do."""
    trial.change("mcp", "debug")
    first = trial.start("deploy", "--release", "mcp")
    trial.await_word(first, SENDING)
    second = trial.inv("deploy", "--release", "mcp", "--wait-lock", "60")
    assert trial.finish(first).code == 0
    assert second.code == 0, second.err
    assert "nchanged" in second.err
    seen.note("a second deploy with `--wait-lock`", "it waited, and found nothing left to do")


@pytest.mark.parametrize("jump", ["+1h", "+1d"])
def test_the_clock_jumps(trial: Trial, seen: Seen, jump: str) -> None:
    """A deploy whose clock is ahead takes the lock of another one for expired, watches it, and leaves it alone.

    The clock that waits go by is left alone: a jump of the time of day does not move it.
    """
    if shutil.which("faketime") is None:
        subprocess.run(["apt-get", "install", "--yes", "--quiet", "faketime"], check=True, capture_output=True)  # noqa: S607
    trial.values("mcp", "helm/faults/unready.yaml")  # its rollout lasts for the whole grace
    first = trial.start("deploy", "--release", "mcp")
    trial.await_word(first, SENDING)
    second = trial.inv("deploy", "--release", "mcp", before=("faketime", "--exclude-monotonic", "-f", jump))
    assert second.code == 4, second.err
    assert "held by" in second.err
    assert trial.finish(first).code == 1
    seen.note(f"clock of the second deploy ahead by {jump[1:]}", "it watched the lock, saw it renewed, and was refused")


def test_a_probe_that_would_kill_later(trial: Trial, seen: Seen) -> None:
    """Everything is Ready, and the kubelet would begin to kill half a minute later: the deploy knows, and goes back."""
    before = trial.states()
    trial.values("mcp", "helm/faults/dies-later.yaml")
    done = trial.inv("deploy", "--release", "mcp")
    assert done.code == 1, done.err
    assert (
        "its liveness probe would kill it over and over: GET /no-such-path on port 8001 is answered with 404"
        in done.err
    )
    assert trial.states() == before
    seen.note("a liveness probe that never passes, on pods that are Ready", "told with its answer, and rolled back")


def test_a_namespace_that_is_being_deleted(trial: Trial, seen: Seen) -> None:
    """Refused with exit code 4 before anything is built; when it is gone, it is made anew."""
    api = trial.site().api
    name = "dockyard-leaving"
    path = f"api/v1/namespaces/{name}"
    metadata = {"name": name}
    api.ask("POST", "api/v1/namespaces", body={"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    held = {"name": "held", "finalizers": ["dockyard.dev/test"]}
    api.ask("POST", f"{path}/configmaps", body={"apiVersion": "v1", "kind": "ConfigMap", "metadata": held})
    api.ask("DELETE", path)
    trial.edit("dockyard.yaml", r"namespace: default", f"namespace: {name}")
    try:
        done = trial.inv("deploy", "--release", "mcp")
        assert done.code == 4, done.err
        assert "being deleted" in done.err
    finally:
        patch = {"metadata": {"finalizers": None}}
        api.ask("PATCH", f"{path}/configmaps/held", body=patch, content_type="application/merge-patch+json")
    trial.edit("dockyard.yaml", f"namespace: {name}", "namespace: default")
    seen.note("a namespace that is being deleted", "refused with exit code 4, and it said why")


def test_drift_is_seen_and_repaired(trial: Trial, seen: Seen) -> None:
    """A hand-edited Deployment, a deleted Service, a scaled one, and an image that the node lost."""
    api, workspace = trial.site().api, open_workspace(trial.root, profile=PROFILE)
    faults: dict[str, Callable[[], object]] = {
        "replicas set by hand": lambda: api.merge("Deployment", "ai-todo-mcp-deployment", {"spec": {"replicas": 0}}),
        "Service deleted": lambda: api.delete("Service", "ai-todo-mcp-service"),
        "Deployment deleted": lambda: api.delete("Deployment", "ai-todo-mcp-deployment"),
        "ConfigMap edited": lambda: api.merge("ConfigMap", "ai-todo-mcp-config", {"data": {"LOG_LEVEL": "error"}}),
        "image removed from the node": lambda: workspace.cluster.remove_images(
            tuple(name for name in workspace.cluster.images() if name.startswith("ai-todo-mcp:"))
        ),
    }
    for what, act in faults.items():
        act()
        assert trial.inv("plan", "--release", "mcp", "--exit-code").code == 2, what
        trial.deploy("--release", "mcp")
        assert trial.inv("plan", "--release", "mcp", "--exit-code").code == 0, what
        assert trial.states()["mcp"] == "Ready", what
    seen.note(f"drift: {', '.join(faults)}", "seen by `plan`, repaired by `deploy`", runs=len(faults), held=len(faults))


def test_the_engine_is_restarted(trial: Trial, seen: Seen) -> None:
    """The deploy ends and says so; `setup deploy` brings engine, node and app back."""
    if os.environ.get("DOCKYARD_RESTART_ENGINE") != "1":
        pytest.skip("it stops every container of this machine: DOCKYARD_RESTART_ENGINE=1 allows it")
    trial.change("mcp", "debug")
    pid = int(_read("/var/run/docker.pid"))
    done = during(trial, "--release", "mcp", act=lambda: os.kill(pid, 15))
    assert done.code != 0
    assert "Traceback" not in done.err
    assert trial.inv("setup", "deploy").code == 0
    seen.note("Docker engine restarted during a deploy", "it ended and said so; `setup deploy` brought all back")


def _read(path: str) -> str:
    with open(path, encoding="ascii") as file:  # noqa: PTH123 - one number
        return file.read().strip()


def _docker(*argv: str) -> None:
    subprocess.run(["docker", *argv], check=True, capture_output=True)  # noqa: S603, S607
