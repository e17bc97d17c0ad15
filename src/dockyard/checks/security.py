"""Checks of what a container may do on its node and to the cluster (DY4xx).

Source: Kubernetes documentation, "Pod Security Standards", the policies "baseline" (errors here) and "restricted".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dockyard.charts.documents import mapping
from dockyard.checks.build import given
from dockyard.checks.catalogue import check
from dockyard.checks.dockerfile import Dockerfile
from dockyard.checks.finding import Severity
from dockyard.checks.reading import dig, image_of, mappings, texts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockyard.charts.pods import Container, PodTemplate
    from dockyard.checks.finding import Hit
    from dockyard.checks.subject import Subject

HOST = {"hostNetwork": "network", "hostPID": "processes", "hostIPC": "shared memory"}
"""Keys of a pod that give it something of the node's, and what."""

HARMLESS = frozenset({"NET_BIND_SERVICE"})
"""Capabilities that the policy "restricted" lets a container add."""

BINDINGS = ("RoleBinding", "ClusterRoleBinding")


@check(
    "DY401",
    "no container runs as root",
    why="Who breaks out of a container is on the node what it was inside: root.",
    fix="Set securityContext.runAsNonRoot to true, and runAsUser where the image names no user by number.",
)
def runs_as_root(subject: Subject) -> Iterator[Hit]:
    """Find containers that run as root, or whose image decides whether they do."""
    for release, template, container in subject.containers():
        user, never = (_effective(template, container, key) for key in ("runAsUser", "runAsNonRoot"))
        place = release.place(template.owner, f"{container.path}.securityContext")
        if user == 0:
            refused = ", which runAsNonRoot refuses: it never starts" if never is True else ""
            yield place, f"{_called(container)} runs as user 0{refused}"
        elif user is None and never is not True:
            yield place, f"{_called(container)} may run as root: neither runAsNonRoot nor runAsUser is set"


@check(
    "DY402",
    "the root file system of every container is read-only",
    why="Whoever gets into a container can change the program there, and a program that writes there fills the node's "
    "disk.",
    fix="Set securityContext.readOnlyRootFilesystem to true, and mount an emptyDir where the program writes.",
)
def writable_root(subject: Subject) -> Iterator[Hit]:
    """Find containers that may write into their image's files."""
    for release, template, container in subject.containers():
        if dig(container.content, "securityContext", "readOnlyRootFilesystem") is not True:
            place = release.place(template.owner, f"{container.path}.securityContext.readOnlyRootFilesystem")
            yield place, f"{_called(container)} has a writable root file system"


@check(
    "DY403",
    "no container is privileged",
    why="A privileged container is the node: it sees every device, every process and every other pod's secrets.",
    fix="Remove securityContext.privileged.",
)
def privileged(subject: Subject) -> Iterator[Hit]:
    """Find privileged containers."""
    for release, template, container in subject.containers():
        if dig(container.content, "securityContext", "privileged") is True:
            place = release.place(template.owner, f"{container.path}.securityContext.privileged")
            yield place, f"{_called(container)} is privileged"


@check(
    "DY404",
    "every container drops all capabilities and adds none",
    severity=Severity.WARNING,
    why="A capability is a part of root's power; a program that serves on a port above 1023 needs none.",
    fix="Set securityContext.capabilities.drop to [ALL], and remove what is added.",
)
def capabilities(subject: Subject) -> Iterator[Hit]:
    """Find containers that keep capabilities or add some; NET_BIND_SERVICE may be added."""
    for release, template, container in subject.containers():
        given = mapping(dig(container.content, "securityContext", "capabilities"))
        place = release.place(template.owner, f"{container.path}.securityContext.capabilities")
        added = sorted({name.upper().removeprefix("CAP_") for name in texts(given.get("add"))} - HARMLESS)
        if added:
            yield place, f"{_called(container)} adds {', '.join(added)}"
        if "ALL" not in {name.upper() for name in texts(given.get("drop"))}:
            yield place, f"{_called(container)} does not drop ALL"


@check(
    "DY405",
    "no process of a container can gain more rights than it was started with",
    severity=Severity.WARNING,
    why="A program with the setuid bit makes root of any user, which runAsNonRoot does not see.",
    fix="Set securityContext.allowPrivilegeEscalation to false.",
)
def escalation(subject: Subject) -> Iterator[Hit]:
    """Find containers that do not forbid it."""
    for release, template, container in subject.containers():
        if dig(container.content, "securityContext", "allowPrivilegeEscalation") is not False:
            place = release.place(template.owner, f"{container.path}.securityContext.allowPrivilegeEscalation")
            yield place, f"{_called(container)} does not set allowPrivilegeEscalation to false"


@check(
    "DY406",
    "no pod mounts a path of its node",
    why="The node's files are then the pod's, and it works on that one node only (FR-007: services are stateless).",
    fix="Use an emptyDir, a ConfigMap or a Secret.",
)
def host_path(subject: Subject) -> Iterator[Hit]:
    """Find volumes of the kind hostPath."""
    for release, template in subject.pods():
        for index, volume in enumerate(mappings(template.spec.get("volumes"))):
            if volume.get("hostPath"):
                place = release.place(template.owner, f"{template.spec_path}.volumes[{index}].hostPath")
                yield place, f"volume {volume.get('name')!r} is the node's {dig(volume, 'hostPath', 'path')}"


@check(
    "DY407",
    "no pod shares its node's network, processes or shared memory",
    why="It sees what every other pod of the node does, and two pods that listen on one port exclude each other.",
    fix="Remove hostNetwork, hostPID and hostIPC; a Service of type NodePort makes a pod reachable.",
)
def host_namespaces(subject: Subject) -> Iterator[Hit]:
    """Find pods that share one of them."""
    for release, template in subject.pods():
        for key, what in HOST.items():
            if template.spec.get(key) is True:
                yield release.place(template.owner, f"{template.spec_path}.{key}"), f"the pod shares the node's {what}"


@check(
    "DY408",
    "a pod has a token of the API server only where it was given rights",
    severity=Severity.WARNING,
    why="Whoever gets into the pod can talk to the API server in its name.",
    fix="Set automountServiceAccountToken to false in the pod's specification or in its ServiceAccount.",
)
def needless_token(subject: Subject) -> Iterator[Hit]:
    """Find pods with a token whose ServiceAccount no release binds to a role."""
    bound, without = _bound_accounts(subject), _accounts_without_token(subject)
    for release, template in subject.pods():
        account = str(template.spec.get("serviceAccountName") or "default")
        mounted = template.spec.get("automountServiceAccountToken")
        if mounted is not False and account not in bound and not (mounted is None and account in without):
            place = release.place(template.owner, f"{template.spec_path}.automountServiceAccountToken")
            yield place, f"the pod gets a token of ServiceAccount {account!r}, which no release gives any right"


@check(
    "DY409",
    "an image whose container may not run as root names a user by number",
    why="The kubelet cannot tell whether a user without a number is root: the pod stays in "
    "CreateContainerConfigError for ever.",
    fix="Write `USER 10001` into the Dockerfile, or set securityContext.runAsUser.",
)
def unknown_user(subject: Subject) -> Iterator[Hit]:
    """Find images of the project without a number for their user, where runAsNonRoot is set and runAsUser is not."""
    users = {image.name: Dockerfile.parse(image.dockerfile).user(given(image)) for image in subject.images}
    for release, template, container in subject.containers():
        image = image_of(container)
        name = users.get(image.name) if image is not None and not image.registry else None
        number, never = (_effective(template, container, key) for key in ("runAsUser", "runAsNonRoot"))
        if name is not None and never is True and number is None and not _is_no_root(name):
            place = release.place(template.owner, f"{container.path}.securityContext.runAsNonRoot")
            yield (
                place,
                f"{_called(container)} must not run as root, and its image runs as user {name.partition(':')[0]}",
            )


def _is_no_root(user: str) -> bool:
    number = user.partition(":")[0]
    return number.isascii() and number.isdigit() and int(number[:10]) > 0


def _effective(template: PodTemplate, container: Container, key: str) -> Any:  # noqa: ANN401 - whatever stands there
    """Return a field of the security context: the container's, or else the pod's."""
    own = dig(container.content, "securityContext", key)
    return dig(template.spec, "securityContext", key) if own is None else own


def _called(container: Container) -> str:
    return f"container {container.content.get('name')!r}"


def _bound_accounts(subject: Subject) -> set[str]:
    return {
        str(who.get("name"))
        for _, _, content in subject.objects(*BINDINGS)
        for who in mappings(content.get("subjects"))
        if who.get("kind") == "ServiceAccount"
    }


def _accounts_without_token(subject: Subject) -> set[str]:
    return {
        name.name
        for _, name, content in subject.objects("ServiceAccount")
        if content.get("automountServiceAccountToken") is False
    }
