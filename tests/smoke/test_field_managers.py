"""Deploys over fields that others set, with Helm 3 and 4: they succeed and report what they overwrite."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from dockyard.cli.wiring import options
from dockyard.deploy.pipeline import deploy, destroy, roll_back
from dockyard.model.events import FieldTakenOver
from dockyard.model.project import Project
from dockyard.releases.plan import Verb
from dockyard.tools.clock import SystemClock, ticks
from dockyard.tools.process import run
from dockyard.workspace import Workspace
from tests.fakes import Recorder
from tests.smoke.kubectl import Kubectl

pytestmark = pytest.mark.cluster

NAMESPACE = f"dockyard-field-managers-{os.getpid()}"
CHART = """\
apiVersion: v2
name: web
version: 1.0.0
"""
TEMPLATE = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {KEY: ours}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: app
          image: {{ .Values.image }}
          imagePullPolicy: Never
          env:
            {{- range $name, $value := .Values.env }}
            - {name: {{ $name }}, value: {{ $value | quote }}}
            {{- end }}
"""
OTHERS = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {KEY: theirs}
"""
IMAGE_FIELD = '.spec.template.spec.containers[name="app"].image'
GRACE_FIELD = ".spec.template.spec.terminationGracePeriodSeconds"

Field = tuple[str, str, str, str, str]
"""Kind and path of a field that was taken over, its manager and subresource, and its autoscaler."""


@dataclass(frozen=True)
class App:
    """A small release of its own project and namespace.

    Attributes:
        workspace: The project.
        kubectl: kubectl in its namespace.
        image: An image that the node has.
    """

    workspace: Workspace
    kubectl: Kubectl
    image: str

    @property
    def live(self) -> Mapping[str, Any]:
        """The Deployment as the API server has it."""
        (deployment,) = self.kubectl.get("deployments", managed_fields=True)
        return deployment

    def using(self, program: str) -> App:
        """Return the same with another Helm."""
        helm = self.workspace.programs["helm"].with_name(program)
        return replace(self, workspace=replace(self.workspace, programs={**self.workspace.programs, "helm": helm}))

    def set_values(self, **env: str) -> None:
        """Have the chart render these variables."""
        values = json.dumps({"image": self.image, "env": env})
        (self.workspace.root / "chart" / "values.yaml").write_text(values, encoding="utf-8")

    def deploy(self, **env: str) -> tuple[Verb, set[Field]]:
        """Deploy it; return what was done and which fields were taken over."""
        self.set_values(**env)
        report = Recorder()
        (done,) = deploy(self.workspace, ("web",), report, options(jobs=1), gate=lambda *_, **__: None)
        return done.verb, taken_over(report)

    def roll_back(self, revision: int) -> set[Field]:
        """Go back to a revision; return which fields were taken over."""
        report = Recorder()
        roll_back(self.workspace, "web", revision, report, options(jobs=1))
        return taken_over(report)


def taken_over(report: Recorder) -> set[Field]:
    """Return the fields that a deploy reported."""
    return {
        (event.object_kind, event.field, event.manager, event.subresource, event.autoscaler)
        for event in report.events
        if isinstance(event, FieldTakenOver)
    }


@pytest.fixture
def app(workspace: Workspace, kubectl: Kubectl, tmp_path: Path) -> Iterator[App]:
    """The release, not installed yet."""
    (tmp_path / "chart" / "templates").mkdir(parents=True)
    (tmp_path / "chart" / "Chart.yaml").write_text(CHART, encoding="utf-8")
    (tmp_path / "chart" / "templates" / "web.yaml").write_text(TEMPLATE, encoding="utf-8")
    cluster = {**workspace.project.cluster.model_dump(by_alias=True), "namespace": NAMESPACE}
    project = Project.model_validate(
        {"name": "field-managers", "cluster": cluster, "releases": {"web": {"chart": "chart"}}}
    )
    own = replace(workspace, root=tmp_path, project=project)
    (node,) = kubectl.get("nodes")
    image = next(name for entry in node["status"]["images"] for name in entry["names"] if "/pause:" in name)
    yield App(own, Kubectl(workspace.programs["kubectl"], own.target()), image)
    destroy(own, ("web",), Recorder(), options(jobs=1))


@pytest.fixture(scope="module", autouse=True)
def namespace(kubectl: Kubectl) -> Iterator[None]:
    """A namespace of its own, for all of these tests."""
    kubectl.change("create", "namespace", NAMESPACE)
    yield
    kubectl.delete("namespace", NAMESPACE, wait=False)


@pytest.mark.parametrize("program", ["helm", "helm3"])
def test_a_deploy_takes_over_what_others_changed(app: App, program: str) -> None:
    """`kubectl scale`, `set image`, `edit` and another server-side apply do not make it fail, and are undone."""
    app = app.using(program)
    assert app.deploy(A="1") == (Verb.INSTALL, set())
    app.kubectl.change("scale", "deployment/web", "--replicas=2")
    app.kubectl.change("set", "image", "deployment/web", "app=no-such-image:1")
    app.kubectl.change("edit", "deployment/web", editor="sed -i s/GracePeriodSeconds:.*/GracePeriodSeconds:\\ 2/")
    app.kubectl.change(
        "apply", "--server-side", "--field-manager=other", "--force-conflicts", "--filename=-", stdin=OTHERS
    )
    assert app.deploy(A="1") == (
        Verb.UPGRADE,
        {
            ("Deployment", ".spec.replicas", "kubectl", "scale", ""),
            ("Deployment", IMAGE_FIELD, "kubectl-set", "", ""),
            ("Deployment", GRACE_FIELD, "kubectl-edit", "", ""),
            ("ConfigMap", ".data.KEY", "other", "", ""),
        },
    )
    spec = app.live["spec"]
    assert (spec["replicas"], spec["template"]["spec"]["terminationGracePeriodSeconds"]) == (1, 1)
    assert spec["template"]["spec"]["containers"][0]["image"] == app.image
    (config,) = (entry for entry in app.kubectl.get("configmaps") if entry["metadata"]["name"] == "web")
    assert config["data"] == {"KEY": "ours"}
    assert app.deploy(A="1") == (Verb.NOTHING, set())


@pytest.mark.parametrize("program", ["helm", "helm3"])
def test_replicas_of_an_autoscaler_are_reported(app: App, program: str) -> None:
    """A deploy that changes nothing leaves them alone; one that has to send the chart names the autoscaler."""
    app = app.using(program)
    app.deploy(A="1")
    app.kubectl.change("autoscale", "deployment", "web", "--min=2", "--max=3", "--cpu=50%")
    for _ in ticks(SystemClock(), limit=60, pause=0.5):
        if app.live["spec"]["replicas"] == 2 and app.live["status"].get("readyReplicas") == 2:
            break
    assert app.deploy(A="1") == (Verb.NOTHING, set())
    assert app.deploy(A="2") == (
        Verb.UPGRADE,
        {("Deployment", ".spec.replicas", "kube-controller-manager", "scale", "web")},
    )
    app.kubectl.delete("horizontalpodautoscaler", "web", wait=True)


@pytest.mark.parametrize("before", ["helm", "helm3"])
def test_a_release_that_was_applied_client_side_becomes_server_side(app: App, before: str) -> None:
    """Helm 4 owns its fields then: what the chart no longer has is removed. It can still be rolled back."""
    install(app, before, A="1", GONE="1")
    assert app.deploy(A="1") == (Verb.UPGRADE, set())
    (container,) = app.live["spec"]["template"]["spec"]["containers"]
    assert container["env"] == [{"name": "A", "value": "1"}]
    managed = app.live["metadata"]["managedFields"]
    assert [entry["operation"] for entry in managed if entry["manager"] == "helm"] == ["Apply"]
    app.kubectl.change("scale", "deployment/web", "--replicas=2")
    assert app.roll_back(1) == {("Deployment", ".spec.replicas", "kubectl", "scale", "")}
    (container,) = app.live["spec"]["template"]["spec"]["containers"]
    assert {entry["name"] for entry in container["env"]} == {"A", "GONE"}


def install(app: App, program: str, **env: str) -> None:
    """Install the release as people did before server-side apply."""
    app.set_values(**env)
    target = app.workspace.target()
    run(
        [
            *(str(app.using(program).workspace.programs["helm"]), "install", "web", str(app.workspace.root / "chart")),
            *(f"--kubeconfig={target.kubeconfig}", f"--kube-context={target.context}"),
            *(f"--namespace={NAMESPACE}",),
            *(["--server-side=false"] if program == "helm" else []),
        ],
        timeout=60,
    )
