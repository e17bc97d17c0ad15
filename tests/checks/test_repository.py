"""Checks DY9xx: what Git has."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dockyard.checks.subject import Tracked
from dockyard.credentials import example
from tests.checks.samples import project, said, subject


@pytest.mark.parametrize(
    ("file", "found"),
    [
        (".env", True),
        (".env.local", True),
        ("web/.env.production", True),
        (".env.example", False),
        ("web/.env.sample", False),
        ("src/env.py", False),
        (".envrc", False),
    ],
)
def test_a_tracked_env_file_is_found(file: str, *, found: bool) -> None:
    """By its name; examples are there to be read."""
    looked_at = replace(subject(), tracked=Tracked(files=(file,)))
    assert said("DY901", looked_at) == ([f": {file} is tracked by Git"] if found else [])


def test_where_git_was_not_looked_at_nothing_is_found() -> None:
    """A deploy does not wait for it."""
    assert said("DY901", subject()) == said("DY902", subject()) == []


def test_an_example_that_is_not_what_is_declared_is_stale() -> None:
    """So is one that is not there, where there are secrets; without secrets none is wanted."""
    assert said("DY903", subject()) == []
    assert said("DY903", subject(example=example(project()) + "\n")) == [": .env.example is stale"]
    assert said("DY903", subject(example="")) == [": .env.example is not there, or empty"]
    bare = project(releases={})
    assert said("DY903", replace(subject(), project=bare, example="")) == []
    assert said("DY903", replace(subject(), project=bare, example="KEY=\n")) == [": .env.example is stale"]
