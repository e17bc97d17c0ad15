"""Findings as a person reads them."""

from __future__ import annotations

import pytest

from dockyard.checks.finding import Check, Finding, Place, Severity
from dockyard.ui.findings import print_findings
from dockyard.ui.screen import Screen
from tests.fakes import FakeClock

CHECKS = {
    id_: Check(id_, f"title {id_}", severity, f"Why {id_}.", f"Fix {id_}.", lambda _: iter(()))
    for id_, severity in (("DY101", Severity.WARNING), ("DY102", Severity.ERROR), ("DY103", Severity.ERROR))
}


def finding(id_: str, place: Place, message: str) -> Finding:
    """Return a finding of one of the checks."""
    return Finding(id_, CHECKS[id_].severity, place, message, "web")


def shown(capsys: pytest.CaptureFixture[str], *findings: Finding, off: dict[str, str] | None = None) -> list[str]:
    """Print findings; return the lines."""
    print_findings(Screen(FakeClock()), findings, CHECKS, off=off or {}, looked_at="2 releases")
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def test_findings_come_with_their_places_and_errors_first(capsys: pytest.CaptureFixture[str]) -> None:
    """What is not known of a place takes no line."""
    lines = shown(
        capsys,
        finding("DY101", Place("a.yaml"), "it [red]warns"),
        finding("DY102", Place("b.yaml", "c.d", 7), "it is wrong"),
    )
    assert lines[:7] == [
        "severity  check  finding",
        "error     DY102  b.yaml:7",
        "                 c.d",
        "                 it is wrong",
        "warning   DY101  a.yaml",
        "                 it [red]warns",
        "",
    ]


def test_why_and_how_to_mend_it_stand_once(capsys: pytest.CaptureFixture[str]) -> None:
    """However often a check finds something; checks that find nothing say nothing."""
    twice = [finding("DY102", Place(file), "it is wrong") for file in ("a", "b")]
    lines = shown(capsys, *twice, finding("DY101", Place("c"), "it warns"))
    explained = ["DY102  title DY102", "  Why: Why DY102.", "  Fix: Fix DY102.", ""]
    assert lines[-9:-1] == explained + [line.replace("DY102", "DY101") for line in explained]
    assert lines[-1] == "Found 2 errors and 1 warning by 3 checks in 2 releases."


def test_nothing_found_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """With how much was looked at."""
    assert shown(capsys) == ["Nothing found by 3 checks in 2 releases."]


def test_what_is_switched_off_is_told_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    """On every run, so that nobody forgets it."""
    assert shown(capsys, off={"DY402": "a cache"})[0] == "DY402 is switched off: a cache"
