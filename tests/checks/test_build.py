"""Checks DY6xx: Dockerfiles and build contexts."""

from __future__ import annotations

import pytest

from dockyard.checks.finding import Severity
from tests.checks.samples import CONTEXT, DOCKERFILE, PROJECT, changed, find, image, project, said, subject

COPY = "COPY src /app/src"


@pytest.mark.parametrize("id_", [f"DY{number}" for number in range(601, 606)])
def test_a_sound_image_passes(id_: str) -> None:
    """No check of this group finds fault with the sample image."""
    assert said(id_, subject()) == []


@pytest.mark.parametrize(
    ("dockerfile", "message"),
    [
        ("", "the Dockerfile of image web is not there, or empty"),
        (" \n", "the Dockerfile of image web is not there, or empty"),
        ("# FROM x\nARG A\n", "the Dockerfile of image web has no FROM"),
    ],
)
def test_a_dockerfile_that_builds_nothing_is_found(dockerfile: str, message: str) -> None:
    """No other check of this group says anything then."""
    looked_at = subject(images=(image(dockerfile),))
    (found,) = find("DY601", looked_at)
    assert (found.place.file, found.message) == ("web.Dockerfile", message)
    assert [said(f"DY{number}", looked_at) for number in range(602, 606)] == [[], [], [], []]


def test_what_cannot_be_read_is_found_elsewhere() -> None:
    """DY001 says why; here nothing is said twice."""
    broken = image("FROM x\nCOPY a b\n", files=frozenset(), unreadable={"web": "It is not there."})
    assert said("DY601", subject(images=(broken,))) == said("DY602", subject(images=(broken,))) == []


@pytest.mark.parametrize(
    "copy",
    [
        "COPY src/main.py src/pages /app/",
        "COPY . .",
        "COPY / /app/",
        "COPY ./src /app",
        "COPY /src/ /app",
        "COPY ../src /app",
        "COPY *.lock src/*/index.htm[lm] *.nothing /app/",
        'COPY ["src/main.py", "/app/"]',
        "COPY --chown=1:1 --chmod=755 src /app",
        "COPY --from=alpine nothing /app",
        "COPY $UNKNOWN/nothing /app",
        "ADD https://host/nothing git@host:nothing.git /app/",
        "COPY <<EOF /app\nCOPY nothing /app\nEOF",
        "RUN --mount=type=bind,source=src,target=/src --mount=type=cache,target=/x --mount=type=secret,id=ca true",
        "RUN --mount=target=/src --mount=type=bind,from=alpine,source=/nothing,target=/y true",
        "ARG WHERE=src\nCOPY ${WHERE}/main.py /app",
        "FROM scratch\nCOPY src /app",
    ],
)
def test_what_the_context_has_may_be_copied(copy: str) -> None:
    """Files, folders, patterns, and what does not come from the context at all."""
    assert said("DY602", subject(images=(image(changed(DOCKERFILE, COPY, copy)),))) == []


@pytest.mark.parametrize(
    ("copy", "named"),
    [
        ("COPY src nothing /app/", "COPY nothing: the build context web has no 'nothing'"),
        ("ADD ./src/../nothing /app", "ADD ./src/../nothing: the build context web has no 'nothing'"),
        ("COPY sr /app", "COPY sr: the build context web has no 'sr'"),
        ('COPY ["a b", "/app"]', "COPY a b: the build context web has no 'a b'"),
        (
            "ARG WHERE=no\nCOPY ${WHERE}/main.py /app",
            "COPY ${WHERE}/main.py: the build context web has no 'no/main.py'",
        ),
        (
            "RUN --mount=type=bind,source=nothing,target=/x true",
            "RUN nothing: the build context web has no 'nothing'",
        ),
        (
            "COPY node_modules /app",
            "COPY node_modules: .dockerignore leaves 'node_modules' out of the build context web",
        ),
    ],
)
def test_what_the_context_lacks_is_found(copy: str, named: str) -> None:
    """With the line, and with the reason where .dockerignore is it."""
    looked_at = subject(images=(image(changed(DOCKERFILE, COPY, copy), left_out=frozenset({"node_modules"})),))
    assert said("DY602", looked_at) == [named]
    assert find("DY602", looked_at)[0].place.line == 3 + copy.count("\n")


def test_a_stage_that_is_not_built_may_name_anything() -> None:
    """Docker skips it."""
    tests = "FROM python AS tests\nCOPY nothing /app\n"
    assert said("DY602", subject(images=(image(tests + DOCKERFILE.replace("ARG", "FROM x\nARG")),))) == []
    assert len(find("DY602", subject(images=(image(f"{tests}FROM tests\n"),)))) == 1


def test_an_env_file_in_the_context_is_found() -> None:
    """Wherever it lies, and whatever its end; examples are none."""
    files = CONTEXT | {".env", "deep/.env.production", ".env.example", ".env.local.dist", ".envrc", "a.env"}
    of = project(images={"web": {**PROJECT["images"]["web"], "buildContext": "./web"}})
    found = find("DY603", subject(of=of, images=(image(files=files, of=of),)))
    assert [finding.place.file for finding in found] == ["web/.env", "web/deep/.env.production"]
    assert found[0].message == ".env is sent to the build of image web"


@pytest.mark.parametrize(
    ("expose", "ports", "message"),
    [
        ("EXPOSE 8000", [], "the Dockerfile exposes 8000, and exposedPorts of image web has no port"),
        ("EXPOSE 80 8000", [8000], "the Dockerfile exposes 80, 8000, and exposedPorts of image web has 8000"),
        ("EXPOSE 8000/tcp", [8000], ""),
        ("", [8000], ""),
        ("FROM scratch", [8000], "the Dockerfile exposes no port, and exposedPorts of image web has 8000"),
    ],
)
def test_other_ports_are_warned_of(expose: str, ports: list[int], message: str) -> None:
    """A Dockerfile that exposes none on a base that may do so is left alone."""
    of = project(images={"web": {**PROJECT["images"]["web"], "exposedPorts": ports}})
    found = find("DY604", subject(of=of, images=(image(changed(DOCKERFILE, "EXPOSE 8000", expose), of=of),)))
    assert [(finding.severity, finding.message) for finding in found] == (
        [(Severity.WARNING, message)] if message else []
    )


@pytest.mark.parametrize(
    ("dockerfile", "message"),
    [
        ("FROM python:3.13-slim\n", "no ARG PYTHON_IMAGE is before the first FROM"),
        ("FROM x\nARG PYTHON_IMAGE\n", "no ARG PYTHON_IMAGE is before the first FROM"),
        ("ARG OTHER PYTHON_IMAGE\nFROM x\n", "ARG PYTHON_IMAGE is declared, and no FROM that is built uses it"),
        (
            "ARG PYTHON_IMAGE\nFROM $PYTHON_IMAGE AS unused\nFROM $PYTHON_IMAGE_2\n",
            "ARG PYTHON_IMAGE is declared, and no FROM that is built uses it",
        ),
        ("ARG PYTHON_IMAGE\nFROM ${PYTHON_IMAGE:-x} AS a\nFROM scratch\nCOPY --from=a /x /x\n", ""),
    ],
)
def test_a_base_argument_that_does_nothing_is_found(dockerfile: str, message: str) -> None:
    """It has to be declared before the first FROM, and a stage that is built has to be built on it."""
    found = find("DY605", subject(images=(image(dockerfile),)))
    assert [finding.message for finding in found] == ([message] if message else [])
