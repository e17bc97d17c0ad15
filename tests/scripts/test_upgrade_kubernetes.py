"""Moving the embedded cluster to another Kubernetes release."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dockyard.model.cluster import EMBEDDED_KUBERNETES
from scripts.upgrade_kubernetes import CONSTANT, DOCKERFILE, NODE, ROOT, main, upgraded, version_in

GO_MOD = (ROOT / NODE / "go.mod").read_text()


def test_one_version_is_written_everywhere() -> None:
    """The modules, the label of the node's image, and what Dockyard expects."""
    assert version_in(GO_MOD) == EMBEDDED_KUBERNETES
    assert f"ARG KUBERNETES={EMBEDDED_KUBERNETES}\n" in (ROOT / DOCKERFILE).read_text()
    assert f'"{EMBEDDED_KUBERNETES}"' in (ROOT / CONSTANT).read_text()


def test_an_upgrade_moves_kubernetes_and_all_its_staging_modules() -> None:
    """And nothing else: other modules keep their versions, and there and back changes nothing."""
    moved = upgraded(GO_MOD, "1.36.4")
    assert version_in(moved) == "v1.36.4"
    assert len(re.findall(r" => k8s\.io/\S+ v0\.36\.4$", moved, re.MULTILINE)) == GO_MOD.count(" => ")
    assert "0.36.3" not in moved
    assert upgraded(moved, EMBEDDED_KUBERNETES.removeprefix("v")) == GO_MOD
    other = [line for line in GO_MOD.splitlines() if "k8s.io/" not in line]
    assert other == [line for line in moved.splitlines() if "k8s.io/" not in line]


def test_a_go_mod_without_kubernetes_is_an_error() -> None:
    """Instead of a silent no-op."""
    with pytest.raises(ValueError, match=r"does not require k8s\.io/kubernetes"):
        version_in("module example.test\n")


@pytest.mark.parametrize("version", ["1.36", "v1.36.4", "1.36.x", ""])
def test_a_version_is_three_numbers(version: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Anything else is refused before a file is touched."""
    before = (ROOT / NODE / "go.mod").read_bytes()
    with pytest.raises(SystemExit) as ended:
        main([version])
    assert ended.value.code == 2
    assert "not a release like 1.36.4" in capsys.readouterr().err
    assert (ROOT / NODE / "go.mod").read_bytes() == before


def test_paths_are_in_the_repository() -> None:
    """The command runs from any folder."""
    assert all((ROOT / path).exists() for path in (CONSTANT, DOCKERFILE, NODE))
    assert not any(Path(path).is_absolute() for path in (CONSTANT, DOCKERFILE, NODE))
