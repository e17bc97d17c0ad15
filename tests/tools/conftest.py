"""Fake programs, and a cluster for them that is nobody's."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockyard.tools.target import Target
from tests.tools.fake import Fake


@pytest.fixture
def target(tmp_path: Path) -> Target:
    """Return where commands are to go."""
    return Target(kubeconfig=tmp_path / "own kubeconfig", context="dockyard", namespace="todo")


@pytest.fixture
def fake(tmp_path: Path) -> Fake:
    """Return a program that takes every name."""
    return Fake(tmp_path / "bin", "program")
