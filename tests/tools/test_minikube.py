"""Minikube as it is called, and what it says."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dockyard.model.errors import ClusterError, ToolFailedError, ToolMissingError
from dockyard.tools.minikube import MinikubeProgram, ProfileFacts
from tests.tools.fake import Call, Fake

pytestmark = pytest.mark.process

Use = Callable[[MinikubeProgram], object]

PROFILE: dict[str, Any] = {
    "Name": "todo",
    "Status": "Running",
    "Config": {
        "Name": "todo",
        "Memory": 4000,
        "CPUs": 2,
        "Driver": "docker",
        "KubernetesConfig": {"KubernetesVersion": "v1.28.3", "ClusterName": "todo"},
        "Addons": {"dashboard": False, "ingress": True, "storage-provisioner": True},
    },
    "Active": False,
}
"""An entry of `minikube profile list -o json`; the keys are those of the program."""


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    """Return a kubeconfig file that is not the user's."""
    return tmp_path / "own kubeconfig"


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Return a fake minikube, first on PATH; the user's own kubeconfig is named in the environment."""
    made = Fake(tmp_path / "bin", "minikube")
    monkeypatch.setenv("PATH", str(made.folder), prepend=os.pathsep)
    monkeypatch.setenv("KUBECONFIG", "/the/users/own")
    return made


@pytest.fixture
def minikube(kubeconfig: Path) -> MinikubeProgram:
    """Return the wrapper."""
    return MinikubeProgram("todo", kubeconfig)


def start(minikube: MinikubeProgram, version: str | None = None) -> list[str]:
    """Start the profile; return the steps."""
    steps: list[str] = []
    minikube.start(cpus=2, memory=4000, driver="docker", version=version, on_step=steps.append)
    return steps


@pytest.mark.parametrize(
    ("use", "expected"),
    [
        (start, "start --cpus=2 --memory=4000mb --driver=docker --output=json"),
        (
            lambda minikube: start(minikube, "v1.28.3"),
            "start --cpus=2 --memory=4000mb --driver=docker --output=json --kubernetes-version=v1.28.3",
        ),
        (lambda minikube: minikube.addons(), "addons list --output json"),
        (lambda minikube: minikube.enable_addon("ingress"), "addons enable ingress"),
        (lambda minikube: minikube.stop(), "stop"),
        (lambda minikube: minikube.delete(), "delete"),
        (lambda minikube: minikube.update_context(), "update-context"),
        (lambda minikube: minikube.ip(), "ip"),
        (lambda minikube: minikube.images(), "image ls --format json"),
        (lambda minikube: minikube.load("app:1"), "image load --daemon=true app:1"),
        (lambda minikube: minikube.remove_image("app:1"), "image rm app:1"),
    ],
    ids=["start", "version", "addons", "enable", "stop", "delete", "update-context", "ip", "images", "load", "remove"],
)
def test_calls_name_profile_and_kubeconfig(
    fake: Fake, minikube: MinikubeProgram, kubeconfig: Path, use: Use, expected: str
) -> None:
    """Each call has its arguments, then the profile; the user's kubeconfig is never the one."""
    fake.answer("addons", "list", out={})
    use(minikube)
    assert fake.call == Call((*expected.split(), "--profile=todo"), "", str(kubeconfig))


def test_the_profile_is_read(fake: Fake, minikube: MinikubeProgram) -> None:
    """It is found by its name among others; only addons that are on count."""
    other = {**PROFILE, "Name": "minikube"}
    fake.answer("profile", "list", "--output", "json", out={"invalid": [], "valid": [other, PROFILE]})
    assert minikube.profile() == ProfileFacts(
        name="todo",
        status="Running",
        cpus=2,
        memory=4000,
        driver="docker",
        kubernetes_version="v1.28.3",
        addons=("ingress", "storage-provisioner"),
    )


@pytest.mark.parametrize(
    ("out", "code"),
    [
        ({"invalid": [], "valid": []}, 0),
        ({"invalid": [], "valid": None}, 0),
        ({"invalid": [], "valid": [{**PROFILE, "Name": "other"}]}, 0),
        ("", 1),
    ],
    ids=["none", "null", "others", "silent"],
)
def test_there_may_be_no_such_profile(fake: Fake, minikube: MinikubeProgram, out: object, code: int) -> None:
    """Minikube ends with an error where it has no profile at all."""
    fake.answer("profile", out=out, code=code)
    assert minikube.profile() is None


def test_a_profile_may_have_no_addons(fake: Fake, minikube: MinikubeProgram) -> None:
    """The list is null before the first start has ended."""
    fake.answer("profile", out={"valid": [{**PROFILE, "Config": {**PROFILE["Config"], "Addons": None}}]})
    facts = minikube.profile()
    assert facts is not None
    assert facts.addons == ()


def test_steps_of_a_start_are_heard(fake: Fake, minikube: MinikubeProgram) -> None:
    """Of the CloudEvents lines only steps with a message are; a line that is none is no error."""
    kind = "io.k8s.sigs.minikube"
    fake.answer(
        "start",
        out="\n".join(
            [
                f'{{"type": "{kind}.step", "data": {{"currentstep": "1", "message": "Using the docker driver"}}}}',
                f'{{"type": "{kind}.info", "data": {{"message": "minikube v1.38.1"}}}}',
                f'{{"type": "{kind}.step", "data": {{}}}}',
                "plain text",
                "[1]",
                f'{{"type": "{kind}.step", "data": {{"message": "Done!"}}}}',
            ]
        ),
    )
    assert start(minikube) == ["Using the docker driver", "Done!"]


def test_a_start_that_fails_says_why(fake: Fake, minikube: MinikubeProgram) -> None:
    """The error has what Minikube said."""
    fake.answer("start", err="X Exiting due to PROVIDER_DOCKER_NOT_RUNNING", code=69)
    with pytest.raises(ToolFailedError, match="PROVIDER_DOCKER_NOT_RUNNING"):
        start(minikube)


def test_a_start_that_fails_in_json_says_why(fake: Fake, minikube: MinikubeProgram) -> None:
    """With `--output=json` the reason is an event with an exit code; events without one are hints."""
    events = [
        {
            "type": "io.k8s.sigs.minikube.error",
            "data": {"exitcode": "69", "message": "No Docker", "advice": "Start\nit"},
        },
        {"type": "io.k8s.sigs.minikube.error", "data": {"message": "a hint"}},
    ]
    fake.answer("start", out="\n".join(map(json.dumps, events)), code=69)
    with pytest.raises(ToolFailedError) as caught:
        start(minikube)
    assert (caught.value.stderr, caught.value.returncode) == ("No Docker Start it", 69)


def test_the_images_of_the_node_are_read(fake: Fake, minikube: MinikubeProgram) -> None:
    """Every name with its id, which Minikube writes with and without its algorithm; unnamed ones are left out."""
    fake.answer(
        "image",
        "ls",
        out=[
            {"id": "sha256:aa", "repoTags": ["docker.io/library/app:1", "docker.io/library/app:2"], "size": "1"},
            {"id": "bb", "repoTags": ["registry.k8s.io/pause:3.9"]},
            {"id": "cc", "repoTags": None},
            {"id": "dd"},
        ],
    )
    assert minikube.images() == {
        "docker.io/library/app:1": "sha256:aa",
        "docker.io/library/app:2": "sha256:aa",
        "registry.k8s.io/pause:3.9": "sha256:bb",
    }


def test_the_nodes_address_is_read(fake: Fake, minikube: MinikubeProgram) -> None:
    """It comes without its line break."""
    fake.answer("ip", out="192.168.49.2\n")
    assert minikube.ip() == "192.168.49.2"


def test_without_minikube_the_error_names_it(
    minikube: MinikubeProgram, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not installed: no traceback, and no empty answer."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissingError, match="'minikube' is not there"):
        minikube.profile()


HELP = "ex: v1.2.3, 'stable' for v1.36.2, 'latest' for v1.37.0-rc.1). Defaults to 'stable'."


@pytest.mark.parametrize("text", [HELP, HELP.replace(" ", "\n\t\t")], ids=["one line", "wrapped"])
@pytest.mark.parametrize(
    ("configured", "version"), [("", "v1.36.2"), ("latest", "v1.37.0-rc.1"), ("1.30.1", "v1.30.1")]
)
def test_the_default_version_is_read(
    fake: Fake, minikube: MinikubeProgram, text: str, configured: str, version: str
) -> None:
    """From the user's configuration, else from the help of `start`, however it is wrapped."""
    missing = "Error: specified key could not be found in config\n"
    fake.answer("config", "get", out=f"{configured}\n", err="" if configured else missing, code=0 if configured else 14)
    fake.answer("start", "--help", out=f"    --kubernetes-version='':\n\tThe Kubernetes version ({text}\n")
    assert minikube.default_version() == version


def test_a_default_version_that_is_not_named_is_an_error(fake: Fake, minikube: MinikubeProgram) -> None:
    """Nothing is guessed."""
    fake.answer("config", "get", code=14)
    fake.answer("start", "--help", out="--kubernetes-version='':\n\tThe version.\n")
    with pytest.raises(ClusterError, match="default Kubernetes version of Minikube is unknown"):
        minikube.default_version()
