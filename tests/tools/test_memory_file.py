"""Files in memory."""

from __future__ import annotations

import stat

import pytest

from dockyard.tools.memory_file import memory_file
from dockyard.tools.process import run


@pytest.mark.process
def test_a_program_can_read_it() -> None:
    """While the block runs."""
    with memory_file("test", "NAME=value\n") as path:
        assert run(["cat", str(path)], timeout=20).stdout == "NAME=value\n"


def test_it_is_readable_by_its_owner_alone() -> None:
    """As files with secrets have to be."""
    with memory_file("test", "secret") as path:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_it_is_gone_after_the_block() -> None:
    """Also when the block fails."""
    with pytest.raises(ZeroDivisionError), memory_file("test", "secret") as path:
        raise ZeroDivisionError
    assert not path.exists()
