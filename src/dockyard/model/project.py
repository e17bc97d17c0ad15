"""What dockyard.yaml describes: one project, its cluster, its images and its releases.

The fields carry their descriptions, which editors show through the JSON Schema.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from dockyard.model.cluster import (
    DEFAULT_CPUS,
    DEFAULT_DRIVER,
    DEFAULT_MEMORY_MB,
    EMBEDDED_ADDONS,
    EMBEDDED_KUBERNETES,
    Addons,
    Cpus,
    Driver,
    MemoryMB,
    WantedKubernetesVersion,
)
from dockyard.model.duration import Seconds
from dockyard.model.entity import Entity, FrozenMap
from dockyard.model.errors import RuleError, UnknownNameError, nearest
from dockyard.model.image import DockerImage, Ports
from dockyard.model.names import SHOWN, DataKey, DnsLabel, DnsSubdomain, EnvName, HttpPath, RelativePath, ReleaseName
from dockyard.model.quantity import ImageSize
from dockyard.model.reference import ImageName, ImageReference
from dockyard.model.rule import Place, Rule, broken, distinct
from dockyard.model.secret import SecretDeclaration, SecretUse, contradictions, declared
from dockyard.model.tag import LATEST, ImageTag

SOURCE = "dockyard.yaml"
DEFAULT_CLUSTER = "dockyard"
"""The name of the cluster where dockyard.yaml gives none."""

DEFAULT_TIMEOUT = 120
"""Seconds; twice what SC-002 gives a release."""

DEFAULT_GRACE = 20
"""Seconds; a probe that fails for so long after the start-up has passed is seldom slow and mostly wrong."""

MINIKUBE_CPUS, MINIKUBE_MEMORY_MB = 2, 1800
"""The least that Minikube starts with (Minikube documentation, "minikube start")."""


class ClusterSpec(Entity):
    """The cluster that a project is deployed to; see the fields' descriptions."""

    name: DnsLabel = Field(
        DEFAULT_CLUSTER,
        description="Its name: Minikube's profile, or the embedded cluster's container with `-node` behind it.",
    )
    provider: Literal["auto", "embedded", "minikube", "context"] = Field(
        "auto", description="Who runs the cluster; `auto` takes Minikube where it is installed, else the embedded one."
    )
    context: str | None = Field(
        None,
        min_length=1,
        description="The kube-context with `provider: context`: reserved, no task works with it yet.",
    )
    cpus: Cpus = Field(DEFAULT_CPUS, description="CPU cores for the cluster.")
    memory: MemoryMB = Field(DEFAULT_MEMORY_MB, description="Memory for the cluster in MB.")
    driver: Driver = Field(DEFAULT_DRIVER, description="What Minikube runs on.")
    kubernetes_version: WantedKubernetesVersion | None = Field(
        None,
        description=f"Kubernetes version, for example v1.36.2; default: Minikube's own. The embedded cluster runs "
        f"{EMBEDDED_KUBERNETES} only.",
    )
    addons: Addons = Field(
        (),
        description="Addons to enable, by Minikube's names. The embedded cluster has "
        f"{', '.join(EMBEDDED_ADDONS)}, always enabled.",
    )
    namespace: DnsLabel = Field("default", description="The namespace of all releases.")

    @model_validator(mode="after")
    def _context_is_for_context(self) -> Self:
        if self.provider == "context" and self.context is None:
            raise RuleError(
                "The cluster has no context", why="`provider: context` needs one", fix="Name it in `context`"
            )
        if self.provider != "context" and self.context is not None:
            raise RuleError(
                f"The cluster has the context {self.context!r} and the provider {self.provider}",
                why="Only `provider: context` uses one",
            )
        return self

    @model_validator(mode="after")
    def _enough_for_minikube(self) -> Self:
        if self.provider in {"auto", "minikube"} and (self.cpus < MINIKUBE_CPUS or self.memory < MINIKUBE_MEMORY_MB):
            raise RuleError(
                f"The cluster has {self.cpus} CPU cores and {self.memory} MB of memory",
                why=f"Minikube starts with {MINIKUBE_CPUS} cores and {MINIKUBE_MEMORY_MB} MB or more",
            )
        return self


class ImageSpec(Entity):
    """How an image is made; see the fields' descriptions."""

    tag: ImageTag = Field(LATEST, description="`latest` follows the sources; a semantic version is a fixed release.")
    base_image: ImageReference = Field(description="The image it is built on, for example python:3.13-slim.")
    base_image_argument: EnvName = Field(
        "BASE_IMAGE", description="The build argument of the Dockerfile that takes the base image."
    )
    exposed_ports: Ports = Field((), description="The ports that the application listens on.")
    build_context: RelativePath = Field(description="The folder that is sent to the build.")
    dockerfile: RelativePath = Field(description="Path of the Dockerfile.")
    build_arguments: FrozenMap[EnvName, str] = Field(
        default_factory=dict, validate_default=True, description="Further build arguments; never secrets."
    )

    @model_validator(mode="after")
    def _base_image_is_named_once(self) -> Self:
        if self.base_image_argument in self.build_arguments:
            raise RuleError(
                f"The build argument {self.base_image_argument} is given twice",
                why="It is the baseImageArgument, and takes the baseImage",
                fix="Leave it out of buildArguments",
            )
        return self

    def image(self, name: str, *, tag: str | None = None, size: ImageSize | None = None) -> DockerImage:
        """Return the image it describes.

        Args:
            name: Its name.
            tag: The tag it really has, where that is a content tag.
            size: Its size, once it is built.

        Raises:
            pydantic.ValidationError: A value breaks a rule of DockerImage; its size, say.
        """
        return DockerImage(
            name=name,
            tag=self.tag if tag is None else tag,
            size=size,
            base_image=self.base_image,
            exposed_ports=self.exposed_ports,
            build_context=self.build_context,
            dockerfile=self.dockerfile,
        )


def _secrets(given: object) -> object:
    """Turn a list of names into a mapping, and a name without a value into one with defaults."""
    if isinstance(given, list | tuple):
        twice = next((name for at, name in enumerate(given) if name in given[:at]), None)
        if twice is not None:
            raise RuleError(f"The secret {twice!r} stands there twice", why="Each is named once")
        strange = next((name for name in given if not isinstance(name, str)), None)
        if strange is not None:
            raise RuleError(f"A secret's name is {type(strange).__name__}", why="A list of secrets has names only")
        return {name: {} for name in given}
    if isinstance(given, Mapping):
        return {name: {} if use is None else use for name, use in given.items()}
    return given


class ReleaseSpec(Entity):
    """A chart, and what it is installed with; see the fields' descriptions."""

    chart: RelativePath = Field(description="The chart's folder.")
    image: ImageName | None = Field(None, description="The image of `images` that it runs.")
    needs: Annotated[tuple[ReleaseName, ...], distinct("release", SOURCE)] = Field(
        (), description="Releases that must be Ready before this one is installed."
    )
    timeout: Seconds = Field(DEFAULT_TIMEOUT, description="How long it may take to become Ready: 120, 120s or 2m.")
    grace: Seconds = Field(
        DEFAULT_GRACE,
        description="How long what may mend itself (a readiness probe that fails, say) is waited for before it counts.",
    )
    values: Annotated[tuple[RelativePath, ...], distinct("values file", SOURCE)] = Field(
        (), description="Values files, the last wins."
    )
    config: FrozenMap[DataKey, str] = Field(
        default_factory=dict, validate_default=True, description="Configuration that is no secret, by key."
    )
    secrets: Annotated[
        FrozenMap[EnvName, SecretUse],
        BeforeValidator(_secrets, json_schema_input_type=list[EnvName] | dict[EnvName, SecretUse | None]),
    ] = Field(
        default_factory=dict,
        validate_default=True,
        repr=False,
        description="Names of secrets from .env or the environment; never values.",
    )
    existing_secret: DnsSubdomain | None = Field(
        None,
        description="Name of the Secret that Dockyard writes itself, so that Helm's release record holds no secret; "
        "the chart is told it in `existingSecret`.",
    )
    check: Annotated[tuple[HttpPath, ...], distinct("path", SOURCE)] = Field(
        (), description="Paths that each NodePort and LoadBalancer Service must answer with success after a deploy."
    )


class DatabaseSpec(Entity):
    """The development database; see the fields' descriptions."""

    secret: EnvName = Field(
        description="The secret that holds a database's URL. Where it has no value, the development database is used."
    )


def _check_id(id_: str) -> str:
    if re.fullmatch(r"DY[0-9]{3}", id_, re.ASCII) is None:
        raise RuleError(
            f"{id_[:SHOWN]!r} is not the id of a check", why="It is written like DY101; `inv check` shows them"
        )
    return id_


def _reason(text: str) -> str:
    if not text.strip():
        raise RuleError("There is no reason", why="Whoever reads the file later has to know why a check is off")
    return text


CheckId = Annotated[str, Rule(_check_id, {"pattern": "^DY[0-9]{3}$"})]
Reason = Annotated[str, Rule(_reason, {"pattern": r"\S"})]


class ChecksSpec(Entity):
    """Which checks are made; see the fields' descriptions."""

    disabled: FrozenMap[CheckId, Reason] = Field(
        default_factory=dict, validate_default=True, description="Checks that are switched off by id, each with why."
    )


class Project(Entity):
    """All that dockyard.yaml describes; see the fields' descriptions."""

    name: DnsLabel = Field(description="The project's name.")
    cluster: ClusterSpec = Field(default_factory=ClusterSpec, description="Where it is deployed.")
    database: DatabaseSpec | None = Field(None, description="A PostgreSQL beside the cluster, for development.")
    images: FrozenMap[ImageName, ImageSpec] = Field(
        default_factory=dict, validate_default=True, description="The images that are built, by name."
    )
    releases: FrozenMap[ReleaseName, ReleaseSpec] = Field(
        default_factory=dict, validate_default=True, description="The Helm releases, by name."
    )

    checks: ChecksSpec = Field(default_factory=ChecksSpec, description="What `check` looks for.")

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        found = [*self._unknown_names(), *contradictions(self._uses())] or [*self._cycles()]
        if found:
            raise broken(type(self).__name__, found)
        return self

    def _unknown_names(self) -> Iterator[tuple[Place, RuleError]]:
        for name, release in self.releases.items():
            if release.image is not None and release.image not in self.images:
                place: Place = ("releases", name, "image")
                yield place, _unknown("image", release.image, self.images)
            for at, needed in enumerate(release.needs):
                if needed not in self.releases:
                    yield ("releases", name, "needs", at), _unknown("release", needed, self.releases)

    def _cycles(self) -> Iterator[tuple[Place, RuleError]]:
        cycle = _find_cycle({name: release.needs for name, release in self.releases.items()})
        if cycle:
            yield (
                ("releases", cycle[0], "needs"),
                RuleError(
                    f"The releases need each other: {' -> '.join(cycle)}",
                    why="None of them could be installed first",
                    fix="Take one of them out of `needs`",
                ),
            )

    def _uses(self) -> dict[str, Mapping[str, SecretUse]]:
        return {name: release.secrets for name, release in self.releases.items()}

    def secrets(self) -> dict[str, SecretDeclaration]:
        """Return what the releases together say of each secret, by its name."""
        return declared(self._uses())

    def names(self) -> frozenset[str]:
        """Return the names that it gives: its own, and those of releases, images, cluster and namespace."""
        return frozenset({self.name, *self.releases, *self.images, self.cluster.name, self.cluster.namespace})

    def _agreed(self, release: ReleaseSpec) -> ReleaseSpec:
        """Return a release that says of its secrets' values what the others say: it may be looked at without them."""
        said = self.secrets()
        secrets = {name: said[name].use(use) for name, use in release.secrets.items()}
        return release.model_copy(update={"secrets": MappingProxyType(secrets)})

    def release(self, name: str) -> ReleaseSpec:
        """Return a release.

        Raises:
            UnknownNameError: There is none of that name.
        """
        if name not in self.releases:
            raise UnknownNameError("release", name, self.releases)
        return self.releases[name]

    def image(self, name: str) -> ImageSpec:
        """Return an image.

        Raises:
            UnknownNameError: There is none of that name.
        """
        if name not in self.images:
            raise UnknownNameError("image", name, self.images)
        return self.images[name]

    def order(self) -> tuple[str, ...]:
        """Return the releases' names, each behind what it needs, else in the order of the file."""
        return self._with_needs(self.releases)

    def _with_needs(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return releases' names, each behind the names of all that it needs, directly or not."""
        done: dict[str, None] = {}
        for name in names:
            waiting = [] if name in done else [name]
            while waiting:
                missing = [needed for needed in self.releases[waiting[-1]].needs if needed not in done]
                if missing:
                    waiting.append(missing[0])
                else:
                    done[waiting.pop()] = None
        return tuple(done)

    def subset(self, name: str, *, needs: bool = True) -> Self:
        """Return the project with one release, its needs, and their images.

        Args:
            name: The release.
            needs: Whether what it needs comes along; else the release stands alone and needs nothing.

        Raises:
            UnknownNameError: There is no release of that name.
        """
        alone = {name: self.release(name).model_copy(update={"needs": ()})}
        kept = {there: self.releases[there] for there in self._with_needs([name])} if needs else alone
        releases = {there: self._agreed(kept[there]) for there in self.releases if there in kept}
        used = {release.image for release in releases.values()}
        images = {there: image for there, image in self.images.items() if there in used}
        frozen: dict[str, Any] = {"releases": MappingProxyType(releases), "images": MappingProxyType(images)}
        return self.model_copy(update=frozen)


def _unknown(kind: str, name: str, known: Mapping[str, object]) -> RuleError:
    near = nearest(name, known)
    return RuleError(
        f"There is no {kind} named {name!r}",
        why=f"`{kind}s` has {', '.join(known) or 'none'}",
        fix=f"Write {near!r}, if that was meant" if near else "",
    )


def _find_cycle(needs: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the names of a cycle, the first again at its end, or nothing.

    It keeps its own stack: a file may list more releases in a row than Python calls go deep.
    """
    done: set[str] = set()
    for start in needs:
        path = {start: None}
        while path:
            missing = [name for name in needs[next(reversed(path))] if name not in done]
            if not missing:
                done.add(path.popitem()[0])
            elif missing[0] in path:
                names = [*path, missing[0]]
                return tuple(names[names.index(missing[0]) :])
            else:
                path[missing[0]] = None
    return ()
