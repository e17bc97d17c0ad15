"""The charts under test, each with each Helm."""

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
"""What each chart must be given: the Secrets of the specification's table."""


class Chart:
    """One chart, rendered by one Helm under the release's name that the project gives it.

    Attributes:
        name: The service: backend, mcp or frontend.
        folder: The chart.
        helm: The program.
        secrets: What it must be given.
    """

    def __init__(self, name: str, helm: Helm, folder: Path | None = None) -> None:
        self.name, self.helm, self.folder = name, helm, folder or CHARTS / name
        self.secrets = SECRETS[name]
        self._rendered: dict[str, str] = {}

    def at(self, folder: Path) -> Chart:
        """Return the same chart from another folder, or from a package."""
        return Chart(self.name, self.helm, folder)

    def text(self, **values: object) -> str:
        """Return the YAML for these values, with the secrets that the chart must have unless others are given."""
        key = json.dumps(values)
        if key not in self._rendered:
            self._rendered[key] = self.render(**values)
        return self._rendered[key]

    def render(self, **values: object) -> str:
        """Start Helm, even where the same was rendered before."""
        return self.helm.template(self.name, self.folder, {"secrets": self.secrets, **values})

    def objects(self, **values: object) -> dict[str, Object]:
        """Return the objects of the release by kind; there is one of a kind."""
        return by_kind(self.text(**values), hooks=False)

    def hook(self, **values: object) -> Object:
        """Return the one object that is no part of the release: the pod of `helm test`."""
        (hook,) = by_kind(self.text(**values), hooks=True).values()
        return hook

    def objects_of(self, combination: Path, kubernetes: str) -> dict[str, Object]:
        """Return the objects of the release by kind, for a values file alone and a version of Kubernetes."""
        text = self.helm.template(self.name, self.folder, {}, files=[combination], kubernetes_version=kubernetes)
        return by_kind(text, hooks=False)

    def template(self, **values: object) -> Object:
        """Return the pod template: when it changes, pods are replaced."""
        return dict(self.objects(**values)["Deployment"]["spec"]["template"])

    def container(self, **values: object) -> Object:
        """Return the one container."""
        (container,) = self.template(**values)["spec"]["containers"]
        return dict(container)

    def refusal(self, **values: object) -> str:
        """Return what Helm says when it refuses these values."""
        with pytest.raises(ToolFailedError) as caught:
            self.render(**values)
        return caught.value.stderr


def by_kind(text: str, *, hooks: bool) -> dict[str, Object]:
    """Return rendered objects by kind, of which there is one each: the hooks, or all others."""
    documents = [document for document in yaml.safe_load_all(text) if document]
    chosen = [one for one in documents if hooks is ("helm.sh/hook" in one["metadata"].get("annotations", {}))]
    found = {document["kind"]: document for document in chosen}
    assert len(found) == len(chosen)
    return found


def _program(name: str) -> Path:
    path = ROOT / ".tools" / "bin" / name
    if not path.exists():
        if os.environ.get("CI"):
            pytest.fail(f"{path} is missing, and in CI nothing is skipped")
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
    """Return one chart with each Helm: enough for what stands in files that all charts share."""
    return Chart("backend", helm)


@pytest.fixture(scope="session", params=sorted(SECRETS))
def both(request: pytest.FixtureRequest) -> tuple[Chart, Chart]:
    """Return each chart with Helm 4 and with Helm 3."""
    return Chart(request.param, Helm(_program("helm"))), Chart(request.param, Helm(_program("helm3")))
