"""Images that no revision needs any more."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dockyard.releases.prune import Pruned, needed, prune, unneeded
from dockyard.tools.docker import ImageFacts
from tests.fakes import FakeApi
from tests.releases.conftest import Work


def test_only_the_projects_own_images_count() -> None:
    """By their whole name, a registry's port in it or not; what is kept stays."""
    held = ["web:v2", "web:v1", "other:v1", "web2:v1", "localhost:5000/web:v1", "web"]
    assert unneeded(held, {"web:v2"}, {"web"}) == ("web:v1",)


@pytest.fixture
def used(work: Work, monkeypatch: pytest.MonkeyPatch) -> Work:
    """A release with two revisions; node and engine have an image more, and somebody else's."""
    work.deployed("v1")
    work.deployed("v2")
    work.workspace.cluster.held |= {"web:v0": "sha256:0", "postgres:17": "sha256:p"}
    held = {name: ImageFacts(f"sha256:{name}", (name,), 1, ()) for name in ("web:v0", "web:v2", "web:v3")}
    work.workspace.docker.held = held
    docker = work.workspace.docker
    monkeypatch.setattr(docker, "images_labelled", lambda _: tuple(docker.held.values()), raising=False)
    answer: Callable[..., object] = FakeApi.ask

    def everywhere(method: str, path: str, **more: object) -> object:
        return answer(work.api, method, path.replace("api/v1/secrets", work.api.path("Secret")), **more)

    monkeypatch.setattr(work.api, "ask", everywhere)
    return work


def test_what_a_revision_runs_is_needed(used: Work) -> None:
    """Whatever its state: it may be gone back to."""
    used.deployed("v9", status="failed", good=False, held=False)
    assert needed(used.site) == {"web:v1", "web:v2", "web:v9"}


def test_nothing_goes_where_it_is_only_asked(used: Work) -> None:
    """What would go is told."""
    found = prune(used.site, ["web:v3"], used.report, dry_run=True)
    assert found == Pruned(node=("web:v0",), engine=("web:v0",))
    assert "web:v0" in used.workspace.cluster.held
    assert used.report.events == []


def test_what_nothing_needs_goes_from_both(used: Work) -> None:
    """What the sources are now stays, though no revision runs it; each name is told once."""
    prune(used.site, ["web:v3"], used.report, dry_run=False)
    assert sorted(used.workspace.cluster.held) == ["postgres:17", "web:v1", "web:v2"]
    assert sorted(used.workspace.docker.held) == ["web:v2", "web:v3"]
    assert [event.text for event in used.report.events] == ["web:v0"]


def test_a_second_time_nothing_goes(used: Work) -> None:
    """And nothing is told."""
    prune(used.site, ["web:v3"], used.report, dry_run=False)
    used.report.events.clear()
    assert prune(used.site, ["web:v3"], used.report, dry_run=False) == Pruned((), ())
    assert used.report.events == []
