"""Whatever the files of a project hold, a check yields findings or nothing: it never raises."""

from __future__ import annotations

import string
from dataclasses import replace

from hypothesis import example, given, settings
from hypothesis import strategies as st

from dockyard.checks.catalogue import run_checks
from tests.checks.samples import image, release, subject

YAML = st.text(st.sampled_from(string.ascii_letters + string.digits + ":-?[]{}#&*!|>'\"%@`, \n\t\\é\u2028\x00"))

NAMES = st.sampled_from(["DATABASE_URL", "OTHER"])
"""Names of secrets: one that the sample project asks for, and one that it does not."""


@settings(deadline=None)
@given(YAML | st.text(), st.text(max_size=200), st.dictionaries(NAMES, st.text(min_size=1), max_size=2))
@example("&a [*a]", "FROM", {"DATABASE_URL": "\ud800"})
def test_no_check_stumbles_over_a_text(values: str, dockerfile: str, secrets: dict[str, str]) -> None:
    """Values files, templates, Dockerfiles and secrets may hold anything; no message is endless."""
    sources = {"charts/web/values.yaml": values}
    odd = release(values=sources, templates=sources)
    looked_at = replace(subject("", images=(image(dockerfile),)), releases=(odd,), secrets=secrets, example=values)
    assert all(len(finding.message) < 1000 for finding in run_checks(looked_at, without={}))
