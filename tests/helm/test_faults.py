"""The fault overlays in helm/faults: each breaks a rollout in one known way, with nothing but values."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.helm.conftest import Chart

OVERLAYS = Path(__file__).parents[2] / "helm" / "faults"

FAULTS: dict[str, Callable[[Chart, dict[str, Any]], object]] = {
    "unready": lambda chart, values: chart.container(**values)["readinessProbe"]["httpGet"]["path"],
    "unhealthy": lambda chart, values: chart.container(**values)["livenessProbe"]["httpGet"]["path"],
    "dies-later": lambda chart, values: chart.container(**values)["livenessProbe"]["httpGet"]["path"],
    "crash": lambda chart, values: chart.objects(**values)["ConfigMap"]["data"].get("NODE_OPTIONS"),
    "bad-image": lambda chart, values: chart.container(**values)["image"].partition(":")[2],
    "huge-request": lambda chart, values: chart.container(**values)["resources"]["requests"]["cpu"],
    "no-secret": lambda chart, values: chart.container(**values)["envFrom"][1]["secretRef"]["name"],
}
"""For each fault, the rendered field that the overlay changes."""

BROKEN = {
    "unready": "/no-such-path",
    "unhealthy": "/no-such-path",
    "dies-later": "/no-such-path",
    "crash": "--no-such-option",
    "bad-image": "0.0.0-nosuchimage",
    "huge-request": 64,
    "no-secret": "no-such-secret",
}


def test_every_overlay_is_known() -> None:
    """Every overlay has a test."""
    assert {path.stem for path in OVERLAYS.iterdir()} == set(FAULTS)


@pytest.mark.process
@pytest.mark.parametrize("fault", FAULTS)
def test_the_fault_reaches_the_pod(chart: Chart, fault: str) -> None:
    """Each chart accepts the overlay, which sets the intended field."""
    overlay = yaml.safe_load((OVERLAYS / f"{fault}.yaml").read_text())
    field = FAULTS[fault]
    assert field(chart, overlay) == BROKEN[fault]
    assert field(chart, {}) != BROKEN[fault]
