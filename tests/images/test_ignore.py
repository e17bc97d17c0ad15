"""Which files of a build context Docker sends."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dockyard.images.ignore import Ignore
from dockyard.tools.process import run

TREE = (
    ".env",
    ".py",
    "README.md",
    "[a",
    "a*b",
    "a/b",
    "a/x/b",
    "app.py",
    "axxb",
    "back\\slash",
    "cx",
    "docs/README.md",
    "docs/guide.md",
    "docs/sub/deep.md",
    "foo/bar",
    "foobar/x",
    "n/node_modules/m.js",
    "node_modules/m.js",
    "space name",
    "src/app.py",
    "src/deep/app.py",
    "src/deep/data.txt",
    "é.txt",
)
"""Files of a context, in the order of their names."""


def make(context: Path) -> Path:
    """Write the tree, each file with its own name as content."""
    for name in TREE:
        path = context / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")
    return context


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """Return a context with the tree in it."""
    return make(tmp_path / "context")


def left_out(patterns: str) -> set[str]:
    """Return the files of the tree that patterns leave out."""
    ignore = Ignore.parse(patterns)
    return {name for name in TREE if ignore.leaves_out(PurePosixPath(name))}


def test_without_patterns_nothing_is_left_out() -> None:
    """Comments, empty lines and a lone exclamation mark are no patterns."""
    assert left_out("") == left_out("# *\n\n   \n!\n") == set()


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("app.py", {"app.py"}),
        ("./app.py", {"app.py"}),
        ("/app.py", {"app.py"}),
        ("docs/../app.py", {"app.py"}),
        ("  app.py\t", {"app.py"}),
        ("app.py\r", {"app.py"}),
        ("\ufeffapp.py", {"app.py"}),
        ("../app.py", set()),
        (".", set()),
        ("/", set()),
        ("docs", {"docs/README.md", "docs/guide.md", "docs/sub/deep.md"}),
        ("docs/", {"docs/README.md", "docs/guide.md", "docs/sub/deep.md"}),
        ("docs//sub", {"docs/sub/deep.md"}),
        ("*.md", {"README.md"}),
        ("*/*.md", {"docs/README.md", "docs/guide.md"}),
        ("**/*.md", {"README.md", "docs/README.md", "docs/guide.md", "docs/sub/deep.md"}),
        ("**/node_modules", {"node_modules/m.js", "n/node_modules/m.js"}),
        ("node_modules", {"node_modules/m.js"}),
        ("src/**", {"src/app.py", "src/deep/app.py", "src/deep/data.txt"}),
        ("src/**/app.py", {"src/app.py", "src/deep/app.py"}),
        ("*/", set(TREE)),
        ("**", set(TREE)),
        ("**.py", {".py", "app.py", "src/app.py", "src/deep/app.py"}),
        ("**.p?", {".py"}),
        ("a**b", {"a/b", "a/x/b"}),
        ("foo**", {"foo/bar", "foobar/x"}),
        ("?x", {"cx"}),
        ("[a-c]x", {"cx"}),
        ("[^a]x", {"cx"}),
        ("[!a]x", set()),
        ("a[&&/]b", {"a/b"}),
        ("[[]a", {"[a"}),
        ("[\\[]a", {"[a"}),
        ("[\\]c]x", {"cx"}),
        ("a\\*b", {"a*b"}),
        ("back\\\\slash", {"back\\slash"}),
        ("back\\slash", set()),
        ("space name", {"space name"}),
        ("?.txt", {"é.txt"}),
        ("(a)|b", set()),
        (" #x", set()),
    ],
)
def test_one_pattern(pattern: str, expected: set[str]) -> None:
    """A pattern takes what the reference says, or, where it is silent, what Docker was seen to take."""
    assert left_out(pattern) == expected


@pytest.mark.parametrize(
    ("patterns", "kept"),
    [
        ("*\n!docs", {"docs/README.md", "docs/guide.md", "docs/sub/deep.md"}),
        ("*\n!docs\ndocs/sub", {"docs/README.md", "docs/guide.md"}),
        ("*\n!docs/*.md\n!**/data.txt", {"docs/README.md", "docs/guide.md", "src/deep/data.txt"}),
        ("*\n! app.py", {"app.py"}),
        ("*\n!*/app.py", {"src/app.py"}),
        ("!app.py\n*", set()),
        ("**\n!**.py", {".py", "app.py", "src/app.py", "src/deep/app.py"}),
    ],
)
def test_the_last_match_decides(patterns: str, kept: set[str]) -> None:
    """An exclamation mark brings back what stands before it, inside of folders that were left out too."""
    assert set(TREE) - left_out(patterns) == kept


@pytest.mark.parametrize("pattern", ["[b-a]x", "[a-", "a\\", "[]a]"])
def test_what_docker_refuses_is_dockers_to_refuse(pattern: str) -> None:
    """A pattern that is none takes nothing and is no traceback: the build will say what is wrong."""
    assert left_out(pattern) == set()


def test_files_come_in_a_fixed_order(context: Path) -> None:
    """Folders are no entries; files of a folder stand before those of its folders."""
    found = [str(path) for path in Ignore.parse("src\n!src/deep/app.py").files(context)]
    assert sorted(found) == [name for name in TREE if not name.startswith("src/") or name == "src/deep/app.py"]
    assert found[-1] == "src/deep/app.py"
    assert found == [str(path) for path in Ignore.parse("src\n!src/deep/app.py").files(context)]


def test_folders_that_are_left_out_are_not_entered(context: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for node_modules to be read, unless an exception may be inside."""
    entered: list[str] = []
    scandir = os.scandir

    def spy(path: str) -> object:
        entered.append(Path(path).name)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", spy)
    list(Ignore.parse("**/node_modules").files(context))
    assert "src" in entered
    assert "node_modules" not in entered
    entered.clear()
    list(Ignore.parse("*\n!src\n!docs/sub/deep.md").files(context))
    assert sorted(entered) == ["context", "deep", "docs", "src", "sub"]
    for exception in ("node_modules/m.js", "**/m.js", "*/m.js"):
        entered.clear()
        list(Ignore.parse(f"node_modules\n!{exception}").files(context))
        assert "node_modules" in entered


PATTERNS = [
    f"{mark}{path}" for mark in ("", "!") for path in ("*", "docs", "docs/sub", "src/deep", "**/b", "a", "a/x/b", "*/x")
]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(PATTERNS), max_size=5))
def test_folders_that_are_not_entered_hold_nothing_that_is_kept(context: Path, patterns: list[str]) -> None:
    """Walking finds what looking at every file would."""
    ignore = Ignore.parse("\n".join(patterns))
    assert {str(path) for path in ignore.files(context)} == set(TREE) - left_out("\n".join(patterns))


def test_links_are_entries_and_are_not_followed(tmp_path: Path) -> None:
    """A link to a folder, to nowhere, or to its own folder stands for itself."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").touch()
    for name, target in {"dir": "folder", "gone": "nowhere", "loop": "."}.items():
        (tmp_path / name).symlink_to(target)
    assert [str(path) for path in Ignore(()).files(tmp_path)] == ["dir", "gone", "loop", "folder/file"]


def test_rules_may_be_no_text(context: Path) -> None:
    """They name files, whose names are bytes too."""
    (context / ".dockerignore").write_bytes(b"app.py\n\xff*\n")
    ignore = Ignore.of(context, context / "Dockerfile")
    assert ignore.leaves_out(PurePosixPath("app.py"))
    assert ignore.leaves_out(PurePosixPath(os.fsdecode(b"\xffodd")))


def test_the_dockerfiles_own_rules_win(context: Path, tmp_path: Path) -> None:
    """`NAME.dockerignore` beside the Dockerfile replaces the context's file; without both nothing is left out."""
    dockerfile = tmp_path / "backend.Dockerfile"
    path = PurePosixPath("app.py")
    assert not Ignore.of(context, dockerfile).leaves_out(path)
    (context / ".dockerignore").write_text("app.py\n", encoding="utf-8")
    assert Ignore.of(context, dockerfile).leaves_out(path)
    (tmp_path / "backend.Dockerfile.dockerignore").write_text("src\n", encoding="utf-8")
    assert not Ignore.of(context, dockerfile).leaves_out(path)


@pytest.mark.docker
@pytest.mark.parametrize(
    "patterns",
    [
        "# all plain\n./README.md\n/docs/\nsrc//deep\n  .env \nfoo/../cx\n../app.py\n.\n/\n #x\n",
        "*.md\n**/*.js\n?x\n[^b-z]/b\nsrc/**/data.txt\nfoo**\n**.p?\n",
        "**.py\na**b\n[[]a\na\\*b\nback\\\\slash\n?.txt\n[\\]s]pace name\n[!c]x\n",
        "*\n!docs\ndocs/sub\n!**.py\nsrc/app.py\n! space name\n",
        "**\n!docs/*.md\n!**/m.js\nn/**\n!back\\slash\n!é*\n",
        "**/node_modules\nsrc\n!src/deep\nsrc/deep/*.txt\n.dockerignore\n",
    ],
    ids=["plain", "wild", "odd", "exceptions", "all but", "folders"],
)
def test_docker_sends_the_same_files(context: Path, tmp_path: Path, patterns: str) -> None:
    """What a real build copies is what is said here; it writes files and makes no image."""
    (context / "link").symlink_to("nowhere")
    (context / ".dockerignore").write_text(patterns, encoding="utf-8")
    dockerfile, out = tmp_path / "Dockerfile", tmp_path / "out"
    dockerfile.write_text("FROM scratch\nCOPY . /\n", encoding="utf-8")
    run(
        ["docker", "buildx", "build", f"--file={dockerfile}", f"--output=type=local,dest={out}", str(context)],
        timeout=60,
    )
    copied = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_symlink() or path.is_file()}
    assert {str(path) for path in Ignore.of(context, dockerfile).files(context)} == copied
    assert copied
