"""The finder of the canary test: a leak that is planted on purpose in each channel is found."""

from __future__ import annotations

import base64
import gzip
import io
import json
import secrets
import shutil
import sys
import tarfile
import time
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dockyard.tools.process import run
from scripts.trial import ROOT, Run
from tests.canary.evidence import CHANNELS, LIMIT, PRINTED, Evidence, printing
from tests.canary.finder import Finder, Sampler, shim

SECRET = secrets.token_hex(18)
FORMS: dict[str, Callable[[str], bytes]] = {
    "as it is": lambda text: text.encode(),
    "its first half": lambda text: text[:18].encode(),
    "in base64, anywhere": lambda text: base64.b64encode(f"ab{text}".encode()),
    "in base64, twice": lambda text: base64.b64encode(base64.b64encode(f"a{text}".encode())),
    "in hex": lambda text: text.encode().hex().encode(),
    "in a URL": lambda text: urllib.parse.quote(f"p@{text}/", safe="").encode(),
    "in JSON in JSON": lambda text: json.dumps(json.dumps({"a": f'"{text}'})).encode(),
    "over lines": lambda text: "\n    ".join(text[at : at + 10] for at in range(0, 36, 10)).encode(),
    "base64 over lines": lambda text: base64.encodebytes(text.encode() * 3),
    "compressed": lambda text: gzip.compress(text.encode()),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_is_found_in_every_form(form: str) -> None:
    """And nothing is found where it is not."""
    finder = Finder(SECRET)
    assert finder.has(FORMS[form](SECRET))
    assert not finder.has(FORMS[form](secrets.token_hex(18)))


def test_a_secret_at_the_edge_of_two_chunks_is_found() -> None:
    """A stream is looked at with an overlap."""
    for before in range(-40, 5, 3):
        stream = io.BytesIO(bytes((1 << 22) + before) + SECRET.encode() + bytes(100))
        assert Finder(SECRET).in_stream(stream)
    assert not Finder(SECRET).in_stream(io.BytesIO(bytes(1 << 23)))


@pytest.fixture
def evidence(tmp_path: Path) -> Iterator[Evidence]:
    """What a command without a leak left behind."""
    root, helm, temp = (tmp_path / name for name in ("root", "helm", "temp"))
    for folder in (root / ".dockyard", helm, temp):
        folder.mkdir(parents=True)
    for name in ("journal.jsonl", "report.html"):
        (root / ".dockyard" / name).write_text("{}\n", encoding="utf-8")
    with Sampler(temp) as sampler:
        yield Evidence(root, Finder(SECRET), sampler, helm, temp)


def ran(*argv: str) -> Run:
    """Run a program as a task is run."""
    done = run(argv, timeout=LIMIT)
    return Run(done.returncode, done.stdout, done.stderr, 0)


def plant_printed(evidence: Evidence, channel: str, text: str) -> None:
    """Have a program print it."""
    done = ran(*printing(text, error=channel == "stderr"))
    evidence.ran("a program", done, "stdout" if channel == "stderr" else channel)


def plant_in_file(evidence: Evidence, channel: str, text: str) -> None:
    """Append it to a file."""
    names = {"journal": "root/.dockyard/journal.jsonl", "report": "root/.dockyard/report.html", "files": "root/a/b"}
    path = evidence.root.parent / names[channel]
    path.parent.mkdir(exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{text}\n")


def plant_for_a_moment(evidence: Evidence, _channel: str, text: str) -> None:
    """Have it in a temporary file for a tenth of a second."""
    path = evidence.temp / "made" / "x"
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    time.sleep(0.1)
    shutil.rmtree(path.parent)


def plant_in_process(_evidence: Evidence, channel: str, text: str) -> None:
    """Give it to a grandchild that ends at once."""
    joined = f"{text[:10]!r} + {text[10:]!r}"  # so that it is not in what the child itself was given
    extra = f"[*inner, {joined}]" if channel == "argv" else f"inner, env={{'X': {joined}}}"
    code = f"import subprocess; inner = [{sys.executable!r}, '-c', '']; subprocess.run({extra})"
    ran(sys.executable, "-c", code)


def plant_in_image(evidence: Evidence, channel: str, text: str) -> None:
    """Make an image with it in a layer, or in its configuration."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        content = text.encode() if channel == "layers" else b"nothing"
        info = tarfile.TarInfo("file")
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    change = [f"--change=ENV X={text}"] if channel == "history" else []
    path = evidence.root.parent / "image.tar"
    path.write_bytes(packed.getvalue())
    evidence.images.append(ran("docker", "import", *change, str(path)).out.strip())


def plant_in_helm(evidence: Evidence, _channel: str, text: str) -> None:
    """Have Helm say it."""
    shim(evidence.root / "helm", ROOT / ".tools" / "bin" / "helm", evidence.helm, sys.executable)
    ran(str(evidence.root / "helm"), "version", "--template", text)


PLANT: dict[str, Callable[[Evidence, str, str], None]] = {
    **dict.fromkeys(PRINTED, plant_printed),
    **dict.fromkeys(("journal", "report", "files"), plant_in_file),
    "temp": plant_for_a_moment,
    **dict.fromkeys(("argv", "environ"), plant_in_process),
    **dict.fromkeys(("layers", "history"), plant_in_image),
    "helm": plant_in_helm,
}


@pytest.mark.docker
@pytest.mark.parametrize("channel", CHANNELS)
def test_a_planted_leak_is_found(evidence: Evidence, channel: str) -> None:
    """In its channel; before it was planted, and with something else in its place, nothing is."""
    try:
        PLANT[channel](evidence, channel, secrets.token_hex(18))
        assert evidence.leaks(channel) == []
        PLANT[channel](evidence, channel, SECRET)
        assert evidence.leaks(channel) != []
    finally:
        for image in evidence.images:
            ran("docker", "image", "rm", "--force", image)
