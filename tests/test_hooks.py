"""Git's hooks, run by real commits."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dockyard.tools.process import Completed, run

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[1]
STRONG = "q7Xv2mKp9TzR4wYb"
WHO = ["-c", "user.name=Test", "-c", "user.email=test@host.invalid"]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a project and the hooks of this one; `inv` runs the tasks of this environment."""
    run(["git", "init", "--quiet", str(tmp_path)], timeout=30)
    run(["git", "-C", str(tmp_path), "config", "core.hooksPath", str(ROOT / "scripts" / "hooks")], timeout=30)
    described = "name: test\nreleases: {web: {chart: web, secrets: [KEY]}}\n"
    (tmp_path / "dockyard.yaml").write_text(described, encoding="utf-8")
    (tmp_path / ".gitignore").write_text(".env\n", encoding="utf-8")
    (tmp_path / ".env").write_text(f"KEY={STRONG}\n", encoding="utf-8")
    invoke = f"#!/bin/sh\nexec '{Path(sys.executable).with_name('invoke')}' --search-root '{ROOT}' \"$@\"\n"
    (tmp_path / "inv").write_text(invoke, encoding="utf-8")
    (tmp_path / "inv").chmod(0o755)
    return tmp_path


def commit(repository: Path, *options: str) -> Completed:
    """Commit in a repository."""
    argv = ["git", "-C", str(repository), *WHO, "commit", "--quiet", "--message", "x", *options]
    return run(argv, timeout=60, check=False)


def test_a_commit_with_a_secret_is_refused(repository: Path) -> None:
    """A clean one goes; the next, with the value of a secret, does not, and is not shown it."""
    run(["git", "-C", str(repository), "add", "."], timeout=30)
    assert commit(repository).returncode == 0
    (repository / "notes.md").write_text(f"{STRONG}\n", encoding="utf-8")
    run(["git", "-C", str(repository), "add", "."], timeout=30)
    done = commit(repository)
    assert done.returncode != 0
    assert "notes.md:1" in done.stdout + done.stderr
    assert STRONG not in done.stdout + done.stderr


def test_a_commit_of_what_was_not_added_is_looked_at_too(repository: Path) -> None:
    """`git commit --all` has an index of its own."""
    (repository / "notes.md").write_text("clean\n", encoding="utf-8")
    run(["git", "-C", str(repository), "add", "."], timeout=30)
    assert commit(repository).returncode == 0
    (repository / "notes.md").write_text(f"{STRONG}\n", encoding="utf-8")
    assert commit(repository, "--all").returncode != 0
    log = run(["git", "-C", str(repository), "log", "--format=%s"], timeout=30)
    assert log.stdout == "x\n"
