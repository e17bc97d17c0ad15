"""Image archives, cut down to what the receiver lacks."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, cast

import pytest

from dockyard.images import archive
from dockyard.images.archive import SavedImage, full_reference, read, short_reference, write
from dockyard.tools.docker import BuildOptions, Docker

CONFIG = b'{"architecture": "amd64"}'
LOWER, UPPER = b"lower" * 400, b"upper" * 300
NAME = "docker.io/library/app:1"
OWN = "dockyard-test-archive:1"


class Stream(io.RawIOBase):
    """A stream that cannot be rewound, as a pipe."""

    def __init__(self, content: bytes = b"") -> None:
        super().__init__()
        self.inner = io.BytesIO(content)

    def read(self, size: int = -1) -> bytes:
        """Read on."""
        return self.inner.read(size)

    def write(self, content: Any) -> int:  # noqa: ANN401 - any buffer
        """Write on."""
        return self.inner.write(content)


def digest(content: bytes) -> str:
    """Return the name of a blob."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def tar(members: Sequence[tuple[str, bytes | str]]) -> IO[bytes]:
    """Return an archive: bytes are a file, a text is a symbolic link, a name that ends with a slash is a folder."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as made:
        for name, content in members:
            entry = tarfile.TarInfo(name.rstrip("/"))
            if name.endswith("/"):
                entry.type = tarfile.DIRTYPE
                made.addfile(entry)
            elif isinstance(content, str):
                entry.type, entry.linkname = tarfile.SYMTYPE, content
                made.addfile(entry)
            else:
                entry.size = len(content)
                made.addfile(entry, io.BytesIO(content))
    return cast("IO[bytes]", Stream(out.getvalue()))


def manifest(config: str, *layers: str) -> bytes:
    """Return a manifest.json."""
    return json.dumps([{"Config": config, "RepoTags": ["app:1"], "Layers": layers}]).encode()


def of_docker_20(*layers: bytes) -> IO[bytes]:
    """Return an archive as Docker 20.10 writes it: equal layers once, and then links to them."""
    members: list[tuple[str, bytes | str]] = [("c0.json", CONFIG)]
    names: list[str] = []
    first: dict[bytes, str] = {}
    for at, layer in enumerate(layers):
        members += [(f"id{at}/", b""), (f"id{at}/VERSION", b"1.0"), (f"id{at}/json", b"{}")]
        names.append(f"id{at}/layer.tar")
        members.append((names[-1], f"../{first[layer]}" if layer in first else layer))
        first.setdefault(layer, names[-1])
    return tar([*members, ("manifest.json", manifest("c0.json", *names)), ("repositories", b"{}")])


def of_docker_25(*layers: bytes) -> IO[bytes]:
    """Return an archive as Docker 25 and later write it: an OCI layout, with a manifest.json beside it."""
    names = [f"blobs/{digest(layer).replace(':', '/')}" for layer in layers]
    config = f"blobs/{digest(CONFIG).replace(':', '/')}"
    blobs: dict[str, bytes | str] = {**dict(zip(names, layers, strict=True)), config: CONFIG}
    head: list[tuple[str, bytes | str]] = [("blobs/", b""), ("blobs/sha256/", b"")]
    tail: list[tuple[str, bytes | str]] = [("index.json", b"{}"), ("manifest.json", manifest(config, *names))]
    return tar([*head, *blobs.items(), *tail, ("oci-layout", b"{}")])


LAYOUTS = {"20.10": of_docker_20, "25": of_docker_25}


@pytest.fixture(params=LAYOUTS)
def layout(request: pytest.FixtureRequest) -> str:
    """Each layout of `docker save`."""
    return str(request.param)


@pytest.fixture(params=[archive.SMALL, 1000], ids=["small", "large"])
def _sizes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Layers below and above the size that is kept in memory."""
    monkeypatch.setattr(archive, "SMALL", request.param)


def unpack(written: bytes) -> dict[str, bytes]:
    """Return an archive's files."""
    with tarfile.open(fileobj=io.BytesIO(written)) as opened:
        return {member.name: cast("IO[bytes]", opened.extractfile(member)).read() for member in opened}


def send(image: SavedImage, on_bytes: list[int] | None = None) -> tuple[int, Mapping[str, bytes]]:
    """Write an image; return the count of bytes and the archive's files."""
    out = Stream()
    steps: list[int] = [] if on_bytes is None else on_bytes
    with image:
        sent = write(image, NAME, cast("IO[bytes]", out), on_bytes=steps.append)
    return sent, unpack(out.inner.getvalue())


@pytest.mark.usefixtures("_sizes")
def test_a_saved_image_is_read(layout: str) -> None:
    """Its id is the digest of its configuration; its layers come lowest first, each with digest, size and content."""
    with read(LAYOUTS[layout](LOWER, UPPER), have=()) as image:
        assert (image.config, image.id) == (CONFIG, digest(CONFIG))
        assert [(layer.digest, layer.size) for layer in image.layers] == [
            (digest(LOWER), len(LOWER)),
            (digest(UPPER), len(UPPER)),
        ]
        assert [layer.content.read() for layer in image.layers if layer.content] == [LOWER, UPPER]


@pytest.mark.usefixtures("_sizes")
def test_layers_that_are_there_are_left_out(layout: str) -> None:
    """The node has the lower layer: only the upper one is kept, the image still names both."""
    with read(LAYOUTS[layout](LOWER, UPPER), have={digest(LOWER)}) as image:
        assert [layer.content is None for layer in image.layers] == [True, False]
        assert [layer.digest for layer in image.missing] == [digest(UPPER)]


@pytest.mark.usefixtures("_sizes")
def test_equal_layers_are_one_blob(layout: str) -> None:
    """Docker 20.10 links the second one to the first; it is sent once and named twice."""
    image = read(LAYOUTS[layout](LOWER, UPPER, LOWER), have=())
    assert [layer.digest for layer in image.layers] == [digest(LOWER), digest(UPPER), digest(LOWER)]
    sent, files = send(image)
    assert sent == len(LOWER) + len(UPPER)
    assert [blob["digest"] for blob in sent_manifest(files)["layers"]] == [digest(LOWER), digest(UPPER), digest(LOWER)]


def test_a_broken_archive_leaves_no_file_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read before the stream broke off is given back; an open file would be a warning, which is an error."""
    monkeypatch.setattr(archive, "SMALL", 1000)
    whole = of_docker_20(LOWER, UPPER).read()
    with pytest.raises(tarfile.ReadError, match="unexpected end of data"):
        read(cast("IO[bytes]", Stream(whole[: len(whole) // 2])), have=())


def test_links_between_folders_may_be_hard() -> None:
    """A hard link names the member itself."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as made:
        for name, content in {"c.json": CONFIG, "a/layer.tar": LOWER}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            made.addfile(entry, io.BytesIO(content))
        link = tarfile.TarInfo("b/layer.tar")
        link.type, link.linkname = tarfile.LNKTYPE, "a/layer.tar"
        made.addfile(link)
        entry = tarfile.TarInfo("manifest.json")
        content = manifest("c.json", "a/layer.tar", "b/layer.tar")
        entry.size = len(content)
        made.addfile(entry, io.BytesIO(content))
    image = read(cast("IO[bytes]", Stream(out.getvalue())), have=())
    assert [layer.digest for layer in image.layers] == [digest(LOWER)] * 2


def sent_manifest(files: Mapping[str, bytes]) -> dict[str, Any]:
    """Return the manifest that the index of an OCI layout names."""
    (entry,) = json.loads(files["index.json"])["manifests"]
    content = files[f"blobs/{entry['digest'].replace(':', '/')}"]
    assert (digest(content), len(content)) == (entry["digest"], entry["size"])
    return dict(json.loads(content))


def test_an_oci_layout_is_written() -> None:
    """Every blob stands at its digest; index, manifest and configuration name each other with digests and sizes."""
    sent, files = send(read(of_docker_20(LOWER, UPPER), have=()))
    assert sent == len(LOWER) + len(UPPER)
    assert json.loads(files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    blobs = {name: content for name, content in files.items() if name.startswith("blobs/")}
    assert all(name == f"blobs/{digest(content).replace(':', '/')}" for name, content in blobs.items())
    assert {CONFIG, LOWER, UPPER} < set(blobs.values())
    written = sent_manifest(files)
    assert written["config"]["digest"] == digest(CONFIG)
    assert written["config"]["size"] == len(CONFIG)
    assert [(blob["digest"], blob["size"]) for blob in written["layers"]] == [
        (digest(LOWER), len(LOWER)),
        (digest(UPPER), len(UPPER)),
    ]


def test_what_is_left_out_is_named_all_the_same() -> None:
    """The manifest has the layer with its true size, though its blob is not in the archive."""
    sent, files = send(read(of_docker_25(LOWER, UPPER), have={digest(LOWER)}))
    assert sent == len(UPPER)
    assert f"blobs/{digest(LOWER).replace(':', '/')}" not in files
    assert sent_manifest(files)["layers"][0]["size"] == len(LOWER)


def test_nothing_is_sent_where_all_is_there() -> None:
    """A new tag of an image costs no blob."""
    sent, files = send(read(of_docker_20(LOWER), have={digest(LOWER)}))
    assert sent == 0
    assert sent_manifest(files)["config"]["digest"] == digest(CONFIG)


def test_the_image_gets_its_name() -> None:
    """The index has the full reference for containerd; the OCI name is the tag alone."""
    _, files = send(read(of_docker_20(LOWER), have=()))
    (entry,) = json.loads(files["index.json"])["manifests"]
    assert entry["annotations"] == {"io.containerd.image.name": NAME, "org.opencontainers.image.ref.name": "1"}


def test_gzip_layers_say_so() -> None:
    """A media type that is not true makes containerd fail to unpack."""
    packed = gzip.compress(LOWER, mtime=0)
    _, files = send(read(of_docker_25(packed, UPPER), have=()))
    kinds = [blob["mediaType"].rpartition(".")[2] for blob in sent_manifest(files)["layers"]]
    assert kinds == ["gzip", "tar"]


def test_gzip_is_known_of_layers_that_are_left_out() -> None:
    """The media type must be the same as if the layer had been sent."""
    packed = gzip.compress(LOWER, mtime=0)
    _, files = send(read(of_docker_25(packed), have={digest(packed)}))
    assert sent_manifest(files)["layers"][0]["mediaType"].endswith(".tar.gzip")


def test_progress_counts_up() -> None:
    """After each layer the listener hears how much went so far."""
    steps: list[int] = []
    send(read(of_docker_20(LOWER, UPPER), have=()), steps)
    assert steps == [len(LOWER), len(LOWER) + len(UPPER)]


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("app:1", "docker.io/library/app:1"),
        ("someone/app:1", "docker.io/someone/app:1"),
        ("someone/group/app:1", "docker.io/someone/group/app:1"),
        ("registry.invalid/app:1", "registry.invalid/app:1"),
        ("localhost/app:1", "localhost/app:1"),
        ("mirror:5000/app:1", "mirror:5000/app:1"),
    ],
)
def test_references_have_a_short_and_a_full_form(short: str, full: str) -> None:
    """Docker leaves out its own registry and the library folder; containerd does not."""
    assert full_reference(short) == full
    assert short_reference(full) == short


@pytest.fixture
def doubled(engine: Docker, tmp_path: Path) -> Iterator[str]:
    """An image of three layers, two of them equal, built now and removed afterwards."""
    (tmp_path / "one").write_text("one", encoding="utf-8")
    (tmp_path / "two").write_text("two" * archive.SMALL, encoding="utf-8")
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY one /\nCOPY two /\nCOPY one /\n", encoding="utf-8")
    options = BuildOptions(dockerfile=tmp_path / "Dockerfile", tags=(OWN,))
    engine.build(tmp_path, options, on_line=lambda _: None)
    yield OWN
    engine.remove_images([OWN])


@pytest.mark.docker
def test_the_engines_own_archive_is_read(engine: Docker, doubled: str) -> None:
    """Id and layers are those that the engine names, and with all layers there nothing is missing."""
    facts = engine.image(doubled)
    assert facts is not None
    with engine.saving(doubled) as saved, read(cast("IO[bytes]", saved.stdout), have=()) as image:
        assert (image.id, tuple(layer.digest for layer in image.layers)) == (facts.id, facts.layers)
        assert len(image.layers) == 3
        assert image.layers[0].digest == image.layers[2].digest
    with engine.saving(doubled) as saved:
        assert read(cast("IO[bytes]", saved.stdout), have=facts.layers).missing == ()
