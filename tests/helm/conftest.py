"""The charts under test, each with both Helm versions."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from dockyard.model.errors import ToolFailedError
from dockyard.tools.helm import Helm

if TYPE_CHECKING:
    from collections.abc import Mapping

Object = dict[str, Any]

ROOT = Path(__file__).parents[2]
CHARTS = ROOT / "helm"

SECRETS: Mapping[str, Mapping[str, str]] = {
    "backend": {"DATABASE_URL": "postgresql://u:p@db/todo", "OPENAI_API_KEY": "sk-1", "BETTER_AUTH_SECRET": "shared"},
    "mcp": {"DATABASE_URL": "postgresql://u:p@db/todo"},
    "frontend": {"BETTER_AUTH_SECRET": "shared", "DATABASE_URL": "postgresql://u:p@db/todo"},
}
"""The secrets of each chart, from the table in the specification."""


class Chart:
    """A chart, rendered by one version of Helm.

    Attributes:
        name: The service: backend, mcp or frontend.
        helm: The program.
        folder: The folder or package of the chart.
        release: The name of the release; default: the name that dockyard.yaml gives it, which is the service's.
    """

    def __init__(self, name: str, helm: Helm, folder: Path | None = None, release: str | None = None) -> None:
        self.name, self.helm, self.folder, self.release = name, helm, folder or CHARTS / name, release or name
        self.secrets = SECRETS[name]
        self._rendered: dict[str, str] = {}

    def at(self, folder: Path) -> Chart:
        """Return the same chart from another folder or from a package."""
        return Chart(self.name, self.helm, folder)

    def released_as(self, release: str) -> Chart:
        """Return the same chart as a release with another name."""
        return Chart(self.name, self.helm, self.folder, release)

    def text(self, **values: object) -> str:
        """Return the rendered YAML; the required secrets have values unless `values` has others."""
        key = json.dumps(values)
        if key not in self._rendered:
            self._rendered[key] = self.render(**values)
        return self._rendered[key]

    def render(self, **values: object) -> str:
        """Render without the cache."""
        return self.helm.template(self.release, self.folder, {"secrets": self.secrets, **values})

    def objects(self, **values: object) -> dict[str, Object]:
        """Return the objects of the release by kind; there is one of each kind."""
        return by_kind(self.text(**values), hooks=False)

    def hook(self, **values: object) -> Object:
        """Return the only hook: the pod of `helm test`."""
        (hook,) = by_kind(self.text(**values), hooks=True).values()
        return hook

    def objects_of(self, combination: Path, kubernetes: str) -> dict[str, Object]:
        """Return the objects of the release by kind, for one values file and a version of Kubernetes."""
        text = self.helm.template(self.release, self.folder, {}, files=[combination], kubernetes_version=kubernetes)
        return by_kind(text, hooks=False)

    def template(self, **values: object) -> Object:
        """Return the pod template: pods are replaced when it changes."""
        return dict(self.objects(**values)["Deployment"]["spec"]["template"])

    def container(self, **values: object) -> Object:
        """Return the only container."""
        (container,) = self.template(**values)["spec"]["containers"]
        return dict(container)

    def refusal(self, **values: object) -> str:
        """Return Helm's error message for values that it rejects."""
        with pytest.raises(ToolFailedError) as caught:
            self.render(**values)
        return caught.value.stderr


def by_kind(text: str, *, hooks: bool) -> dict[str, Object]:
    """Return rendered objects by kind: only the hooks, or only the others. Fail if there are two of a kind."""
    documents = [document for document in yaml.safe_load_all(text) if document]
    chosen = [one for one in documents if hooks is ("helm.sh/hook" in one["metadata"].get("annotations", {}))]
    found = {document["kind"]: document for document in chosen}
    assert len(found) == len(chosen)
    return found


def _program(name: str) -> Path:
    path = ROOT / ".tools" / "bin" / name
    if not path.exists():
        if os.environ.get("CI"):
            pytest.fail(f"{path} is missing, and CI skips no test")
        pytest.skip(f"{path} is missing: run `./inv setup`")
    return path


@pytest.fixture(scope="session", params=["helm", "helm3"])
def helm(request: pytest.FixtureRequest) -> Helm:
    """Return Helm 4, then Helm 3."""
    return Helm(_program(request.param))


@pytest.fixture(scope="session", params=sorted(SECRETS))
def chart(request: pytest.FixtureRequest, helm: Helm) -> Chart:
    """Return each chart with each Helm."""
    return Chart(request.param, helm)


@pytest.fixture(scope="session")
def backend(helm: Helm) -> Chart:
    """Return one chart with each Helm, for tests of files that are the same in all charts."""
    return Chart("backend", helm)


@pytest.fixture(scope="session", params=sorted(SECRETS))
def both(request: pytest.FixtureRequest) -> tuple[Chart, Chart]:
    """Return each chart with Helm 4 and with Helm 3."""
    return Chart(request.param, Helm(_program("helm"))), Chart(request.param, Helm(_program("helm3")))
