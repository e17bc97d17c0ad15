"""Writes each service's software bill of materials (CycloneDX 1.6) from its lock file; a test fails when one is stale.

It lists what a lock file brings into the image on Linux, and the base image. The hashes that installers check stay in
the lock file; no place to download from is named, and no time: equal lock files make equal bills.
"""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.markers import Marker

from dockyard.config import load

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).parents[1]

NAME = "sbom.cdx.json"

NAMESPACE = uuid.UUID("5f0e1c55-6d0c-5f2e-9d0b-3a2f4a1f7c11")
"""Under which a bill's serial number is made from its content (RFC 9562, version 5)."""

TARGET = {
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": "3.13.0",
    "python_version": "3.13",
    "sys_platform": "linux",
}
"""The image's interpreter, as environment markers see it."""

REQUIREMENT = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>[^\s;\\]+)(?: ; (?P<marker>[^\\]+))?", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Component:
    """One package of an image.

    Attributes:
        name: Its name.
        version: Its version.
        purl: Its package URL, which names it for every tool that reads bills.
    """

    name: str
    version: str
    purl: str


def from_requirements(text: str) -> Iterator[Component]:
    """Yield what a Python lock file installs in the image, in its order."""
    for match in REQUIREMENT.finditer(text):
        if match["marker"] is None or Marker(match["marker"].strip()).evaluate(dict(TARGET)):
            yield Component(match["name"], match["version"], f"pkg:pypi/{match['name']}@{match['version']}")


def from_npm(text: str) -> Iterator[Component]:
    """Yield what an npm lock file installs for production, in its order."""
    packages: Mapping[str, Any] = json.loads(text)["packages"]
    for path, entry in packages.items():
        if not path or entry.get("dev") or entry.get("devOptional") or entry.get("link"):
            continue
        name = entry.get("name") or path.rpartition("node_modules/")[2]
        yield Component(name, entry["version"], f"pkg:npm/{name.replace('@', '%40')}@{entry['version']}")


LOCKS = {"requirements.lock": from_requirements, "package-lock.json": from_npm}


def bill(image: str, base: str, lock: Path) -> str:
    """Return the bill of an image as its file has it.

    Args:
        image: The image's name.
        base: The image that it is made from, `name:tag`.
        lock: The lock file of what is added.
    """
    components = sorted(LOCKS[lock.name](lock.read_text(encoding="utf-8")), key=lambda entry: entry.purl)
    name, _, version = base.partition(":")
    content: dict[str, Any] = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "container", "name": image, "bom-ref": image}},
        "components": [
            {"type": "container", "name": name, "version": version, "bom-ref": f"base:{base}"},
            *(_described(component) for component in components),
        ],
    }
    content["serialNumber"] = f"urn:uuid:{uuid.uuid5(NAMESPACE, json.dumps(content, sort_keys=True))}"
    return json.dumps(content, indent=1, sort_keys=True) + "\n"


def _described(component: Component) -> dict[str, Any]:
    return {
        "type": "library",
        "name": component.name,
        "version": component.version,
        "purl": component.purl,
        "bom-ref": component.purl,
    }


def bills(root: Path = ROOT) -> dict[Path, str]:
    """Return the bill of each image of the project that has a lock file, by the path it is written to."""
    found = {}
    for name, image in load(root).images.items():
        context = root / image.build_context
        for lock in (context / name for name in LOCKS):
            if lock.exists():
                found[context / NAME] = bill(name, image.base_image, lock)
    return found


if __name__ == "__main__":
    for path, text in bills().items():
        path.write_text(text, encoding="utf-8")
