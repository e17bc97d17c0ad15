"""Making the machine ready, as a whole."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from dockyard.assets import CHECKOUT
from dockyard.machine import buildx, engine, fetching, setup, starting
from dockyard.machine.engine import EngineFacts
from dockyard.machine.requirement import Requirement, Step
from dockyard.machine.setup import Facts, plan
from dockyard.model.errors import MachineError
from tests.conftest import MissingTool
from tests.fakes import Recorder
from tests.machine.conftest import a_host

NAMES = ["python", "docker command line", "docker engine", "docker buildx", "helm", "kubectl", "helm3"]


def facts(*, server: str | None = "27", found: str | None = "0.24", helm: str | None = "4.3.1") -> Facts:
    """Return what is known of a machine that has everything, unless said otherwise."""
    return Facts(
        host=a_host(),
        python="3.12.1",
        engine=EngineFacts(cli="27", server=server, elsewhere="", refusal="", installed=True),
        buildx=found,
        programs={"helm": helm, "kubectl": "1.37.1", "helm3": "3.17.3"},
    )


def test_a_ready_machine_needs_nothing() -> None:
    """Where everything is there nothing would be done, and every requirement says what was found."""
    requirements = plan(facts())
    assert [requirement.name for requirement in requirements] == NAMES
    assert all(requirement.ok and requirement.found and not requirement.action for requirement in requirements)
    assert {requirement.step for requirement in requirements} == {Step.NOTHING}


def test_only_what_is_missing_is_done() -> None:
    """A stopped engine and a missing program are two steps, and no others."""
    missing = [requirement for requirement in plan(facts(server=None, helm=None)) if not requirement.ok]
    assert [(requirement.name, requirement.step) for requirement in missing] == [
        ("docker engine", Step.START_ENGINE),
        ("helm", Step.FETCH),
    ]


@pytest.fixture
def deeds(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what is done to a machine, without doing it."""
    done: list[str] = []

    def put(module: object, name: str, answer: str) -> None:
        def deed(*_: object) -> str:
            done.append(answer)
            return answer

        monkeypatch.setattr(module, name, deed)

    put(engine, "install", "installed")
    put(starting, "start", "started")
    put(buildx, "install", "buildx installed")

    def fetch(_root: Path, names: Iterable[str], *_: object) -> dict[str, str]:
        done.extend(f"{name} fetched" for name in names)
        return dict.fromkeys(names, "fetched")

    monkeypatch.setattr(fetching, "fetch", fetch)
    monkeypatch.setattr(starting, "answers", lambda: False)
    monkeypatch.setattr(buildx, "observe", lambda: None)
    monkeypatch.setattr(setup, "observe", lambda _: plan(facts()))
    return done


def wanting(*names_and_steps: tuple[str, Step]) -> tuple[Requirement, ...]:
    """Return requirements that are not met."""
    return tuple(Requirement(name, "any", None, ok=False, step=step) for name, step in names_and_steps)


FRESH = (
    ("docker engine", Step.INSTALL_ENGINE),
    ("docker buildx", Step.INSTALL_BUILDX),
    ("helm", Step.FETCH),
    ("kubectl", Step.FETCH),
    ("helm3", Step.FETCH),
)
"""What is missing on a machine that has nothing."""


def test_a_fresh_machine_gets_everything(deeds: list[str], recorder: Recorder) -> None:
    """The engine is installed before what speaks to it; the result says what was done."""
    after = {requirement.name: requirement for requirement in setup.apply(Path("/nowhere"), wanting(*FRESH), recorder)}
    assert sorted(deeds) == [
        *("buildx installed", "helm fetched", "helm3 fetched", "installed", "kubectl fetched", "started")
    ]
    assert deeds.index("installed") < min(deeds.index("started"), deeds.index("buildx installed"))
    assert after["docker engine"].action == "installed, started"
    assert after["docker buildx"].action == "buildx installed"
    assert after["helm"].action == "fetched"
    assert after["python"].action == ""
    assert all(requirement.ok for requirement in after.values())


LIMIT = 20.0
"""Seconds after which threads that should have met never will."""


@pytest.mark.usefixtures("deeds")
def test_what_is_independent_is_done_in_parallel(monkeypatch: pytest.MonkeyPatch, recorder: Recorder) -> None:
    """Programs are fetched while the engine is installed, and buildx is installed while it starts."""
    installing, starting_ = threading.Barrier(2, timeout=LIMIT), threading.Barrier(2, timeout=LIMIT)

    def meet(barrier: threading.Barrier) -> Callable[..., str]:
        def deed(*_: object) -> str:
            barrier.wait()
            return "done"

        return deed

    def fetch(_root: Path, names: Iterable[str], *_: object) -> dict[str, str]:
        if "helm" in (given := tuple(names)):
            installing.wait()
        return dict.fromkeys(given, "fetched")

    monkeypatch.setattr(engine, "install", meet(installing))
    monkeypatch.setattr(starting, "start", meet(starting_))
    monkeypatch.setattr(buildx, "install", meet(starting_))
    monkeypatch.setattr(fetching, "fetch", fetch)
    after = {one.name: one.action for one in setup.apply(Path("/nowhere"), wanting(*FRESH), recorder)}
    assert (after["docker engine"], after["docker buildx"], after["helm3"]) == ("done, done", "done", "fetched")


def test_what_fails_does_not_undo_the_rest(
    deeds: list[str], monkeypatch: pytest.MonkeyPatch, recorder: Recorder
) -> None:
    """What runs is completed, nothing that needs it is begun, and the next run continues there."""

    def fail(*_: object) -> str:
        raise MachineError("apt-get failed")

    monkeypatch.setattr(engine, "install", fail)
    with pytest.raises(MachineError, match="apt-get failed"):
        setup.apply(Path("/nowhere"), wanting(*FRESH), recorder)
    assert set(deeds) <= {"helm fetched", "kubectl fetched", "helm3 fetched"}


def test_a_package_may_start_the_engine(deeds: list[str], recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where installing has started the engine it is not started again."""
    monkeypatch.setattr(starting, "answers", lambda: True)
    after = setup.apply(Path("/nowhere"), wanting(("docker engine", Step.INSTALL_ENGINE)), recorder)
    assert deeds == ["installed"]
    assert after[2].action == "installed, started by its package"


def test_a_stopped_engine_is_only_started(deeds: list[str], recorder: Recorder) -> None:
    """An engine that is there is not installed again."""
    setup.apply(Path("/nowhere"), wanting(("docker engine", Step.START_ENGINE)), recorder)
    assert deeds == ["started"]


def test_buildx_may_have_come_with_the_engine(
    deeds: list[str], recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the engine's package brought is not installed beside it."""
    monkeypatch.setattr(buildx, "observe", lambda: "0.13")
    setup.apply(Path("/nowhere"), wanting(("docker buildx", Step.INSTALL_BUILDX)), recorder)
    assert deeds == []


def test_a_second_run_changes_nothing(deeds: list[str], recorder: Recorder) -> None:
    """Where nothing is missing nothing is done, and the machine is not even looked at again."""
    ready = plan(facts())
    assert setup.apply(Path("/nowhere"), ready, recorder) is ready
    assert (deeds, recorder.events) == ([], [])


def test_what_the_user_must_do_stays_said(deeds: list[str], recorder: Recorder) -> None:
    """A requirement that is not ours to meet is given back as it is."""
    theirs = (Requirement("docker engine", "any", None, ok=False, action="start it as root"),)
    assert setup.apply(Path("/nowhere"), theirs, recorder) == theirs
    assert deeds == []


@pytest.mark.docker
def test_this_machine_is_ready(missing_tool: MissingTool, recorder: Recorder) -> None:
    """After `./inv setup` the real engine, its plugin and the pinned programs are found, and nothing is left to do."""
    requirements = setup.observe(CHECKOUT)
    if not all(requirement.ok for requirement in requirements):
        missing_tool(", ".join(requirement.name for requirement in requirements if not requirement.ok))
    assert [requirement.name for requirement in requirements] == NAMES
    assert setup.apply(CHECKOUT, requirements, recorder) is requirements
    assert recorder.events == []
