"""Helm charts (data-model.md, section 2)."""

from typing import Annotated, Any

from pydantic import Field

from dockyard.model.entity import Entity, FrozenMap
from dockyard.model.errors import RuleError
from dockyard.model.image import DockerImage
from dockyard.model.names import ChartName
from dockyard.model.rule import distinct
from dockyard.model.tag import DockerTag, Version

SECTION = "data-model.md, section 2"


class ChartDependency(Entity):
    """A chart that another one brings along.

    Attributes:
        name: Its name.
        version: Its version, or a range of versions.
        repository: Where it comes from; empty for one in `charts/`.
        alias: Another name for it in the parent's values.
        condition: The value that switches it.
    """

    name: ChartName
    version: str = ""
    repository: str = ""
    alias: str = ""
    condition: str = ""


class HelmChart(Entity):
    """A package of templates for Kubernetes.

    Attributes:
        name: Its name.
        version: Its own version: it follows changes of the infrastructure.
        app_version: The tag of the image it installs.
        description: What it deploys, in a line.
        dependencies: Charts it brings along.
        values: Its default values (values.yaml); not shown in a repr, since a value may be a secret by mistake.
        templates: Paths of its templates inside the chart.
    """

    name: ChartName
    version: Version
    app_version: DockerTag
    description: str = ""
    dependencies: tuple[ChartDependency, ...] = ()
    values: Annotated[FrozenMap[str, Any], Field(repr=False)] = Field(default_factory=dict, validate_default=True)
    templates: Annotated[tuple[str, ...], distinct("template", SECTION)] = ()


def check_app_version(chart: HelmChart, image: DockerImage) -> None:
    """Compare a chart's appVersion with the tag of the image it installs.

    Raises:
        RuleError: They are not the same.
    """
    if chart.app_version != image.tag:
        raise RuleError(
            f"The chart {chart.name} has appVersion {chart.app_version}, its image {image.reference} another tag",
            why=f"appVersion must match the Docker image's tag ({SECTION})",
        )
