"""The image of one file."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

import mkimage

NAME = "docker.io/dockyard/pause:1"


def members(archive: bytes) -> dict[str, tuple[bytes, int]]:
    """Return the members of a tar file: content and mode by name."""
    found = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for entry in tar:
            content = tar.extractfile(entry)
            assert content is not None
            found[entry.name] = (content.read(), entry.mode)
    return found


@pytest.fixture
def parts() -> dict[str, bytes]:
    """The parts of an image of a file named pause."""
    archive = mkimage.image(NAME, "pause", b"program", architecture="arm64")
    return {name: content for name, (content, _) in members(archive).items()}


def test_the_manifest_names_what_is_there(parts: dict[str, bytes]) -> None:
    """One image with its reference, its configuration and its layer."""
    (image,) = json.loads(parts["manifest.json"])
    assert image["RepoTags"] == [NAME]
    assert {image["Config"], *image["Layers"], "manifest.json"} == set(parts)


def test_names_and_digests_are_true(parts: dict[str, bytes]) -> None:
    """The configuration is named by its digest and names the layer by its own."""
    (image,) = json.loads(parts["manifest.json"])
    configuration = parts[image["Config"]]
    assert image["Config"] == f"{hashlib.sha256(configuration).hexdigest()}.json"
    (layer,) = image["Layers"]
    digest = f"sha256:{hashlib.sha256(parts[layer]).hexdigest()}"
    assert json.loads(configuration)["rootfs"] == {"type": "layers", "diff_ids": [digest]}


def test_the_file_is_the_entrypoint_and_runs_as_nobody(parts: dict[str, bytes]) -> None:
    """An executable in the root, for the architecture that was asked for."""
    (image,) = json.loads(parts["manifest.json"])
    configuration = json.loads(parts[image["Config"]])
    assert members(parts["layer.tar"]) == {"pause": (b"program", 0o755)}
    assert configuration["config"] == {"Entrypoint": ["/pause"], "User": "65535:65535"}
    assert (configuration["os"], configuration["architecture"]) == ("linux", "arm64")


def test_the_command_writes_the_same_bytes_each_time(tmp_path: Path) -> None:
    """An image that is made again is the same image."""
    (tmp_path / "pause").write_bytes(b"program")
    for out in ("first.tar", "second.tar"):
        mkimage.main([NAME, str(tmp_path / "pause"), str(tmp_path / out)])
    assert (tmp_path / "first.tar").read_bytes() == (tmp_path / "second.tar").read_bytes()
    assert (tmp_path / "first.tar").read_bytes() == mkimage.image(NAME, "pause", b"program", architecture="amd64")
