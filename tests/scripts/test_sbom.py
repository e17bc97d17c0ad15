"""The bills of materials: what stands in them, and that the ones in the repository are not stale."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts.sbom import ROOT, bill, bills, from_npm, from_requirements

LOCK = """\
alembic==1.20.1 \\
    --hash=sha256:00
cffi==2.1.1 ; platform_python_implementation != 'PyPy' \\
    --hash=sha256:01
pywin32==312 ; sys_platform == 'win32' \\
    --hash=sha256:02
"""

NPM_LOCK = {
    "packages": {
        "": {"name": "page", "version": "1.0.0"},
        "node_modules/hono": {"version": "4.0.0"},
        "node_modules/@hono/node-server": {"version": "1.0.0"},
        "node_modules/a/node_modules/b": {"version": "2.0.0"},
        "node_modules/vite": {"version": "8.0.0", "dev": True},
        "node_modules/fsevents": {"version": "2.0.0", "devOptional": True},
    }
}


@pytest.mark.parametrize("path", sorted(bills()), ids=lambda path: path.parent.name)
def test_no_bill_is_stale(path: Path) -> None:
    """Each is what its lock file gives; `python scripts/sbom.py` writes them."""
    assert path.read_text(encoding="utf-8") == bills()[path]


def test_every_image_has_a_bill() -> None:
    """The three services' lock files are found."""
    assert {path.relative_to(ROOT).parts[0] for path in bills()} == {"backend", "mcp", "frontend"}


def test_packages_of_other_systems_are_left_out() -> None:
    """Markers are read as the image's interpreter would."""
    found = [component.purl for component in from_requirements(LOCK)]
    assert found == ["pkg:pypi/alembic@1.20.1", "pkg:pypi/cffi@2.1.1"]


def test_packages_for_development_are_left_out() -> None:
    """The lock file marks them; scoped names are written as package URLs have them."""
    found = [component.purl for component in from_npm(json.dumps(NPM_LOCK))]
    assert found == ["pkg:npm/hono@4.0.0", "pkg:npm/%40hono/node-server@1.0.0", "pkg:npm/b@2.0.0"]


def test_a_bill_is_one_that_tools_read(tmp_path: Path) -> None:
    """CycloneDX's required members, the base first, each reference once, and no time: twice the same text."""
    lock = tmp_path / "requirements.lock"
    lock.write_text(LOCK)
    content = json.loads(bill("app", "python:3.13-slim", lock))
    assert (content["bomFormat"], content["specVersion"], content["version"]) == ("CycloneDX", "1.6", 1)
    assert content["metadata"]["component"]["name"] == "app"
    references = [component["bom-ref"] for component in content["components"]]
    assert references == ["base:python:3.13-slim", "pkg:pypi/alembic@1.20.1", "pkg:pypi/cffi@2.1.1"]
    assert bill("app", "python:3.13-slim", lock) == bill("app", "python:3.13-slim", lock)


def test_another_content_has_another_number(tmp_path: Path) -> None:
    """The serial number follows from what a bill holds."""
    lock = tmp_path / "requirements.lock"
    numbers = set()
    for text in (LOCK, LOCK.replace("1.20.1", "1.20.2")):
        lock.write_text(text)
        numbers.add(json.loads(bill("app", "python:3.13-slim", lock))["serialNumber"])
    assert len(numbers) == 2
