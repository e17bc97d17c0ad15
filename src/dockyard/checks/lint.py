"""What `helm lint` writes, taken apart."""

from __future__ import annotations

import re

ERROR, WARNING, INFO = "[ERROR]", "[WARNING]", "[INFO]"

HEADING = "==> Linting "
RECORD = re.compile(r"^(\[(?:ERROR|WARNING|INFO)\]|Error(?= unable)) ?(.*)$")
"""The first line of a remark; `Error unable to check ...` is one without brackets."""


def read(text: str) -> dict[str, tuple[str, ...]]:
    """Return the errors and warnings of `helm lint`, by the chart as it was named to it.

    Args:
        text: What it wrote; of Helm 3 or 4. Lines that continue a remark are joined to it.
    """
    found: dict[str, list[str]] = {}
    remarks: list[str] = []
    is_open = False
    for line in text.splitlines():
        if line.startswith(HEADING):
            remarks, is_open = found.setdefault(line.removeprefix(HEADING).strip(), []), False
        elif record := RECORD.match(line):
            remarks.append(f"{ERROR if record[1] == 'Error' else record[1]} {record[2].strip()}")
            is_open = True
        elif is_open and line.strip():
            remarks[-1] += f" {line.strip()}"
        else:
            is_open = False
    return {chart: tuple(one for one in there if not one.startswith(INFO)) for chart, there in found.items()}
