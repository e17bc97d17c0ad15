"""Where a project is."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockyard.model.errors import ConfigError
from dockyard.root import FILE, find_root


def test_the_root_is_found_from_below(tmp_path: Path) -> None:
    """As git finds its own; the nearest wins."""
    inner = tmp_path / "outer" / "inner"
    (inner / "deep").mkdir(parents=True)
    (tmp_path / FILE).touch()
    assert find_root(inner / "deep") == tmp_path
    (inner / FILE).touch()
    assert find_root(inner / "deep") == inner


def test_a_directory_of_that_name_is_no_project(tmp_path: Path) -> None:
    """Docker makes one where a mounted file is missing."""
    (tmp_path / FILE).mkdir()
    with pytest.raises(ConfigError, match=r"There is no dockyard\.yaml in"):
        find_root(tmp_path)
