"""The list of checks in the documentation."""

from __future__ import annotations

from pathlib import Path

from dockyard.checks.catalogue import every_check
from scripts.checks_doc import text

PAGE = Path(__file__).parents[2] / "docs" / "checks.md"


def test_the_page_is_not_stale() -> None:
    """`python scripts/checks_doc.py` writes it."""
    assert PAGE.read_text(encoding="utf-8") == text()


def test_every_check_has_its_entry() -> None:
    """Id, title, severity, why and fix."""
    page = text()
    for id_, entry in every_check().items():
        head = f"### {id_}: {entry.title}\n\n*{entry.severity.value}* {entry.why}\n\nFix: {entry.fix}\n"
        assert page.count(head) == 1
