"""The Python services' images, built for real: what is in them and what is not, and the same from any checkout."""

from __future__ import annotations

import json
import os
import re
import shutil
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dockyard.images import bases
from dockyard.tools.docker import Docker
from dockyard.tools.process import run

pytestmark = pytest.mark.docker

ROOT = Path(__file__).parents[2]
PYTHON = "python:3.13-slim"

LIMIT = 300.0
"""Seconds for one build from nothing but packages that were fetched before."""

TOOLS = re.compile(r"(^|/)(sh|bash|dash|busybox|apt|apt-get|dpkg|pip[\d.]*|gcc|cc|make|curl|wget|perl)$")
LEFTOVERS = re.compile(r"(^|/)(\.env.*|\.git|tests|sbom\.py|requirements.*\.lock|pip|setuptools)$")


@dataclass(frozen=True)
class Built:
    """An image.

    Attributes:
        service: Whose it is: backend or mcp.
        reference: Its name and tag.
        base: The base image it was made from.
    """

    service: str
    reference: str
    base: str

    def inspect(self, template: str) -> str:
        """Return what the engine says of it."""
        return run(["docker", "image", "inspect", self.reference, "--format", template], timeout=30).stdout.strip()

    def build(self, context: Path, *options: str, tag: str) -> Built:
        """Build it again, from a context and with options."""
        bundle = os.environ.get("SSL_CERT_FILE", "")
        secret = ("--secret", f"id=ca,src={bundle}") if bundle and Path(bundle).is_file() else ()
        reference = f"{self.reference.partition(':')[0]}:{tag}"
        dockerfile = ROOT / "dockerfiles" / f"{self.service}.Dockerfile"
        argument = f"PYTHON_IMAGE={self.base}"
        argv = ["docker", "build", "--quiet", *secret, *options, "--build-arg", argument, "--tag", reference]
        run([*argv, "--file", str(dockerfile), str(context)], timeout=LIMIT)
        return Built(self.service, reference, self.base)

    def remove(self) -> None:
        """Take the name away."""
        run(["docker", "image", "rm", self.reference], timeout=60, check=False)


@pytest.fixture(scope="module", params=["backend", "mcp"])
def image(request: pytest.FixtureRequest, engine: Docker) -> Iterator[Built]:
    """Each service's image."""
    bundle = os.environ.get("SSL_CERT_FILE", "")
    base = bases.resolve(engine, PYTHON, lambda _: None, ca_bundle=Path(bundle) if bundle else None)
    service: str = request.param
    built = Built(service, f"dockyard-test-{service}:1", base.reference).build(ROOT / service, tag="1")
    yield built
    built.remove()


@pytest.fixture(scope="module")
def files(image: Built, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tarfile.TarFile]:
    """Everything that is in the image."""
    archive = tmp_path_factory.mktemp("image") / "files.tar"
    container = run(["docker", "create", image.reference], timeout=60).stdout.strip()
    run(["docker", "export", "--output", str(archive), container], timeout=120)
    run(["docker", "rm", container], timeout=60)
    with tarfile.open(archive) as tar:
        yield tar


def test_no_shell_no_tools_no_leftovers(files: tarfile.TarFile) -> None:
    """Nothing to start a command with, to install or to compile, and nothing of the checkout but the sources."""
    names = files.getnames()
    assert [name for name in names if TOOLS.search(name)] == []
    assert [name for name in names if LEFTOVERS.search(name)] == []
    assert "usr/local/bin/python" in names


def test_the_bill_lists_what_is_there(image: Built, files: tarfile.TarFile) -> None:
    """Every installed package is in the bill with its version, no others are, and so are Python and the C library."""
    path = image.inspect('{{index .Config.Labels "dev.dockyard.sbom"}}')
    assert path == f"/usr/share/sbom/ai-todo-{image.service}.cdx.json"
    content = files.extractfile(path.lstrip("/"))
    assert content is not None
    purls = {component["purl"] for component in json.load(content)["components"]}
    infos = (re.search(r"/([^/]+)-([^/-]+)\.dist-info/METADATA$", name) for name in files.getnames())
    installed = {f"pkg:pypi/{info[1].lower().replace('_', '-')}@{info[2]}" for info in infos if info}
    assert {purl for purl in purls if purl.startswith("pkg:pypi/")} == installed
    assert {"pkg:pypi/pydantic", "pkg:deb/debian/libc6", "pkg:generic/python"} <= {purl.split("@")[0] for purl in purls}


def test_labels_say_what_it_is(image: Built) -> None:
    """The annotations of the OCI's image specification, and an ordinary user."""
    labels = json.loads(image.inspect("{{json .Config.Labels}}"))
    assert labels["org.opencontainers.image.title"] == f"ai-todo-{image.service}"
    assert labels["org.opencontainers.image.base.name"] == image.base
    assert labels["org.opencontainers.image.description"].startswith("AI Todo ")
    assert image.inspect("{{.Config.User}}") == "10001:10001"


def test_layers_are_the_same_from_any_checkout(image: Built, tmp_path: Path) -> None:
    """Built anew from a copy with other modes and times, every layer has the digest that it had."""
    copy = tmp_path / image.service
    shutil.copytree(ROOT / image.service, copy)
    for path in copy.rglob("*"):
        path.chmod(path.stat().st_mode | 0o020)
        os.utime(path, (1_577_836_800, 1_577_836_800))
    again = image.build(copy, "--no-cache", tag="2")
    layers = [built.inspect("{{json .RootFS.Layers}}") for built in (image, again)]
    again.remove()
    assert layers[0] == layers[1]


def test_the_debug_target_has_a_shell(image: Built) -> None:
    """The same program, with the base image's tools beside it."""
    debug = image.build(ROOT / image.service, "--target", "debug", tag="debug")
    code = f"id -u; python3 -c 'import todo_{image.service}.app as a; print(a.SERVICE)'"
    said = run(["docker", "run", "--rm", debug.reference, "sh", "-c", code], timeout=60).stdout.split()
    debug.remove()
    assert said == ["10001", f"ai-todo-{image.service}"]
