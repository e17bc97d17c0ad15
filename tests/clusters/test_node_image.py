"""The image of the embedded cluster's node."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from traceback import format_exception

import pytest

from dockyard.clusters import node_image
from dockyard.clusters.node_image import BASE, NAME, STEP, NodeImage, minutes
from dockyard.model.errors import BuildError, DockyardError, MachineError
from dockyard.model.events import Progress, Step
from dockyard.tools.docker import FINGERPRINT, KIND, BuildOptions, ImageFacts
from tests.fakes import FakeDocker, Recorder

SETTINGS = {"GOPROXY": "https://builder:pa-w0rd-Xy@goproxy.corp.invalid/go", "GOSUMDB": "off"}
HOST = "goproxy.corp.invalid"

OUTPUT = f"""\
#9 [program 4/4] RUN ./compile
#9 0.5 progress: 0/1234 {HOST}/toolchain
#9 0.9 progress: 12/1234 k8s.io/api/core/v1
"""
UNREACHABLE = f"""\
#9 1.0 go: k8s.io/api@v0.36.3: Get "https://builder:***@{HOST}/go/k8s.io/api": dial tcp 192.0.2.7:443: i/o timeout
#9 ERROR: exit code: 1
"""


class Engine(FakeDocker):
    """An engine whose BuildKit says something, and which reads the secrets of a build.

    Attributes:
        says: What BuildKit says.
        read: The content of each secret file, by its id.
    """

    def __init__(self, says: str = OUTPUT) -> None:
        super().__init__(BASE)
        self.says = says
        self.read: dict[str, str] = {}

    def build(self, context: Path, options: BuildOptions, *, on_line: Callable[[str], None]) -> None:
        """Read the secrets, say the lines, then hold the image."""
        for secret in options.secrets:
            name, path = (part.partition("=")[2] for part in secret.split(",", 1))
            self.read[name] = Path(path).read_text(encoding="utf-8")
        for line in self.says.splitlines():
            on_line(line)
        super().build(context, options, on_line=on_line)


def node(
    engine: FakeDocker,
    *,
    ca_bundle: Path | None = None,
    settings: Mapping[str, str] | None = None,
    last: float | None = None,
) -> NodeImage:
    """Return what builds the node's image."""
    return NodeImage(engine, ca_bundle=ca_bundle, go_settings=lambda: settings or {}, last_build=lambda: last)


@pytest.fixture(autouse=True)
def _go_mod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give every test a node image of two files, so that none depends on what the real one contains."""
    for name, text in {
        node_image.DOCKERFILE: "ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\n",
        f"{node_image.CONTEXT}/{node_image.GO_MOD}": "module example.org/node\n\nrequire k8s.io/api v0.36.3\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(node_image, "asset", lambda name: tmp_path / name)


def test_it_is_built_once() -> None:
    """The first time takes minutes, the second none; Go's settings are read for the first alone."""
    engine, report = FakeDocker(BASE), Recorder()
    answers = iter([SETTINGS])
    image = NodeImage(engine, ca_bundle=None, go_settings=lambda: next(answers), last_build=lambda: None)
    reference = image.ensure(report)
    assert reference.startswith(f"{NAME}:")
    assert report.lasting == [("cluster", "Building"), ("cluster", "Built")]
    again = Recorder()
    assert image.ensure(again) == reference
    assert (len(engine.built), again.events) == (1, [])


def test_it_is_built_from_the_files_that_dockyard_brings() -> None:
    """And labelled with its kind, and with the fingerprint of its sources."""
    engine = FakeDocker(BASE)
    reference = node(engine).ensure(Recorder())
    ((context, options),) = engine.built
    assert (context.name, options.dockerfile.name) == ("node", "node.Dockerfile")
    assert options.arguments == {"BASE_IMAGE": BASE}
    assert options.labels[KIND] == "node"
    assert options.labels[FINGERPRINT].startswith(reference.rpartition(":")[2])


def test_another_base_is_another_image() -> None:
    """A base that was built anew contains other packages."""
    first, second = FakeDocker(BASE), FakeDocker(BASE)
    second.held[BASE] = ImageFacts("sha256:newer", (BASE,), 1, ())
    references = {node(engine).ensure(Recorder()) for engine in (first, second)}
    assert len(references) == 2


def test_the_machines_certificates_are_a_secret_of_the_build(tmp_path: Path) -> None:
    """They are in no layer, and another file of them is no other image."""
    bundle = tmp_path / "ca.crt"
    bundle.touch()
    engine, plain = FakeDocker(BASE), FakeDocker(BASE)
    with_bundle = node(engine, ca_bundle=bundle).ensure(Recorder())
    assert with_bundle == node(plain).ensure(Recorder())
    assert any(str(bundle) in secret for secret in engine.built[0][1].secrets)
    assert plain.built[0][1].secrets == ()


# --- Go's settings ----------------------------------------------------------------------------------------------------


def test_gos_settings_are_a_secret_of_the_build() -> None:
    """One file in the form that GOENV names; the image is the same with others, and the file is gone afterwards."""
    engine, plain = Engine(), FakeDocker(BASE)
    assert node(engine, settings=SETTINGS).ensure(Recorder()) == node(plain).ensure(Recorder())
    assert engine.read == {"goenv": f"GOPROXY={SETTINGS['GOPROXY']}\nGOSUMDB=off\n"}
    ((_, options),) = engine.built
    assert HOST not in f"{options}"
    assert not Path(options.secrets[0].partition("src=")[2]).exists()
    assert plain.built[0][1].secrets == ()


def test_gos_settings_are_in_no_event() -> None:
    """The progress names the variable."""
    report = Recorder()
    node(Engine(), settings=SETTINGS).ensure(report)
    assert [event.text for event in report.events if event.progress and event.progress.unit == "packages"] == [
        "$GOPROXY/toolchain",
        "k8s.io/api/core/v1",
    ]
    assert HOST not in f"{report.events}"


def test_an_unreachable_proxy_is_named_by_its_variable() -> None:
    """With the module that was asked for; neither the error nor its cause has the host."""
    engine, report = Engine(OUTPUT + UNREACHABLE), Recorder()
    engine.failure = OUTPUT + UNREACHABLE
    with pytest.raises(BuildError) as caught:
        node(engine, settings=SETTINGS).ensure(report)
    assert caught.value.what == "The Go module proxy cannot be reached"
    assert caught.value.why == ('go: k8s.io/api@v0.36.3: Get "$GOPROXY/k8s.io/api": dial tcp ADDRESS: i/o timeout')
    shown = f"{report.events}{''.join(format_exception(caught.value))}"
    assert not [part for part in (HOST, "pa-w0rd", "192.0.2") if part in shown]


def test_a_full_disk_names_no_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the machine's fault, and keeps its own sentence."""
    engine = Engine()

    def full(*_: object, **__: object) -> None:
        raise MachineError("The disk of the Docker engine is full", why=f"{HOST}/a: no space left on device")

    monkeypatch.setattr(engine, "build", full)
    with pytest.raises(MachineError, match="disk of the Docker engine is full") as caught:
        node(engine, settings=SETTINGS).ensure(Recorder())
    assert caught.value.why == "$GOPROXY/a: no space left on device"


# --- what is reported -------------------------------------------------------------------------------------------------


def test_compiled_packages_are_counted() -> None:
    """Out of all, on the board."""
    report = Recorder()
    node(Engine()).ensure(report)
    assert Progress(12, 1234, "packages") in [event.progress for event in report.events]


@pytest.mark.parametrize(
    ("last", "said", "shown"),
    [
        (None, "4 to 12 minutes once", "k8s.io/api/core/v1"),
        (252.4, "once; last time 4 min 12 s", "last time 4 min 12 s  k8s.io/api/core/v1"),
    ],
    ids=["unknown", "known"],
)
def test_the_build_says_how_long_it_takes(last: float | None, said: str, shown: str) -> None:
    """As long as the last time, where that is known."""
    report = Recorder()
    node(Engine(), last=last).ensure(report)
    begun = report.events[0]
    assert begun.text.endswith(f": Kubernetes v1.36.3 from Go modules, {said}")
    assert shown in report.passing


def test_the_build_is_a_step_in_the_journal() -> None:
    """Later builds learn from it how long this one took."""
    report = Recorder()
    reference = node(FakeDocker(BASE)).ensure(report)
    steps = [event for event in report.events if isinstance(event, Step)]
    assert [(step.step, step.ended, step.ok) for step in steps] == [(STEP, False, True), (STEP, True, True)]
    assert steps[1].text == reference


def test_a_build_that_fails_is_reported() -> None:
    """With the step that failed; nothing is left under the name."""
    engine, report = FakeDocker(BASE), Recorder()
    engine.failure = "#9 ERROR: make: *** [kubelet] Error 2"
    with pytest.raises(DockyardError, match="Error 2"):
        node(engine).ensure(report)
    assert list(engine.held) == [BASE]
    assert report.events[-1] == replace(report.events[0], stage="Failed", text="", ended=True, ok=False)  # type: ignore[call-arg] # both are steps


@pytest.mark.parametrize(("seconds", "text"), [(252.4, "4 min 12 s"), (59.6, "1 min 0 s"), (7, "0 min 7 s")])
def test_times_are_told_in_minutes(seconds: float, text: str) -> None:
    """Rounded to seconds."""
    assert minutes(seconds) == text
