"""The fault overlays in helm/faults: each breaks a rollout in one known way, by values alone."""

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
"""By fault, where in the rendered objects it shows."""

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
    """An overlay without a test fails here."""
    assert {path.stem for path in OVERLAYS.iterdir()} == set(FAULTS)


@pytest.mark.process
@pytest.mark.parametrize("fault", FAULTS)
def test_the_fault_reaches_the_pod(chart: Chart, fault: str) -> None:
    """Each chart takes the overlay, and it makes the one difference that it is for."""
    overlay = yaml.safe_load((OVERLAYS / f"{fault}.yaml").read_text())
    look = FAULTS[fault]
    assert look(chart, overlay) == BROKEN[fault]
    assert look(chart, {}) != BROKEN[fault]
