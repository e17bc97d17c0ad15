"""Minikube as a cluster.

Facts that shape it: `image load` keeps the old image, silently, when the tag is in use, so tags are unique and ids are
compared afterwards; with the docker driver on macOS and WSL2 the node's address cannot be reached, and
`minikube service --url` can.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from functools import cached_property
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from dockyard.clusters.protocol import Loaded
from dockyard.images.archive import full_reference, short_reference
from dockyard.model.cluster import MinikubeCluster
from dockyard.model.errors import ClusterError, ToolError
from dockyard.model.events import Event
from dockyard.tools.kubernetes import Api
from dockyard.tools.minikube import MinikubeProgram
from dockyard.tools.target import Target
from dockyard.tools.tcp import PROXY_SETTLE, connection_error

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    from dockyard.clusters.protocol import ExposedPort
    from dockyard.model.events import Report
    from dockyard.model.project import ClusterSpec
    from dockyard.tools.docker import Docker
    from dockyard.tools.minikube import ProfileFacts

RUNNING = frozenset({"Running", "OK"})


class Minikube:
    """A profile of Minikube; see :class:`dockyard.clusters.protocol.Cluster` for the methods."""

    provider: Final = "minikube"

    def __init__(self, spec: ClusterSpec, *, docker: Docker, folder: Path, api: Callable[[Target], Api] = Api) -> None:
        self.name = profile = spec.name
        self._spec, self._docker, self._api = spec, docker, api
        self._kubeconfig = folder / f"minikube-{profile}.kubeconfig"
        self._program = MinikubeProgram(profile, self._kubeconfig)

    @cached_property
    def _node_ip(self) -> str:
        return self._program.ip()

    def status(self) -> MinikubeCluster | None:
        """Return what `minikube profile list` says of the profile.

        Raises:
            ClusterError: The profile is not one that the specification allows (section 7): another driver, say.
        """
        facts = self._program.profile()
        if facts is None:
            return None
        running = facts.status in RUNNING
        state = "Running" if running else "Paused" if facts.status == "Paused" else "Stopped"
        seen = {**asdict(facts), "status": state, "ip": self._program.ip() if running else None}
        del seen["name"]
        try:
            return MinikubeCluster.model_validate(seen)
        except ValidationError as error:
            broken = "; ".join(f"{'.'.join(map(str, line['loc']))}: {line['msg']}" for line in error.errors())
            raise ClusterError(
                f"The Minikube profile {self.name} is not one that Dockyard can use",
                why=broken,
                fix=f"`minikube delete --profile={self.name}`, then `./inv cluster.start`",
            ) from None

    def kubernetes_version(self) -> str:
        """Ask the API server; else return what a start will run: the version of dockyard.yaml, the profile, Minikube.

        A running profile keeps its version, whatever dockyard.yaml says.
        """
        facts = self._program.profile()
        if facts is not None and facts.status in RUNNING:
            with suppress(ClusterError, ToolError):
                return self._api(self._target("default")).version()
            return facts.kubernetes_version
        wanted = self._spec.kubernetes_version or (facts.kubernetes_version if facts else None)
        return wanted or self._program.default_version()

    def start(self, report: Report) -> None:
        """Start the profile with its addons; Minikube itself waits for the node."""
        facts = self._program.profile()
        addons = self._missing_addons(facts)
        if facts is not None and facts.status in RUNNING:
            for name in addons:
                report(Event("cluster", "Starting", f"addon {name}", passing=True))
                self._program.enable_addon(name)
            report(Event("cluster", "Ready", f"Minikube profile {self.name} is running already"))
            return
        report(Event("cluster", "Starting", f"Minikube profile {self.name}"))
        self._kubeconfig.parent.mkdir(parents=True, exist_ok=True)
        self._program.start(
            cpus=self._spec.cpus,
            memory=self._spec.memory,
            driver=self._spec.driver,
            version=self._spec.kubernetes_version,
            addons=addons,
            on_step=lambda step: report(Event("cluster", "Starting", step, passing=True)),
        )
        report(Event("cluster", "Ready", f"Minikube profile {self.name}"))

    def stop(self, report: Report) -> None:
        """Stop the profile."""
        self._program.stop()
        report(Event("cluster", "Stopped", "its state is kept; `cluster.start` brings it back"))

    def delete(self, report: Report) -> None:
        """Delete the profile and our kubeconfig."""
        self._program.delete()
        self._kubeconfig.unlink(missing_ok=True)
        report(Event("cluster", "Deleted", f"Minikube profile {self.name}"))

    def target(self, namespace: str) -> Target:
        """Return our own kubeconfig, into which Minikube writes the profile's context."""
        facts = self._program.profile()
        if facts is None or facts.status not in RUNNING:
            state = "not there" if facts is None else "stopped"
            raise ClusterError(f"The Minikube profile {self.name} is {state}", fix="Run `./inv cluster.start`")
        return self._target(namespace)

    def _target(self, namespace: str) -> Target:
        if not self._kubeconfig.exists():
            self._kubeconfig.parent.mkdir(parents=True, exist_ok=True)
            self._program.update_context()
        return Target(kubeconfig=self._kubeconfig, context=self.name, namespace=namespace)

    def images(self) -> Mapping[str, str]:
        """Return what `minikube image ls` lists."""
        return {short_reference(name): digest for name, digest in self._program.images().items()}

    def load(self, reference: str, report: Report) -> Loaded:
        """Load an image, then compare ids: Minikube does not say when it kept an older one."""
        wanted = self._docker.image(reference)
        if wanted is None:
            raise ClusterError(f"The image {reference} is not in the Docker engine", fix="Run `./inv build`")
        if self.images().get(reference) == wanted.id:
            return Loaded(reference, wanted.id, 0)
        report(Event(reference.partition(":")[0], "Loading", f"{wanted.size / 1e6:.0f} MB", passing=True))
        self._program.load(reference)
        there = self.images().get(reference, "")
        if there != wanted.id and not (there and wanted.by_manifest):  # then the two ids are of different things
            raise ClusterError(
                f"The node has another image under the name {reference} than the Docker engine",
                why=f"It has {there or 'none'}, the engine has {wanted.id}; Minikube keeps images in use",
                fix=f"`minikube image rm --profile={self.name} {reference}`, then run the same command again",
            )
        return Loaded(reference, wanted.id, wanted.size)

    def remove_images(self, references: tuple[str, ...]) -> None:
        """Remove images from the node."""
        for reference in references:
            self._program.remove_image(full_reference(reference))

    def address(self, port: ExposedPort) -> str:
        """Return the load balancer's address, which `minikube tunnel` or an addon gives a Service, else the node's."""
        return f"{port.load_balancer}:{port.port}" if port.load_balancer else f"{self._node_ip}:{port.node_port}"

    def connection_error(self, port: ExposedPort) -> str:
        """Connect; the tunnel may accept connections itself, the node does not."""
        return connection_error(self.address(port), settle=PROXY_SETTLE if port.load_balancer else 0)

    def release_addresses(self, *, keep: Collection[ExposedPort]) -> None:
        """Do nothing: nothing is set up to reach a Service."""

    def _missing_addons(self, facts: ProfileFacts | None) -> tuple[str, ...]:
        """Return the addons of dockyard.yaml that are not enabled yet.

        Raises:
            ClusterError: Minikube does not have one of them; `minikube start` ignores unknown names silently.
        """
        missing = tuple(name for name in self._spec.addons if facts is None or name not in facts.addons)
        available = self._program.addons() if missing else ()
        unknown = [name for name in missing if name not in available]
        if unknown:
            raise ClusterError(
                f"Minikube has no addon {', '.join(unknown)}",
                why=f"Available: {', '.join(sorted(available))}",
                fix="Correct cluster.addons in dockyard.yaml",
            )
        return missing
