"""Profiles: overlays of dockyard.yaml."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from dockyard.config import load
from dockyard.model.errors import ConfigError, UnknownNameError

TEXT = """
    name: shop
    cluster: {cpus: 2, memory: 4096}
    images:
      web: {baseImage: "python:3.13-slim", buildContext: web, dockerfile: web.Dockerfile, exposedPorts: [80, 81]}
    profiles:
      big:
        cluster: {memory: 8192}
        images:
          web: {exposedPorts: [8080]}
          api: {baseImage: "python:3.13-slim", buildContext: api, dockerfile: api.Dockerfile}
      bad:
        cluster: {memroy: 8192}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with a dockyard.yaml that has profiles."""
    (tmp_path / "dockyard.yaml").write_text(textwrap.dedent(TEXT))
    return tmp_path


def test_without_a_profile_they_are_as_if_not_there(root: Path) -> None:
    """The base is what stands outside of `profiles`."""
    project = load(root)
    assert (project.cluster.memory, list(project.images)) == (4096, ["web"])


def test_mappings_are_merged_and_the_rest_replaced(root: Path) -> None:
    """An overlay changes a key, replaces a list whole, adds an entry, and leaves the rest."""
    project = load(root, "big")
    assert (project.cluster.cpus, project.cluster.memory) == (2, 8192)
    assert list(project.images) == ["web", "api"]
    assert project.image("web").exposed_ports == (8080,)
    assert project.image("web").build_context == "web"


def test_a_mistake_in_a_profile_has_its_own_place(root: Path) -> None:
    """The line and column are those of the overlay."""
    with pytest.raises(ConfigError, match=r"dockyard.yaml:13:15: cluster.memroy: unknown key; did you mean 'memory'"):
        load(root, "bad")


MERGED = """
    name: shop
    releases:
      api: &api {chart: helm/api, timeout: 30, config: {A: "1", C: "3"}}
      web:
        <<: *api
        chart: helm/web
      job:
        <<: [{config: {A: "0"}}, *api]
    profiles:
      test:
        releases:
          web: {config: {B: "2", C: "4"}}
          job:
            <<: {timeout: 60, config: {B: "2"}}
      bad:
        releases:
          web: {config: {B: 2}}
      wrong:
        releases:
          web: {<<: 3}
"""


def test_what_a_mapping_takes_in_is_merged_too(tmp_path: Path) -> None:
    """An overlay is laid over what `<<` stands for, as over what is written out, and only there."""
    (tmp_path / "dockyard.yaml").write_text(textwrap.dedent(MERGED))
    project = load(tmp_path, "test")
    assert dict(project.release("web").config) == {"A": "1", "B": "2", "C": "4"}
    assert (project.release("web").chart, project.release("web").timeout) == ("helm/web", 30)
    assert dict(project.release("job").config) == {"A": "0", "B": "2"}
    assert (project.release("job").chart, project.release("job").timeout) == ("helm/api", 60)
    assert project.release("api") == load(tmp_path).release("api")


@pytest.mark.parametrize(
    ("profile", "place"), [("bad", "18:22: releases.web.config.B"), ("wrong", "21:17: expected a")]
)
def test_a_mistake_beside_what_is_taken_in_has_its_place(tmp_path: Path, profile: str, place: str) -> None:
    """Its own, in the overlay."""
    (tmp_path / "dockyard.yaml").write_text(textwrap.dedent(MERGED))
    with pytest.raises(ConfigError, match=f"dockyard.yaml:{place}"):
        load(tmp_path, profile)


def test_an_unknown_profile_is_named_with_the_nearest(root: Path) -> None:
    """The error says which profiles there are."""
    with pytest.raises(UnknownNameError, match="bgi") as caught:
        load(root, "bgi")
    assert caught.value.known == ("big", "bad")


@pytest.mark.parametrize("profiles", ["[big]", "{big: 3}"])
def test_profiles_are_a_mapping_of_mappings(tmp_path: Path, profiles: str) -> None:
    """Anything else is an error with its place."""
    (tmp_path / "dockyard.yaml").write_text(f"name: shop\nprofiles: {profiles}\n")
    with pytest.raises(ConfigError, match=r"dockyard.yaml:2:\d+: profiles"):
        load(tmp_path)
