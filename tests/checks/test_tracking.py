"""What Git has: real repositories, with secrets that are none."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from dockyard.checks import tracking
from dockyard.checks.tracking import OWN
from dockyard.tools.process import run
from tests.tools.test_betterleaks import TOKEN

pytestmark = pytest.mark.process

SECRET = "q7Xv2mKp9TzR4wYb-own"  # noqa: S105 - stands for one


def repository(root: Path, **files: str) -> Path:
    """Return a folder whose index has those files, with `__` for a slash and `_` for a dot."""
    run(["git", "init", "--quiet", str(root)], timeout=30)
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    run(["git", "-C", str(root), "add", "--force", "."], timeout=30)
    return root


def test_the_projects_own_secret_is_found_in_every_form(tmp_path: Path) -> None:
    """As it is, and as base64 of a Secret; each line once."""
    text = base64.b64encode(SECRET.encode()).decode()
    root = repository(tmp_path, a_txt=f"one\nkey {SECRET} {SECRET}\n", k8s__secret_yaml=f"data:\n  KEY: {text}\n")
    seen = tracking.look(root, {"KEY": SECRET})
    assert seen is not None
    assert seen.files == ("a.txt", "k8s/secret.yaml")
    assert seen.found == (("a.txt", 2, OWN), ("k8s/secret.yaml", 2, OWN))


def test_a_foreign_secret_is_found_by_its_form(tmp_path: Path) -> None:
    """Whoever's it is."""
    seen = tracking.look(repository(tmp_path, a_txt=f"\n{TOKEN}\n"), {})
    assert seen is not None
    assert seen.found == (("a.txt", 2, "looks like a secret (rule github-pat of Betterleaks)"),)


def test_what_is_added_counts_and_not_what_lies_there(tmp_path: Path) -> None:
    """A secret that was taken out after `git add` is in the next commit all the same."""
    root = repository(tmp_path, a_txt=SECRET)
    (root / "a.txt").write_text("clean")
    (root / "b.txt").write_text(SECRET)
    seen = tracking.look(root, {"KEY": SECRET})
    assert seen is not None
    assert seen.found == (("a.txt", 1, OWN),)


def test_a_weak_secret_may_stand_anywhere_by_chance(tmp_path: Path) -> None:
    """It is told as weak; a finding in every file that has the word would hide the others."""
    seen = tracking.look(repository(tmp_path, a_txt="hunter2hunter2"), {"KEY": "hunter2hunter2", "PIN": "1234"})
    assert seen is not None
    assert seen.found == ()


def test_a_project_below_the_top_is_looked_at_alone(tmp_path: Path) -> None:
    """What the rest of the repository holds is its own affair."""
    root = repository(tmp_path, app__a_txt=SECRET, b_txt=SECRET)
    seen = tracking.look(root / "app", {"KEY": SECRET})
    assert seen is not None
    assert (seen.files, seen.found) == (("a.txt",), (("a.txt", 1, OWN),))


def test_links_and_what_is_no_text_are_no_trouble(tmp_path: Path) -> None:
    """A link is not followed, least of all out of the repository; bytes that are no text are looked at all the same."""
    (tmp_path / "link").symlink_to("/etc/passwd")
    (tmp_path / "bytes").write_bytes(b"\xff\x00" + SECRET.encode())
    seen = tracking.look(repository(tmp_path), {"KEY": SECRET, "ROOT": "root:x:0:0:root:/root:/bin"})
    assert seen is not None
    assert seen.found == (("bytes", 1, OWN),)


def test_an_empty_index_has_nothing(tmp_path: Path) -> None:
    """A repository that was just made."""
    seen = tracking.look(repository(tmp_path), {"KEY": SECRET})
    assert seen is not None
    assert (seen.files, seen.found) == ((), ())


def test_no_repository_is_no_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unpacked archive, say."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert tracking.look(tmp_path, {}) is None
