"""Checks DY4xx: what containers may do."""

from __future__ import annotations

import pytest

from dockyard.checks.finding import Severity
from tests.checks.samples import DOCKERFILE, WEB, changed, find, image, said, subject

SPEC = "Deployment/web: spec.template.spec"
CONTEXT = f"{SPEC}.containers[0].securityContext"
POD = "securityContext: {runAsNonRoot: true}"
OWN = "            allowPrivilegeEscalation: false\n"
AUTOMOUNT = "automountServiceAccountToken: false"


@pytest.mark.parametrize("id_", [f"DY{number}" for number in range(401, 410)])
def test_a_sound_release_passes(id_: str) -> None:
    """No check of this group finds fault with the sample release."""
    assert said(id_, subject()) == []


@pytest.mark.parametrize(
    ("pod", "own", "message"),
    [
        ("{}", "", "may run as root: neither runAsNonRoot nor runAsUser is set"),
        ("{runAsNonRoot: true}", "runAsNonRoot: false", "may run as root: neither runAsNonRoot nor runAsUser is set"),
        ("{runAsUser: 0}", "", "runs as user 0"),
        ("{runAsUser: 1000}", "runAsUser: 0", "runs as user 0"),
        ("{runAsNonRoot: true}", "runAsUser: 0", "runs as user 0, which runAsNonRoot refuses: it never starts"),
        ("{runAsUser: 10001}", "", ""),
        ("{}", "runAsNonRoot: true", ""),
        ("{runAsUser: 0}", "runAsUser: 1000", ""),
    ],
)
def test_a_container_that_runs_as_root_is_found(pod: str, own: str, message: str) -> None:
    """What the container says wins over what its pod says; a user by number says that it is not root."""
    text = changed(WEB, POD, f"securityContext: {pod}")
    text = changed(text, OWN, f"{OWN}            {own}\n" if own else OWN)
    assert said("DY401", subject(text)) == ([f"{CONTEXT}: container 'app' {message}"] if message else [])


@pytest.mark.parametrize("value", ["false", "null", "'true'"])
def test_a_writable_root_file_system_is_found(value: str) -> None:
    """Only `true` makes it read-only."""
    text = changed(WEB, "readOnlyRootFilesystem: true", f"readOnlyRootFilesystem: {value}")
    assert said("DY402", subject(text)) == [
        f"{CONTEXT}.readOnlyRootFilesystem: container 'app' has a writable root file system"
    ]


def test_a_privileged_container_is_found() -> None:
    """A container that initialises counts as well."""
    text = changed(WEB, OWN, f"{OWN}            privileged: true\n")
    assert said("DY403", subject(text)) == [f"{CONTEXT}.privileged: container 'app' is privileged"]
    first = "initContainers: [{name: first, securityContext: {privileged: true}}]"
    assert len(find("DY403", subject(changed(WEB, AUTOMOUNT, first)))) == 1


@pytest.mark.parametrize(
    ("given", "messages"),
    [
        ("{drop: [all], add: [NET_BIND_SERVICE]}", []),
        ("{drop: [NET_RAW]}", ["does not drop ALL"]),
        ("{}", ["does not drop ALL"]),
        ("{drop: [ALL], add: [CAP_SYS_ADMIN, NET_ADMIN]}", ["adds NET_ADMIN, SYS_ADMIN"]),
        ("{add: [NET_ADMIN]}", ["adds NET_ADMIN", "does not drop ALL"]),
    ],
)
def test_capabilities_are_warned_of(given: str, messages: list[str]) -> None:
    """Every one that is kept or added is named, however it is written."""
    found = find("DY404", subject(changed(WEB, "{drop: [ALL]}", given)))
    assert [finding.message for finding in found] == [f"container 'app' {message}" for message in messages]
    assert {finding.severity for finding in found} <= {Severity.WARNING}


def test_privilege_escalation_is_warned_of() -> None:
    """It is allowed where nothing is said."""
    (found,) = find("DY405", subject(changed(WEB, OWN, "")))
    assert (found.severity, found.place.path) == (Severity.WARNING, f"{CONTEXT}.allowPrivilegeEscalation")


def test_a_path_of_the_node_is_found() -> None:
    """The message names the volume and the path."""
    text = changed(WEB, "{name: tmp, emptyDir: {}}", "{name: tmp, emptyDir: {}}, {name: d, hostPath: {path: /var/run}}")
    assert said("DY406", subject(text)) == [f"{SPEC}.volumes[1].hostPath: volume 'd' is the node's /var/run"]


@pytest.mark.parametrize(
    ("key", "what"), [("hostNetwork", "network"), ("hostPID", "processes"), ("hostIPC", "shared memory")]
)
def test_what_a_pod_shares_with_its_node_is_found(key: str, what: str) -> None:
    """Each of the three is found; `false` is not."""
    assert said("DY407", subject(changed(WEB, AUTOMOUNT, f"{key}: true"))) == [
        f"{SPEC}.{key}: the pod shares the node's {what}"
    ]
    assert said("DY407", subject(changed(WEB, AUTOMOUNT, f"{key}: false"))) == []


ACCOUNT = "---\n{{kind: ServiceAccount, metadata: {{name: worker}}, automountServiceAccountToken: {}}}\n"
BINDING = """\
---
{kind: RoleBinding, metadata: {name: b}, subjects: [{kind: ServiceAccount, name: worker}, {kind: User, name: default}]}
"""


@pytest.mark.parametrize(
    ("pod", "others", "account"),
    [
        ("", "", "default"),
        ("automountServiceAccountToken: true", "", "default"),
        ("serviceAccountName: worker", "", "worker"),
        ("serviceAccountName: worker", ACCOUNT.format("true"), "worker"),
        ("serviceAccountName: worker", ACCOUNT.format("false"), ""),
        ("serviceAccountName: worker", BINDING, ""),
        ("", BINDING, "default"),
    ],
)
def test_a_needless_token_is_warned_of(pod: str, others: str, account: str) -> None:
    """A token is needed where a release binds the account to a role; the account itself may forbid it."""
    found = find("DY408", subject(changed(WEB, AUTOMOUNT, pod) + others))
    assert [finding.message for finding in found] == (
        [f"the pod gets a token of ServiceAccount {account!r}, which no release gives any right"] if account else []
    )


def test_a_pod_that_mounts_its_token_in_spite_of_its_account_is_warned_of() -> None:
    """What the pod says wins over its ServiceAccount."""
    pod = "serviceAccountName: worker\n      automountServiceAccountToken: true"
    assert len(find("DY408", subject(changed(WEB, AUTOMOUNT, pod) + ACCOUNT.format("false")))) == 1


@pytest.mark.parametrize(
    ("dockerfile", "context", "user"),
    [
        (f"{DOCKERFILE}USER app\n", "{runAsNonRoot: true}", "app"),
        (f"{DOCKERFILE}USER app:10001\n", "{runAsNonRoot: true}", "app"),
        (f"{DOCKERFILE}USER root\n", "{runAsNonRoot: true}", "root"),
        (f"{DOCKERFILE}USER 0\n", "{runAsNonRoot: true}", "0"),
        ("FROM scratch\n", "{runAsNonRoot: true}", "0"),
        ("FROM scratch\nUSER app\nUSER 10001:10001\n", "{runAsNonRoot: true}", ""),
        (f"{DOCKERFILE}USER app\n", "{runAsNonRoot: true, runAsUser: 10001}", ""),
        (f"{DOCKERFILE}USER app\n", "{}", ""),
        (f"{DOCKERFILE}USER ${{NOBODY_SAYS}}\n", "{runAsNonRoot: true}", ""),
        ("", "{runAsNonRoot: true}", ""),
    ],
)
def test_an_image_whose_user_has_no_number_is_found(dockerfile: str, context: str, user: str) -> None:
    """Only where runAsNonRoot makes the kubelet ask, and only where the Dockerfile says who it is."""
    looked_at = subject(changed(WEB, POD, f"securityContext: {context}"), images=(image(dockerfile),))
    expected = f"{CONTEXT}.runAsNonRoot: container 'app' must not run as root, and its image runs as user {user}"
    assert said("DY409", looked_at) == ([expected] if user else [])
    assert (
        said("DY409", subject(changed(WEB, "image: web:1.0.0", "image: other:1.0.0"), images=(image(dockerfile),)))
        == []
    )
