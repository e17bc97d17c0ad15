"""The Secret that Dockyard writes beside a release: written, taken over, brought back, removed."""

from __future__ import annotations

import copy
from base64 import b64encode
from typing import Any

import pytest

from dockyard.charts.secret import secret_manifest
from dockyard.model.errors import RefusedError
from dockyard.model.project import ReleaseSpec
from dockyard.model.redaction import Redactor
from dockyard.releases.secret import differs, learn, remove, write
from dockyard.tools.kubernetes import Object
from tests.fakes import FakeApi

NAME = "ai-todo-web-secrets"
SPEC = ReleaseSpec.model_validate({"chart": "helm/web", "secrets": ["KEY"], "existingSecret": NAME})


class Server:
    """An API server that has Secrets.

    Attributes:
        there: Each by its name.
        changes: What was asked of it that changes something.
    """

    def __init__(self, *there: Object) -> None:
        self.there = {entry["metadata"]["name"]: entry for entry in there}
        self.changes: list[str] = []

    def get(self, kind: str, name: str) -> Object | None:
        """Return a copy, as an answer over the network is one."""
        assert kind == "Secret"
        return copy.deepcopy(self.there.get(name))

    def create(self, kind: str, body: Object) -> Object:
        """Make one; its name must be free, and it has no version yet."""
        assert kind == body["kind"] == "Secret"
        assert "resourceVersion" not in body["metadata"]
        assert body["metadata"]["name"] not in self.there
        return self._keep("create", body)

    def replace(self, kind: str, body: Object) -> Object:
        """Replace one, of the version that was seen."""
        assert kind == body["kind"] == "Secret"
        there = self.there[body["metadata"]["name"]]
        assert body["metadata"]["resourceVersion"] == there["metadata"]["resourceVersion"]
        return self._keep("replace", body)

    def delete(self, kind: str, name: str) -> bool:
        """Delete one."""
        assert kind == "Secret"
        self.changes.append("delete")
        return self.there.pop(name, None) is not None

    def _keep(self, change: str, body: Object) -> Object:
        self.changes.append(change)
        version = str(len(self.changes))
        kept = {**body, "metadata": {**body["metadata"], "resourceVersion": version, "uid": "1"}}
        self.there[body["metadata"]["name"]] = kept
        return kept


def manifest(value: str) -> dict[str, Any]:
    """Return the Secret with a value."""
    return secret_manifest("web", SPEC, {"KEY": value})


def of_helm(release: str) -> Object:
    """Return the Secret as a release of Helm has it."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": NAME,
            "labels": {"app.kubernetes.io/managed-by": "Helm"},
            "annotations": {"meta.helm.sh/release-name": release},
            "resourceVersion": "7",
        },
        "type": "Opaque",
        "data": {"KEY": "b2xk"},
    }


def test_a_secret_is_made_and_changed_in_place() -> None:
    """One that has the values already is left alone."""
    server = Server()
    for value in ("old", "old", "new"):
        write(server, manifest(value), "web")
    assert server.changes == ["create", "replace"]
    assert server.there[NAME]["data"] == {"KEY": "bmV3"}


def test_the_way_back_gives_it_the_values_that_it_had() -> None:
    """When the release that needed the new ones is rolled back; by whatever version is there then."""
    server = Server()
    write(server, manifest("old"), "web")
    back = write(server, manifest("new"), "web")
    write(server, manifest("newer"), "web")
    back()
    assert server.there[NAME]["data"] == {"KEY": "b2xk"}
    assert server.there[NAME]["metadata"]["labels"] == manifest("old")["metadata"]["labels"]
    assert server.there[NAME]["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}


def test_the_way_back_makes_what_is_gone_and_leaves_what_is_as_it_was() -> None:
    """Somebody may have removed it, or nothing had changed."""
    server = Server()
    write(server, manifest("old"), "web")
    write(server, manifest("old"), "web")()
    assert server.changes == ["create"]
    back = write(server, manifest("new"), "web")
    del server.there[NAME]
    back()
    assert server.there[NAME]["data"] == {"KEY": "b2xk"}


def test_the_way_back_from_the_first_one_is_none() -> None:
    """A first install that fails leaves nothing behind."""
    server = Server()
    write(server, manifest("new"), "web")()
    assert server.there == {}


def test_the_secret_of_the_same_release_is_taken_over_from_helm() -> None:
    """Helm then leaves it where it is; on the way back it makes its own again, and must find none."""
    server = Server(of_helm("web"))
    back = write(server, manifest("old"), "web")
    assert server.changes == ["replace"]
    assert server.there[NAME]["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "dockyard"
    assert server.there[NAME]["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    back()
    assert server.there == {}


@pytest.mark.parametrize("labels", [None, {}, {"app.kubernetes.io/managed-by": "someone"}])
def test_the_secret_of_anybody_else_is_not_touched(labels: dict[str, str] | None) -> None:
    """A release of another name, or a person."""
    other = of_helm("api")
    other["metadata"]["labels"] = labels
    server = Server(other)
    with pytest.raises(RefusedError, match=f"There is a Secret {NAME} that neither Dockyard nor release web wrote"):
        write(server, manifest("new"), "web")
    assert not remove(server, NAME)
    assert server.changes == []


def test_it_is_removed_with_its_release() -> None:
    """Once; another time there is nothing."""
    server = Server()
    write(server, manifest("v"), "web")
    assert (remove(server, NAME), remove(server, NAME)) == (True, False)
    assert server.there == {}


def test_what_somebody_changed_is_told() -> None:
    """As drift of other objects is: which object, and nothing of a value."""
    server = Server()
    wanted = manifest("v")
    assert list(differs(server.there.values(), wanted)) == [f"secret/{NAME} is gone"]
    write(server, manifest("other"), "web")
    assert list(differs(server.there.values(), wanted)) == [f"secret/{NAME} data"]
    write(server, wanted, "web")
    assert list(differs(server.there.values(), wanted)) == []


def test_what_is_empty_may_be_left_out() -> None:
    """The API server keeps no empty mapping."""
    server, wanted = Server(), {**manifest("v"), "data": {}}
    write(server, wanted, "web")
    server.there[NAME].pop("data", None)
    assert list(differs(server.there.values(), wanted)) == []


def test_the_redaction_learns_what_pods_were_given() -> None:
    """Whoever wrote it; Helm's records and the tokens of the cluster are not read."""
    value, redactor, api = "x7Kq2mVp9TzR4wYb", Redactor(), FakeApi()
    data = {"KEY": b64encode(value.encode()).decode(), "RAW": "/w=="}
    for name, kind in (("web", "Opaque"), ("record", "helm.sh/release.v1")):
        kept = data if kind == "Opaque" else {"release": "bm90IGJhc2U2NA=="}
        api.put({"kind": "Secret", "apiVersion": "v1", "metadata": {"name": name}, "type": kind, "data": kept})
    learn(api, redactor)
    assert redactor.redact(f"the key is {value}, not base64") == "the key is ***, not base64"
