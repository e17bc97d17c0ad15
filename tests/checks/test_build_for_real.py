"""What DY602 says of a Dockerfile against what Docker does with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockyard.tools.process import run
from tests.checks.samples import CONTEXT, find, image, subject


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a build context with the sample image's files."""
    folder = tmp_path_factory.mktemp("context")
    for name in CONTEXT:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x", encoding="utf-8")
    return folder


@pytest.mark.docker
@pytest.mark.parametrize(
    "text",
    [
        "FROM scratch\nCOPY src requirements.lock /app/",
        "FROM scratch\nCOPY sr /app",
        "FROM scratch\nCOPY ../src /app",
        "FROM scratch\nCOPY ./src/../nothing /app",
        "FROM scratch\nADD nothing /app/",
        "FROM scratch\nCOPY *.nothing src/*/index.htm[lm] /app/",
        "FROM scratch\nCOPY sr\\\nc \\\n# here\n\n /app/",
        '# escape=`\nFROM scratch\nCOPY ["nothing", `\n "/app/"]',
        "ARG W=src\nFROM scratch\nARG W\nCOPY ${W}/main.py /app",
        "FROM scratch AS a\nARG W=nothing\nFROM a\nCOPY $W /app",
        "FROM scratch AS a\nENV W=src\nFROM a\nENV W=nothing V=$W\nCOPY $V /app",
        "FROM scratch AS unused\nCOPY nothing /app\nFROM scratch\nCOPY src /app",
        "FROM scratch AS Used\nCOPY nothing /app\nFROM scratch\nCOPY --from=used /app /app",
        "FROM scratch\nCOPY src /app/ # no comment",
    ],
)
def test_docker_refuses_what_is_found_and_nothing_else(text: str, context: Path, tmp_path: Path) -> None:
    """A finding is a build that ends; no finding is one that goes on."""
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text(text, encoding="utf-8")
    command = [
        "docker",
        "buildx",
        "build",
        "--quiet",
        "--output",
        "type=cacheonly",
        "--file",
        str(dockerfile),
        str(context),
    ]
    refused = run(command, timeout=60, check=False)
    assert bool(find("DY602", subject(images=(image(text),)))) == (refused.returncode != 0), refused.stderr
