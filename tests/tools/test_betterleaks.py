"""Betterleaks on files with secrets that are none."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dockyard.tools.betterleaks import Betterleaks, Leak

if TYPE_CHECKING:
    from tests.conftest import MissingTool

pytestmark = pytest.mark.process

TOKEN = "ghp_" + "q7Xv2mKp9TzR4wYbq7Xv2mKp9TzR4wYb1a2B"


@pytest.fixture
def betterleaks(missing_tool: MissingTool) -> Betterleaks:
    """Return the program of this environment."""
    program = Path(sys.executable).with_name("betterleaks")
    if not program.exists():
        missing_tool("Betterleaks")
    return Betterleaks(program)


def test_a_token_is_found_with_its_place(betterleaks: Betterleaks, tmp_path: Path) -> None:
    """Wherever it stands, in whatever kind of file."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "notes.md").write_text(f"one\n\nthe token is {TOKEN}\n")
    assert betterleaks.scan(tmp_path) == (Leak("a/notes.md", 3, "github-pat"),)


def test_a_line_that_says_so_is_left_alone(betterleaks: Betterleaks, tmp_path: Path) -> None:
    """Somebody looked at it."""
    (tmp_path / "a.py").write_text(f"TOKEN = '{TOKEN}'  # betterleaks:allow\n")
    assert betterleaks.scan(tmp_path) == ()


def test_what_shows_how_a_secret_looks_is_none(betterleaks: Betterleaks, tmp_path: Path) -> None:
    """Placeholders, and a URL as every manual has it."""
    (tmp_path / ".env.example").write_text("URL=postgresql://user:password@host/name\nKEY=sk-...\nTOKEN=changeme\n")
    assert betterleaks.scan(tmp_path) == ()


def test_where_it_is_not_installed_nothing_is_found(tmp_path: Path) -> None:
    """It comes with the gates' own dependencies, which a user of the package need not have."""
    (tmp_path / "a").write_text(TOKEN)
    assert Betterleaks(tmp_path / "none").scan(tmp_path) == ()
