"""Pods are replaced when their image, configuration or secrets change, and only then."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
import yaml

if TYPE_CHECKING:
    from pathlib import Path

    from tests.helm.conftest import Chart

pytestmark = pytest.mark.process


def checksums(chart: Chart, **values: object) -> tuple[str, str]:
    """Return the checksums of configuration and secrets."""
    annotations = chart.template(**values)["metadata"]["annotations"]
    return annotations["checksum/config"], annotations["checksum/secret"]


def test_two_renders_are_the_same_text(chart: Chart) -> None:
    """Charts have no random values and no timestamps."""
    assert chart.render() == chart.render()


def test_helm_3_and_helm_4_render_the_same_objects(both: tuple[Chart, Chart]) -> None:
    """Switching a release from one Helm version to the other causes no rollout."""
    four, three = both
    assert (three.helm.major, four.helm.major) == (3, 4)
    assert three.objects() == four.objects()


def test_changed_config_replaces_pods(chart: Chart) -> None:
    """A changed configuration value changes the checksum of the configuration only."""
    before, after = checksums(chart), checksums(chart, config={"LOG_LEVEL": "debug"})
    assert before[0] != after[0]
    assert before[1] == after[1]


def test_changed_secrets_replace_pods(chart: Chart) -> None:
    """A changed secret changes the checksum of the secrets only."""
    before, after = checksums(chart), checksums(chart, secrets={**chart.secrets, "DATABASE_URL": "another"})
    assert before[0] == after[0]
    assert before[1] != after[1]


@pytest.mark.parametrize(
    "values", [{"image": {"tag": "9.9.9"}}, {"replicaCount": 2}, {"service": {"port": 80}}], ids=["tag", "pods", "port"]
)
def test_checksums_stay_when_other_values_change(chart: Chart, values: dict[str, object]) -> None:
    """The checksums cover nothing but the data."""
    assert checksums(chart, **values) == checksums(chart)


def test_more_replicas_replace_no_pod(chart: Chart) -> None:
    """Scaling does not change the pod template."""
    assert chart.template(replicaCount=3) == chart.template()


def test_a_new_chart_version_alone_replaces_no_pod(chart: Chart, tmp_path: Path) -> None:
    """The chart version is a label of the objects but not of the pods."""
    folder = tmp_path / chart.name
    shutil.copytree(chart.folder, folder)
    described = yaml.safe_load((folder / "Chart.yaml").read_text())
    (folder / "Chart.yaml").write_text(yaml.safe_dump({**described, "version": "1.0.1"}))
    newer = chart.at(folder)
    assert newer.objects()["Service"]["metadata"]["labels"]["helm.sh/chart"].endswith("-1.0.1")
    assert newer.template() == chart.template()
