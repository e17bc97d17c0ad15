"""The image of the embedded cluster's node."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockyard.clusters.node_image import BASE, NAME, NodeImage
from dockyard.model.errors import BuildError
from dockyard.tools.docker import FINGERPRINT, KIND, ImageFacts
from tests.fakes import FakeDocker, Recorder


def test_it_is_built_once() -> None:
    """Minutes the first time, nothing the second."""
    engine, report = FakeDocker(BASE), Recorder()
    image = NodeImage(engine, ca_bundle=None)
    reference = image.ensure(report)
    assert reference.startswith(f"{NAME}:")
    assert report.lasting == [("cluster", "Building"), ("cluster", "Built")]
    again = Recorder()
    assert image.ensure(again) == reference
    assert (len(engine.built), again.events) == (1, [])


def test_it_is_made_from_the_files_that_dockyard_brings() -> None:
    """And labelled with what it is, and with all that it was made from."""
    engine = FakeDocker(BASE)
    reference = NodeImage(engine, ca_bundle=None).ensure(Recorder())
    ((context, options),) = engine.built
    assert (context.name, options.dockerfile.name) == ("node", "node.Dockerfile")
    assert options.arguments == {"BASE_IMAGE": BASE}
    assert options.labels[KIND] == "node"
    assert options.labels[FINGERPRINT].startswith(reference.rpartition(":")[2])


def test_another_base_is_another_image() -> None:
    """A base that was made anew holds other packages."""
    first, second = FakeDocker(BASE), FakeDocker(BASE)
    second.held[BASE] = ImageFacts("sha256:newer", (BASE,), 1, ())
    references = {NodeImage(engine, ca_bundle=None).ensure(Recorder()) for engine in (first, second)}
    assert len(references) == 2


def test_the_machines_certificates_are_a_secret_of_the_build(tmp_path: Path) -> None:
    """They are in no layer, and another file of them is no other image."""
    bundle = tmp_path / "ca.crt"
    bundle.touch()
    engine, plain = FakeDocker(BASE), FakeDocker(BASE)
    with_bundle = NodeImage(engine, ca_bundle=bundle).ensure(Recorder())
    assert with_bundle == NodeImage(plain, ca_bundle=None).ensure(Recorder())
    assert any(str(bundle) in secret for secret in engine.built[0][1].secrets)
    assert plain.built[0][1].secrets == ()


def test_a_build_that_fails_is_told() -> None:
    """With the step that failed; nothing is left under the name."""
    engine = FakeDocker(BASE)
    engine.failure = "#9 ERROR: make: *** [kubelet] Error 2"
    with pytest.raises(BuildError, match="Error 2"):
        NodeImage(engine, ca_bundle=None).ensure(Recorder())
    assert list(engine.held) == [BASE]
