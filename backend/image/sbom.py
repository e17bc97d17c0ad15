"""Write the bill of materials of an image as CycloneDX 1.6 to standard output: `python sbom.py NAME FOLDER...`.

The image consists of the FOLDERs on top of each other. The bill lists Python, the Python packages in `app/packages`,
and the Debian packages that own other files. It has no serial number and no time: equal files give equal bills.
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
"""Files below it belong to no Debian package."""

FORMAT = "${binary:Package}\t${Version}\t${Architecture}\n"


def python_packages(folders: Iterable[Path]) -> Iterator[dict[str, Any]]:
    """Yield the components of the Python packages that are installed in folders."""
    for one in distributions(path=[str(folder) for folder in folders]):
        name = one.metadata["Name"].lower().replace("_", "-")
        purl = f"pkg:pypi/{name}@{one.version}"
        yield {"type": "library", "name": name, "version": one.version, "purl": purl, **_licenses(one)}


def _licenses(one: Distribution) -> dict[str, Any]:
    """Return the license of a package if it declares an SPDX expression; free text is left out."""
    expression = one.metadata.json.get("license_expression")
    return {"licenses": [{"expression": expression}]} if expression else {}


def debian_packages(owners: str, versions: str) -> Iterator[dict[str, Any]]:
    """Yield the components of Debian packages.

    Args:
        owners: Output of `dpkg-query --search`: lines of `package:arch, other: /path`.
        versions: Output of `dpkg-query --show` for all packages, in FORMAT.
    """
    owning = {name for line in owners.splitlines() for name in line.rpartition(": ")[0].split(", ")}
    for line in versions.splitlines():
        package, version, architecture = line.split("\t")
        name = package.partition(":")[0]
        if owning & {name, f"{name}:{architecture}"}:
            purl = f"pkg:deb/debian/{name}@{quote(version, safe='')}?arch={architecture}"
            yield {"type": "library", "name": name, "version": version, "purl": purl}


def bill(name: str, components: Iterable[dict[str, Any]]) -> str:
    """Return the bill of an image as JSON."""
    unique = {component["purl"]: {**component, "bom-ref": component["purl"]} for component in components}
    content = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "container", "name": name, "bom-ref": name}},
        "components": [unique[purl] for purl in sorted(unique)],
    }
    return json.dumps(content, indent=1) + "\n"


def _python() -> dict[str, Any]:
    version = platform.python_version()
    return {"type": "application", "name": "python", "version": version, "purl": f"pkg:generic/python@{version}"}


def _debian(folders: Iterable[Path]) -> Iterator[dict[str, Any]]:
    """Yield the Debian packages of files in folders. dpkg may know a file below /usr, where /lib is a link."""
    files = [f"/{path.relative_to(folder)}" for folder in folders for path in folder.rglob("*") if path.is_file()]
    candidates = [path for path in files if not path.startswith((f"/{PACKAGES}/", f"/{LOCAL}/"))]
    search = ["dpkg-query", "--search", *candidates, *(f"/usr{path}" for path in candidates)]
    owners = _output(search, may_fail=True)  # exit code 1 if any file has no owner
    return debian_packages(owners, _output(["dpkg-query", "--show", f"--showformat={FORMAT}"]))


def _output(argv: Sequence[str], *, may_fail: bool = False) -> str:
    return subprocess.run(argv, check=not may_fail, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout  # noqa: S603 - constant programs


def main(name: str, *folders: str) -> None:
    """Write the bill of the image that consists of folders."""
    roots = [Path(folder) for folder in folders]
    packages = python_packages(root / PACKAGES for root in roots)
    sys.stdout.write(bill(name, [_python(), *packages, *_debian(roots)]))


if __name__ == "__main__":
    main(*sys.argv[1:])
