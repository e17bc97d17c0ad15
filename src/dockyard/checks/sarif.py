"""Findings as SARIF 2.1.0, which code-hosting sites and editors show beside the lines they are about.

Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0".
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dockyard.checks.finding import Check, Finding

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"

ROOT = "PROJECTROOT"
"""What paths start from: the folder of dockyard.yaml, wherever that is on the machine that reads the file."""


def sarif(findings: Sequence[Finding], checks: Mapping[str, Check], *, version: str) -> dict[str, Any]:
    """Return findings as a SARIF log with one run.

    Args:
        findings: What was found.
        checks: Every check by its id: the rules of the run.
        version: The version of Dockyard.
    """
    order = {id_: index for index, id_ in enumerate(checks)}
    driver = {"name": "Dockyard", "semanticVersion": version, "rules": [_rule(entry) for entry in checks.values()]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {ROOT: {"description": {"text": "The folder of dockyard.yaml."}}},
        "results": [_result(finding, order[finding.check]) for finding in findings],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(entry: Check) -> dict[str, Any]:
    return {
        "id": entry.id,
        "shortDescription": {"text": entry.title},
        "fullDescription": {"text": entry.why},
        "help": {"text": entry.fix},
        "defaultConfiguration": {"level": entry.severity.value},
    }


def _result(finding: Finding, index: int) -> dict[str, Any]:
    place = finding.place
    physical: dict[str, Any] = {"artifactLocation": {"uri": quote(place.file), "uriBaseId": ROOT}}
    if place.line:
        physical["region"] = {"startLine": place.line}
    location: dict[str, Any] = {"physicalLocation": physical}
    if place.path:
        location["logicalLocations"] = [{"fullyQualifiedName": place.path}]
    return {
        "ruleId": finding.check,
        "ruleIndex": index,
        "level": finding.severity.value,
        "message": {"text": finding.message},
        "locations": [location],
        "partialFingerprints": {"dockyard/v1": _fingerprint(finding)},
        "properties": {"release": finding.release},
    }


def _fingerprint(finding: Finding) -> str:
    """Return what names a finding from one run to the next, while lines above it come and go."""
    facts = (finding.check, finding.place.file, finding.place.path, finding.release, finding.message)
    return hashlib.sha256("\0".join(facts).encode()).hexdigest()
