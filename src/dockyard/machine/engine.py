"""The Docker engine and its command line: what is there, what is missing, installing it.

What the user has is used as it is: an engine that answers, wherever DOCKER_HOST or a context leads, and the docker on
PATH, whatever its version.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dockyard.machine import packages
from dockyard.machine.requirement import Requirement, Step
from dockyard.machine.trouble import last_words
from dockyard.model.errors import ToolMissingError, ToolTimeoutError
from dockyard.model.events import Event
from dockyard.tools import daemon
from dockyard.tools.process import run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dockyard.machine.host import Host
    from dockyard.model.events import Report

NAME = "docker engine"

PACKAGES = ("docker.io", "containerd", "runc", "iptables")
"""The engine. What recommends brings beside it (git, cgroupfs-mount, apparmor) is not needed, but for iptables."""

CLI_PACKAGE = "docker-cli"
"""The command line, where it is a package of its own (Debian 13); earlier releases have it in docker.io."""

ASKING = 10.0
"""Seconds for the docker command line to say whether an engine answers: a remote one may be asleep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineFacts:
    """What is known of Docker on this machine.

    Attributes:
        cli: The version of the docker command line; None where there is none.
        server: The version of the engine that it reaches; None where none answers.
        elsewhere: Where the command line looks, if not at this machine's own engine (DOCKER_HOST, a context); else "".
        refusal: Why no engine answered, in the words of the command line.
        installed: Whether this machine has an engine, running or not.
    """

    cli: str | None
    server: str | None
    elsewhere: str
    refusal: str
    installed: bool


def observe(environment: Mapping[str, str] = os.environ) -> EngineFacts:
    """Ask the docker command line, once.

    Args:
        environment: Where DOCKER_HOST is looked up.
    """
    installed = shutil.which("dockerd", path=_system_path()) is not None
    try:
        done = run(["docker", "version", "--format", "{{json .}}"], timeout=ASKING, check=False)
    except ToolMissingError:
        return EngineFacts(cli=None, server=None, elsewhere="", refusal="", installed=installed)
    except ToolTimeoutError as error:
        where = environment.get("DOCKER_HOST", "the engine of its context")
        return EngineFacts(cli="unknown", server=None, elsewhere=where, refusal=str(error), installed=installed)
    client, server = parse_version(done.stdout)
    return EngineFacts(
        cli=client.get("Version", "unknown"),
        server=server.get("Version"),
        elsewhere=elsewhere(environment.get("DOCKER_HOST", ""), client.get("Context", "default")),
        refusal="" if server else last_words(done.stderr),
        installed=installed,
    )


def parse_version(text: str) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Return the client's and the engine's part of `docker version --format '{{json .}}'`; an absent part is empty."""
    try:
        whole = json.loads(text)
    except ValueError:
        return {}, {}
    return whole.get("Client") or {}, whole.get("Server") or {}


def elsewhere(docker_host: str, context: str) -> str:
    """Return where the command line looks, if not at this machine's own engine; DOCKER_HOST wins over a context."""
    own = {f"unix://{path}" for path in ("/var/run/docker.sock", "/run/docker.sock")}
    if docker_host:
        return "" if docker_host in own else docker_host
    return "" if context == "default" else f"the context {context!r}"


def plan(host: Host, facts: EngineFacts) -> tuple[Requirement, Requirement]:
    """Decide what is done for the command line and for the engine."""
    engine = _plan_engine(host, facts)
    if facts.cli is not None:
        return Requirement("docker command line", "any", facts.cli, ok=True), engine
    action = "comes with the engine" if engine.step is Step.INSTALL_ENGINE else engine.action
    return Requirement("docker command line", "any", None, ok=False, action=action), engine


def _plan_engine(host: Host, facts: EngineFacts) -> Requirement:
    if facts.server is not None:
        return Requirement(NAME, "any", facts.server, ok=True)
    step, action = _remedy(host, facts)
    return Requirement(NAME, "any", None, ok=False, action=action, step=step)


def _remedy(host: Host, facts: EngineFacts) -> tuple[Step, str]:
    """Return what is done about an engine that does not answer, or what the user has to do."""
    if facts.elsewhere:
        return (
            Step.NOTHING,
            f"start the engine at {facts.elsewhere}, or unset DOCKER_HOST and `docker context use default`",
        )
    if "permission denied" in facts.refusal:
        return Step.NOTHING, "join its group (`sudo usermod -aG docker $USER`), then log in again"
    if facts.installed and facts.cli is not None:
        if host.root:
            return Step.START_ENGINE, "start it"
        return Step.NOTHING, "start it as root: `sudo systemctl start docker`"
    if host.installs:
        return Step.INSTALL_ENGINE, f"install the package {PACKAGES[0]} and start it"
    return Step.NOTHING, advice(host)


def advice(host: Host) -> str:
    """Return how to install Docker where that is not ours to do, one sentence without its full stop."""
    if host.system == "darwin":
        return "install Docker Desktop (`brew install --cask docker`) and open it"
    if host.debian:
        return "install it (`sudo apt-get install docker.io`), then join its group (`sudo usermod -aG docker $USER`)"
    return "install Docker Engine with the package manager of this system, and start it"


def install(report: Report) -> str:
    """Install the engine from the distribution's packages; they may start it, or not.

    Returns:
        What was done.

    Raises:
        MachineError: The packages cannot be had or clash with what is installed.
    """
    report(Event(NAME, "Installing", f"packages {', '.join(PACKAGES)}"))
    known = packages.available((*PACKAGES, CLI_PACKAGE))
    if not set(PACKAGES) <= set(known):
        packages.update(report)
        known = packages.available((*PACKAGES, CLI_PACKAGE))
    packages.install(known or PACKAGES, report)
    return f"package {PACKAGES[0]} installed"


def _system_path() -> str:
    return os.pathsep.join((os.environ.get("PATH", os.defpath), *daemon.SYSTEM_FOLDERS))
