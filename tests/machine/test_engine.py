"""The Docker engine: what is known of it, and what is done about it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from dockyard.machine import engine, packages
from dockyard.machine.engine import EngineFacts, elsewhere, plan
from dockyard.machine.host import Host
from dockyard.machine.requirement import Step
from dockyard.model.errors import MachineError, ToolMissingError, ToolTimeoutError
from tests.fakes import Recorder
from tests.machine.conftest import Script, a_host, failed

SILENT = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"
DENIED = "permission denied while trying to connect to the Docker daemon socket"


def facts(
    *,
    cli: str | None = "28.2.2",
    server: str | None = None,
    elsewhere: str = "",
    refusal: str = SILENT,
    installed: bool = True,
) -> EngineFacts:
    """Return what is known of Docker: a command line whose engine does not answer, unless said otherwise."""
    return EngineFacts(cli=cli, server=server, elsewhere=elsewhere, refusal=refusal, installed=installed)


@pytest.mark.parametrize(
    ("host", "known", "step", "words"),
    [
        pytest.param(a_host(), facts(server="20.10"), Step.NOTHING, "", id="what answers is used"),
        pytest.param(
            a_host(root=False, debian=False), facts(server="27.1"), Step.NOTHING, "", id="whoever asks, wherever"
        ),
        pytest.param(
            a_host(),
            facts(server="27.1", elsewhere="ssh://far"),
            Step.NOTHING,
            "",
            id="also an engine on another machine",
        ),
        pytest.param(a_host(), facts(), Step.START_ENGINE, "start it", id="root starts what is installed"),
        pytest.param(
            a_host(debian=False), facts(), Step.START_ENGINE, "start it", id="root starts it on any distribution"
        ),
        pytest.param(
            a_host(root=False), facts(), Step.NOTHING, "sudo systemctl start docker", id="others are told how"
        ),
        pytest.param(
            a_host(root=False), facts(refusal=DENIED), Step.NOTHING, "usermod -aG docker", id="not in the group"
        ),
        pytest.param(
            a_host(),
            facts(elsewhere="ssh://far"),
            Step.NOTHING,
            "start the engine at ssh://far",
            id="another machine's engine is not ours to start, nor one beside it",
        ),
        pytest.param(
            a_host(),
            facts(elsewhere="the context 'far'", installed=False),
            Step.NOTHING,
            "the context 'far'",
            id="a context is the user's word",
        ),
        pytest.param(
            a_host(),
            facts(cli=None, installed=False, refusal=""),
            Step.INSTALL_ENGINE,
            "install the package docker.io",
            id="root on Debian installs",
        ),
        pytest.param(
            a_host(),
            facts(installed=False),
            Step.INSTALL_ENGINE,
            "install the package docker.io",
            id="a command line alone is no engine",
        ),
        pytest.param(
            a_host(),
            facts(cli=None, refusal=""),
            Step.INSTALL_ENGINE,
            "install the package docker.io",
            id="an engine alone has no command line",
        ),
        pytest.param(
            a_host(root=False),
            facts(cli=None, installed=False, refusal=""),
            Step.NOTHING,
            "sudo apt-get install docker.io",
            id="others on Debian are told the package",
        ),
        pytest.param(
            a_host(debian=False),
            facts(cli=None, installed=False, refusal=""),
            Step.NOTHING,
            "package manager of this system",
            id="other systems are told in one sentence",
        ),
        pytest.param(
            a_host("darwin", debian=False, root=False),
            facts(cli=None, installed=False, refusal=""),
            Step.NOTHING,
            "brew install",
            id="a Mac is told of Homebrew",
        ),
    ],
)
def test_what_is_done_about_the_engine(host: Host, known: EngineFacts, step: Step, words: str) -> None:
    """What answers is used as it is; what is there is started; installing is for root on Debian alone."""
    requirement = plan(host, known)[1]
    assert requirement.ok is (known.server is not None)
    assert requirement.found == known.server
    assert requirement.step is step
    assert words in requirement.action
    assert bool(requirement.action) is not requirement.ok


def test_the_command_line_comes_with_the_engine() -> None:
    """A missing command line is installed by the engine's step, and the user's own is used, whatever its version."""
    missing, _ = plan(a_host(), facts(cli=None, installed=False))
    there, _ = plan(a_host(), facts(cli="19.03"))
    assert (missing.ok, missing.action) == (False, "comes with the engine")
    assert (there.ok, there.found, there.action) == (True, "19.03", "")


@pytest.mark.parametrize(
    ("docker_host", "context", "where"),
    [
        ("", "default", ""),
        ("unix:///var/run/docker.sock", "default", ""),
        ("unix:///run/docker.sock", "default", ""),
        ("tcp://10.0.0.1:2376", "default", "tcp://10.0.0.1:2376"),
        ("unix:///home/me/.colima/docker.sock", "default", "unix:///home/me/.colima/docker.sock"),
        ("", "colima", "the context 'colima'"),
        ("unix:///var/run/docker.sock", "colima", ""),
    ],
)
def test_where_the_command_line_looks(docker_host: str, context: str, where: str) -> None:
    """DOCKER_HOST wins over a context; this machine's own socket is nowhere else."""
    assert elsewhere(docker_host, context) == where


def test_an_engine_that_answers_is_observed(script: Callable[..., Script]) -> None:
    """Both versions come from one call of the command line."""
    said = json.dumps({"Client": {"Version": "28.2.2", "Context": "default"}, "Server": {"Version": "20.10.24+dfsg1"}})
    script(engine, ("docker version", said))
    known = engine.observe({})
    assert (known.cli, known.server, known.elsewhere, known.refusal) == ("28.2.2", "20.10.24+dfsg1", "", "")


def test_a_silent_engine_is_observed(script: Callable[..., Script]) -> None:
    """Without an engine the command line still gives its own version, and why."""
    said = json.dumps({"Client": {"Version": "28.2.2", "Context": "far"}, "Server": None})
    script(engine, ("docker version", failed(SILENT, stdout=said)))
    known = engine.observe({})
    assert (known.cli, known.server, known.elsewhere, known.refusal) == ("28.2.2", None, "the context 'far'", SILENT)


def test_no_command_line_is_observed(script: Callable[..., Script]) -> None:
    """A machine without docker has neither of them."""
    script(engine, ("docker version", ToolMissingError("docker")))
    known = engine.observe({})
    assert (known.cli, known.server) == (None, None)


def test_a_sleeping_engine_is_observed(script: Callable[..., Script]) -> None:
    """An engine that does not even refuse is somewhere else: this machine's own answers or is not there."""
    script(engine, ("docker version", ToolTimeoutError(["docker"], 10)))
    known = engine.observe({"DOCKER_HOST": "tcp://asleep"})
    assert (known.server, known.elsewhere) == (None, "tcp://asleep")


def test_words_that_are_no_json_are_no_version(script: Callable[..., Script]) -> None:
    """A command line that says something else has an unknown version and no engine."""
    script(engine, ("docker version", failed("flag provided but not defined: -format", stdout="Usage: docker")))
    known = engine.observe({})
    assert (known.cli, known.server) == ("unknown", None)


def test_the_engine_is_installed_from_known_packages(monkeypatch: pytest.MonkeyPatch, recorder: Recorder) -> None:
    """Where the command line is a package of its own it is installed too, and lists are not fetched without need."""
    installed: list[tuple[str, ...]] = []
    monkeypatch.setattr(packages, "available", tuple)
    monkeypatch.setattr(packages, "install", lambda names, _: installed.append(names))
    engine.install(recorder)
    assert installed == [(*engine.PACKAGES, engine.CLI_PACKAGE)]


def test_a_fresh_machine_gets_lists_first(monkeypatch: pytest.MonkeyPatch, recorder: Recorder) -> None:
    """A machine that has never fetched lists knows no package; the second look counts."""
    looks = [(), engine.PACKAGES]
    done: list[object] = []
    monkeypatch.setattr(packages, "available", lambda _: looks.pop(0))
    monkeypatch.setattr(packages, "update", lambda _: done.append("update"))
    monkeypatch.setattr(packages, "install", lambda names, _: done.append(names))
    engine.install(recorder)
    assert done == ["update", engine.PACKAGES]


def test_a_clash_is_told(monkeypatch: pytest.MonkeyPatch, recorder: Recorder) -> None:
    """What apt refuses is the user's to decide."""

    def refuse(_names: object, _report: object) -> None:
        raise MachineError("Could not install docker.io", why="containerd.io conflicts")

    monkeypatch.setattr(packages, "available", tuple)
    monkeypatch.setattr(packages, "install", refuse)
    with pytest.raises(MachineError, match=r"containerd\.io conflicts"):
        engine.install(recorder)
