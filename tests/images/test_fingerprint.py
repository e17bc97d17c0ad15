"""What an image is made from, as one SHA-256."""

from __future__ import annotations

import os
import re
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from dockyard.images import fingerprint as module
from dockyard.images.fingerprint import files, fingerprint
from dockyard.model.errors import BuildError

BASE = "sha256:base"


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """Return a small build context with its Dockerfile, a link, and a file that is left out."""
    folder = tmp_path / "context"
    (folder / "src").mkdir(parents=True)
    for name, content in {
        "Dockerfile": "FROM scratch\n",
        ".dockerignore": "*.log\n",
        "src/app.py": "print()\n",
        "src/data": "1",
        "build.log": "noise",
    }.items():
        (folder / name).write_text(content, encoding="utf-8")
    (folder / "link").symlink_to("src/app.py")
    return folder


def ask(context: Path, **arguments: str) -> str:
    """Return the fingerprint of a context with its own Dockerfile."""
    return fingerprint(context, context / "Dockerfile", arguments=arguments, base_id=BASE)


def test_it_is_a_sha256(context: Path) -> None:
    """It is 64 hexadecimal digits, the same ones each time."""
    assert re.fullmatch("[0-9a-f]{64}", ask(context))
    assert ask(context) == ask(context)


def test_place_and_times_do_not_count(context: Path, tmp_path: Path) -> None:
    """A fresh checkout somewhere else makes the same image."""
    copy = shutil.copytree(context, tmp_path / "elsewhere", symlinks=True)
    os.utime(copy / "src" / "app.py", (1, 1))
    assert ask(copy) == ask(context)


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "src" / "app.py").write_text("print(1)\n", encoding="utf-8"),
        lambda root: (root / "src" / "app.py").chmod(0o755),
        lambda root: (root / "src" / "app.py").rename(root / "src" / "main.py"),
        lambda root: (root / "src" / "data").unlink(),
        lambda root: (root / "src" / "new").touch(),
        lambda root: (root / "Dockerfile").write_text("FROM base\n", encoding="utf-8"),
        lambda root: ((root / "link").unlink(), (root / "link").symlink_to("src/data")),
        lambda root: ((root / "link").unlink(), (root / "link").write_text("src/app.py", encoding="utf-8")),
        lambda root: (root / ".dockerignore").write_text("src\n", encoding="utf-8"),
    ],
    ids=["content", "mode", "name", "removed", "added", "Dockerfile", "link", "file for link", ".dockerignore"],
)
def test_what_is_sent_counts(context: Path, change: Callable[[Path], object]) -> None:
    """Each fact that the build could see makes another fingerprint."""
    before = ask(context)
    change(context)
    assert ask(context) != before


def test_contents_stay_at_their_paths(context: Path) -> None:
    """Two files that change places are a change."""
    before = ask(context)
    one, other = context / "src" / "app.py", context / "src" / "data"
    texts = one.read_text(encoding="utf-8"), other.read_text(encoding="utf-8")
    other.write_text(texts[0], encoding="utf-8")
    one.write_text(texts[1], encoding="utf-8")
    assert ask(context) != before


def test_what_is_left_out_does_not_count(context: Path) -> None:
    """A build never sees it."""
    before = ask(context)
    (context / "build.log").write_text("more noise", encoding="utf-8")
    (context / "other.log").touch()
    assert ask(context) == before


def test_arguments_count_without_their_order(context: Path) -> None:
    """A name, a value and an absent argument differ; the order in the file does not matter."""
    every = [ask(context), ask(context, A="1"), ask(context, A="2"), ask(context, B="1"), ask(context, A="1", B="1")]
    assert len(set(every)) == len(every)
    assert ask(context, A="1", B="2") == ask(context, B="2", A="1")


def test_the_base_counts_by_its_id(context: Path) -> None:
    """A name may come to mean another image."""
    other = fingerprint(context, context / "Dockerfile", arguments={}, base_id="sha256:other")
    assert other != ask(context)


def test_the_format_counts(context: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new meaning of fingerprints makes all images anew."""
    before = ask(context)
    monkeypatch.setattr(module, "FORMAT", "next")
    assert ask(context) != before


def test_the_dockerfile_may_stand_outside(context: Path, tmp_path: Path) -> None:
    """It counts there too, and so do the rules beside it."""
    dockerfile = tmp_path / "backend.Dockerfile"
    dockerfile.write_text("FROM scratch\n", encoding="utf-8")
    before = fingerprint(context, dockerfile, arguments={}, base_id=BASE)
    dockerfile.write_text("FROM base\n", encoding="utf-8")
    changed = fingerprint(context, dockerfile, arguments={}, base_id=BASE)
    (tmp_path / "backend.Dockerfile.dockerignore").write_text("src\n", encoding="utf-8")
    assert len({before, changed, fingerprint(context, dockerfile, arguments={}, base_id=BASE)}) == 3


def test_entries_say_what_stands_there(context: Path) -> None:
    """A file is its mode and digest, a link its target; neither is followed."""
    (context / "src" / "data").chmod(0o640)
    (context / "dangling").symlink_to("./nowhere/")
    found = files(context, context / "Dockerfile")
    digest_of_1 = "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"
    assert found["src/data"] == f"640 {digest_of_1}"
    assert (found["link"], found["dangling"]) == ("link src/app.py", "link ./nowhere/")
    assert set(found) == {".dockerignore", "Dockerfile", "link", "dangling", "src/app.py", "src/data"}


def test_a_context_that_is_no_folder_is_named(tmp_path: Path) -> None:
    """The error says where the path comes from."""
    (tmp_path / "Dockerfile").touch()
    with pytest.raises(BuildError, match=r"missing is not a folder.*`buildContext` in dockyard.yaml"):
        fingerprint(tmp_path / "missing", tmp_path / "Dockerfile", arguments={}, base_id=BASE)


def test_a_dockerfile_that_is_not_there_is_named(context: Path) -> None:
    """One sentence, no traceback."""
    (context / "Dockerfile").unlink()
    with pytest.raises(BuildError, match=r"Dockerfile cannot be read\. No such file or directory"):
        ask(context)


def test_pipes_and_sockets_are_nothing_to_build_from(context: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading a pipe that nobody writes to would take for ever."""
    before = ask(context)
    os.mkfifo(context / "pipe")
    monkeypatch.chdir(context)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        assert ask(context) == before
