"""Writes what an image is made of, as CycloneDX 1.6, to standard output: `python sbom.py NAME FOLDER...`.

FOLDERs are put on top of each other in the image. Three sources: the Python packages in `app/packages` below them, the
Debian packages that own their other files, and Python itself. There is no serial number and no time in it: the same
files make the same bill.

This file is the same in the backend and in the MCP server; a test holds the two copies equal.
"""

import json
import platform
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any
from urllib.parse import quote

PACKAGES = "app/packages"
LOCAL = "usr/local"
"""What is there was installed by no package of Debian."""

FORMAT = "${binary:Package}\t${Version}\t${Architecture}\n"


def python_packages(folders: Iterable[Path]) -> Iterator[dict[str, Any]]:
    """Yield the Python packages that are installed in folders."""
    for one in distributions(path=[str(folder) for folder in folders]):
        name = one.metadata["Name"].lower().replace("_", "-")
        purl = f"pkg:pypi/{name}@{one.version}"
        yield {"type": "library", "name": name, "version": one.version, "purl": purl, **_license(one)}


def _license(one: Distribution) -> dict[str, Any]:
    """Return the licence that a package declares as an SPDX expression; the older free texts are left out."""
    expression = one.metadata.json.get("license_expression")
    return {"licenses": [{"expression": expression}]} if expression else {}


def debian_packages(owners: str, versions: str) -> Iterator[dict[str, Any]]:
    """Yield Debian packages.

    Args:
        owners: What `dpkg-query --search` says: lines of `package:arch, other: /path`.
        versions: What `dpkg-query --show` says of all packages, in FORMAT.
    """
    named = {name for line in owners.splitlines() for name in line.rpartition(": ")[0].split(", ")}
    for line in versions.splitlines():
        package, version, architecture = line.split("\t")
        name = package.partition(":")[0]
        if named & {name, f"{name}:{architecture}"}:
            purl = f"pkg:deb/debian/{name}@{quote(version, safe='')}?arch={architecture}"
            yield {"type": "library", "name": name, "version": version, "purl": purl}


def bill(name: str, components: Iterable[dict[str, Any]]) -> str:
    """Return the bill of an image as its file has it."""
    known = {component["purl"]: {**component, "bom-ref": component["purl"]} for component in components}
    content = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "container", "name": name, "bom-ref": name}},
        "components": [known[purl] for purl in sorted(known)],
    }
    return json.dumps(content, indent=1) + "\n"


def _python() -> dict[str, Any]:
    version = platform.python_version()
    return {"type": "application", "name": "python", "version": version, "purl": f"pkg:generic/python@{version}"}


def _debian(folders: Iterable[Path]) -> Iterator[dict[str, Any]]:
    """Yield the Debian packages of files in folders; a file may be known below /usr as well, where /lib is a link."""
    files = [f"/{path.relative_to(folder)}" for folder in folders for path in folder.rglob("*") if path.is_file()]
    foreign = (f"/{PACKAGES}/", f"/{LOCAL}/")
    asked = [path for path in files if not path.startswith(foreign)]
    owners = _said(["dpkg-query", "--search", *asked, *(f"/usr{path}" for path in asked)], may_fail=True)
    return debian_packages(owners, _said(["dpkg-query", "--show", f"--showformat={FORMAT}"]))


def _said(argv: Sequence[str], *, may_fail: bool = False) -> str:
    return subprocess.run(argv, check=not may_fail, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout  # noqa: S603 - two commands of our own


def main(name: str, *folders: str) -> None:
    """Write the bill of an image that is made from folders."""
    roots = [Path(folder) for folder in folders]
    packages = python_packages(root / PACKAGES for root in roots)
    sys.stdout.write(bill(name, [_python(), *packages, *_debian(roots)]))


if __name__ == "__main__":
    main(*sys.argv[1:])
