"""Git's index, read from real repositories."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockyard.model.errors import ToolMissingError
from dockyard.tools import git as module
from dockyard.tools.git import Git
from dockyard.tools.process import run

pytestmark = pytest.mark.process


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose index has two files, one of them below `app`; a third is not added."""
    run(["git", "init", "--quiet", str(tmp_path)], timeout=30)
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "ü b.txt").write_text("first\n")
    (tmp_path / "top.txt").write_text("top\n")
    run(["git", "-C", str(tmp_path), "add", "."], timeout=30)
    (tmp_path / "later.txt").write_text("later\n")
    return tmp_path


def test_the_index_is_what_the_next_commit_would_hold(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """What is only in the folder is not in it, and what was added is as it was then."""
    (repository / "top.txt").write_text("changed\n")
    git, out = Git(repository), tmp_path_factory.mktemp("out")
    assert (git.prefix(), git.files()) == ("", ("app/ü b.txt", "top.txt"))
    git.copy_index(out)
    assert {path.name: path.read_text() for path in out.rglob("*.txt")} == {"ü b.txt": "first\n", "top.txt": "top\n"}


def test_a_project_below_the_top_sees_its_own_files(repository: Path) -> None:
    """With the way to it, since copies have the repository's paths."""
    assert (Git(repository / "app").prefix(), Git(repository / "app").files()) == ("app/", ("ü b.txt",))


def test_no_repository_has_no_prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is there one without Git."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert Git(tmp_path).prefix() is None

    def missing(*_: object, **__: object) -> None:
        raise ToolMissingError("git")

    monkeypatch.setattr(module, "run", missing)
    assert Git(tmp_path).prefix() is None
