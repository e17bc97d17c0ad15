"""The files that Dockyard itself brings."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockyard import assets
from dockyard.assets import asset


@pytest.mark.parametrize("name", ["dockerfiles/standins", "dockerfiles/node.Dockerfile", "scripts/debian-rootfs"])
def test_a_checkout_has_them_at_its_root(name: str) -> None:
    """Where people look for them."""
    assert asset(name) == Path(__file__).parents[1] / name
    assert asset(name).exists()


def test_a_wheel_has_them_inside_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no checkout around it; what the package has wins."""
    (tmp_path / "package" / "_assets" / "scripts").mkdir(parents=True)
    monkeypatch.setattr(assets, "PACKAGE", tmp_path / "package")
    monkeypatch.setattr(assets, "CHECKOUT", tmp_path)
    assert asset("scripts") == tmp_path / "package" / "_assets" / "scripts"
    assert asset("helm") == tmp_path / "helm"
