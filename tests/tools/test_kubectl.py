"""kubectl as it is called."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dockyard.model.errors import ToolFailedError
from dockyard.tools.kubectl import Kubectl
from dockyard.tools.target import Target
from tests.tools.fake import Fake

pytestmark = pytest.mark.process

Use = Callable[[Kubectl], object]


@pytest.fixture
def kubectl(fake: Fake, target: Target) -> Kubectl:
    """Return the wrapper around the fake program."""
    return Kubectl(fake.path, target)


def own(fake: Fake, target: Target) -> tuple[str, ...]:
    """Return the arguments of the only call without those that name the cluster, which must be there once each."""
    where = [f"--kubeconfig={target.kubeconfig}", f"--context={target.context}", f"--namespace={target.namespace}"]
    argv = list(fake.call.argv)
    for option in where:
        argv.remove(option)
    assert not [word for word in argv if word.startswith(("--kubeconfig", "--context", "--namespace"))]
    return tuple(argv)


@pytest.mark.parametrize(
    ("use", "expected"),
    [
        (lambda kubectl: kubectl.get("pods"), ["get", "pods", "--output", "json"]),
        (
            lambda kubectl: kubectl.get("pods", "services", selector="app=backend"),
            ["get", "pods,services", "--selector", "app=backend", "--output", "json"],
        ),
        (lambda kubectl: kubectl.logs("pod-1", tail=20), ["logs", "pod-1", "--tail", "20"]),
        (lambda kubectl: kubectl.logs("pod-1", tail=5, previous=True), ["logs", "pod-1", "--tail", "5", "--previous"]),
        (
            lambda kubectl: kubectl.logs_of("app=backend", tail=7),
            ["logs", "--selector", "app=backend", "--tail", "7", "--prefix=true"],
        ),
        (
            lambda kubectl: kubectl.logs_of("app=backend", tail=7, prefix=False),
            ["logs", "--selector", "app=backend", "--tail", "7", "--prefix=false"],
        ),
        (
            lambda kubectl: kubectl.label("pod", "pod-1", {"a": "b", "c": ""}),
            ["label", "pod", "pod-1", "--overwrite", "a=b", "c="],
        ),
        (lambda kubectl: kubectl.delete("pod", "pod-1", wait=True), ["delete", "pod", "pod-1", "--wait=true"]),
        (
            lambda kubectl: kubectl.delete("pod", "pod-1", wait=False, grace=5),
            ["delete", "pod", "pod-1", "--wait=false", "--grace-period=5"],
        ),
        (
            lambda kubectl: kubectl.delete("pod", "pod-1", wait=False, grace=0),
            ["delete", "pod", "pod-1", "--wait=false", "--grace-period=0", "--force"],
        ),
    ],
    ids=["get", "get some", "logs", "logs before", "logs of", "logs bare", "label", "delete", "grace", "kill"],
)
def test_calls_name_their_cluster(fake: Fake, kubectl: Kubectl, target: Target, use: Use, expected: list[str]) -> None:
    """Each call has its arguments, and kubeconfig, context and namespace once."""
    fake.answer(out={"items": []})
    use(kubectl)
    assert own(fake, target) == tuple(expected)


def test_raw_paths_have_no_namespace(fake: Fake, kubectl: Kubectl, target: Target) -> None:
    """The path says it all; the text comes back as it is."""
    fake.answer("get", "--raw", "/readyz", out="ok")
    assert kubectl.raw("/readyz") == "ok"
    where = (f"--kubeconfig={target.kubeconfig}", f"--context={target.context}")
    assert fake.call.argv == ("get", "--raw", "/readyz", *where)


def test_programs_in_pods_get_their_arguments(fake: Fake, kubectl: Kubectl, target: Target) -> None:
    """Behind the two dashes nothing is added: what stands there is the program's."""
    kubectl.execute("pod-1", ["python", "-c", "print()", "--help"])
    argv = fake.call.argv
    assert argv[argv.index("--") :] == ("--", "python", "-c", "print()", "--help")
    assert own(fake, target) == ("exec", "pod-1", "--", "python", "-c", "print()", "--help")
    assert argv.index(f"--namespace={target.namespace}") < argv.index("--")


def test_programs_in_pods_may_fail(fake: Fake, kubectl: Kubectl) -> None:
    """The caller judges, where it says so."""
    fake.answer(err="no such file", code=127)
    assert kubectl.execute("pod-1", ["curl"], check=False).returncode == 127
    with pytest.raises(ToolFailedError, match="no such file"):
        kubectl.execute("pod-1", ["curl"])


def test_objects_are_the_servers_json(fake: Fake, kubectl: Kubectl) -> None:
    """They come as they are, in order."""
    pods = [{"metadata": {"name": "a"}}, {"metadata": {"name": "b"}}]
    fake.answer("get", out={"kind": "List", "items": pods})
    assert kubectl.get("pods") == tuple(pods)


def test_a_server_that_does_not_answer_is_an_error(fake: Fake, kubectl: Kubectl) -> None:
    """It is not taken for a cluster without pods."""
    fake.answer("get", err="The connection to the server 127.0.0.1:16443 was refused", code=1)
    with pytest.raises(ToolFailedError, match="was refused"):
        kubectl.get("pods")


def test_logs_that_are_not_there_are_empty(fake: Fake, kubectl: Kubectl) -> None:
    """A container that never ran has none; that is no second error while the first is told."""
    fake.answer("logs", err="previous terminated container not found", code=1)
    assert kubectl.logs("pod-1", tail=5, previous=True) == ""
