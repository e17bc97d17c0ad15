"""Minikube as a cluster. The program is a stand-in (minikube_stand_in.py): these tests do not prove the real one."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, ClassVar

import pytest

from dockyard.clusters import minikube
from dockyard.clusters.minikube import Minikube
from dockyard.clusters.protocol import ExposedPort
from dockyard.model.errors import ApiSilentError, ClusterError, ToolFailedError
from dockyard.model.project import ClusterSpec
from dockyard.tools.docker import ImageFacts
from dockyard.tools.kubernetes import Api
from dockyard.tools.target import Target
from dockyard.tools.tcp import PROXY_SETTLE
from tests.fakes import FakeDocker, Recorder

pytestmark = pytest.mark.process

NEW, OLD = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"


class Program:
    """The stand-in, installed as `minikube`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        source = Path(__file__).with_name("minikube_stand_in.py").read_text(encoding="utf-8")
        program = folder / "minikube"
        program.write_text(f"#!{sys.executable} -I\n{source}", encoding="utf-8")
        program.chmod(0o755)
        self._state = folder / "state.json"
        self.change(calls=[], profile=None, broken=False, node={}, engine={"web:v1": NEW}, in_use=[], config={})

    def change(self, **state: object) -> None:
        """Set parts of its state."""
        self._state.write_text(json.dumps({**self.state, **state}), encoding="utf-8")

    @property
    def state(self) -> dict[str, Any]:
        """What it knows."""
        return dict(json.loads(self._state.read_text(encoding="utf-8"))) if self._state.exists() else {}

    @property
    def commands(self) -> list[str]:
        """Its calls, whole but for what every call has."""
        return [" ".join(word for word in call[:-1] if "profile=" not in word) for call in self.state["calls"]]

    @property
    def calls(self) -> list[str]:
        """Which commands were given, by their first words."""
        return [" ".join(word for word in call[:-1] if not word.startswith("-")) for call in self.state["calls"]]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """The stand-in, first on PATH."""
    made = Program(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    return made


@pytest.fixture
def cluster(program: Program, tmp_path: Path) -> Minikube:
    """A profile that does not exist yet, and an engine with one image."""
    assert program.calls == []
    docker = FakeDocker()
    docker.held["web:v1"] = ImageFacts(NEW, ("web:v1",), 12_000_000, ())
    spec = ClusterSpec.model_validate({"cpus": 3, "memory": 2500, "kubernetesVersion": "v1.30.1"})
    return Minikube(spec, docker=docker, folder=tmp_path / "clusters")


def test_no_profile_is_no_cluster(cluster: Minikube) -> None:
    """None, and not a state."""
    assert cluster.status() is None


def test_a_start_makes_the_profile_as_the_project_wants_it(cluster: Minikube, program: Program) -> None:
    """Cores, memory, driver and version are those of dockyard.yaml; Minikube's steps are shown."""
    report = Recorder()
    cluster.start(report)
    facts = cluster.status()
    assert facts is not None
    assert (facts.cpus, facts.memory, facts.driver, facts.kubernetes_version) == (3, 2500, "docker", "v1.30.1")
    assert (facts.status, facts.ip, facts.addons) == ("Running", "192.168.49.2", ("default-storageclass",))
    assert report.passing == ["minikube v1.38.1 on Debian 12", "Done!"]
    assert report.lasting == [("cluster", "Starting"), ("cluster", "Ready")]
    assert "start" in program.calls


def test_a_second_start_does_nothing(cluster: Minikube, program: Program) -> None:
    """A running profile is left alone."""
    cluster.start(Recorder())
    cluster.start(Recorder())
    assert program.calls.count("start") == 1


def test_a_start_that_fails_says_why(cluster: Minikube, program: Program) -> None:
    """In Minikube's words, not in its JSON."""
    program.change(broken=True)
    with pytest.raises(ToolFailedError) as caught:
        cluster.start(Recorder())
    assert caught.value.why == "It said: Docker is not running Start it"


def test_stopped_is_told_and_started_again(cluster: Minikube) -> None:
    """A profile outlives its stop."""
    cluster.start(Recorder())
    cluster.stop(Recorder())
    facts = cluster.status()
    assert facts is not None
    assert (facts.status, facts.ip) == ("Stopped", None)
    with pytest.raises(ClusterError, match=r"The Minikube profile dockyard is stopped\. Run `\./inv cluster\.start`"):
        cluster.target("default")
    cluster.start(Recorder())
    assert cluster.target("default").context == "dockyard"


@pytest.mark.parametrize(("word", "status"), [("Running", "Running"), ("Paused", "Paused"), ("Unknown", "Stopped")])
def test_minikubes_words_are_translated(cluster: Minikube, program: Program, word: str, status: str) -> None:
    """The data model has three states."""
    cluster.start(Recorder())
    program.change(profile={**program.state["profile"], "Status": word})
    facts = cluster.status()
    assert facts is not None
    assert facts.status == status


def test_the_kubeconfig_is_its_own(cluster: Minikube, program: Program, tmp_path: Path) -> None:
    """Every call names ours: Minikube writes its context into whatever KUBECONFIG says, else into the user's."""
    cluster.start(Recorder())
    target = cluster.target("todo")
    own = tmp_path / "clusters" / "minikube-dockyard.kubeconfig"
    assert (target.kubeconfig, target.context, target.namespace) == (own, "dockyard", "todo")
    assert {call[-1] for call in program.state["calls"]} == {str(own)}
    assert {"--profile=dockyard" in call for call in program.state["calls"] if call[0] != "profile"} == {True}


def test_a_lost_kubeconfig_is_written_again(cluster: Minikube, program: Program) -> None:
    """A fresh checkout finds a profile that an older one started."""
    cluster.start(Recorder())
    cluster.target("default").kubeconfig.unlink()
    assert cluster.target("default").kubeconfig.exists()
    assert program.calls.count("update-context") == 1


def test_an_image_is_loaded_and_compared(cluster: Minikube) -> None:
    """By its id, under the name that Docker has for it."""
    cluster.start(Recorder())
    loaded = cluster.load("web:v1", Recorder())
    assert (loaded.id, loaded.sent) == (NEW, 12_000_000)
    assert cluster.images() == {"web:v1": NEW}


def test_an_image_that_is_there_is_not_sent(cluster: Minikube, program: Program) -> None:
    """Minikube would send every layer again."""
    cluster.load("web:v1", Recorder())
    assert cluster.load("web:v1", Recorder()).sent == 0
    assert program.calls.count("image load web:v1") == 1


def test_an_old_image_that_minikube_kept_is_told(cluster: Minikube, program: Program) -> None:
    """It says nothing of it: the pods would go on with what was there before."""
    program.change(node={"web:v1": OLD}, in_use=["web:v1"])
    with pytest.raises(ClusterError) as caught:
        cluster.load("web:v1", Recorder())
    assert f"It has {OLD}, the engine has {NEW}" in caught.value.why
    assert "minikube image rm --profile=dockyard web:v1" in caught.value.fix


def test_ids_of_different_things_are_not_compared(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Docker's containerd image store knows an image by its manifest, the node by its configuration."""
    docker = FakeDocker()
    docker.held["web:v1"] = ImageFacts("sha256:manifest", ("web:v1",), 12_000_000, (), by_manifest=True)
    made = Minikube(ClusterSpec(), docker=docker, folder=tmp_path)
    assert made.load("web:v1", Recorder()).sent == 12_000_000
    program.change(node={})
    monkeypatch.setattr(made, "images", dict)
    with pytest.raises(ClusterError, match="has another image under the name web:v1"):
        made.load("web:v1", Recorder())


def test_an_image_that_the_engine_lacks_is_told(cluster: Minikube, program: Program) -> None:
    """Before Minikube is asked."""
    with pytest.raises(ClusterError, match=r"The image web:v9 is not in the Docker engine"):
        cluster.load("web:v9", Recorder())
    assert program.calls == []


def test_images_are_removed(cluster: Minikube) -> None:
    """Each by its full name."""
    cluster.load("web:v1", Recorder())
    cluster.remove_images(("web:v1",))
    assert cluster.images() == {}


def test_a_delete_leaves_no_kubeconfig(cluster: Minikube) -> None:
    """And no profile."""
    cluster.start(Recorder())
    own = cluster.target("default").kubeconfig
    report = Recorder()
    cluster.delete(report)
    assert (cluster.status(), own.exists(), report.lasting) == (None, False, [("cluster", "Deleted")])


def test_a_node_port_is_on_the_nodes_address(cluster: Minikube, program: Program) -> None:
    """Where Linux reaches it; one command asks for the address once."""
    ports = (30080, 32767)
    assert [cluster.address(ExposedPort(port=80, node_port=port)) for port in ports] == [
        "192.168.49.2:30080",
        "192.168.49.2:32767",
    ]
    assert program.calls == ["ip"]


def test_a_load_balancer_is_where_the_tunnel_has_it(cluster: Minikube) -> None:
    """Without a tunnel it has no address, and the NodePort is used."""
    port = ExposedPort(port=80, node_port=31000, load_balancer="10.96.4.7")
    assert cluster.address(port) == "10.96.4.7:80"


def test_only_the_tunnel_may_accept_connections_by_itself(cluster: Minikube, monkeypatch: pytest.MonkeyPatch) -> None:
    """The node refuses those that lead nowhere."""
    tried: list[tuple[str, float]] = []
    monkeypatch.setattr(minikube, "connection_error", lambda address, *, settle: tried.append((address, settle)))
    cluster.connection_error(ExposedPort(port=80, node_port=31000))
    cluster.connection_error(ExposedPort(port=80, node_port=31000, load_balancer="127.0.0.1"))
    assert tried == [("192.168.49.2:31000", 0), ("127.0.0.1:80", PROXY_SETTLE)]


def test_no_address_has_to_be_released(cluster: Minikube, program: Program) -> None:
    """Nothing was set up for one."""
    cluster.release_addresses(keep=[])
    assert program.calls == []


class Answering(Api):
    """An API server that has a version, or does not answer."""

    served = "v1.34.4"
    targets: ClassVar[list[Target]] = []

    def __init__(self, target: Target) -> None:
        self.targets.append(target)

    def version(self) -> str:
        """Return it."""
        if not self.served:
            raise ApiSilentError("192.168.49.2:8443", "timed out")
        return self.served


def profile(folder: Path, **spec: object) -> Minikube:
    """Return the profile of a project."""
    return Minikube(ClusterSpec.model_validate(spec), docker=FakeDocker(), folder=folder, api=Answering)


def test_the_version_of_a_running_profile_is_that_of_its_api_server(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever dockyard.yaml says: a running profile keeps its version. If it does not answer, that of the profile."""
    profile(tmp_path, kubernetesVersion="v1.30.1").start(Recorder())
    later = profile(tmp_path, kubernetesVersion="v1.36.0")
    assert later.kubernetes_version() == "v1.34.4"
    assert Answering.targets[-1].kubeconfig == tmp_path / "minikube-dockyard.kubeconfig"
    monkeypatch.setattr(Answering, "served", "")
    assert later.kubernetes_version() == "v1.30.1"
    assert "start --help" not in program.commands


def test_the_version_of_a_stopped_profile_is_that_of_the_next_start(program: Program, tmp_path: Path) -> None:
    """That of dockyard.yaml, to which Minikube upgrades it, else its own."""
    made = profile(tmp_path, kubernetesVersion="v1.30.1")
    made.start(Recorder())
    made.stop(Recorder())
    assert profile(tmp_path, kubernetesVersion="1.31.0").kubernetes_version() == "v1.31.0"
    assert profile(tmp_path).kubernetes_version() == "v1.30.1"
    assert "start --help" not in program.commands


@pytest.mark.parametrize(
    ("configured", "version"),
    [
        ("", "v1.35.1"),
        ("stable", "v1.35.1"),
        ("latest", "v1.36.0"),
        ("Newest", "v1.36.0"),
        ("v1.33.1", "v1.33.1"),
        ("1.33", "v1.33"),
    ],
)
def test_the_version_of_a_new_profile_is_the_programs_default(
    program: Program, tmp_path: Path, configured: str, version: str
) -> None:
    """Unless the user configured another one, or dockyard.yaml names one."""
    program.change(config={"kubernetes-version": configured})
    assert profile(tmp_path).kubernetes_version() == version
    assert profile(tmp_path, kubernetesVersion="v1.28.0").kubernetes_version() == "v1.28.0"
    assert program.state["profile"] is None


def test_addons_are_enabled_by_the_start(program: Program, tmp_path: Path) -> None:
    """Of a new profile; of one that runs, those that it lacks."""
    profile(tmp_path, addons=["metrics-server"]).start(Recorder())
    report = Recorder()
    profile(tmp_path, addons=["metrics-server", "ingress"]).start(report)
    assert report.passing == ["addon ingress"]
    facts = profile(tmp_path).status()
    assert facts is not None
    assert facts.addons == ("default-storageclass", "metrics-server", "ingress")
    assert program.calls.count("addons enable ingress") == 1
    profile(tmp_path, addons=["ingress"]).start(Recorder())
    assert program.calls.count("addons list json") == 2


def test_an_addon_that_minikube_lacks_is_told_before_anything_starts(program: Program, tmp_path: Path) -> None:
    """Minikube itself would go on without a word."""
    with pytest.raises(ClusterError) as caught:
        profile(tmp_path, addons=["ingres", "ingress"]).start(Recorder())
    assert caught.value.what == "Minikube has no addon ingres"
    assert (
        caught.value.why == "Available: dashboard, default-storageclass, ingress, metrics-server, storage-provisioner"
    )
    assert "start" not in program.calls
