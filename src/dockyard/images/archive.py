"""Image archives, cut down to what the receiver lacks.

`docker save` writes every layer of an image, hundreds of megabytes, though a node that had the last version of a
service lacks one small layer. Here the saved stream is read once, layers the node has are dropped, and the rest is
written as an OCI image layout; containerd takes an archive with blobs left out when it has them already.

Sources: the OCI image layout specification 1.0 (index.json, blobs/<algorithm>/<hex>), and the archives that Docker
20.10 (`<id>/layer.tar`) and 25 and later (`blobs/sha256/<hex>`) write; both hold a manifest.json that names them.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

CHUNK = 1 << 20
SMALL = 1 << 20
"""Members up to this size, manifests and configurations among them, are kept in memory; larger ones in files."""

GZIP_MAGIC = b"\x1f\x8b"
DOCKER_TYPE = "application/vnd.docker."


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer of a saved image.

    Attributes:
        digest: `sha256:...` of the blob.
        size: Its bytes.
        compressed: Whether it is gzip.
        content: The bytes, or None where the receiver has them.
    """

    digest: str
    size: int
    compressed: bool
    content: IO[bytes] | None


@dataclass(frozen=True, slots=True)
class SavedImage:
    """An image as read from `docker save`.

    Attributes:
        config: Its configuration, as JSON bytes; the SHA-256 of these is the image's id in a node.
        layers: Its layers, lowest first.
        spools: The files that large layers are kept in, closed at the end of a `with` block.
    """

    config: bytes
    layers: tuple[Layer, ...]
    spools: ExitStack = field(default_factory=ExitStack, repr=False, compare=False)

    def __enter__(self) -> Self:
        """Use the image."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the files that its layers are kept in."""
        self.spools.close()

    @property
    def id(self) -> str:
        """`sha256:...` of the configuration."""
        return _sha256(self.config)

    @property
    def missing(self) -> tuple[Layer, ...]:
        """The layers that will be sent, each once."""
        return tuple({layer.digest: layer for layer in self.layers if layer.content}.values())


def read(stream: IO[bytes], have: Collection[str]) -> SavedImage:
    """Read an archive of `docker save` with one image.

    Args:
        stream: The archive; it is read to its end and never rewound.
        have: Digests of the blobs that the receiver has.

    Returns:
        The image; large layers are in files until the caller's `with` block ends.
    """
    small: dict[str, bytes] = {}
    large: dict[str, Layer] = {}
    links: dict[str, str] = {}
    with ExitStack() as spools:
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                if member.islnk() or member.issym():  # Docker 20.10 writes equal layers once and links to them
                    links[member.name] = _target(member)
                elif (content := archive.extractfile(member)) is not None and member.size > SMALL:
                    large[member.name] = _layer(content, spools.enter_context(TemporaryFile()), have)
                elif content is not None:
                    small[member.name] = content.read()
        manifest = json.loads(small["manifest.json"])[0]
        names = [links.get(name, name) for name in manifest["Layers"]]
        layers = [large.get(name) or _layer(io.BytesIO(small[name]), io.BytesIO(), have) for name in names]
        return SavedImage(small[manifest["Config"]], tuple(layers), spools.pop_all())


def write(image: SavedImage, reference: str, out: IO[bytes], *, on_bytes: Callable[[int], None]) -> int:
    """Write the OCI layout of an image, without the layers that the receiver has.

    Args:
        image: What to write.
        reference: The name it gets, with registry and tag (`docker.io/library/name:tag`).
        out: Where to; it is never rewound.
        on_bytes: Called with the bytes written so far, after each layer.

    Returns:
        The bytes of the blobs that were written.
    """
    manifest = _json(_manifest(image))
    sent = 0
    with tarfile.open(fileobj=out, mode="w|") as archive:
        _add(archive, "oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
        for layer in image.missing:
            _add_file(archive, _blob(layer.digest), layer)
            sent += layer.size
            on_bytes(sent)
        for content in (image.config, manifest):
            _add(archive, _blob(_sha256(content)), content)
        _add(archive, "index.json", _json(_index(manifest, reference)))
    return sent


def full_reference(reference: str) -> str:
    """Return a reference as containerd names it: Docker leaves out `docker.io` and `library`."""
    first, slash, _ = reference.partition("/")
    if not slash:
        return f"docker.io/library/{reference}"
    return reference if "." in first or ":" in first or first == "localhost" else f"docker.io/{reference}"


def short_reference(name: str) -> str:
    """Return a reference as Docker writes it."""
    return name.removeprefix("docker.io/library/").removeprefix("docker.io/")


def _target(member: tarfile.TarInfo) -> str:
    """Return the member that a link names; symbolic ones are relative to the link's folder (`../<id>/layer.tar`)."""
    return member.linkname.removeprefix("../")


def _layer(content: IO[bytes], spool: IO[bytes], have: Collection[str]) -> Layer:
    digest = hashlib.sha256()
    first = b""
    while chunk := content.read(CHUNK):
        first = first or chunk[:2]
        digest.update(chunk)
        spool.write(chunk)
    name, size = f"sha256:{digest.hexdigest()}", spool.tell()
    if name in have:
        spool.close()
        return Layer(name, size, first == GZIP_MAGIC, None)
    spool.seek(0)
    return Layer(name, size, first == GZIP_MAGIC, spool)


def _manifest(image: SavedImage) -> dict[str, Any]:
    return {
        "schemaVersion": 2,
        "mediaType": f"{DOCKER_TYPE}distribution.manifest.v2+json",
        "config": {
            "mediaType": f"{DOCKER_TYPE}container.image.v1+json",
            "digest": image.id,
            "size": len(image.config),
        },
        "layers": [
            {
                "mediaType": f"{DOCKER_TYPE}image.rootfs.diff.tar{'.gzip' if layer.compressed else ''}",
                "digest": layer.digest,
                "size": layer.size,
            }
            for layer in image.layers
        ],
    }


def _index(manifest: bytes, reference: str) -> dict[str, Any]:
    return {
        "schemaVersion": 2,
        "manifests": [
            {
                "mediaType": f"{DOCKER_TYPE}distribution.manifest.v2+json",
                "digest": _sha256(manifest),
                "size": len(manifest),
                "annotations": {
                    "io.containerd.image.name": reference,
                    "org.opencontainers.image.ref.name": reference.rpartition(":")[2],
                },
            }
        ],
    }


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))


def _add_file(archive: tarfile.TarFile, name: str, layer: Layer) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = layer.size
    archive.addfile(entry, layer.content)


def _blob(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _json(content: object) -> bytes:
    return json.dumps(content, sort_keys=True).encode()


def _sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
