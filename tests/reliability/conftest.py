"""A copy of the project on a cluster of its own, for what may break either; what was seen goes into a report.

The profile `trial` of dockyard.yaml names that cluster. The tests of this folder take long and are no part of the unit
session: `nox -s reliability` runs them, and writes docs/reliability.md from what they saw.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from scripts.trial import ROOT, Seen, Trial

SEEN = Seen()
REPORT = ROOT / ".dockyard" / "reliability.json"


@pytest.fixture(scope="session")
def seen() -> Iterator[Seen]:
    """Where outcomes go; written at the end, for scripts/reliability.py to make a page of."""
    yield SEEN
    REPORT.parent.mkdir(exist_ok=True)
    before = json.loads(REPORT.read_text(encoding="utf-8")) if REPORT.exists() else {}  # of the session's other tests
    REPORT.write_text(json.dumps({**before, **SEEN.rows}, indent=2), encoding="utf-8")


@pytest.fixture(scope="session")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """A copy of the project with everything deployed."""
    trial = Trial.copied(tmp_path_factory.mktemp("trial"))
    trial.deploy()
    return trial


@pytest.fixture
def trial(copy: Trial) -> Iterator[Trial]:
    """The copy, as the repository has it, everything Ready; it is so again afterwards."""
    copy.restore()
    copy.deploy("--wait-lock", "120")  # a test that failed may have left a deploy at work
    yield copy
    copy.restore()
    copy.deploy("--wait-lock", "120")  # a test that failed may have left a deploy at work
