"""Checks of what is rendered against the entities of the data model, rebuilt from it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dockyard.charts.readback import config_maps, deployments, secrets, services
from dockyard.checks import kubernetes
from dockyard.checks.catalogue import check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockyard.charts.readback import Breach
    from dockyard.checks.finding import Hit
    from dockyard.checks.subject import Subject

RELAXED_SERVICE_NAMES = 36
"""The minor version from which on a Service's name may be any DNS label (feature gate RelaxedServiceNameValidation)."""

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)

TOLD_ELSEWHERE = (".replicas", ".strategy", ".resources", ".image", ".nodePort")
"""What checks of their own find: DY306, DY309 and DY310, DY303 and DY304, DY511, DY204."""


@check(
    "DY801",
    "what is rendered keeps the rules of the data model",
    why="The specification's rules (data-model.md, sections 3 to 5) hold for what Helm really sends, whatever the "
    "chart; what breaks them is refused by the API server, or works otherwise than meant.",
    fix="Correct the value in the chart or in the values it comes from.",
)
def broken_rule(subject: Subject) -> Iterator[Hit]:
    """Find Deployments, Services, ConfigMaps and Secrets that are no entity of the model."""
    minor = kubernetes.version(subject.kubernetes_version).minor
    for release in subject.releases:
        for read in (deployments, services, config_maps, secrets):
            for entity in read(release.manifests):
                for breach in entity.breaches:
                    if not _told_elsewhere(breach) and not _is_accepted(breach, minor):
                        yield release.place(breach.name, breach.path), _lower(breach.sentence)


def _told_elsewhere(breach: Breach) -> bool:
    return any(part in f".{breach.path}" for part in TOLD_ELSEWHERE)


def _is_accepted(breach: Breach, minor: int) -> bool:
    """Whether a version accepts what older ones refuse: a Service's name that starts with a digit."""
    is_name = breach.name.kind == "Service" and breach.path == "spec.name"
    return is_name and minor >= RELAXED_SERVICE_NAMES and LABEL.fullmatch(breach.name.name) is not None


def _lower(sentence: str) -> str:
    return f"{sentence[:1].lower()}{sentence[1:]}".rstrip(".")
