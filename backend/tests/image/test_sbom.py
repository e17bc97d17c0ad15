"""The bill of materials of an image."""

import json
import sys
from importlib.metadata import version
from pathlib import Path

from image.sbom import bill, debian_packages, python_packages

OWNERS = """\
libc6:amd64: /lib/x86_64-linux-gnu/libc.so.6
libssl3t64:amd64, openssl: /usr/lib/x86_64-linux-gnu/libssl.so.3
diversion by dash from: /bin/sh
"""
VERSIONS = "libc6\t2.41-12\tamd64\nlibssl3t64\t3.5.1-1+deb13u1\tamd64\nopenssl\t1:3.5\tamd64\ntzdata\t2025b\tall\n"


def test_installed_packages_are_listed_with_their_licenses() -> None:
    """Each package in a folder is listed with its version and its normalized name."""
    folders = [Path(entry) for entry in sys.path if entry.endswith("site-packages")]
    found = {component["purl"]: component for component in python_packages(folders)}

    assert f"pkg:pypi/fastapi@{version('fastapi')}" in found
    assert f"pkg:pypi/psycopg-binary@{version('psycopg-binary')}" in found
    assert found[f"pkg:pypi/fastapi@{version('fastapi')}"]["licenses"] == [{"expression": "MIT"}]


def test_only_debian_packages_that_own_a_file_are_listed() -> None:
    """Their versions are encoded as package URLs require."""
    assert [component["purl"] for component in debian_packages(OWNERS, VERSIONS)] == [
        "pkg:deb/debian/libc6@2.41-12?arch=amd64",
        "pkg:deb/debian/libssl3t64@3.5.1-1%2Bdeb13u1?arch=amd64",
        "pkg:deb/debian/openssl@1%3A3.5?arch=amd64",
    ]


def test_a_bill_is_valid_and_reproducible() -> None:
    """It has the required members of CycloneDX, and each component once, in a fixed order."""
    parts = [{"type": "library", "name": name, "version": "1", "purl": f"pkg:pypi/{name}@1"} for name in "bab"]
    content = json.loads(bill("app", parts))

    assert (content["bomFormat"], content["specVersion"], content["version"]) == ("CycloneDX", "1.6", 1)
    assert content["metadata"]["component"]["name"] == "app"
    assert [component["bom-ref"] for component in content["components"]] == ["pkg:pypi/a@1", "pkg:pypi/b@1"]
    assert bill("app", parts[::-1]) == bill("app", parts)
