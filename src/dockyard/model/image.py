"""Docker images (data-model.md, section 1)."""

from typing import Annotated

from pydantic import Field

from dockyard.model.entity import Entity, Port
from dockyard.model.errors import RuleError
from dockyard.model.names import RelativePath
from dockyard.model.quantity import ImageSize
from dockyard.model.reference import ImageName, ImageReference, Reference
from dockyard.model.rule import Rule, distinct
from dockyard.model.tag import ImageTag

SECTION = "data-model.md, section 1"

MAX_SIZE_MB = 250
"""An image has less (data-model.md, section 1; SC-006); megabytes of 1,000,000 bytes, uncompressed layers."""

MAX_COMBINED_MB = 500
"""All images together have less (SC-006); the basis is the same."""

LOCAL_REGISTRY = "minikube.local"
"""The images inside the node: no registry that anything is pulled from, so it is no part of a reference."""


def image_size(size: ImageSize) -> ImageSize:
    """Return an image's size.

    Raises:
        RuleError: It is not below the limit.
    """
    if size >= MAX_SIZE_MB * 1_000_000:
        raise RuleError(f"The image has {size}", why=f"It must have less than {MAX_SIZE_MB}MB ({SECTION}; SC-006)")
    return size


Ports = Annotated[tuple[Port, ...], distinct("port", SECTION)]
"""Ports, each once."""


class DockerImage(Entity):
    """A service as an image, ready for Kubernetes.

    Attributes:
        name: Its name, without registry and tag.
        tag: `latest` or a semantic version.
        registry: Where it is; `minikube.local` is the node's own store.
        size: Its uncompressed layers, or None as long as it is not built.
        base_image: What it is built on.
        exposed_ports: The ports that the application listens on.
        build_context: The folder that is sent to the build.
        dockerfile: Path of its Dockerfile.
    """

    name: ImageName
    tag: ImageTag
    registry: Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[a-z0-9._/-]+)?$")] = LOCAL_REGISTRY
    size: Annotated[ImageSize, Rule(image_size)] | None = None
    base_image: ImageReference
    exposed_ports: Ports = ()
    build_context: RelativePath
    dockerfile: RelativePath

    @property
    def reference(self) -> str:
        """What a Deployment names: `name:tag`, with the registry before it where it is a real one."""
        registry = "" if self.registry == LOCAL_REGISTRY else self.registry
        return str(Reference(self.name, self.tag, registry))
