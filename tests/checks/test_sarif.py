"""Findings as SARIF."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from dockyard.checks.catalogue import every_check, run_checks
from dockyard.checks.finding import Finding, Place, Severity
from dockyard.checks.sarif import sarif
from tests.checks.examples import BAD


def log(*findings: Finding) -> dict[str, Any]:
    """Return the one run of findings, as a reader of the file gets it."""
    whole = json.loads(json.dumps(sarif(findings, every_check(), version="1.2.3")))
    assert (whole["version"], whole["$schema"]) == ("2.1.0", "https://json.schemastore.org/sarif-2.1.0.json")
    (run,) = whole["runs"]
    return dict(run)


def finding(place: Place, message: str = "it is wrong") -> Finding:
    """Return a finding at a place."""
    return Finding("DY101", Severity.ERROR, place, message, "web")


def test_every_check_is_a_rule() -> None:
    """With its title, why, fix and severity."""
    driver = log()["tool"]["driver"]
    assert (driver["name"], driver["semanticVersion"]) == ("Dockyard", "1.2.3")
    assert [rule["id"] for rule in driver["rules"]] == list(every_check())
    entry = every_check()["DY106"]
    (rule,) = [rule for rule in driver["rules"] if rule["id"] == "DY106"]
    assert [rule[key]["text"] for key in ("shortDescription", "fullDescription", "help")] == [
        entry.title,
        entry.why,
        entry.fix,
    ]
    assert rule["defaultConfiguration"] == {"level": "warning"}


def test_a_finding_stands_where_it_was_found() -> None:
    """File, line and keys; the file as a URI below the project's root."""
    run = log(finding(Place("charts/my web/values.yaml", "a.b", 7)))
    (result,) = run["results"]
    (location,) = result["locations"]
    assert location == {
        "physicalLocation": {
            "artifactLocation": {"uri": "charts/my%20web/values.yaml", "uriBaseId": "PROJECTROOT"},
            "region": {"startLine": 7},
        },
        "logicalLocations": [{"fullyQualifiedName": "a.b"}],
    }
    assert "PROJECTROOT" in run["originalUriBaseIds"]
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "DY101"
    assert (result["level"], result["message"]) == ("error", {"text": "it is wrong"})
    assert result["properties"] == {"release": "web"}


def test_what_is_not_known_of_a_place_is_left_out() -> None:
    """A region without a line, or a name without text, would be invalid."""
    (location,) = log(finding(Place("dockyard.yaml")))["results"][0]["locations"]
    assert location == {"physicalLocation": {"artifactLocation": {"uri": "dockyard.yaml", "uriBaseId": "PROJECTROOT"}}}


def test_a_finding_is_known_again_when_lines_move() -> None:
    """What names it changes with the place and the sentence, not with the line."""
    places = [Place("a", "b", 1), Place("a", "b", 2), Place("a", "c", 1)]
    marks = [one["partialFingerprints"]["dockyard/v1"] for one in log(*map(finding, places))["results"]]
    assert marks[0] == marks[1] != marks[2]
    assert re.fullmatch("[0-9a-f]{64}", marks[0])


KNOWN = {
    "ruleId": str,
    "ruleIndex": int,
    "level": str,
    "message": dict,
    "locations": list,
    "partialFingerprints": dict,
    "properties": dict,
}


@pytest.mark.parametrize("id_", BAD)
def test_findings_of_every_check_have_the_same_form(id_: str) -> None:
    """Only keys of SARIF, of their types; levels that SARIF has."""
    results = log(*run_checks(BAD[id_](), without={}))["results"]
    assert any(result["ruleId"] == id_ for result in results)
    for result in results:
        assert {key: type(value) for key, value in result.items()} == KNOWN
        assert result["level"] in {"error", "warning"}
        assert result["message"]["text"]
