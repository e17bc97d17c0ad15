"""The images of the Python services, built for real: their content, and equal layers from any checkout."""

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
CONTEXT = ROOT / "backend"
PYTHON = "python:3.13-slim"

LIMIT = 300.0
"""Seconds for one build if pip's cache is filled."""

TOOLS = re.compile(r"(^|/)(sh|bash|dash|busybox|apt|apt-get|dpkg|pip[\d.]*|gcc|cc|make|curl|wget|perl)$")
LEFTOVERS = re.compile(r"(^|/)(\.env.*|\.git|tests|sbom\.py|requirements.*\.lock|pip|setuptools)$")


@dataclass(frozen=True)
class Built:
    """An image.

    Attributes:
        service: The service: backend or mcp.
        reference: Name and tag.
        base: The base image.
    """

    service: str
    reference: str
    base: str

    def inspect(self, template: str) -> str:
        """Return what `docker image inspect` prints with a template."""
        return run(["docker", "image", "inspect", self.reference, "--format", template], timeout=30).stdout.strip()

    def build(self, context: Path, *options: str, tag: str) -> Built:
        """Build the image of the same service again, from another context or with options."""
        bundle = os.environ.get("SSL_CERT_FILE", "")
        secret = ("--secret", f"id=ca,src={bundle}") if bundle and Path(bundle).is_file() else ()
        reference = f"{self.reference.partition(':')[0]}:{tag}"
        dockerfile = ROOT / "dockerfiles" / f"{self.service}.Dockerfile"
        argument = f"PYTHON_IMAGE={self.base}"
        argv = ["docker", "build", "--quiet", *secret, *options, "--build-arg", argument, "--tag", reference]
        run([*argv, "--file", str(dockerfile), str(context)], timeout=LIMIT)
        return Built(self.service, reference, self.base)

    def remove(self) -> None:
        """Remove the tag."""
        run(["docker", "image", "rm", self.reference], timeout=60, check=False)


@pytest.fixture(scope="module", params=["backend", "mcp"])
def image(request: pytest.FixtureRequest, engine: Docker) -> Iterator[Built]:
    """Build the image of each service."""
    bundle = os.environ.get("SSL_CERT_FILE", "")
    base = bases.resolve(engine, PYTHON, lambda _: None, ca_bundle=Path(bundle) if bundle else None)
    service: str = request.param
    built = Built(service, f"dockyard-test-{service}:1", base.reference).build(CONTEXT, tag="1")
    yield built
    built.remove()


@pytest.fixture(scope="module")
def files(image: Built, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tarfile.TarFile]:
    """Export the file system of the image."""
    archive = tmp_path_factory.mktemp("image") / "files.tar"
    container = run(["docker", "create", image.reference], timeout=60).stdout.strip()
    run(["docker", "export", "--output", str(archive), container], timeout=120)
    run(["docker", "rm", container], timeout=60)
    with tarfile.open(archive) as tar:
        yield tar


def test_no_shell_no_tools_no_leftovers(files: tarfile.TarFile) -> None:
    """The image has no shell, package manager or compiler, and nothing of the checkout but the sources."""
    names = files.getnames()
    assert [name for name in names if TOOLS.search(name)] == []
    assert [name for name in names if LEFTOVERS.search(name)] == []
    assert "usr/local/bin/python" in names


def test_only_the_sources_of_the_service_are_in_the_image(image: Built, files: tarfile.TarFile) -> None:
    """The package of the service and the shared one are there; a change of the other service changes nothing here."""
    packages = {name.split("/")[2] for name in files.getnames() if name.startswith("app/src/")}
    assert packages == {f"todo_{image.service}", "todo_service"}


def test_both_images_begin_with_the_same_layer(image: Built) -> None:
    """The Python runtime is built, stored and sent to a node once for both services."""
    other = Built("mcp" if image.service == "backend" else "backend", f"{image.reference}-other", image.base)
    built = other.build(CONTEXT, tag="1-other")
    layers = [json.loads(one.inspect("{{json .RootFS.Layers}}"))[0] for one in (image, built)]
    built.remove()
    assert layers[0] == layers[1]


def test_the_container_reports_its_health(image: Built) -> None:
    """The health check of the image succeeds for a running service, which needs no database for it."""
    url = "DATABASE_URL=postgresql://todo@127.0.0.1:1/todo"
    container = run(["docker", "run", "--detach", "--env", url, image.reference], timeout=60).stdout.strip()
    check = json.loads(image.inspect("{{json .Config.Healthcheck.Test}}"))[1:]
    poll = (run(["docker", "exec", container, *check], timeout=30, check=False) for _ in range(50))
    healthy = any(done.returncode == 0 for done in poll)
    run(["docker", "rm", "--force", container], timeout=60)
    assert healthy


def test_the_bill_lists_every_package(image: Built, files: tarfile.TarFile) -> None:
    """It has exactly the installed packages with their versions, and Python and the C library."""
    path = image.inspect('{{index .Config.Labels "dev.dockyard.sbom"}}')
    assert path == f"/usr/share/sbom/ai-todo-{image.service}.cdx.json"
    content = files.extractfile(path.lstrip("/"))
    assert content is not None
    purls = {component["purl"] for component in json.load(content)["components"]}
    infos = (re.search(r"/([^/]+)-([^/-]+)\.dist-info/METADATA$", name) for name in files.getnames())
    installed = {f"pkg:pypi/{info[1].lower().replace('_', '-')}@{info[2]}" for info in infos if info}
    assert {purl for purl in purls if purl.startswith("pkg:pypi/")} == installed
    assert {"pkg:pypi/pydantic", "pkg:deb/debian/libc6", "pkg:generic/python"} <= {purl.split("@")[0] for purl in purls}


def test_the_labels_describe_the_image(image: Built) -> None:
    """The labels are those of the OCI image specification, and the user is not root."""
    labels = json.loads(image.inspect("{{json .Config.Labels}}"))
    assert labels["org.opencontainers.image.title"] == f"ai-todo-{image.service}"
    assert labels["org.opencontainers.image.base.name"] == image.base
    assert labels["org.opencontainers.image.description"].startswith("AI Todo ")
    assert image.inspect("{{.Config.User}}") == "10001:10001"


def test_layers_are_the_same_from_any_checkout(image: Built, tmp_path: Path) -> None:
    """A build without cache from a copy with other modes and times has layers with the same digests."""
    copy = tmp_path / "backend"
    shutil.copytree(CONTEXT, copy)
    for path in copy.rglob("*"):
        path.chmod(path.stat().st_mode | 0o020)
        os.utime(path, (1_577_836_800, 1_577_836_800))
    again = image.build(copy, "--no-cache", tag="2")
    layers = [built.inspect("{{json .RootFS.Layers}}") for built in (image, again)]
    again.remove()
    assert layers[0] == layers[1]


def test_the_debug_target_has_a_shell(image: Built) -> None:
    """It has the same program and the tools of the base image."""
    debug = image.build(CONTEXT, "--target", "debug", tag="debug")
    code = f"id -u; python3 -c 'import todo_{image.service}.app as a; print(a.SERVICE)'"
    output = run(["docker", "run", "--rm", debug.reference, "sh", "-c", code], timeout=60).stdout.split()
    debug.remove()
    assert output == ["10001", f"ai-todo-{image.service}"]
