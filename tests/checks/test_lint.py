"""What `helm lint` writes."""

from __future__ import annotations

import pytest

from dockyard.checks.lint import read

WRITTEN = """\
==> Linting charts/web
[INFO] Chart.yaml: icon is recommended
[ERROR] templates/: values don't meet the specifications of the schema(s) in the following chart(s):
web:
- at '': missing property 'level'

level=WARN msg="missing required value"
[WARNING] templates/a.yaml: object name does not conform

==> Linting charts/api
[INFO] Chart.yaml: icon is recommended
[ERROR] Chart.yaml: unable to parse YAML
\terror converting YAML to JSON: yaml: line 1

==> Linting charts/none
Error unable to check Chart.yaml file in chart: stat charts/none/Chart.yaml: no such file or directory

==> Linting charts/sound
[INFO] values.yaml: file does not exist

Error: 4 chart(s) linted, 3 chart(s) failed
"""


def test_errors_and_warnings_are_sorted_by_chart() -> None:
    """Lines that continue a remark belong to it; what informs, logs and sums up does not count."""
    schema = "values don't meet the specifications of the schema(s) in the following chart(s):"
    assert read(WRITTEN) == {
        "charts/web": (
            f"[ERROR] templates/: {schema} web: - at '': missing property 'level'",
            "[WARNING] templates/a.yaml: object name does not conform",
        ),
        "charts/api": ("[ERROR] Chart.yaml: unable to parse YAML error converting YAML to JSON: yaml: line 1",),
        "charts/none": (
            "[ERROR] unable to check Chart.yaml file in chart: stat charts/none/Chart.yaml: no such file or directory",
        ),
        "charts/sound": (),
    }


@pytest.mark.parametrize("text", ["", "panic: runtime error\n", "[ERROR] of no chart\n"])
def test_what_names_no_chart_is_of_none(text: str) -> None:
    """A Helm that broke says nothing of any."""
    assert read(text) == {}
