"""Helm for tests that render."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dockyard.tools.helm import Helm

if TYPE_CHECKING:
    from tests.conftest import MissingTool

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session", params=["helm", "helm3"])
def helm(request: pytest.FixtureRequest, missing_tool: MissingTool) -> Helm:
    """Return Helm 4, then Helm 3."""
    program = ROOT / ".tools" / "bin" / request.param
    if not program.exists():
        missing_tool(str(program.relative_to(ROOT)))
    return Helm(program)
